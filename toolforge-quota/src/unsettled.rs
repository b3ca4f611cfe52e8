use crate::demand::Demand;
use crate::quota_check::Limits;
use crate::resource::Resource;
use crate::resource_quota::ResourceQuota;
use crate::scopes::PodTraits;

/// Pods that a controller is about to create, and that no quota counts yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WaitingPods {
    /// The object that creates them, such as `Job daily`.
    pub owner: String,
    /// How many there are.
    pub count: u64,
    /// What each of them requests.
    pub each: Demand,
    /// What decides which quotas count them.
    pub traits: PodTraits,
}

/// A pod that terminates, and that the quotas count until it has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TerminatingPod {
    /// The pod, such as `Pod daily-1`.
    pub name: String,
    /// When it is stopped, in seconds since 1970.
    pub until: i64,
    /// What it requests.
    pub demand: Demand,
    /// What decides which quotas count it.
    pub traits: PodTraits,
}

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

/// Returns the waiting pods that the quotas admit. Others stay refused, and use nothing.
pub(crate) fn admitted<'a>(
    quotas: &[ResourceQuota],
    waiting: impl IntoIterator<Item = &'a WaitingPods>,
) -> Vec<WaitingPods> {
    let mut admitted: Vec<WaitingPods> = Vec::new();
    for pods in waiting {
        let mut count = pods.count;
        for quota in quotas {
            for (resource, hard) in &quota.hard {
                let each = pods.each.get(resource);
                if each == 0 || !quota.counts(resource, &pods.traits) {
                    continue;
                }
                let earlier = admitted.iter().filter(|earlier| quota.counts(resource, &earlier.traits));
                let taken = earlier.map(|earlier| earlier.each.get(resource).saturating_mul(earlier.count));
                let used = taken.fold(quota.used(resource), u64::saturating_add);
                count = count.min(hard.saturating_sub(used) / each);
            }
        }
        if count > 0 {
            admitted.push(WaitingPods { count, ..pods.clone() });
        }
    }
    admitted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scope;

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
