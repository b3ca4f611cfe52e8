//! One resource of one quota, before and after a change.

use std::fmt;

use toolforge_model::Untrusted;

use crate::resource::Resource;
use crate::resource_quota::QuotaMark;

/// How a change affects one resource of one quota.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResourceCheck {
    /// The quota's name.
    pub quota: String,
    /// The resource.
    pub resource: Resource,
    /// The quota's limit.
    pub hard: u64,
    /// The usage before the change.
    pub used: u64,
    /// The usage after the change.
    pub after: u64,
    /// The part of `after` that the change's own objects request.
    pub requested: u64,
    /// Whether an object that requests it is created; the API server checks the quota only then.
    pub creates: bool,
    /// What people should know about the quota's numbers.
    pub mark: Option<QuotaMark>,
    /// The usage of pods that terminate or run to completion.
    pub(crate) finite: u64,
    /// The part of `after` that missing pods of unchanged objects request, and that does not fit now.
    pub(crate) missing: u64,
}

impl ResourceCheck {
    /// Returns whether the quota allows the change: no object that requests the resource is created, or the usage after
    /// it is within the limit.
    ///
    /// If usage exceeds the quota, a deleted object cannot be re-created, not even a smaller one.
    #[must_use]
    pub fn fits(&self) -> bool {
        // Pods that are refused now do not keep others from being created.
        !self.creates || self.after.saturating_sub(self.missing) <= self.hard
    }

    /// Returns whether the quota does not allow the missing pods of unchanged objects, even once pods that terminate or run to
    /// completion are gone: with the missing pods, usage would exceed both the current usage and the quota.
    #[must_use]
    pub fn refuses_missing_pods(&self) -> bool {
        self.fits() && self.after > self.used && self.after.saturating_sub(self.finite) > self.hard
    }
}

impl fmt::Display for ResourceCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { quota, resource, hard, after, .. } = self;
        let over = after.saturating_sub(*hard);
        let what = if resource.is_measured() { "too much" } else { "too many" };
        let name = Untrusted::new(resource.to_string());
        let (limit, [after]) = resource.short_amounts(*hard, [*after]);
        write!(f, "{}: {after} of {limit}", name.escaped())?;
        if over > 0 {
            write!(f, ", {} {what}", resource.amount_with_unit(over))?;
        }
        write!(f, " (quota {})", Untrusted::new(quota.as_str()).escaped())
    }
}
