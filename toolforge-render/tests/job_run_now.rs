//! Restarting and triggering jobs that exist: what is sent, and whether it fits.

#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::Timestamp;
use serde_json::json;
use toolforge_images::Catalog;
use toolforge_model::{JobsFile, ToolName};
use toolforge_quota::{Resource, ResourceQuota, profiles};
use toolforge_render::change::{ChangeSet, Downtime, Rollout, StepAction};
use toolforge_render::job::{JobFacts, JobObjects, LoadOptions, plan_load, restart_job, trigger_job};
use toolforge_render::namespace::Platform;

/// Returns the facts of a namespace in which one job exists, with some of its pods.
fn facts(job: &str, pods: usize) -> (JobFacts, JobObjects) {
    let tool: ToolName = "x".parse().unwrap();
    let mut facts = JobFacts::new(tool.clone(), 52503, Catalog::bundled(), Platform::default());
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
    facts.limits.quotas = vec![quota];
    facts
}

fn merged(set: &ChangeSet) -> serde_json::Value {
    set.changes[0]
        .steps
        .iter()
        .find_map(|step| match &step.action {
            StepAction::Merge { patch } => Some((**patch).clone()),
            _ => None,
        })
        .unwrap()
}

#[test]
fn runs_above_the_limit_do_not_fit() {
    let (mut facts, job) = facts("schedule: '@daily', mem: 6Gi", 0);
    facts.limits = profiles::by_name("tools-2023").unwrap().into();
    for set in [
        trigger_job(&job, &facts, Timestamp::UNIX_EPOCH).unwrap(),
        restart_job(&job, &facts, Timestamp::UNIX_EPOCH).unwrap(),
    ] {
        assert!(!set.fits());
        let text = set.at_rest.to_string();
        assert!(text.starts_with("job job: 6Gi of memory is more than the 4Gi"), "{text}");
    }
}

#[test]
fn continuous_jobs_above_the_limit_are_not_restarted() {
    let (mut facts, job) = facts("continuous: true, mem: 6Gi", 1);
    facts.limits = profiles::by_name("tools-2023").unwrap().into();
    assert!(!restart_job(&job, &facts, Timestamp::UNIX_EPOCH).unwrap().fits());
}

#[test]
fn restart_without_headroom_is_in_place() {
    let (two, job) = facts("continuous: true, replicas: 2, mem: 1Gi", 2);
    let roomy =
        restart_job(&job, &with_memory(two.clone(), 4 << 30, 2 << 30), Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!(roomy.changes[0].rollout, Some(Rollout::Rolling));
    assert_eq!(merged(&roomy)["spec"].get("strategy"), None);
    let full = restart_job(&job, &with_memory(two, 2 << 30, 2 << 30), Timestamp::UNIX_EPOCH).unwrap();
    assert!(full.fits());
    assert_eq!(full.changes[0].rollout, Some(Rollout::InPlace));
    let in_place = json!({"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}});
    assert_eq!(merged(&full)["spec"]["strategy"], in_place);
}

#[test]
fn change_to_more_and_smaller_pods_fits_after_the_old_pods() {
    let (facts, _) = facts("continuous: true, replicas: 2, mem: 2Gi", 2);
    let facts = with_memory(facts, 4 << 30, 4 << 30);
    let file = "- {name: job, command: x, image: bookworm, continuous: true, replicas: 3, mem: 1Gi}\n";
    let request = JobsFile::parse(file, &facts.tool).unwrap().jobs.remove(0).request;
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
}
