//! Limits as they are once pods exist that are waited for, or are gone that terminate.

use crate::demand::Demand;
use crate::quota_check::Limits;
use crate::resource::Resource;
use crate::unsettled::{TerminatingPod, WaitingPods};

impl Limits {
    /// Returns the limits as they are once all waiting pods exist, even if they exceed the quotas.
    #[must_use]
    pub fn with_waiting_pods_used(mut self) -> Self {
        for WaitingPods { count, each, traits, .. } in std::mem::take(&mut self.waiting) {
            let requested = each.times(count);
            for quota in &mut self.quotas {
                let counts = |key: &&Resource| requested.contains(key) && quota.counts(key, &traits);
                for resource in quota.hard.keys().filter(counts).cloned().collect::<Vec<_>>() {
                    quota.used.add(resource.clone(), requested.get(&resource));
                }
            }
        }
        self
    }

    /// Returns the limits as they are once all terminating pods are gone.
    #[must_use]
    pub fn without_terminating_pods(mut self) -> Self {
        for TerminatingPod { demand, traits, .. } in std::mem::take(&mut self.terminating) {
            for quota in &mut self.quotas {
                let counts = |key: &&Resource| demand.contains(key) && quota.counts(key, &traits);
                let counted = quota.hard.keys().filter(counts);
                let freed: Demand = counted.map(|key| (key.clone(), demand.get(key))).collect();
                quota.used.subtract(&freed);
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ResourceQuota, Scope};

    #[test]
    fn terminated_pods_use_nothing() {
        let quota = ResourceQuota {
            hard: [(Resource::Pods, 9), (Resource::LimitsMemory, 9)].into(),
            used: [(Resource::Pods, 3), (Resource::LimitsMemory, 1)].into(),
            ..ResourceQuota::default()
        };
        let scoped = ResourceQuota { scopes: [Scope::Terminating].into_iter().collect(), ..quota.clone() };
        let mut limits = Limits { quotas: vec![quota, scoped], ..Limits::default() };
        limits.terminating = vec![TerminatingPod {
            demand: [(Resource::Pods, 1), (Resource::LimitsMemory, 2)].into_iter().collect(),
            ..TerminatingPod::default()
        }];
        let limits = limits.without_terminating_pods();
        let used = |quota: &ResourceQuota| (quota.used(&Resource::Pods), quota.used(&Resource::LimitsMemory));
        assert_eq!(limits.quotas.iter().map(used).collect::<Vec<_>>(), [(2, 0), (3, 1)]);
        assert_eq!(limits.terminating, []);
    }
}
