//! Changes of an existing job without a new definition: restart it, run it now, suspend its schedule.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};
use toolforge_model::platform;
use toolforge_quota::{Demand, Limits, ObjectName, Pods};

use crate::change::{
    Action, Change, ChangeDemand, ChangeSet, Downtime, PodReplacement, Rollout, Step, StepAction,
};
use crate::job::change::{deletion, pods_and_runs_of};
use crate::job::{JobFacts, JobObjects, JobWorkload, demand, pods_of_job, runs_of_job};
use crate::object::{
    Difference, Object, ObjectId, ObjectKind, cron_job_spec, deployment_spec, differences, is_paused,
};
use crate::pod::pod_id;
use crate::pod::{count_demand, has_ended, of_live_pods, pods_of};

/// Why a job cannot be restarted, run now or suspended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RunNowError {
    /// A one-off job runs once.
    #[error("unable to restart a one-off job")]
    OneOff,
    /// Only a scheduled job has runs and a schedule.
    #[error("the job is not scheduled")]
    NotScheduled,
    /// The CronJob has no template for its Jobs.
    #[error("the CronJob has no template for its Jobs")]
    NoTemplate,
}

/// Returns the change that restarts a job: it replaces the pods of a continuous job, or deletes the runs of a scheduled
/// job and starts another one.
///
/// # Errors
/// When the job is a one-off job, or its CronJob has no template.
pub fn restart_job(job: &JobObjects, facts: &JobFacts, now: Timestamp) -> Result<ChangeSet, RunNowError> {
    match &job.workload {
        JobWorkload::OneOff(_) => Err(RunNowError::OneOff),
        JobWorkload::Continuous(deployment) => Ok(restart_pods(job, deployment, facts, now)),
        JobWorkload::Scheduled(cron_job) => {
            let runs = runs_of_job(job, &facts.live);
            let mut change = new_change(job, Action::Recreate);
            change.steps = runs.iter().map(|run| deletion(ObjectKind::Job, &run.metadata)).collect();
            if let Some(run) = runs.first() {
                let id = ObjectId::new(ObjectKind::Job, run.metadata.name.clone().unwrap_or_default());
                change.steps.push(Step::of(id, StepAction::AwaitGone { uid: run.metadata.uid.clone() }));
            }
            let mut change = with_run(change, cron_job, facts, now)?;
            change.demand.freed = demand::of_live(job, &facts.live, &facts.namespace.limits.limit_ranges);
            change.demand.freed_objects = pods_and_runs_of(job, facts);
            // The CronJob itself is kept, and not created.
            change.demand.requested.add_all(&count_demand(ObjectKind::CronJob));
            Ok(facts.change_set(vec![change]))
        }
    }
}

/// Returns the change that runs a scheduled job now: it creates a Job; a current run continues.
///
/// # Errors
/// When the job is not scheduled, or its CronJob has no template.
pub fn trigger_job(job: &JobObjects, facts: &JobFacts, now: Timestamp) -> Result<ChangeSet, RunNowError> {
    let JobWorkload::Scheduled(cron_job) = &job.workload else { return Err(RunNowError::NotScheduled) };
    let change = new_change(job, Action::Create);
    Ok(facts.change_set(vec![with_run(change, cron_job, facts, now)?]))
}

/// Returns the change that suspends the schedule of a job; an empty one if it is suspended already.
///
/// # Errors
/// When the job is not scheduled.
pub fn suspend_job(job: &JobObjects) -> Result<ChangeSet, RunNowError> {
    set_suspended(job, true)
}

/// Returns the change that resumes the schedule of a job; an empty one if it is not suspended.
///
/// # Errors
/// When the job is not scheduled.
pub fn resume_job(job: &JobObjects) -> Result<ChangeSet, RunNowError> {
    set_suspended(job, false)
}

fn new_change(job: &JobObjects, action: Action) -> Change {
    let change = Change::new(job.workload.job_kind(), job.name.as_str(), action);
    Change { is_managed: job.is_managed(), ..change }
}

fn set_suspended(job: &JobObjects, suspended: bool) -> Result<ChangeSet, RunNowError> {
    let JobWorkload::Scheduled(cron_job) = &job.workload else { return Err(RunNowError::NotScheduled) };
    let current = cron_job_spec(cron_job).and_then(|spec| spec.suspend).unwrap_or(false);
    let action = if current == suspended { Action::Keep } else { Action::Update };
    let mut change = new_change(job, action);
    if action == Action::Update {
        let patch = Box::new(json!({"metadata": {}, "spec": {"suspend": suspended}}));
        let id = ObjectId::new(ObjectKind::CronJob, job.name.as_str());
        change.steps.push(Step::of(id, StepAction::Merge { patch, seen: seen_unmanaged(job) }));
    }
    Ok(ChangeSet::new(vec![change], &Limits::default()))
}

