//! Verdicts about random Deployments, against a simulation of Kubernetes' controllers and of the quota's admission.

use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::{Value, json};
use toolforge_images::Catalog;
use toolforge_quota::{
    Demand, Pods, Resource, ResourceQuota, RollingUpdate, RolloutForecast, Verdict, forecast_rollout,
};
use toolforge_render::files::{FileContents, FilePlan, plan_files};
use toolforge_render::namespace::{Documents, Namespace};

use crate::controllers::{Replacement, can_get_stuck, ends};

type Case = crate::controllers::Case<1>;

/// Returns a Deployment whose pods each have a number of MiB.
fn deployment(
    name: &str,
    (replicas, [memory]): (u64, [u64; 1]),
    strategy: Replacement,
    image: &str,
) -> Value {
    let strategy = match strategy {
        Replacement::Recreate => json!({"type": "Recreate"}),
        Replacement::Rolling { surge, unavailable } => json!({
            "type": "RollingUpdate",
            "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable},
        }),
    };
    let limits = json!({"memory": format!("{memory}Mi")});
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name, "namespace": "tool-x", "uid": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "strategy": strategy,
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "a", "image": image, "resources": {"limits": limits}}]},
            },
        },
    })
}

/// Returns the plan of changes of Deployments under one quota.
fn planned(cases: &[Case]) -> FilePlan {
    static NAMESPACE: LazyLock<Namespace> =
        LazyLock::new(|| Namespace::new(&"x".parse().unwrap(), Catalog::bundled()));
    let used = cases.iter().fold(cases[0].others[0], |used, case| used + case.old.0 * case.old.1[0]);
    let mut namespace = NAMESPACE.clone();
    namespace.limits.quotas = vec![ResourceQuota {
        hard: [(Resource::LimitsMemory, cases[0].hard[0] << 20)].into(),
        used: [(Resource::LimitsMemory, used << 20)].into(),
        ..ResourceQuota::default()
    }];
    let (mut live, mut files) = (Vec::new(), Vec::new());
    for (index, case) in cases.iter().enumerate() {
        let name = format!("d{index}");
        live.push(deployment(&name, case.old, case.strategy, "old"));
        files.push(deployment(&name, case.new, case.strategy, "new").to_string());
    }
    let mut documents = Documents::default();
    documents.read("live", &json!({"apiVersion": "v1", "kind": "List", "items": live}).to_string()).unwrap();
    let tool = namespace.tool.clone();
    let facts = documents.file_facts(namespace).unwrap();
    let files: Vec<FileContents> = files.iter().map(|text| FileContents::parse(text, &tool)).collect();
    plan_files(&files, &facts)
}

/// Returns the simulated rollout of one Deployment, which the plan of it must equal.
fn forecast(case: &Case) -> RolloutForecast {
    let pods = |(count, [each]): (u64, [u64; 1])| Pods {
        count,
        each: [(Resource::LimitsMemory, each << 20)].into(),
    };
    let update = match case.strategy {
        Replacement::Rolling { surge, unavailable } => {
            Some(RollingUpdate { max_surge: surge, max_unavailable: unavailable })
        }
        Replacement::Recreate => None,
    };
    let fits =
        |demand: &Demand| (case.others[0] << 20) + demand.get(&Resource::LimitsMemory) <= case.hard[0] << 20;
    forecast_rollout(&pods(case.old), &pods(case.new), update, fits)
}

prop_compose! {
    fn rolling()(surge in 0..3_u64, unavailable in 0..3_u64) -> Replacement {
        Replacement::Rolling { surge, unavailable }
    }
}

prop_compose! {
    /// A Deployment of up to a number of pods; the quota is set afterwards.
    fn deployments(most: u64)(
        old in (0..=most, 1..7_u64), new in (0..=most, 1..7_u64), keeps_count in any::<bool>(),
        strategy in prop_oneof![4 => rolling(), 1 => Just(Replacement::Recreate)],
    ) -> Case {
        let new = if keeps_count { (old.0, new.1) } else { new };
        Case { hard: [0], others: [0], old: (old.0, [old.1]), new: (new.0, [new.1]), strategy }
    }
}

