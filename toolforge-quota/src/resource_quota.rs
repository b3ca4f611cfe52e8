use std::collections::BTreeMap;

use crate::resource::Resource;

/// What one ResourceQuota allows and what is used of it, in each resource's smallest unit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResourceQuota {
    /// The quota's name; on Toolforge that of the namespace.
    pub name: String,
    /// The most that may be used.
    pub hard: BTreeMap<Resource, u64>,
    /// What is used now, as far as the quota controller has counted.
    pub used: BTreeMap<Resource, u64>,
    /// Whether its scopes leave out the pods of a web service, which run until they are stopped and ask for
    /// resources: it then counts other pods only, and does not bind.
    pub only_other_pods: bool,
    /// Whether its scopes leave out pods with a deadline that ask for resources, as those of a shell do.
    pub only_pods_without_deadline: bool,
}

impl ResourceQuota {
    /// Returns what is used of a resource now.
    #[must_use]
    pub fn used(&self, resource: &Resource) -> u64 {
        self.used.get(resource).copied().unwrap_or(0)
    }

    /// Returns whether the quota controller has counted every resource that is limited.
    ///
    /// Until it has, which takes a moment after the quota is made, the API server refuses what the quota counts:
    /// `status unknown for quota`.
    #[must_use]
    pub fn has_status(&self) -> bool {
        !self.hard.is_empty() && self.hard.keys().all(|resource| self.used.contains_key(resource))
    }

    /// Returns the resources of which nothing is left, though some is allowed.
    pub fn full(&self) -> impl Iterator<Item = &Resource> {
        self.hard
            .iter()
            .filter(|(resource, hard)| **hard > 0 && self.used(resource) >= **hard)
            .map(|(resource, _)| resource)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_up_is_full_and_what_was_never_allowed_is_not() {
        let amounts = |rows: [(&str, u64); 3]| {
            rows.map(|(key, amount)| (Resource::from(key), amount)).into_iter().collect::<BTreeMap<_, _>>()
        };
        let mut quota = ResourceQuota {
            hard: amounts([("pods", 4), ("services", 1), ("services.nodeports", 0)]),
            ..ResourceQuota::default()
        };
        assert!(!quota.has_status());
        quota.used = amounts([("pods", 5), ("services", 0), ("services.nodeports", 0)]);
        assert!(quota.has_status());
        assert_eq!(quota.full().collect::<Vec<_>>(), [&Resource::Pods]);
        assert!(!ResourceQuota::default().has_status());
    }
}
