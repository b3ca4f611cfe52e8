//! Restarting and triggering existing jobs: the requests, and whether they fit.

#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

use k8s_openapi::api::apps::v1::DeploymentSpec;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::Timestamp;
use serde_json::json;
use toolforge_images::Catalog;
use toolforge_model::{JobsFile, ToolName};
use toolforge_quota::{ObjectName, Resource, ResourceQuota, Verdict, WaitingPods, profiles};
use toolforge_render::change::{Adjustment, ChangeSet, Downtime, Rollout, StepAction};
use toolforge_render::job::{
    JobFacts, JobObjects, LoadOptions, load_adjustments, manual_run_record, plan_load, restart_adjustments,
    restart_job, trigger_adjustments, trigger_job,
};
use toolforge_render::namespace::Namespace;

/// Returns the facts of a namespace in which one job exists, with some of its pods.
fn facts(job: &str, pods: usize) -> (JobFacts, JobObjects) {
    let tool: ToolName = "x".parse().unwrap();
    let mut facts = JobFacts::new(Namespace::new(&tool, Catalog::bundled()).with_uid(52503));
    let file = format!("- {{name: job, command: x, image: bookworm, {job}}}\n");
    let requests = JobsFile::parse(&file, &tool).unwrap().jobs.into_iter().map(|job| job.request);
    let load = plan_load(&requests.collect::<Vec<_>>(), &facts, &LoadOptions::default());
    facts.live.extend(load.set.objects().cloned());
    for cron_job in &mut facts.live.cron_jobs {
        cron_job.metadata.uid = Some("uid".to_owned());
    }
    let live = facts.live.jobs_of(&tool).remove(0);
    let template = live.workload.template().unwrap().clone();
    let pod = Pod { metadata: template.metadata.unwrap(), spec: template.spec, status: None };
    facts.live.pods.extend(std::iter::repeat_n(pod, pods));
    (facts, live)
}

fn with_memory(facts: JobFacts, hard: u64, used: u64) -> JobFacts {
    let quota = ResourceQuota {
        hard: [(Resource::LimitsMemory, hard)].into(),
        used: [(Resource::LimitsMemory, used)].into_iter().collect(),
        ..ResourceQuota::default()
    };
    let mut facts = facts;
    facts.namespace.limits.quotas = vec![quota];
    facts
}

fn merged(set: &ChangeSet) -> serde_json::Value {
    set.changes[0]
        .steps
        .iter()
        .find_map(|step| match &step.action {
            StepAction::Merge { patch, .. } => Some((**patch).clone()),
            _ => None,
        })
        .unwrap()
}

#[test]
fn runs_above_the_limit_do_not_fit() {
    let (mut facts, job) = facts("schedule: '@daily', mem: 6Gi", 0);
    facts.namespace.limits = profiles::by_name("tools-2023").unwrap().into();
    for set in [
        trigger_job(&job, &facts, Timestamp::UNIX_EPOCH).unwrap(),
        restart_job(&job, &facts, Timestamp::UNIX_EPOCH).unwrap(),
    ] {
        assert!(!set.fits());
        let text = set.at_rest.to_string();
        assert!(text.starts_with("job job: memory: 6Gi is more than the maximum of 4Gi"), "{text}");
    }
}

#[test]
fn restart_refuses_jobs_above_limit() {
    let (mut facts, job) = facts("continuous: true, mem: 6Gi", 1);
    facts.namespace.limits = profiles::by_name("tools-2023").unwrap().into();
    assert!(!restart_job(&job, &facts, Timestamp::UNIX_EPOCH).unwrap().fits());
}

#[test]
fn restart_without_headroom_is_in_place() {
    let (two, job) = facts("continuous: true, replicas: 2, mem: 1Gi", 2);
    let fitting =
        restart_job(&job, &with_memory(two.clone(), 4 << 30, 2 << 30), Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!(fitting.changes[0].rollout, Some(Rollout::Rolling));
    assert_eq!(merged(&fitting)["spec"].get("strategy"), None);
    let full = restart_job(&job, &with_memory(two, 2 << 30, 2 << 30), Timestamp::UNIX_EPOCH).unwrap();
    assert!(full.fits());
    assert_eq!(full.changes[0].rollout, Some(Rollout::InPlace));
    let in_place = json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}});
    assert_eq!(merged(&full)["spec"]["strategy"], in_place);
}

fn deployment(facts: &mut JobFacts) -> &mut DeploymentSpec {
    let spec: Option<&mut DeploymentSpec> = (&mut facts.live.deployments[0].spec).into();
    spec.unwrap()
}

