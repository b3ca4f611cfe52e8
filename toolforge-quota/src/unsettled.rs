use crate::demand::Demand;
use crate::pod_demand::PodDemand;
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
    /// Whether its controller, of which nothing else is known, may create another pod in its place.
    pub may_be_replaced: bool,
}

impl TerminatingPod {
    /// Returns the pod with what the quotas no longer count of it once it should have been gone for long. The object stays, which
    /// `count/pods` counts, and its claims.
    #[must_use]
    pub fn without_object(self) -> Self {
        let objects = PodDemand::terminal_demand();
        let is_object = |resource: &Resource| objects.contains(resource) || !resource.is_of_pods();
        let counted = self.demand.iter().filter(|(resource, _)| !is_object(resource));
        let demand = counted.map(|(resource, amount)| (resource.clone(), amount)).collect();
        Self { demand, ..self }
    }
}

impl Limits {
    /// Returns the limits as they are when nothing terminates or waits any more: pods that terminate are gone, except those in
    /// whose place others may be created, and waiting pods exist as far as the quotas then admit them.
    ///
    /// Objects that `is_other` does not select, such as `Pod daily-1` or `Job daily`, are left as they are.
    #[must_use]
    pub fn settled(&self, is_other: impl Fn(&str) -> bool) -> Self {
        let mut limits = Self { waiting: Vec::new(), terminating: Vec::new(), ..self.clone() };
        for pod in self.terminating.iter().filter(|pod| is_other(&pod.name) && !pod.may_be_replaced) {
            limits.free_quota(&pod.demand, &pod.traits);
        }
        for pods in admitted(&limits.quotas, self.waiting.iter().filter(|pods| is_other(&pods.owner))) {
            limits.use_quota(&pods.each.times(pods.count), &pods.traits);
        }
        limits
    }

    /// Counts a demand of pods with these traits, or of other objects, as used.
    pub(crate) fn use_quota(&mut self, demand: &Demand, traits: &PodTraits) {
        for quota in &mut self.quotas {
            quota.used.add_all(&quota.counted(demand, traits));
        }
    }

    /// Counts a pod as used no longer, as far as the quotas count it.
    pub fn free_pod(&mut self, name: &str, mut demand: Demand, traits: &PodTraits) {
        self.uncounted.iter().filter(|pod| pod.name == name).for_each(|pod| demand.subtract(&pod.demand));
        self.free_quota(&demand, traits);
    }

    /// Counts a demand of pods with these traits, or of other objects, as used no longer.
    pub fn free_quota(&mut self, demand: &Demand, traits: &PodTraits) {
        for quota in &mut self.quotas {
            quota.used.subtract(&quota.counted(demand, traits));
        }
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

    #[test]
    fn waiting_pods_are_admitted_once_others_are_gone() {
        let quota = ResourceQuota {
            hard: [(Resource::Pods, 2)].into(),
            used: [(Resource::Pods, 2)].into(),
            ..ResourceQuota::default()
        };
        let each: Demand = [(Resource::Pods, 1)].into();
        let terminating = |name: &str, may_be_replaced| TerminatingPod {
            name: name.to_owned(),
            demand: each.clone(),
            may_be_replaced,
            ..TerminatingPod::default()
        };
        let waiting =
            WaitingPods { owner: "Job a".to_owned(), count: 3, each: each.clone(), ..WaitingPods::default() };
        let limits = Limits {
            quotas: vec![quota],
            waiting: vec![waiting],
            terminating: vec![terminating("Pod a", false), terminating("Pod b", false)],
            ..Limits::default()
        };
        let used = |limits: &Limits, is_other: fn(&str) -> bool| {
            limits.settled(is_other).quotas[0].used(&Resource::Pods)
        };
        assert_eq!(used(&limits, |_| true), 2);
        assert_eq!(used(&limits, |object| object != "Job a"), 0);
        assert_eq!(used(&limits, |_| false), 2);
        let without = Limits { waiting: Vec::new(), ..limits.clone() };
        assert_eq!(used(&without, |object| object != "Pod b"), 1);
        let replaced = Limits { terminating: vec![terminating("Pod a", true)], ..without };
        assert_eq!(used(&replaced, |_| true), 2);
    }
}
