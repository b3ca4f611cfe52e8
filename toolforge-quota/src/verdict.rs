//! Whether a change fits once its old pods are gone.

use std::fmt;

use toolforge_model::Untrusted;

use crate::demand::Demand;
use crate::limit_violation::LimitViolation;
use crate::resource::Resource;
use crate::resource_quota::ResourceQuota;

/// What a change does to one resource of one quota.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The quota's name.
    pub quota: String,
    /// The resource.
    pub resource: Resource,
    /// The most that may be used.
    pub hard: u64,
    /// What is used now.
    pub used: u64,
    /// What will be used after the change.
    pub after: u64,
    /// Whether the change takes more of it than it gives back; the API server checks no other resources.
    pub grows: bool,
}

impl Row {
    /// Returns whether the quota allows it: the change does not take more of the resource, or what is then used is
    /// within the limit.
    #[must_use]
    pub fn fits(&self) -> bool {
        !self.grows || self.after <= self.hard
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { quota, resource, hard, used: _, after, grows: _ } = self;
        let over = after.saturating_sub(*hard);
        let what = if resource.is_measured() { "too much" } else { "too many" };
        let amount = |amount| resource.amount(amount);
        let name = Untrusted::new(resource.to_string());
        write!(f, "{}: {} of {}", name.escaped(), amount(*after), amount(*hard))?;
        if over > 0 {
            write!(f, ", {} {what}", amount(over))?;
        }
        write!(f, " (quota {})", Untrusted::new(quota.as_str()).escaped())
    }
}

/// Whether a change fits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Every resource of every quota that the change touches.
    pub rows: Vec<Row>,
    /// What a single container asks for that no LimitRange allows, whatever else runs.
    pub violations: Vec<LimitViolation>,
}

impl Verdict {
    /// Returns whether it fits.
    #[must_use]
    pub fn fits(&self) -> bool {
        self.violations.is_empty() && self.rows.iter().all(Row::fits)
    }

    /// Returns the rows that do not fit.
    pub fn shortfalls(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| !row.fits())
    }
}

/// Returns whether a namespace holds a change once what it replaces is gone: what is used, without what the changed
/// objects hold now, with what they will take. Every quota of the namespace binds whose scopes do not leave it out.
#[must_use]
pub fn at_rest(quotas: &[ResourceQuota], releases: &Demand, takes: &Demand) -> Verdict {
    let mut verdict = Verdict::default();
    for quota in quotas.iter().filter(|quota| !quota.only_other_pods) {
        for (resource, hard) in &quota.hard {
            let (released, taken) = (releases.get(resource), takes.get(resource));
            if released == 0 && taken == 0 {
                continue;
            }
            let used = quota.used(resource);
            verdict.rows.push(Row {
                quota: quota.name.clone(),
                resource: resource.clone(),
                hard: *hard,
                used,
                after: used.saturating_sub(released).saturating_add(taken),
                // A sum that stopped at the largest number is more than whatever it is compared with.
                grows: taken > released || taken == u64::MAX,
            });
        }
    }
    verdict
}
