use crate::demand::Demand;
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
