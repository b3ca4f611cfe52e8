//! What a rolling update takes at its worst moment.

use crate::demand::Demand;

/// How far a rolling update may stray from the number of pods that is wanted, in whole pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RollingUpdate {
    /// How many pods more than wanted there may be.
    pub max_surge: u64,
    /// How many pods fewer than wanted may be ready.
    pub max_unavailable: u64,
}

/// Pods that are alike.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pods {
    /// How many there are.
    pub count: u64,
    /// What each of them takes.
    pub each: Demand,
}

impl Pods {
    fn take(&self, count: u64) -> Demand {
        self.each.times(count)
    }
}

/// Returns the most of each resource that old and new pods take together while a Deployment replaces the ones by the
/// others, as its controller goes about it: new pods as far as the surge allows, then, once those are ready, old ones
/// away as far as enough stay ready.
///
/// Pods that are on their way out are not counted: they make the next step wait, and then their room comes back.
/// Where neither surge nor unavailability is allowed, one pod may be missing, as the controller has it.
#[must_use]
pub fn rolling_peak(old: &Pods, new: &Pods, update: RollingUpdate) -> Demand {
    let RollingUpdate { max_surge, max_unavailable } = update;
    let max_unavailable = if max_surge == 0 { max_unavailable.max(1) } else { max_unavailable };
    let most = new.count.saturating_add(max_surge);
    let fewest = new.count.saturating_sub(max_unavailable);
    let mut peak = Demand::default();
    let (mut olds, mut news) = (old.count, 0_u64);
    loop {
        let room = most.saturating_sub(olds.saturating_add(news));
        let started = room.min(new.count - news);
        news += started;
        let mut now = old.take(olds);
        now.add_all(&new.take(news));
        peak = peak.most(&now);
        let spare = olds.saturating_add(news).saturating_sub(fewest).min(olds);
        olds -= spare;
        if started == 0 && spare == 0 {
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
    fn a_surge_needs_room_for_one_pod_more_of_the_larger_kind() {
        for (old, new, update, expected) in [
            // The page of 2020: 4Gi of web service beside itself.
            ((1, 4), (1, 4), SURGE, 8),
            ((2, 1), (2, 1), SURGE, 3),
            ((2, 1), (2, 1), IN_PLACE, 2),
            ((1, 4), (1, 4), IN_PLACE, 4),
            // Larger pods come: the last old one stands beside all new ones.
            ((3, 1), (3, 2), SURGE, 7),
            // Smaller pods come: the first new one stands beside all old ones.
            ((3, 2), (3, 1), SURGE, 7),
            // More and fewer replicas at the same time.
            ((1, 1), (3, 1), SURGE, 4),
            ((3, 1), (1, 1), SURGE, 3),
            ((0, 0), (2, 1), SURGE, 2),
            ((2, 1), (0, 1), SURGE, 2),
        ] {
            let peak = rolling_peak(&pods(old.0, old.1), &pods(new.0, new.1), update);
            assert_eq!(peak.get(&Resource::LimitsMemory), expected, "{old:?} {new:?} {update:?}");
        }
    }

    #[test]
    fn a_rollout_of_many_pods_comes_to_its_end() {
        let none = RollingUpdate { max_surge: 0, max_unavailable: 0 };
        let peak = rolling_peak(&pods(1000, 1), &pods(1000, 1), none);
        assert_eq!(peak.get(&Resource::LimitsMemory), 1000);
    }
}
