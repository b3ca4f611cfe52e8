use crate::demand::Demand;
use crate::resource_quota::ResourceQuota;

/// Pods that a controller is about to create, and that no quota counts yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WaitingPods {
    /// The object that creates them, such as `Job daily`.
    pub owner: String,
    /// How many there are.
    pub count: u64,
    /// What each of them requests.
    pub each: Demand,
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
}

/// Returns what waiting pods request for which the quotas have room. Others stay refused, and take nothing.
pub(crate) fn admitted<'a>(
    quotas: &[ResourceQuota],
    waiting: impl IntoIterator<Item = &'a WaitingPods>,
) -> Demand {
    let mut admitted = Demand::default();
    for WaitingPods { owner: _, count, each } in waiting {
        for _ in 0..*count {
            let fits = |quota: &ResourceQuota| {
                each.iter().filter(|(_, amount)| *amount > 0).all(|(resource, amount)| {
                    let used = quota.used(resource).saturating_add(admitted.get(resource));
                    quota.hard.get(resource).is_none_or(|hard| used.saturating_add(amount) <= *hard)
                })
            };
            if !quotas.iter().all(fits) {
                break;
            }
            admitted.add_all(each);
        }
    }
    admitted
}
