//! Whether a change fits once the pods that it replaces are gone.

use std::fmt;

use toolforge_model::Untrusted;

use crate::container_resources::ContainerDemand;
use crate::demand::Demand;
use crate::limit_range::LimitRange;
use crate::limit_violation::{LimitViolation, violations};
use crate::resource::Resource;
use crate::resource_quota::ResourceQuota;
use crate::scopes::PodTraits;

/// What a change does to one resource of one quota.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResourceCheck {
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
    /// Whether the change requests more of it than it frees; the API server checks no other resources.
    pub increases: bool,
}

impl ResourceCheck {
    /// Returns whether the quota allows it: the change does not request more of the resource than it frees, or what is
    /// then used is within the limit.
    #[must_use]
    pub fn fits(&self) -> bool {
        !self.increases || self.after <= self.hard
    }
}

impl fmt::Display for ResourceCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { quota, resource, hard, used: _, after, increases: _ } = self;
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

/// Whether a change fits a namespace's quotas and limits.
///
/// Only [`Limits::evaluate`] and [`Limits::evaluate_for`] create one, so that quotas and limits are always both checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuotaCheck {
    resources: Vec<ResourceCheck>,
    violations: Vec<LimitViolation>,
}

impl QuotaCheck {
    /// Returns every resource of every quota that the change touches, whether it fits or not.
    #[must_use]
    pub fn resources(&self) -> &[ResourceCheck] {
        &self.resources
    }

    /// Returns what a single container requests that a LimitRange does not allow, whatever else runs.
    #[must_use]
    pub fn violations(&self) -> &[LimitViolation] {
        &self.violations
    }

    /// Returns whether everything fits.
    #[must_use]
    pub fn fits(&self) -> bool {
        self.violations.is_empty() && self.resources.iter().all(ResourceCheck::fits)
    }

    /// Returns the resources that do not fit.
    pub fn shortfalls(&self) -> impl Iterator<Item = &ResourceCheck> {
        self.resources.iter().filter(|resource| !resource.fits())
    }
}

impl fmt::Display for QuotaCheck {
    /// Writes `fits`, or one line for each limit and each quota that the change exceeds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.fits() {
            return f.pad("fits");
        }
        let violations = self.violations.iter().map(ToString::to_string);
        let lines: Vec<String> = violations.chain(self.shortfalls().map(ToString::to_string)).collect();
        f.write_str(&lines.join("\n"))
    }
}

/// All that bounds the pods and objects of a namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// The ResourceQuotas, with what is used of them.
    pub quotas: Vec<ResourceQuota>,
    /// The LimitRanges.
    pub limit_ranges: Vec<LimitRange>,
}

impl Limits {
    /// Returns whether a change fits once what it replaces is gone: what is used, without what the replaced objects free,
    /// with what the new ones request; and whether each container is within the limits.
    ///
    /// The pods have no deadline and state resources; [`evaluate_for`](Self::evaluate_for) takes other ones.
    #[must_use]
    pub fn evaluate(&self, freed: &Demand, requested: &Demand, containers: &[ContainerDemand]) -> QuotaCheck {
        self.evaluate_for(PodTraits::default(), freed, requested, containers)
    }

    /// Returns whether a change fits whose pods have certain traits, by which quotas with scopes count them or not.
    #[must_use]
    pub fn evaluate_for(
        &self,
        pods: PodTraits,
        freed: &Demand,
        requested: &Demand,
        containers: &[ContainerDemand],
    ) -> QuotaCheck {
        QuotaCheck {
            resources: check_resources_for(pods, &self.quotas, freed, requested),
            violations: containers
                .iter()
                .flat_map(|container| violations(&self.limit_ranges, container))
                .collect(),
        }
    }
}

/// Returns what a change does to the resources of quotas, without a look at the limits of a single container.
///
/// Every quota counts whose scopes match pods without a deadline that state resources.
#[must_use]
pub fn check_resources(quotas: &[ResourceQuota], freed: &Demand, requested: &Demand) -> Vec<ResourceCheck> {
    check_resources_for(PodTraits::default(), quotas, freed, requested)
}

fn check_resources_for(
    pods: PodTraits,
    quotas: &[ResourceQuota],
    freed: &Demand,
    requested: &Demand,
) -> Vec<ResourceCheck> {
    let mut checks = Vec::new();
    for quota in quotas.iter().filter(|quota| quota.scopes.matches(pods)) {
        for (resource, hard) in &quota.hard {
            let (freed, requested) = (freed.get(resource), requested.get(resource));
            if freed == 0 && requested == 0 {
                continue;
            }
            let used = quota.used(resource);
            checks.push(ResourceCheck {
                quota: quota.name.clone(),
                resource: resource.clone(),
                hard: *hard,
                used,
                after: used.saturating_sub(freed).saturating_add(requested),
                // A saturated sum exceeds whatever it is compared with.
                increases: requested > freed || requested == u64::MAX,
            });
        }
    }
    checks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Amounts, ContainerResources, Scope, profiles};

    fn limits() -> Limits {
        profiles::by_name("tools-2023").unwrap().into()
    }

    fn container(memory: &str) -> ContainerDemand {
        let limits = Amounts { memory: Some(memory.parse().unwrap()), ..Amounts::default() };
        let requests = Amounts { cpu: Some("100m".parse().unwrap()), ..limits };
        let limits = Amounts { cpu: Some("100m".parse().unwrap()), ..limits };
        ContainerDemand::new("job/daily", ContainerResources { limits, requests })
    }

    #[test]
    fn printed_as_one_line_for_each_limit_and_quota() {
        let pods: Demand = [(Resource::Pods, 12)].into();
        let check = limits().evaluate(&Demand::default(), &pods, &[container("6Gi")]);
        assert_eq!(
            check.to_string(),
            "job/daily: 6Gi of memory is more than the 4Gi that one container may have\n\
             pods: 12 of 10, 2 too many (quota tools-2023)"
        );
        assert!(!check.fits());
        let fits = limits().evaluate(&Demand::default(), &[(Resource::Pods, 1)].into(), &[container("4Gi")]);
        assert_eq!(fits.to_string(), "fits");
        assert_eq!(fits.resources().len(), 1);
    }

    #[test]
    fn a_container_beyond_its_limits_does_not_fit_without_quotas() {
        let limits = Limits { quotas: Vec::new(), ..limits() };
        let check = limits.evaluate(&Demand::default(), &Demand::default(), &[container("6Gi")]);
        assert!(!check.fits());
        assert_eq!(check.shortfalls().count(), 0);
    }

    #[test]
    fn quotas_count_only_pods_in_their_scopes() {
        let mut limits = limits();
        limits.quotas[0].scopes = [Scope::NotTerminating].into_iter().collect();
        let pods: Demand = [(Resource::Pods, 12)].into();
        assert!(!limits.evaluate(&Demand::default(), &pods, &[]).fits());
        let with_deadline = PodTraits { has_deadline: true, ..PodTraits::default() };
        assert!(limits.evaluate_for(with_deadline, &Demand::default(), &pods, &[]).fits());
    }
}
