//! The rollout of a Deployment: its simulation, and its requests at the peak.

use crate::demand::Demand;
use crate::verdict::Verdict;

/// The bounds of a Deployment's rolling update, in whole pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
    /// The requests of each.
    pub each: Demand,
}

impl Pods {
    fn demand_of(&self, count: u64) -> Demand {
        self.each.times(count)
    }
}

/// The simulated rollout of a Deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RolloutForecast {
    /// How it ends.
    pub verdict: Verdict,
    /// The maximum of each resource that its pods request together right after one of them is created, without
    /// terminating ones; empty if none is created.
    pub peak: Demand,
}

/// Returns the maximum of each resource that old and new pods request together right after a Deployment's controller
/// has created one of them; empty if it creates none.
///
/// A rollout for which a quota has this headroom never gets stuck: each of its pods can be created when its turn comes.
/// Terminating pods are not counted: the next step may have to wait for them, and then their quota is free.
#[must_use]
pub fn rolling_peak(old: &Pods, new: &Pods, update: RollingUpdate) -> Demand {
    forecast_rollout(old, new, Some(update), |_| true).peak
}

/// Simulates the rollout of a Deployment whose pods are limited: `fits` returns whether pods that request a demand may exist
/// at the same time. Without `update`, all old pods terminate before new ones are created (`Recreate`).
///
/// The steps are those of the Deployment controller (Kubernetes 1.33). A new number of replicas applies to the old pods first,
/// before any new pod is created. Then the controller creates new pods up to the surge, and once those are ready it deletes old
/// ones as long as enough pods are ready. A pod that is refused is created as soon as it fits. If neither surge nor
/// unavailability is allowed, one pod may be unavailable, as in the controller.
#[must_use]
pub fn forecast_rollout(
    old: &Pods,
    new: &Pods,
    update: Option<RollingUpdate>,
    fits: impl Fn(&Demand) -> bool,
) -> RolloutForecast {
    let mut rollout = SimulatedRollout::new(old, new, &fits);
    match update {
        Some(update) => rollout.replace_by_steps(update),
        None => rollout.replace_at_once(),
    }
    let verdict = if new.count > 0 && !fits(&new.demand_of(new.count)) {
        Verdict::Never
    } else if rollout.wanted_old > 0 || rollout.running_new < new.count {
        Verdict::Deadlock
    } else if rollout.was_refused {
        Verdict::FitsAfterTermination
    } else {
        Verdict::Fits
    };
    RolloutForecast { verdict, peak: rollout.peak }
}

/// The ReplicaSets of a Deployment while its pods are replaced. All pods that run are ready.
struct SimulatedRollout<'a, F> {
    old: &'a Pods,
    new: &'a Pods,
    fits: &'a F,
    /// The replicas of the old ReplicaSet.
    wanted_old: u64,
    running_old: u64,
    /// The replicas of the new ReplicaSet.
    wanted_new: u64,
    running_new: u64,
    /// The old pods that were deleted; they may still be terminating.
    deleted: u64,
    /// Whether a pod was refused, or would have been if the deleted pods had not terminated by then.
    was_refused: bool,
    peak: Demand,
}

impl<'a, F: Fn(&Demand) -> bool> SimulatedRollout<'a, F> {
    /// Applies the new number of replicas to the old pods.
    fn new(old: &'a Pods, new: &'a Pods, fits: &'a F) -> Self {
        let mut rollout = Self {
            old,
            new,
            fits,
            // A Deployment without pods has nothing to scale.
            wanted_old: if old.count == 0 { 0 } else { new.count },
            running_old: old.count,
            wanted_new: 0,
            running_new: 0,
            deleted: 0,
            was_refused: false,
            peak: Demand::default(),
        };
        rollout.delete_surplus();
        rollout.create();
        rollout
    }

    fn replace_at_once(&mut self) {
        self.wanted_old = 0;
        self.delete_surplus();
        // The controller waits until they have terminated.
        self.deleted = 0;
        self.wanted_new = self.new.count;
        self.create();
    }

