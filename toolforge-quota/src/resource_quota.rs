use std::collections::BTreeMap;

use crate::demand::Demand;
use crate::resource::Resource;
use crate::scopes::Scopes;

/// What one ResourceQuota allows and what is used of it, in each resource's smallest unit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResourceQuota {
    /// The quota's name; on Toolforge that of the namespace.
    pub name: String,
    /// The most that may be used.
    pub hard: BTreeMap<Resource, u64>,
    /// What is used now, as far as the quota controller has counted.
    pub used: Demand,
    /// Which pods it counts.
    pub scopes: Scopes,
}

impl ResourceQuota {
    /// Returns what is used of a resource now.
    #[must_use]
    pub fn used(&self, resource: &Resource) -> u64 {
        self.used.get(resource)
    }

    /// Returns the quota as it is when nothing uses it.
    #[must_use]
    pub fn without_usage(&self) -> Self {
        Self { used: Demand::default(), ..self.clone() }
    }

    /// Returns whether the quota controller has counted every resource that is limited.
    ///
    /// Until it has, which takes a moment after the quota is created, the API server refuses what the quota counts:
    /// `status unknown for quota`.
    #[must_use]
    pub fn has_status(&self) -> bool {
        !self.hard.is_empty() && self.hard.keys().all(|resource| self.used.contains(resource))
    }

    /// Returns the resources that are used up; one of which nothing was ever allowed is not among them.
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

    fn quota(used: &[(&str, u64)]) -> ResourceQuota {
        let hard = [("pods", 4), ("services", 1), ("services.nodeports", 0)];
        ResourceQuota {
            hard: hard.map(|(key, amount)| (Resource::from(key), amount)).into(),
            used: used.iter().map(|(key, amount)| (Resource::from(*key), *amount)).collect(),
            ..ResourceQuota::default()
        }
    }

    #[test]
    fn full_lists_what_is_used_up() {
        let quota = quota(&[("pods", 5), ("services", 0), ("services.nodeports", 0)]);
        assert_eq!(quota.full().collect::<Vec<_>>(), [&Resource::Pods]);
    }

    #[test]
    fn status_is_known_once_every_resource_is_counted() {
        assert!(!ResourceQuota::default().has_status());
        assert!(!quota(&[]).has_status());
        assert!(!quota(&[("pods", 5), ("services", 0)]).has_status());
        let counted = quota(&[("pods", 5), ("services", 0), ("services.nodeports", 0)]);
        assert!(counted.has_status());
        assert!(!counted.without_usage().has_status());
    }
}
