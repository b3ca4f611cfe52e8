//! What a rolling update requests at its peak.

use crate::demand::Demand;

/// The bounds of a Deployment's rolling update, in whole pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RollingUpdate {
    /// How many pods there may be above the number of replicas.
    pub max_surge: u64,
    /// How many of the replicas may not be ready.
    pub max_unavailable: u64,
}

/// A number of identical pods.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pods {
    /// How many there are.
    pub count: u64,
    /// What each of them requests.
    pub each: Demand,
}

impl Pods {
    fn demand_of(&self, count: u64) -> Demand {
        self.each.times(count)
    }
}

/// Returns the most of each resource that old and new pods request together right after a Deployment's controller has
/// created one of them; nothing if it creates none.
///
/// A rollout for which a quota has this room never gets stuck: each of its pods can be created when its turn comes.
///
/// The steps are those of the Deployment controller (Kubernetes 1.33). Another number of replicas applies to the old
/// pods first, before any new pod is created. Then the controller creates new pods up to the surge, and once those
/// are ready it deletes old ones as long as enough pods are ready. Terminating pods are not counted: the next step
/// may have to wait for them, and then their quota is free. Where neither surge nor unavailability is allowed, one pod
/// may be unavailable, as in the controller.
#[must_use]
pub fn rolling_peak(old: &Pods, new: &Pods, update: RollingUpdate) -> Demand {
    let RollingUpdate { max_surge, max_unavailable } = update;
    let max_unavailable = if max_surge == 0 { max_unavailable.max(1) } else { max_unavailable };
    let max_pods = new.count.saturating_add(max_surge);
    let min_ready = new.count.saturating_sub(max_unavailable);
    let mut peak = Demand::default();
    // A Deployment without pods has nothing to scale.
    let (mut olds, mut news) = (if old.count == 0 { 0 } else { new.count }, 0_u64);
    if olds > old.count {
        peak = old.demand_of(olds);
    }
    loop {
        let headroom = max_pods.saturating_sub(olds.saturating_add(news));
        let started = headroom.min(new.count - news);
        news += started;
        if started > 0 {
            let mut now = old.demand_of(olds);
            now.add_all(&new.demand_of(news));
            peak = peak.max(&now);
        }
        let deleted = olds.saturating_add(news).saturating_sub(min_ready).min(olds);
        olds -= deleted;
        if started == 0 && deleted == 0 {
            return peak;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Resource;

    const SURGE: RollingUpdate = RollingUpdate { max_surge: 1, max_unavailable: 0 };
    const IN_PLACE: RollingUpdate = RollingUpdate { max_surge: 0, max_unavailable: 1 };

    fn pods(count: u64, each: u64) -> Pods {
        Pods { count, each: [(Resource::LimitsMemory, each)].into_iter().collect() }
    }

    #[test]
    fn peak_depends_on_surge_and_pod_sizes() {
        for (old, new, update, expected) in [
            // The page of 2020: a web service of 4Gi next to its successor.
            ((1, 4), (1, 4), SURGE, 8),
            ((2, 1), (2, 1), SURGE, 3),
            ((2, 1), (2, 1), IN_PLACE, 2),
            ((1, 4), (1, 4), IN_PLACE, 4),
            // Larger pods: the last old one runs next to all new ones.
            ((3, 1), (3, 2), SURGE, 7),
            // Smaller pods: the first new one runs next to all old ones.
            ((3, 2), (3, 1), SURGE, 7),
            // More and fewer replicas at the same time: the old pods are scaled first.
            ((1, 1), (3, 1), SURGE, 4),
            ((2, 96), (4, 64), SURGE, 448),
            ((2, 96), (4, 64), IN_PLACE, 384),
            ((1, 1), (3, 2), SURGE, 7),
            ((3, 1), (1, 1), SURGE, 2),
            ((3, 96), (2, 64), IN_PLACE, 160),
            ((0, 0), (2, 1), SURGE, 2),
            // No pod is created.
            ((2, 1), (0, 1), SURGE, 0),
        ] {
            let peak = rolling_peak(&pods(old.0, old.1), &pods(new.0, new.1), update);
            assert_eq!(peak.get(&Resource::LimitsMemory), expected, "{old:?} {new:?} {update:?}");
        }
    }

    #[test]
    fn rollout_without_bounds_terminates() {
        let none = RollingUpdate { max_surge: 0, max_unavailable: 0 };
        let peak = rolling_peak(&pods(1000, 1), &pods(1000, 1), none);
        assert_eq!(peak.get(&Resource::LimitsMemory), 1000);
    }
}