    fn replace_by_steps(&mut self, RollingUpdate { max_surge, max_unavailable }: RollingUpdate) {
        let max_unavailable = if max_surge == 0 { max_unavailable.max(1) } else { max_unavailable };
        let max_pods = self.new.count.saturating_add(max_surge);
        let min_ready = self.new.count.saturating_sub(max_unavailable);
        loop {
            let headroom = max_pods.saturating_sub(self.wanted_old.saturating_add(self.wanted_new));
            let started = headroom.min(self.new.count - self.wanted_new);
            self.wanted_new += started;
            let created = self.create();
            // Old pods that do not run are deleted first.
            let missing_new = self.wanted_new - self.running_new;
            let all = self.wanted_old.saturating_add(self.wanted_new);
            let spare = all.saturating_sub(min_ready).saturating_sub(missing_new);
            let given_up = spare.min(self.wanted_old - self.running_old);
            self.wanted_old -= given_up;
            let ready = self.running_old.saturating_add(self.running_new);
            let stopped = ready.saturating_sub(min_ready).min(self.wanted_old);
            self.wanted_old -= stopped;
            self.delete_surplus();
            if started == 0 && created == 0 && given_up == 0 && stopped == 0 {
                return;
            }
            if started == created && started == stopped && given_up == 0 {
                self.repeat(started);
            }
        }
    }

    /// Repeats a step that replaced some pods, for as long as the next one still fits and replaces as many.
    fn repeat(&mut self, replaced: u64) {
        let left = self.wanted_old.min((self.new.count - self.wanted_new).saturating_sub(replaced));
        let (old, new) = (self.running_old, self.running_new);
        let next = |times: u64| self.demand(old - times * replaced, new + times * replaced + replaced);
        let pods = replaced * most(left / replaced, |times| (self.fits)(&next(times)));
        self.wanted_old -= pods;
        self.running_old -= pods;
        self.deleted += pods;
        self.wanted_new += pods;
        self.running_new += pods;
    }

    fn demand(&self, old: u64, new: u64) -> Demand {
        let mut demand = self.old.demand_of(old);
        demand.add_all(&self.new.demand_of(new));
        demand
    }

    fn delete_surplus(&mut self) {
        let surplus = self.running_old.saturating_sub(self.wanted_old);
        self.running_old -= surplus;
        self.deleted += surplus;
    }

    /// Creates the wanted pods that fit and returns their number.
    fn create(&mut self) -> u64 {
        let wanted = (self.wanted_old - self.running_old) + (self.wanted_new - self.running_new);
        let (old, new) = (self.running_old, self.running_new);
        let more_old = most(self.wanted_old - old, |more| (self.fits)(&self.demand(old + more, new)));
        let old = old + more_old;
        let more_new = most(self.wanted_new - new, |more| (self.fits)(&self.demand(old, new + more)));
        let new = new + more_new;
        let created = more_old + more_new;
        self.was_refused |= created < wanted;
        if created > 0 {
            self.was_refused |= !(self.fits)(&self.demand(old.saturating_add(self.deleted), new));
            self.peak = std::mem::take(&mut self.peak).max(&self.demand(old, new));
        }
        (self.running_old, self.running_new) = (old, new);
        created
    }
}

/// Returns the largest number up to a maximum that fits, given that every number below one that fits also fits.
fn most(maximum: u64, fits: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (0, maximum);
    while low < high {
        let middle = high - (high - low) / 2;
        if fits(middle) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    low
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
            // The page of 2020: a web service of 4Gi next to its replacement.
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

    #[test]
    fn rollout_of_billions_is_fast() {
        const BILLION: u64 = 1_000_000_000;
        for (old, new, update, expected) in [
            ((1, 4), (BILLION, 4), SURGE, 4 * BILLION + 4),
            ((BILLION, 2), (BILLION, 1), SURGE, 2 * BILLION + 1),
            ((BILLION, 1), (BILLION, 2), IN_PLACE, 2 * BILLION),
            ((BILLION, 1), (3, 2), SURGE, 7),
        ] {
            let peak = rolling_peak(&pods(old.0, old.1), &pods(new.0, new.1), update);
            assert_eq!(peak.get(&Resource::LimitsMemory), expected, "{old:?} {new:?} {update:?}");
        }
    }
}
