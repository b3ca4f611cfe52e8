//! Rollouts against a simulation of Kubernetes' controllers and of the quota's admission, in every order of their steps.

use std::collections::BTreeSet;

use proptest::prelude::*;
use toolforge_quota::{
    Demand, Pods, Resource, RollingUpdate, RolloutForecast, Verdict, forecast_rollout, rolling_peak,
};

/// How a Deployment replaces its pods.
#[derive(Clone, Copy, Debug)]
enum Replacement {
    Rolling { surge: u64, unavailable: u64 },
    Recreate,
}

/// A change of a Deployment under one quota.
#[derive(Clone, Copy, Debug)]
struct Case {
    /// The quota's limit, and what others use of it.
    hard: u64,
    others: u64,
    /// How many pods, and what each requests.
    old: (u64, u64),
    new: (u64, u64),
    strategy: Replacement,
}

/// What there is while the controllers work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct State {
    is_scaled: bool,
    old_wanted: u64,
    olds: u64,
    new_wanted: u64,
    news: u64,
    ready_news: u64,
    /// Terminating pods, which the quota still counts.
    terminating: (u64, u64),
}

impl State {
    fn used(&self, case: &Case) -> u64 {
        case.others
            + (self.olds + self.terminating.0) * case.old.1
            + (self.news + self.terminating.1) * case.new.1
    }

    /// The admission rule: a new pod alone must fit beside what is used.
    fn admits(&self, case: &Case, each: u64) -> bool {
        each == 0 || self.used(case) + each <= case.hard
    }

    fn is_done(&self, case: &Case) -> bool {
        self.olds == 0 && self.old_wanted == 0 && self.ready_news == case.new.0
    }

    /// The next states, one for each controller that has something to do, and whether a pod was refused for good.
    fn next(&self, case: &Case) -> Vec<Self> {
        let mut next = Vec::new();
        if self.terminating != (0, 0) {
            next.push(Self { terminating: (0, 0), ..*self });
        }
        if self.olds < self.old_wanted && self.admits(case, case.old.1) {
            next.push(Self { olds: self.olds + 1, ..*self });
        }
        if self.olds > self.old_wanted {
            let terminating = (self.terminating.0 + 1, self.terminating.1);
            next.push(Self { olds: self.olds - 1, terminating, ..*self });
        }
        if self.news < self.new_wanted && self.admits(case, case.new.1) {
            next.push(Self { news: self.news + 1, ..*self });
        }
        if self.ready_news < self.news {
            next.push(Self { ready_news: self.ready_news + 1, ..*self });
        }
        let reconciled = self.reconciled(case);
        if reconciled != *self {
            next.push(reconciled);
        }
        next
    }

    /// One round of the Deployment controller (`sync`, `rolloutRecreate`, `rolloutRolling`).
    fn reconciled(&self, case: &Case) -> Self {
        let mut state = *self;
        let wanted = case.new.0;
        if !state.is_scaled {
            state.is_scaled = true;
            if state.old_wanted > 0 {
                state.old_wanted = wanted;
            }
            return state;
        }
        let Replacement::Rolling { surge, unavailable } = case.strategy else {
            if state.old_wanted > 0 {
                state.old_wanted = 0;
            } else if state.olds == 0 && state.terminating.0 == 0 {
                state.new_wanted = wanted;
            }
            return state;
        };
        let unavailable = if surge == 0 { unavailable.max(1) } else { unavailable };
        let headroom = (wanted + surge).saturating_sub(state.old_wanted + state.new_wanted);
        let more = headroom.min(wanted - state.new_wanted);
        if more > 0 {
            state.new_wanted += more;
            return state;
        }
        let min_available = wanted.saturating_sub(unavailable);
        let unready = state.new_wanted - state.ready_news;
        let mut surplus = (state.old_wanted + state.new_wanted).saturating_sub(min_available + unready);
        if surplus == 0 {
            return state;
        }
        // Pods that could not be created are given up first.
        let given_up = state.old_wanted.saturating_sub(state.olds).min(surplus);
        state.old_wanted -= given_up;
        surplus -= given_up;
        let available = state.olds.min(state.old_wanted) + state.ready_news;
        state.old_wanted -= available.saturating_sub(min_available).min(surplus).min(state.old_wanted);
        state
    }
}

