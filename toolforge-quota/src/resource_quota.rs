use std::collections::BTreeMap;
use std::fmt;

use crate::demand::Demand;
use crate::resource::Resource;
use crate::scopes::{PodTraits, Scopes};

/// The limits and the usage of one ResourceQuota, in each resource's smallest unit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResourceQuota {
    /// The quota's name; on Toolforge that of the namespace.
    pub name: String,
    /// The limits.
    pub hard: BTreeMap<Resource, u64>,
    /// The current usage, as far as the quota controller has counted it.
    pub used: Demand,
    /// The scopes, which select the pods that it counts.
    pub scopes: Scopes,
    /// Facts about some resources that their numbers do not show.
    pub notes: BTreeMap<Resource, QuotaNote>,
}

/// Facts about one resource of a quota that its numbers do not show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QuotaNote {
    /// The limit as the cluster states it, if it has a fraction of the smallest unit or is too large; the number is
    /// rounded down.
    pub exact_hard: Option<String>,
    /// The usage as the cluster states it; the number is rounded up.
    pub exact_used: Option<String>,
    /// A new limit that the quota controller has not applied yet, as it is written.
    pub pending: Option<String>,
    /// Whether the limit is not a quantity; then it has no number, and nothing is checked against it.
    pub is_unreadable: bool,
}

/// What people should know about the numbers of one resource of a quota, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum QuotaMark {
    /// The limit is not a quantity. Nothing is checked against it.
    Unreadable,
    /// Nothing is counted yet, because the quota is new. The API server refuses pods until it is.
    NotCountedYet,
    /// The quota controller has not applied a new limit yet.
    Pending,
    /// The quota controller has counted other resources, but not this one: the cluster has no resource with that name.
    NotCounted,
    /// A number is rounded: the limit down, the usage up.
    Rounded,
}

impl QuotaMark {
    /// Returns the code, in kebab-case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::NotCountedYet => "not-counted-yet",
            Self::NotCounted => "not-counted",
            Self::Pending => "pending",
            Self::Rounded => "rounded",
        }
    }
}

impl fmt::Display for QuotaMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl ResourceQuota {
    /// Returns the current usage of a resource.
    #[must_use]
    pub fn used(&self, resource: &Resource) -> u64 {
        self.used.get(resource)
    }

    /// Returns the quota without any usage.
    #[must_use]
    pub fn without_usage(&self) -> Self {
        Self { used: Demand::default(), ..self.clone() }
    }

    /// Returns whether the quota controller has counted the usage. A resource that does not exist is never counted.
    ///
    /// Until it has, which takes a moment after the quota is created, the API server may refuse objects that the quota
    /// counts: `status unknown for quota`.
    #[must_use]
    pub fn has_status(&self) -> bool {
        self.hard.is_empty() || self.used != Demand::default()
    }

    /// Returns what people should know about a resource's numbers.
    #[must_use]
    pub fn mark(&self, resource: &Resource) -> Option<QuotaMark> {
        let note = self.notes.get(resource);
        let has = |is: fn(&QuotaNote) -> bool| note.is_some_and(is);
        if has(|note| note.is_unreadable) {
            Some(QuotaMark::Unreadable)
        } else if self.used == Demand::default() {
            Some(QuotaMark::NotCountedYet)
        } else if has(|note| note.pending.is_some()) {
            Some(QuotaMark::Pending)
        } else if !self.used.contains(resource) {
            Some(QuotaMark::NotCounted)
        } else {
            has(|note| note.exact_hard.is_some() || note.exact_used.is_some()).then_some(QuotaMark::Rounded)
        }
    }

    /// Returns whether a quota counts a resource of a pod, or of another object.
    pub(crate) fn counts(&self, resource: &Resource, pod: &PodTraits) -> bool {
        if resource.is_of_pods() { self.scopes.matches(pod) } else { self.scopes.is_empty() }
    }

    /// Returns the part of a demand that the quota counts, for pods with these traits or for other objects.
    pub(crate) fn counted(&self, demand: &Demand, pod: &PodTraits) -> Demand {
        let is_counted = |resource: &Resource| self.hard.contains_key(resource) && self.counts(resource, pod);
        let counted = demand.iter().filter(|(resource, _)| is_counted(resource));
        counted.map(|(resource, amount)| (resource.clone(), amount)).collect()
    }

    /// Returns the resources that are used up, except those with a limit of 0.
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
    fn full_lists_exhausted_resources() {
        let quota = quota(&[("pods", 5), ("services", 0), ("services.nodeports", 0)]);
        assert_eq!(quota.full().collect::<Vec<_>>(), [&Resource::Pods]);
    }

    #[test]
    fn status_is_known_once_something_is_counted() {
        assert!(ResourceQuota::default().has_status());
        assert!(!quota(&[]).has_status());
        assert!(quota(&[("pods", 0)]).has_status());
    }

    #[test]
    fn mark_is_the_worst_of_a_row() {
        let services = Resource::Services;
        let counted = || quota(&[("pods", 5), ("services", 0)]);
        let noted = |note: QuotaNote| ResourceQuota { notes: [(services.clone(), note)].into(), ..counted() };
        let exact_hard = Some("1500m".to_owned());
        let pending = Some("7".to_owned());
        for (quota, expected) in [
            (quota(&[]), Some(QuotaMark::NotCountedYet)),
            (quota(&[("pods", 5)]), Some(QuotaMark::NotCounted)),
            (counted(), None),
            (
                noted(QuotaNote { exact_hard: exact_hard.clone(), ..QuotaNote::default() }),
                Some(QuotaMark::Rounded),
            ),
            (noted(QuotaNote { exact_hard, pending, ..QuotaNote::default() }), Some(QuotaMark::Pending)),
            (noted(QuotaNote { is_unreadable: true, ..QuotaNote::default() }), Some(QuotaMark::Unreadable)),
        ] {
            assert_eq!(quota.mark(&services), expected, "{quota:?}");
        }
    }
}