/// Sets the quota of changes: what is used before, and a part of what is needed for all old and new pods.
fn limited(mut cases: Vec<Case>, others: u64, percent: u64) -> Vec<Case> {
    let used = cases.iter().fold(others, |used, case| used + case.old.0 * case.old.1[0]);
    let needed: u64 = cases.iter().map(|case| case.new.0 * case.new.1[0]).sum();
    for case in &mut cases {
        (case.others, case.hard) = ([others], [used + needed * percent / 100]);
    }
    cases
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn verdict_is_that_of_the_controllers(
        case in deployments(4), others in 0..4_u64, percent in prop_oneof![Just(0), 0..110_u64],
    ) {
        let cases = limited(vec![case], others, percent);
        let plan = planned(&cases);
        prop_assert_eq!(plan.verdict().completes(), !can_get_stuck(&cases), "{} {:?}", plan.verdict(), cases);
        prop_assert_eq!(plan.verdict().completes(), plan.set.fits());
        let forecast = forecast(&cases[0]);
        let expected = match forecast.verdict {
            Verdict::Never if cases[0].new.0 * cases[0].new.1[0] <= cases[0].hard[0] => Verdict::Exceeds,
            verdict => verdict,
        };
        prop_assert_eq!(plan.verdict(), expected, "{:?}", cases);
        for row in plan.set.forecast().filter(|_| plan.set.fits()) {
            let peak = (others << 20) + forecast.peak.get(&Resource::LimitsMemory);
            prop_assert_eq!(row.peak, peak.max(row.at_rest.used).max(row.at_rest.after), "{:?}", cases);
        }
        for row in plan.set.forecast().filter(|_| plan.set.fits()) {
            prop_assert!(row.peak <= row.at_rest.hard);
            let peaks: Vec<u64> =
                ends(&cases[0]).peaks.iter().map(|peak| ((others + peak[0]) << 20).max(row.at_rest.used)).collect();
            if let [peak] = peaks[..] {
                prop_assert_eq!(row.peak, peak.max(row.at_rest.after), "{:?}", cases);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Of several Deployments, it is not known which one is first; the verdict is never too good.
    #[test]
    fn deployments_that_fit_together_complete(
        cases in (deployments(2), deployments(2)), percent in prop_oneof![Just(0), 0..110_u64],
    ) {
        let cases = limited(vec![cases.0, cases.1], 0, percent);
        let plan = planned(&cases);
        if plan.verdict().completes() {
            prop_assert!(!can_get_stuck(&cases), "{} {:?}", plan.verdict(), cases);
        }
    }
}

#[test]
fn default_strategy_completes_under_a_full_quota() {
    let default = Replacement::Rolling { surge: 1, unavailable: 1 };
    let of =
        |count, strategy| Case { hard: [0], others: [0], old: (count, [1]), new: (count, [1]), strategy };
    for count in [1, 4] {
        let plan = planned(&limited(vec![of(count, default)], 0, 0));
        assert_eq!(plan.verdict(), Verdict::FitsAfterTermination);
        let rows: Vec<_> = plan.set.forecast().map(|row| (row.peak, row.at_rest.after)).collect();
        assert_eq!(rows, [(count << 20, count << 20)]);
    }
    let pair = limited(vec![of(4, default), of(4, default)], 0, 0);
    assert_eq!(planned(&pair).verdict(), Verdict::FitsAfterTermination);
    let surge = Replacement::Rolling { surge: 1, unavailable: 0 };
    assert_eq!(planned(&limited(vec![of(4, surge)], 0, 0)).verdict(), Verdict::Deadlock);
    assert_eq!(planned(&limited(vec![of(4, default), of(1, surge)], 0, 0)).verdict(), Verdict::Deadlock);
}