#[test]
fn restart_restores_usual_strategy() {
    let (mut facts, _) = facts("continuous: true, replicas: 2, mem: 1Gi", 2);
    let in_place = json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}});
    deployment(&mut facts).strategy = serde_json::from_value(in_place).unwrap();
    let job = facts.live.jobs_of(&facts.namespace.tool).remove(0);
    let restart = |hard: u64| {
        restart_job(&job, &with_memory(facts.clone(), hard << 30, 2 << 30), Timestamp::UNIX_EPOCH).unwrap()
    };
    let fitting = restart(4);
    assert_eq!(fitting.changes[0].rollout, Some(Rollout::Rolling));
    let usual =
        json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}});
    assert_eq!(merged(&fitting)["spec"]["strategy"], usual);
    // It is already in place.
    assert_eq!(merged(&restart(2))["spec"].get("strategy"), None);
}

#[test]
fn restart_ends_a_pause() {
    let (mut facts, _) = facts("continuous: true", 1);
    deployment(&mut facts).paused = Some(true);
    let job = facts.live.jobs_of(&facts.namespace.tool).remove(0);
    let set = restart_job(&job, &facts, Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!(merged(&set)["spec"].get("paused"), Some(&serde_json::Value::Null));
}

#[test]
fn job_restart_respects_a_lowered_quota() {
    for (job, pods, hard, used, rollout) in [
        ("continuous: true, mem: 1Gi", 1, 768 << 20, 1 << 30, None),
        ("continuous: true, replicas: 2, mem: 1Gi", 2, 1 << 30, 2 << 30, None),
        ("continuous: true, mem: 1Gi", 1, 1 << 30, 1 << 30, Some(Rollout::Recreate)),
    ] {
        let (facts, live) = facts(job, pods);
        let set = restart_job(&live, &with_memory(facts, hard, used), Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(set.fits(), rollout.is_some(), "{job}: {}", set.at_rest);
        if rollout.is_some() {
            assert_eq!(set.changes[0].rollout, rollout);
        }
    }
}

fn shown(found: &[Adjustment]) -> Vec<String> {
    found.iter().map(|found| format!("{}: {found}", found.workload())).collect()
}

#[test]
fn refused_restart_has_the_nearest_sizes() {
    let (facts, live) = facts("continuous: true, replicas: 2, mem: 1Gi", 2);
    let facts = with_memory(facts, 1 << 30, 2 << 30);
    let found = restart_adjustments(&live, &facts, Timestamp::UNIX_EPOCH);
    assert_eq!(shown(&found), ["job job: memory 512Mi", "job job: 1 replica"]);
    let fits = with_memory(facts, 2 << 30, 2 << 30);
    assert_eq!(restart_adjustments(&live, &fits, Timestamp::UNIX_EPOCH), []);
}

#[test]
fn refused_run_has_the_nearest_sizes() {
    let (facts, live) = facts("schedule: '@daily', mem: 1Gi", 0);
    let facts = with_memory(facts, 2 << 30, 1500 << 20);
    for found in [
        trigger_adjustments(&live, &facts, Timestamp::UNIX_EPOCH),
        restart_adjustments(&live, &facts, Timestamp::UNIX_EPOCH),
    ] {
        assert_eq!(shown(&found), ["job job: memory 548Mi"]);
    }
    assert_eq!(trigger_adjustments(&live, &with_memory(facts, 8 << 30, 0), Timestamp::UNIX_EPOCH), []);
}

#[test]
fn run_that_never_fits_has_the_nearest_sizes() {
    let (facts, _) = facts("continuous: true", 0);
    let facts = with_memory(facts, 700 << 20, 0);
    let file = "- {name: daily, command: y, image: bookworm, schedule: '@daily', mem: 1Gi}\n";
    let request = JobsFile::parse(file, &facts.namespace.tool).unwrap().jobs.remove(0).request;
    let options = LoadOptions::default();
    let load = plan_load(std::slice::from_ref(&request), &facts, &options);
    assert_eq!(load.verdict(), Verdict::Never);
    let found = load_adjustments(&load, &[request], &facts, &options, ChangeSet::fits);
    assert_eq!(shown(&found), ["job daily: memory 700Mi"]);
}

/// Loads a job that runs with two pods again, with other memory and replicas.
fn reloaded(live: &str, wanted: &str, pods: usize, hard: u64, used: u64) -> ChangeSet {
    let (facts, _) = facts(&format!("continuous: true, {live}"), pods);
    let facts = with_memory(facts, hard << 20, used << 20);
    let file = format!("- {{name: job, command: y, image: bookworm, continuous: true, {wanted}}}\n");
    let request = JobsFile::parse(&file, &facts.namespace.tool).unwrap().jobs.remove(0).request;
    plan_load(&[request], &facts, &LoadOptions::default()).set
}

#[test]
fn lowered_quota_admits_smaller_pods() {
    let set = reloaded("replicas: 2, mem: 100Mi", "replicas: 2, mem: 50Mi", 2, 100, 200);
    assert!(set.fits());
    assert_eq!(set.changes[0].rollout, Some(Rollout::Recreate));
    let set = reloaded("replicas: 3, mem: 96Mi", "replicas: 2, mem: 64Mi", 3, 256, 288);
    assert!(set.fits());
    assert_eq!(set.changes[0].rollout, Some(Rollout::Rolling));
    let set = reloaded("replicas: 3, mem: 96Mi", "replicas: 2, mem: 64Mi", 3, 224, 288);
    assert_eq!(set.changes[0].rollout, Some(Rollout::InPlace));
    let set = reloaded("replicas: 2, mem: 100Mi", "replicas: 2, mem: 51Mi", 2, 100, 200);
    assert!(!set.fits());
    assert_eq!(set.at_rest.to_string().lines().count(), 1);
}

#[test]
fn old_pods_are_scaled_first() {
    let set = reloaded("replicas: 2, mem: 96Mi", "replicas: 4, mem: 64Mi", 2, 320, 192);
    assert!(set.fits());
    assert_eq!(set.changes[0].rollout, Some(Rollout::Recreate));
    assert!(set.refused_surge.is_some());
    let set = reloaded("replicas: 2, mem: 96Mi", "replicas: 4, mem: 64Mi", 2, 448, 192);
    assert_eq!(set.changes[0].rollout, Some(Rollout::Rolling));
    assert_eq!(set.forecast().next().unwrap().peak, 448 << 20);
}

#[test]
fn new_template_creates_a_replica_set() {
    let replica_sets = Resource::from("count/replicasets.apps");
    let with_hard = |hard| {
        let (mut facts, job) = facts("continuous: true", 1);
        facts.namespace.limits.quotas = vec![ResourceQuota {
            hard: [(replica_sets.clone(), hard)].into(),
            used: [(replica_sets.clone(), 1)].into(),
            ..ResourceQuota::default()
        }];
        restart_job(&job, &facts, Timestamp::UNIX_EPOCH).unwrap()
    };
    let refused = with_hard(1);
    assert_eq!(refused.at_rest.to_string(), "count/replicasets.apps: 2 of 1, 1 object too many (quota )");
    assert!(with_hard(2).fits());
}

#[test]
fn smaller_pods_fit_after_old_ones() {
    let (facts, _) = facts("continuous: true, replicas: 2, mem: 2Gi", 2);
    let facts = with_memory(facts, 4 << 30, 4 << 30);
    let file = "- {name: job, command: x, image: bookworm, continuous: true, replicas: 3, mem: 1Gi}\n";
    let request = JobsFile::parse(file, &facts.namespace.tool).unwrap().jobs.remove(0).request;
    let set = plan_load(&[request], &facts, &LoadOptions::default()).set;
    assert!(set.fits(), "{} {}", set.at_rest, set.at_peak);
    assert!(set.refused_surge.is_some());
    assert_eq!(set.changes[0].rollout, Some(Rollout::Recreate));
    assert_eq!(set.changes[0].downtime, Some(Downtime::BetweenPods));
}

#[test]
fn restart_counts_only_pods_that_run() {
    // The quota never held the second pod; replacing the first one needs no more than before.
    let (one_of_two, job) = facts("continuous: true, replicas: 2, mem: 1Gi", 1);
    let set = restart_job(&job, &with_memory(one_of_two, 1 << 30, 1 << 30), Timestamp::UNIX_EPOCH).unwrap();
    assert!(set.fits(), "{} {}", set.at_rest, set.at_peak);
    // If replaced one after the other, a new pod would take the place of the missing one, and wait forever.
    assert_eq!(set.changes[0].rollout, Some(Rollout::Recreate));
}

#[test]
fn waiting_pods_of_the_restarted_job_count_once() {
    let (none, job) = facts("continuous: true, mem: 1Gi", 0);
    let mut facts = with_memory(none, 1 << 30, 0);
    facts.namespace.limits.waiting = vec![WaitingPods {
        owner: ObjectName::new("Deployment", "job"),
        count: 1,
        each: [(Resource::LimitsMemory, 1 << 30)].into_iter().collect(),
        ..WaitingPods::default()
    }];
    let set = restart_job(&job, &facts, Timestamp::UNIX_EPOCH).unwrap();
    assert!(set.fits(), "{}", set.at_rest);
}

/// Restarts a Deployment that no tool manages, with a strategy and two pods of 1Gi.
fn restarted_unmanaged(strategy: serde_json::Value, hard: u64) -> ChangeSet {
    let (mut facts, _) = facts("continuous: true, replicas: 2, mem: 1Gi", 2);
    deployment(&mut facts).strategy = serde_json::from_value(strategy).unwrap();
    facts.live.deployments[0].metadata.labels = None;
    let owner = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "job-1", "uid": "r"});
    for pod in &mut facts.live.pods {
        pod.metadata.labels = Some([("pod-template-hash".to_owned(), "1".to_owned())].into());
        pod.metadata.owner_references = Some(vec![serde_json::from_value(owner.clone()).unwrap()]);
    }
    let job = facts.live.unmanaged(&facts.namespace.tool).remove(0);
    assert!(!job.is_managed());
    restart_job(&job, &with_memory(facts, hard << 30, 2 << 30), Timestamp::UNIX_EPOCH).unwrap()
}

