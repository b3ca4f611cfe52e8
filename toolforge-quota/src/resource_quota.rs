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
}

impl ResourceQuota {
    /// Returns what is used of a resource now.
    #[must_use]
    pub fn used(&self, resource: &Resource) -> u64 {
        self.used.get(resource).copied().unwrap_or(0)
    }

    /// Returns the resources of which nothing is left, though some is allowed.
    pub fn full(&self) -> impl Iterator<Item = &Resource> {
        self.hard
            .iter()
            .filter(|(resource, hard)| **hard > 0 && self.used(resource) >= **hard)
            .map(|(resource, _)| resource)
    }
}
