//! Quotas that other limits make unusable.

use std::collections::BTreeMap;
use std::fmt;

use toolforge_model::Untrusted;

use crate::container_resources::ComputeResource;
use crate::limit_range::{Bounds, LimitRange};
use crate::limit_violation::LimitType;
use crate::quota_check::Limits;
use crate::resource::Resource;

/// A quota allows more of a resource than other limits let anybody use: more pods than their smallest requests allow, or more
/// than all pods can use with the largest containers.
///
/// Amounts are in the resource's smallest unit.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnusableQuota {
    /// The name of the quota.
    pub quota: String,
    /// The resource that cannot be used up.
    pub limited: Resource,
    /// The quota's limit.
    pub hard: u64,
    /// How much of it can be used; pods of several containers can use more, if `limit_type` is a container.
    pub usable: u64,
    /// The LimitRange's name.
    pub limit_range: String,
    /// The objects to which the bound of the LimitRange applies.
    pub limit_type: LimitType,
    /// The bound's resource.
    pub resource: ComputeResource,
    /// The minimum of a pod or container if too many pods are allowed, else the maximum.
    pub bound: u64,
    /// The name of the quota whose limit is reached first.
    pub other_quota: String,
    /// The resource of that limit.
    pub other: Resource,
    /// That limit.
    pub other_hard: u64,
}

impl fmt::Display for UnusableQuota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |name: &str| Untrusted::new(name).escaped().to_string();
        let Self { quota, limited, hard, usable, limit_range, limit_type, .. } = self;
        let Self { resource, bound, other_quota, other, other_hard, .. } = self;
        let (quota, limit_range, other_quota) = (name(quota), name(limit_range), name(other_quota));
        let (each, bound, of) =
            (limit_type.as_str().to_lowercase(), resource.short_amount(*bound), name(&resource.key()));
        if *limited == Resource::Pods {
            return write!(
                f,
                "quota {quota} allows {hard} pods, but at most {usable} can exist: LimitRange {limit_range} requires each {each} \
                 to request at least {bound} of {of}, and quota {other_quota} allows only {} of {} in total",
                other.short_bound(*other_hard),
                name(&other.to_string()),
            );
        }
        let (hard, usable) = limited.short_bounds(*hard, *usable);
        let containers = if *limit_type == LimitType::Container { " with one container each" } else { "" };
        write!(
            f,
            "quota {quota} allows {hard} of {}, but {other_hard} pods{containers}, the most in quota {other_quota}, have at most {usable}: \
             LimitRange {limit_range} allows each {each} {bound} of {of}",
            name(&limited.to_string()),
        )
    }
}

impl Limits {
    /// Returns the smallest limit of a resource of quotas that count every pod.
    pub(crate) fn smallest(&self, resource: &Resource) -> Option<(&str, u64)> {
        let quotas = self.quotas.iter().filter(|quota| quota.scopes.is_empty());
        let limits = quotas.filter_map(|quota| Some((quota.name.as_str(), *quota.hard.get(resource)?)));
        limits.min_by_key(|(_, hard)| *hard)
    }