fn strategy_differences(set: &ChangeSet) -> Vec<String> {
    let shown = |value: &Option<toolforge_model::Untrusted>| {
        value.as_ref().map_or_else(|| "none".to_owned(), |value| value.as_raw().to_owned())
    };
    let differences = set.changes[0].differences();
    differences
        .map(|found| format!("{}: {} -> {}", found.path, shown(&found.live), shown(&found.wanted)))
        .collect()
}

#[test]
fn unmanaged_strategy_is_its_own() {
    let rolling = |surge: serde_json::Value, unavailable: serde_json::Value| json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}});
    for (strategy, hard, rollout, downtime) in [
        (rolling(json!(0), json!(2)), 2, "stated", true),
        (rolling(json!(0), json!("100%")), 2, "stated", true),
        (rolling(json!(0), json!(1)), 2, "in-place", false),
        (rolling(json!("100%"), json!(0)), 4, "stated", false),
        (rolling(json!("25%"), json!("25%")), 3, "rolling", false),
        (json!({}), 3, "rolling", false),
        (json!({"type": "Recreate"}), 2, "recreate", true),
    ] {
        let set = restarted_unmanaged(strategy.clone(), hard);
        assert!(set.fits(), "{strategy}: {}", set.at_peak);
        let change = &set.changes[0];
        let found = (change.rollout.map(Rollout::as_str), change.downtime.is_some());
        assert_eq!(found, (Some(rollout), downtime), "{strategy}");
        assert_eq!(merged(&set)["spec"].get("strategy"), None, "{strategy}");
        assert_eq!(strategy_differences(&set), Vec::<String>::new(), "{strategy}");
    }
    // It cannot complete without a change.
    let set = restarted_unmanaged(rolling(json!("100%"), json!(0)), 3);
    assert!(set.fits());
    assert_eq!(set.changes[0].rollout, Some(Rollout::InPlace));
    assert_eq!(
        merged(&set)["spec"]["strategy"]["rollingUpdate"],
        json!({"maxSurge": 0, "maxUnavailable": 1})
    );
    let expected = [
        "spec.strategy.rollingUpdate.maxSurge: 100% -> 0",
        "spec.strategy.rollingUpdate.maxUnavailable: 0 -> 1",
    ];
    assert_eq!(strategy_differences(&set), expected);
}