fn with_run(
    mut change: Change,
    cron_job: &CronJob,
    facts: &JobFacts,
    now: Timestamp,
) -> Result<Change, RunNowError> {
    let run = Object::from(manual_run(cron_job, now).ok_or(RunNowError::NoTemplate)?);
    let owner = ObjectName::new("job", change.name.as_str());
    change.demand = ChangeDemand::of_objects([&run], &facts.namespace.limits.limit_ranges, Some(&owner));
    change.steps.push(Step::wanted(run, StepAction::Create));
    Ok(change)
}

/// Returns the change that replaces all pods by changing an annotation. Nothing else in the job changes, except how its
/// pods are replaced: as on the platform if that fits the quota.
fn restart_pods(job: &JobObjects, deployment: &Deployment, facts: &JobFacts, now: Timestamp) -> ChangeSet {
    let limit_ranges = &facts.namespace.limits.limit_ranges;
    let object = Object::from(deployment.clone());
    let owner = ObjectName::new("job", job.name.as_str());
    let mut demand = ChangeDemand::of_objects([&object], limit_ranges, Some(&owner));
    let live = pods_of_job(job, &facts.live);
    let is_staying = |pod: &&&Pod| !has_ended(pod) && pod.metadata.deletion_timestamp.is_none();
    let staying = u64::try_from(live.iter().filter(is_staying).count()).unwrap_or(u64::MAX);
    let pods = pods_of(&object, limit_ranges);
    let old = Pods { count: staying.min(pods.count), each: pods.each.clone() };
    let replacement = PodReplacement::of_same(old, pods.clone());
    demand.created = Demand::default();
    demand.requested = demand.other_objects.clone();
    demand.requested.add_all(&replacement.at_rest());
    demand.freed_objects = live.iter().copied().map(pod_id).collect();
    // The pods that it is about to create are those of the restart.
    demand.freed_objects.push(object.id().into());
    demand.freed = of_live_pods(live, limit_ranges);
    demand.freed.add_all(&count_demand(ObjectKind::Deployment));
    demand.replace_pods(deployment, replacement);
    let current =
        if job.is_managed() { rollout_of(deployment) } else { Rollout::of_live(deployment, pods.count) };
    let usual = match current {
        // Its author may have had a reason to choose it.
        own if !job.is_managed() => own,
        // It was chosen when the quota allowed no more pods.
        Rollout::InPlace | Rollout::Recreate => Rollout::of_replicas(pods.count),
        Rollout::Surge | Rollout::Rolling | Rollout::Stated(_) => Rollout::Rolling,
    };
    let mut change = new_change(job, Action::Update);
    change.rollout = Some(usual);
    let may_stop_all = match usual {
        Rollout::Stated(_) => usual.may_stop_all(pods.count),
        rollout => rollout == Rollout::Recreate,
    };
    change.downtime = (may_stop_all && staying > 0).then_some(Downtime::BetweenPods);
    change.demand = demand;
    let mut set = facts.change_set(vec![change]);
    for change in &mut set.changes {
        let chosen = change.rollout.filter(|rollout| *rollout != current);
        let mut patch = restart_patch(chosen, now);
        if is_paused(deployment) {
            // A paused Deployment replaces no pods; the platform's restart also resumes it.
            patch["spec"]["paused"] = Value::Null;
        }
        let differences =
            if job.is_managed() { Vec::new() } else { strategy_differences(&patch, deployment) };
        let patch = Box::new(patch);
        let id = ObjectId::new(ObjectKind::Deployment, job.name.as_str());
        let step = Step::of(id, StepAction::Merge { patch, seen: seen_unmanaged(job) });
        change.steps.push(Step { differences, ..step });
    }
    set
}

/// Returns what a patch changes in the strategy of a Deployment, which persists after the restart.
fn strategy_differences(patch: &Value, deployment: &Deployment) -> Vec<Difference> {
    let Some(wanted) = patch["spec"].get("strategy") else { return Vec::new() };
    let strategy = deployment_spec(deployment).and_then(|spec| spec.strategy.as_ref());
    let with = |strategy: Value| json!({"spec": {"strategy": strategy}});
    differences(&with(wanted.clone()), &with(json!(strategy)))
}