    /// Returns the limits of quotas that other limits make unusable: for each resource, the one that leaves the least.
    pub(crate) fn unusable_quotas(&self) -> Vec<UnusableQuota> {
        let Some((pod_quota, pods)) = self.smallest(&Resource::Pods) else { return Vec::new() };
        let mut found: BTreeMap<Resource, UnusableQuota> = BTreeMap::new();
        let mut add = |unusable: UnusableQuota| {
            let is_less = found.get(&unusable.limited).is_none_or(|known| unusable.usable < known.usable);
            if is_less && unusable.usable < unusable.hard {
                found.insert(unusable.limited.clone(), unusable);
            }
        };
        let bounds = self
            .limit_ranges
            .iter()
            .flat_map(|range| types(range).map(|(limit_type, bounds)| (range, limit_type, bounds)));
        for (range, limit_type, bounds) in bounds {
            let of = |resource: &ComputeResource| {
                let limited = [Resource::of_requests(resource), Resource::of_limits(resource)];
                limited.into_iter().flatten().filter_map(|limited| {
                    let (quota, hard) = self.smallest(&limited)?;
                    Some((limited, quota.to_owned(), hard))
                })
            };
            for (resource, minimum) in bounds.min.iter() {
                for (other, other_quota, other_hard) in of(resource) {
                    // If not even one pod can exist, the minimum is the finding.
                    let Some(usable) = other_hard.checked_div(minimum).filter(|usable| *usable > 0) else {
                        continue;
                    };
                    add(UnusableQuota {
                        quota: pod_quota.to_owned(),
                        limited: Resource::Pods,
                        hard: pods,
                        usable,
                        limit_range: range.name.clone(),
                        limit_type,
                        resource: resource.clone(),
                        bound: minimum,
                        other_quota,
                        other,
                        other_hard,
                    });
                }
            }
            for (resource, maximum) in bounds.max.iter() {
                for (limited, quota, hard) in of(resource) {
                    add(UnusableQuota {
                        quota,
                        limited,
                        hard,
                        usable: maximum.saturating_mul(pods),
                        limit_range: range.name.clone(),
                        limit_type,
                        resource: resource.clone(),
                        bound: maximum,
                        other_quota: pod_quota.to_owned(),
                        other: Resource::Pods,
                        other_hard: pods,
                    });
                }
            }
        }
        found.into_values().collect()
    }
}

/// Returns the bounds of a LimitRange for containers and pods.
pub(crate) fn types(range: &LimitRange) -> [(LimitType, &Bounds); 2] {
    [(LimitType::Container, &range.container), (LimitType::Pod, &range.pod)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Amounts, profiles};

    /// Returns the warnings about a profile with other limits of its quota.
    fn lines(name: &str, hard: &[(Resource, u64)]) -> Vec<String> {
        let mut limits: Limits = profiles::by_name(name).unwrap().into();
        limits.quotas[0].hard.extend(hard.iter().cloned());
        limits
            .audit(&[])
            .iter()
            .map(|found| format!("{} {}: {found}", found.level(), found.as_str()))
            .collect()
    }

    #[test]
    fn pods_that_cannot_exist_are_found() {
        // Each container requests at least 50m of CPU and 100Mi of memory; the quota allows 2 and 6Gi.
        assert_eq!(
            lines("toolforge-2023", &[(Resource::Pods, 100)]),
            [
                "warning unusable-quota: quota toolforge-2023 allows 100 pods, but at most 40 can exist: LimitRange \
                 toolforge-2023 requires each container to request at least 50m of cpu, and quota toolforge-2023 allows only \
                 2 of requests.cpu in total"
            ]
        );
        assert_eq!(lines("toolforge-2023", &[(Resource::Pods, 40)]), [""; 0]);
    }

    #[test]
    fn amounts_that_no_pods_can_have_are_found() {
        assert_eq!(
            lines("seed-2020", &[(Resource::LimitsMemory, 32 << 30)]),
            [
                "warning unusable-quota: quota seed-2020 allows 32Gi of limits.memory, but 4 pods with one container each, the \
                 most in quota seed-2020, have at most 16Gi: LimitRange seed-2020 allows each container 4Gi of memory"
            ]
        );
        assert_eq!(lines("seed-2020", &[(Resource::LimitsMemory, 16 << 30)]), [""; 0]);
    }

    #[test]
    fn smaller_bound_of_a_pod_is_named() {
        let mut limits: Limits = profiles::by_name("seed-2020").unwrap().into();
        limits.limit_ranges[0].pod.max = Amounts::new(None, "1Gi".parse().ok());
        let found = limits.unusable_quotas();
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                "quota seed-2020 allows 6Gi of requests.memory, but 4 pods, the most in quota seed-2020, have at most 4Gi: \
                 LimitRange seed-2020 allows each pod 1Gi of memory",
                "quota seed-2020 allows 8Gi of limits.memory, but 4 pods, the most in quota seed-2020, have at most 4Gi: \
                 LimitRange seed-2020 allows each pod 1Gi of memory"
            ]
        );
    }
}