#[test]
fn start_of_a_manual_run_is_recorded() {
    let (_, job) = facts("schedule: '@daily'", 0);
    let record = manual_run_record(&job, "job-1785578405").unwrap();
    assert_eq!(record.object.name, "job");
    assert_eq!(
        record.patch,
        json!({"metadata": {"uid": "uid", "annotations": {"cli.toolforge.org/run-by-hand": "2026-08-01T10:00:05Z"}}})
    );
    assert_eq!(manual_run_record(&job, "other-1785578405"), None);
    assert_eq!(manual_run_record(&facts("continuous: true", 0).1, "job-1785578405"), None);
}

#[test]
fn recorded_start_is_kept_and_changes_nothing() {
    let (mut facts, _) = facts("schedule: '@daily'", 0);
    let recorded = "2026-08-01T10:00:05Z".to_owned();
    let key = "cli.toolforge.org/run-by-hand";
    let metadata = &mut facts.live.cron_jobs[0].metadata;
    metadata.annotations.get_or_insert_default().insert(key.to_owned(), recorded.clone());
    for (mem, is_kept) in [("512Mi", true), ("1Gi", false)] {
        let file = format!("- {{name: job, command: x, image: bookworm, schedule: '@daily', mem: {mem}}}\n");
        let requests = JobsFile::parse(&file, &facts.namespace.tool).unwrap().jobs.into_iter();
        let requests: Vec<_> = requests.map(|job| job.request).collect();
        let load = plan_load(&requests, &facts, &LoadOptions::default());
        assert_eq!(load.set.changes[0].is_keep(), is_kept, "{mem}");
        let wanted = load.set.objects().next().unwrap().to_json();
        assert_eq!(wanted["metadata"]["annotations"][key], recorded, "{mem}");
        let differences: Vec<_> =
            load.set.changes[0].differences().map(|found| found.path.to_string()).collect();
        assert!(!differences.iter().any(|path| path.contains("run-by-hand")), "{differences:?}");
    }
}