/// Returns the metadata of an object that no tool manages, as it was seen. Others may change it at any time; for a job, only
/// the patched fields matter.
fn seen_unmanaged(job: &JobObjects) -> Option<Box<ObjectMeta>> {
    (!job.is_managed()).then(|| Box::new(job.workload.metadata().clone()))
}

/// Returns how the Deployment of a job replaces its pods now; bounds that these programs do not write count as the default ones.
fn rollout_of(deployment: &Deployment) -> Rollout {
    let strategy = deployment_spec(deployment).and_then(|spec| spec.strategy.clone()).unwrap_or_default();
    let is_written = |rollout: &Rollout| rollout.strategy() == strategy;
    let written = [Rollout::InPlace, Rollout::Recreate].into_iter().find(is_written);
    written.unwrap_or(Rollout::Rolling)
}

/// Returns the strategic merge patch that replaces the pods of a Deployment and, if a rollout is chosen, changes how.
fn restart_patch(chosen: Option<Rollout>, now: Timestamp) -> Value {
    // The platform's format: microseconds, and the zone as an offset (jobs-api, 2026).
    let moment = now.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string();
    let mut patch = json!({"metadata": {}, "spec": {"template": {"metadata": {"annotations": {platform::ANNOTATION_RESTARTED_AT: moment}}}}});
    if let Some(rollout) = chosen {
        let bounds = match rollout {
            Rollout::Recreate => Value::Null,
            Rollout::InPlace => json!({"maxSurge": 0, "maxUnavailable": 1}),
            // The API server's defaults: a patch without them would keep the live ones.
            Rollout::Surge | Rollout::Rolling | Rollout::Stated(_) => {
                json!({"maxSurge": "25%", "maxUnavailable": "25%"})
            }
        };
        patch["spec"]["strategy"] = json!({"type": rollout.strategy().type_, "rollingUpdate": bounds});
    }
    patch
}

/// The patch that records when a run of a scheduled job was started by hand.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ManualRunRecord {
    /// The CronJob.
    pub object: ObjectId,
    /// The strategic merge patch.
    pub patch: Value,
}

/// Returns the patch that records on a job's CronJob when a run of it was started by hand: the name of the run ends with the
/// time. `None` if it is not a scheduled job.
///
/// The patch has the uid, so another CronJob of that name is not changed.
#[must_use]
pub fn manual_run_record(job: &JobObjects, run: &str) -> Option<ManualRunRecord> {
    let JobWorkload::Scheduled(cron_job) = &job.workload else { return None };
    let uid = cron_job.metadata.uid.as_deref().filter(|_| job.is_managed())?;
    let second = run.strip_prefix(job.name.as_str())?.strip_prefix('-')?.parse().ok()?;
    let moment = Timestamp::from_second(second).ok()?.to_string();
    let annotations = json!({platform::ANNOTATION_RUN_BY_HAND: moment});
    let patch = json!({"metadata": {"uid": uid, "annotations": annotations}});
    Some(ManualRunRecord { object: ObjectId::new(ObjectKind::CronJob, job.name.as_str()), patch })
}

/// Returns a Job for one run of a scheduled job now, as the platform's restart creates it: named after the job and the
/// Unix time, owned by the CronJob, but not by its controller (jobs-api, 2026).
#[must_use]
pub fn manual_run(cron_job: &CronJob, now: Timestamp) -> Option<Job> {
    let name = cron_job.metadata.name.as_deref()?;
    let spec = cron_job_spec(cron_job)?.job_template.spec.clone()?;
    let labels = spec.template.metadata.as_ref().and_then(|metadata| metadata.labels.clone());
    Some(Job {
        metadata: ObjectMeta {
            name: Some(format!("{name}-{}", now.as_second())),
            namespace: cron_job.metadata.namespace.clone(),
            labels,
            annotations: Some([(platform::ANNOTATION_INSTANTIATE.to_owned(), "manual".to_owned())].into()),
            owner_references: Some(vec![OwnerReference {
                api_version: "batch/v1".to_owned(),
                kind: "CronJob".to_owned(),
                name: name.to_owned(),
                // A CronJob from a file may have none.
                uid: cron_job.metadata.uid.clone().unwrap_or_default(),
                ..OwnerReference::default()
            }]),
            ..ObjectMeta::default()
        },
        spec: Some(spec),
        ..Job::default()
    })
}
