use crate::demand::Demand;
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
}

/// Returns the waiting pods for which the quotas have room. Others stay refused, and take nothing.
pub(crate) fn admitted<'a>(
    quotas: &[ResourceQuota],
    waiting: impl IntoIterator<Item = &'a WaitingPods>,
) -> Vec<WaitingPods> {
    let mut admitted: Vec<WaitingPods> = Vec::new();
    for pods in waiting {
        let mut taken = requested(&admitted);
        let mut count = 0;
        let fits = |taken: &Demand, quota: &ResourceQuota| {
            let counted =
                |resource: &Resource, amount: u64| amount > 0 && quota.counts(resource, &pods.traits);
            pods.each.iter().filter(|(resource, amount)| counted(resource, *amount)).all(
                |(resource, amount)| {
                    let used = quota.used(resource).saturating_add(taken.get(resource));
                    quota.hard.get(resource).is_none_or(|hard| used.saturating_add(amount) <= *hard)
                },
            )
        };
        while count < pods.count && quotas.iter().all(|quota| fits(&taken, quota)) {
            taken.add_all(&pods.each);
            count += 1;
        }
        if count > 0 {
            admitted.push(WaitingPods { count, ..pods.clone() });
        }
    }
    admitted
}

/// Returns what waiting pods request.
pub(crate) fn requested(waiting: &[WaitingPods]) -> Demand {
    let mut demand = Demand::default();
    waiting.iter().for_each(|pods| demand.add_all(&pods.each.times(pods.count)));
    demand
}
