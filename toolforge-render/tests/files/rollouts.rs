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
type Job = crate::controllers::Job<1>;

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

/// Returns a Job whose pods each have a number of MiB.
fn job(name: &str, job: &Job) -> Value {
    let limits = json!({"memory": format!("{}Mi", job.each[0])});
    json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"name": name, "namespace": "tool-x", "uid": name},
        "spec": {
            "parallelism": job.parallelism, "completions": job.left + job.running, "backoffLimit": 0,
            "template": {"spec": {"containers": [{"name": "a", "image": "x", "resources": {"limits": limits}}]}},
        },
    })
}

/// Returns the pods of a Job that run.
fn pods_of_job(name: &str, job_of: &Job) -> impl Iterator<Item = Value> {
    let spec = job(name, job_of)["spec"]["template"]["spec"].clone();
    (0..job_of.running).map(move |index| {
        let owner =
            json!({"apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": name, "controller": true});
        json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": format!("{name}-{index}"), "namespace": "tool-x", "ownerReferences": [owner]},
            "spec": spec, "status": {"phase": "Running"},
        })
    })
}

/// Returns the plan of changes of Deployments under one quota.
fn planned(cases: &[Case]) -> FilePlan {
    planned_with_jobs(cases, &[])
}

/// Returns the same, with Jobs that are created, or run already and are not among the files.
fn planned_with_jobs(cases: &[Case], jobs: &[Job]) -> FilePlan {
    static NAMESPACE: LazyLock<Namespace> =
        LazyLock::new(|| Namespace::new(&"x".parse().unwrap(), Catalog::bundled()));
    let used = cases.iter().fold(cases[0].others[0], |used, case| used + case.old.0 * case.old.1[0]);
    let used = jobs.iter().fold(used, |used, job| used + job.running * job.each[0]);
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
        if jobs.iter().any(|job| job.running > 0) {
            // Then the pods show what is running.
            let spec = deployment(&name, case.old, case.strategy, "old")["spec"]["template"].clone();
            live.extend((0..case.old.0).map(|pod| {
                let mut pod_metadata = spec["metadata"].clone();
                pod_metadata["name"] = json!(format!("{name}-{pod}"));
                pod_metadata["namespace"] = json!("tool-x");
                json!({
                    "apiVersion": "v1", "kind": "Pod", "metadata": pod_metadata, "spec": spec["spec"],
                    "status": {"phase": "Running"},
                })
            }));
        }
    }
    for (index, found) in jobs.iter().enumerate() {
        let name = format!("j{index}");
        if found.running == 0 {
            files.push(job(&name, found).to_string());
        } else {
            live.push(job(&name, found));
            live.extend(pods_of_job(&name, found));
        }
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

/// Sets the quota of changes: the usage before, and a part of the demand of all old and new pods.
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
    fn verdict_matches_the_controllers(
        case in deployments(4), others in 0..4_u64, percent in prop_oneof![Just(0), 0..110_u64],
    ) {
        let cases = limited(vec![case], others, percent);
        let plan = planned(&cases);
        prop_assert_eq!(plan.verdict().completes(), !can_get_stuck(&cases, &[]), "{} {:?}", plan.verdict(), cases);
        prop_assert_eq!(plan.verdict().completes(), plan.set.fits());
        let forecast = forecast(&cases[0]);
        let expected = match forecast.verdict {
            Verdict::Never if cases[0].new.0 * cases[0].new.1[0] <= cases[0].hard[0] => Verdict::QuotaExceeded,
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
            prop_assert!(!can_get_stuck(&cases, &[]), "{} {:?}", plan.verdict(), cases);
        }
    }
}

prop_compose! {
    fn jobs()(left in 1..5_u64, parallelism in 1..4_u64, each in 1..7_u64) -> Job {
        Job { left, parallelism, running: 0, each: [each] }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Workloads created with Jobs complete if they do once the Jobs have finished, and each Job's pod fits in addition to them.
    #[test]
    fn deployments_with_jobs_end_as_predicted(
        case in deployments(2), jobs in prop::collection::vec(jobs(), 1..3), hard in 0..24_u64,
    ) {
        let hard = hard.max(case.old.0 * case.old.1[0]);
        let cases = [Case { hard: [hard], ..case }];
        let plan = planned_with_jobs(&cases, &jobs);
        prop_assert_eq!(
            plan.verdict().completes(), !can_get_stuck(&cases, &jobs), "{} {:?} {:?}", plan.verdict(), cases, jobs
        );
        let (memory, pods): (u64, u64) = jobs.iter().fold((0, 0), |sum, job| {
            let at_once = job.parallelism.min(job.left);
            (sum.0 + at_once * job.each[0], sum.1 + at_once)
        });
        // Nothing waits if everything fits at once.
        if pods > 0 && planned(&cases).verdict() == Verdict::Fits && plan.verdict() == Verdict::Fits {
            prop_assert!(cases[0].new.0 * cases[0].new.1[0] + memory <= hard);
        }
    }

    /// A rollout waits for running Jobs if it fits together with them once it is complete. If it does not fit then, it is not known
    /// whether it can wait that long.
    #[test]
    fn deployments_with_running_jobs_end_as_predicted(
        case in deployments(2), running in 1..3_u64, each in 1..7_u64, more in 0..12_u64,
    ) {
        let used = case.old.0 * case.old.1[0] + running * each;
        let cases = [Case { hard: [used + more], ..case }];
        let jobs = [Job { left: 0, parallelism: running, running, each: [each] }];
        let plan = planned_with_jobs(&cases, &jobs);
        let completes = !can_get_stuck(&cases, &jobs);
        if plan.verdict().completes() {
            prop_assert!(completes, "{} {:?} {:?}", plan.verdict(), cases, jobs);
        }
        if plan.verdict() == Verdict::Deadlock {
            prop_assert!(!completes, "{:?} {:?}", cases, jobs);
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
