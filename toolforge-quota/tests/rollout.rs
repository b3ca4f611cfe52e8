//! Rollouts against a simulation of Kubernetes' controllers and of the quota's admission, in every order of their steps.

#[path = "controllers/deployment.rs"]
mod controllers;

use proptest::prelude::*;
use toolforge_quota::{
    Demand, Pods, Resource, RollingUpdate, RolloutForecast, Verdict, forecast_rollout, rolling_peak,
};

use crate::controllers::{Replacement, can_get_stuck, ends};

/// A change of a Deployment under one quota of one resource.
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

impl Case {
    fn model(self) -> controllers::Case<1> {
        let Self { hard, others, old, new, strategy } = self;
        controllers::Case {
            hard: [hard],
            others: [others],
            old: (old.0, [old.1]),
            new: (new.0, [new.1]),
            strategy,
        }
    }
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
    fn predicted_fit_never_gets_stuck(case in cases()) {
        if is_predicted_to_fit(&case) {
            prop_assert!(!can_get_stuck(&[case.model()], &[]), "{:?}", case);
        }
    }

    #[test]
    fn verdict_predicts_whether_it_gets_stuck(case in cases()) {
        let used = case.others + case.old.0 * case.old.1;
        let case = Case { hard: case.hard.max(used), new: (case.new.0, case.new.1.max(1)), ..case };
        let RolloutForecast { verdict, peak, .. } = forecast(&case);
        prop_assert_eq!(verdict.completes(), !can_get_stuck(&[case.model()], &[]), "{:?} {:?}", verdict, case);
        prop_assert!(case.others + peak.get(&Resource::Pods) <= case.hard);
        if verdict == Verdict::Fits {
            prop_assert!(is_predicted_to_fit(&case), "{:?}", case);
        }
    }

    /// Where the steps have only one order, the predicted peak is the only one.
    #[test]
    fn only_possible_peak_is_predicted(case in cases()) {
        let used = case.others + case.old.0 * case.old.1;
        let case = Case { hard: case.hard.max(used), new: (case.new.0, case.new.1.max(1)), ..case };
        let RolloutForecast { verdict, peak, .. } = forecast(&case);
        let ends = ends(&case.model());
        prop_assert!(ends.can_complete || !verdict.completes(), "{:?}", case);
        if verdict.completes() && ends.peaks.len() == 1 {
            prop_assert!(ends.peaks.contains(&vec![peak.get(&Resource::Pods)]), "{:?} {:?}", peak, case);
        }
    }

    /// With one pod at a time more or fewer, and as many replicas as before, there is no way around a refusal.
    #[test]
    fn refused_rollout_gets_stuck(case in cases(), surges in any::<bool>(), count in 1..5_u64) {
        let strategy = match case.strategy {
            Replacement::Recreate => Replacement::Recreate,
            Replacement::Rolling { .. } => {
                Replacement::Rolling { surge: u64::from(surges), unavailable: u64::from(!surges) }
            }
        };
        let case = Case { old: (count, case.old.1), new: (count, case.new.1), strategy, ..case };
        if !is_predicted_to_fit(&case) {
            prop_assert!(can_get_stuck(&[case.model()], &[]), "{:?}", case);
        }
    }
}

#[test]
fn old_pods_are_scaled_before_they_are_replaced() {
    let surge = Replacement::Rolling { surge: 1, unavailable: 0 };
    let case = Case { hard: 320, others: 0, old: (2, 96), new: (4, 64), strategy: surge };
    assert!(!is_predicted_to_fit(&case));
    assert!(can_get_stuck(&[case.model()], &[]));
    let case = Case { strategy: Replacement::Recreate, ..case };
    assert!(is_predicted_to_fit(&case));
    assert!(!can_get_stuck(&[case.model()], &[]));
}