/// Returns whether some order of the steps ends before all new pods are ready.
fn can_get_stuck(case: &Case) -> bool {
    let start = State {
        is_scaled: case.old.0 == case.new.0,
        old_wanted: case.old.0,
        olds: case.old.0,
        new_wanted: 0,
        news: 0,
        ready_news: 0,
        terminating: (0, 0),
    };
    let (mut reached, mut open) = (BTreeSet::new(), vec![start]);
    while let Some(state) = open.pop() {
        if !reached.insert(state) {
            continue;
        }
        let next = state.next(case);
        if next.is_empty() && !state.is_done(case) {
            return true;
        }
        open.extend(next);
    }
    false
}

fn forecast(case: &Case) -> RolloutForecast {
    let pods = |(count, each): (u64, u64)| Pods { count, each: [(Resource::Pods, each)].into() };
    let update = match case.strategy {
        Replacement::Rolling { surge, unavailable } => {
            Some(RollingUpdate { max_surge: surge, max_unavailable: unavailable })
        }
        Replacement::Recreate => None,
    };
    let fits = |demand: &Demand| case.others + demand.get(&Resource::Pods) <= case.hard;
    forecast_rollout(&pods(case.old), &pods(case.new), update, fits)
}

fn is_predicted_to_fit(case: &Case) -> bool {
    let pods = |(count, each): (u64, u64)| Pods { count, each: [(Resource::Pods, each)].into() };
    let (old, new) = (pods(case.old), pods(case.new));
    let peak = match case.strategy {
        Replacement::Rolling { surge, unavailable } => {
            rolling_peak(&old, &new, RollingUpdate { max_surge: surge, max_unavailable: unavailable })
        }
        Replacement::Recreate => new.each.times(new.count),
    };
    fits(case, &peak)
}

fn fits(case: &Case, peak: &Demand) -> bool {
    case.new.0 == 0 || case.new.1 == 0 || case.others + peak.get(&Resource::Pods) <= case.hard
}

fn strategies() -> impl Strategy<Value = Replacement> {
    let rolling = |(surge, unavailable)| Replacement::Rolling { surge, unavailable };
    prop_oneof![
        prop::sample::select(vec![(1, 0), (0, 1), (1, 1), (2, 1), (0, 0)]).prop_map(rolling),
        Just(Replacement::Recreate),
    ]
}

prop_compose! {
    fn cases()(
        hard in 0..30_u64, others in 0..6_u64,
        old in (0..5_u64, 0..7_u64), new in (0..5_u64, 0..7_u64), strategy in strategies(),
    ) -> Case {
        Case { hard, others, old, new, strategy }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn what_is_predicted_to_fit_never_gets_stuck(case in cases()) {
        if is_predicted_to_fit(&case) {
            prop_assert!(!can_get_stuck(&case), "{:?}", case);
        }
    }

    #[test]
    fn verdict_says_whether_it_gets_stuck(case in cases()) {
        let used = case.others + case.old.0 * case.old.1;
        let case = Case { hard: case.hard.max(used), new: (case.new.0, case.new.1.max(1)), ..case };
        let RolloutForecast { verdict, peak, .. } = forecast(&case);
        prop_assert_eq!(verdict.completes(), !can_get_stuck(&case), "{:?} {:?}", verdict, case);
        prop_assert!(case.others + peak.get(&Resource::Pods) <= case.hard);
        if verdict == Verdict::Fits {
            prop_assert!(is_predicted_to_fit(&case), "{:?}", case);
        }
    }

    /// With one pod at a time more or fewer, and as many replicas as before, there is no way around a refusal.
    #[test]
    fn what_is_refused_gets_stuck(case in cases(), surges in any::<bool>(), count in 1..5_u64) {
        let strategy = match case.strategy {
            Replacement::Recreate => Replacement::Recreate,
            Replacement::Rolling { .. } => {
                Replacement::Rolling { surge: u64::from(surges), unavailable: u64::from(!surges) }
            }
        };
        let case = Case { old: (count, case.old.1), new: (count, case.new.1), strategy, ..case };
        if !is_predicted_to_fit(&case) {
            prop_assert!(can_get_stuck(&case), "{:?}", case);
        }
    }
}

#[test]
fn old_pods_are_scaled_before_they_are_replaced() {
    let surge = Replacement::Rolling { surge: 1, unavailable: 0 };
    let case = Case { hard: 320, others: 0, old: (2, 96), new: (4, 64), strategy: surge };
    assert!(!is_predicted_to_fit(&case));
    assert!(can_get_stuck(&case));
    let case = Case { strategy: Replacement::Recreate, ..case };
    assert!(is_predicted_to_fit(&case));
    assert!(!can_get_stuck(&case));
}
