//! The state of a job.

use std::fmt;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::{Pod, PodTemplateSpec};
use k8s_openapi::jiff::Timestamp;
use toolforge_model::{Untrusted, platform};
use toolforge_quota::ObjectName;

use crate::job::observe::run_times::{MissedRuns, Times, times};
use crate::job::observe::runs::{FailureReason, RunOutcome, is_quota};
use crate::job::{JobObjects, JobWorkload, LiveJobs, pods_of_job, runs_of_job};
use crate::object::{cron_job_spec, deployment_spec};
use crate::pod::{
    Cause, Evidence, LastTermination, cause_of_deployment, cause_of_refusal, cause_of_terminating,
    causes_of_pod, causes_of_probes, has_ended, last_termination, newest_by_hash, replica_failure, restarts,
    sort_evidence,
};

/// The state of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JobState {
    /// All of its pods run.
    Running,
    /// Pods of a new revision start while older ones run.
    Updating,
    /// Some of its pods run, and others do not.
    Degraded,
    /// It starts.
    Starting,
    /// A run has failed, and is retried.
    Retrying {
        /// The number of failed tries.
        failures: u32,
    },
    /// It waits for its next scheduled run.
    Waiting {
        /// Whether its last run succeeded; `None` if it never ran.
        last_succeeded: Option<bool>,
    },
    /// It does not run, and waiting does not help.
    Failing,
    /// It cannot start: it exceeds the quota.
    Blocked,
    /// It succeeded.
    Succeeded,
    /// It failed.
    Failed {
        /// The reason that the cluster reports.
        reason: FailureReason,
    },
    /// Its schedule is suspended.
    Suspended,
    /// It is scaled to zero pods.
    ScaledToZero,
    /// It is being deleted.
    Stopping,
}

impl JobState {
    /// Returns the code, in kebab-case.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Updating => "updating",
            Self::Degraded => "degraded",
            Self::Starting => "starting",
            Self::Retrying { .. } => "retrying",
            Self::Waiting { .. } => "waiting",
            Self::Failing => "failing",
            Self::Blocked => "blocked",
            Self::Succeeded => "succeeded",
            Self::Failed { .. } => "failed",
            Self::Suspended => "suspended",
            Self::ScaledToZero => "scaled-to-zero",
            Self::Stopping => "stopping",
        }
    }

    /// Returns the state in the platform's vocabulary (jobs-api, 2026).
    #[must_use]
    pub fn short(&self) -> &'static str {
        match self {
            Self::Running | Self::Updating | Self::Degraded => "running",
            Self::Starting
            | Self::Retrying { .. }
            | Self::Waiting { .. }
            | Self::Suspended
            | Self::ScaledToZero
            | Self::Stopping => "pending",
            Self::Failing | Self::Blocked | Self::Failed { .. } => "failed",
            Self::Succeeded => "succeeded",
        }
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The number of pods of a continuous job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobReplicas {
    /// How many pods are desired.
    pub desired: u32,
    /// How many pods are ready.
    pub ready: u32,
}

/// The observed status of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct JobStatus {
    /// The state.
    pub state: JobState,
    /// The time since which it has this state, if it is known.
    pub since: Option<Timestamp>,
    /// The number of pods; `None` if the job is not continuous.
    pub replicas: Option<JobReplicas>,
    /// The number of restarts of containers, in pods that are not terminating; in a continuous job, only of its newest revision.
    pub restarts: u32,
    /// The last termination of a container in such a pod, if it still exists.
    pub last_termination: Option<LastTermination>,
    /// Why it does not run, terminal causes first.
    pub evidence: Vec<Evidence>,
    /// The time of the last scheduled run.
    pub previous_run: Option<Timestamp>,
    /// The time of the next scheduled run.
    pub next_run: Option<Timestamp>,
    /// The runs of a scheduled job that were missed since.
    pub missed: Option<MissedRuns>,
}

impl JobStatus {
    /// Returns whether a continuous job's pods are not all ready, are replaced, or were started again, so events may say
    /// why.
    #[must_use]
    pub fn may_fail(&self) -> bool {
        let is_replaced = matches!(self.state, JobState::Updating | JobState::Degraded);
        let is_incomplete = |replicas: JobReplicas| replicas.ready < replicas.desired || self.restarts > 0;
        is_replaced || self.replicas.is_some_and(is_incomplete)
    }
}

/// Returns the status of a job at `now`.
#[must_use]
pub fn job_status(job: &JobObjects, live: &LiveJobs, now: Timestamp) -> JobStatus {
    let pods: Vec<&Pod> = pods_of_job(job, live);
    let staying = || pods.iter().copied().filter(|pod| pod.metadata.deletion_timestamp.is_none());
    let mut status = JobStatus {
        state: JobState::Starting,
        since: job.workload.created(),
        replicas: None,
        restarts: staying().map(restarts).sum(),
        last_termination: last_termination(staying()),
        evidence: Vec::new(),
        previous_run: None,
        next_run: None,
        missed: None,
    };
    if job.is_terminating() {
        status.state = JobState::Stopping;
        status.since = job.workload.metadata().deletion_timestamp.as_ref().map(|time| time.0);
        return status;
    }
    match &job.workload {
        JobWorkload::Continuous(deployment) => {
            // An evicted pod, or one on a lost node, exists for a long time alongside its replacement.
            status.evidence.extend(cause_of_terminating(deployment, pods.iter().copied()));
            let pods: Vec<&Pod> = staying().filter(|pod| !has_ended(pod)).collect();
            continuous(&mut status, deployment, &pods, (live, now));
        }
        JobWorkload::OneOff(run) => take_outcome(&mut status, RunOutcome::of(run, live)),
        JobWorkload::Scheduled(cron_job) => scheduled(&mut status, job, cron_job, (live, now)),
    }
    status
}

fn continuous(
    status: &mut JobStatus,
    deployment: &Deployment,
    pods: &[&Pod],
    (all, now): (&LiveJobs, Timestamp),
) {
    let (spec, live) = (deployment_spec(deployment), deployment.status.as_ref());
    let desired = spec.and_then(|spec| spec.replicas).unwrap_or(1);
    let ready = live.and_then(|live| live.ready_replicas).unwrap_or(0);
    let updated = live.and_then(|live| live.updated_replicas).unwrap_or(0);
    let count = |number: i32| u32::try_from(number).unwrap_or(0);
    status.replicas = Some(JobReplicas { desired: count(desired), ready: count(ready) });
    let is_seen = live.and_then(|live| live.observed_generation) >= deployment.metadata.generation;
    // Pods of an earlier revision say nothing about the current one.
    let mut newest = newest_by_hash(deployment, pods.iter().copied());
    status.restarts = newest.iter().copied().map(restarts).sum();
    status.last_termination = last_termination(newest.iter().copied());
    // If several pods have the same cause, the newest one is used.
    newest.sort_by_key(|pod| std::cmp::Reverse(created(pod)));
    for pod in &newest {
        status.evidence.extend(causes_of_pod(pod, &all.events));
        status.evidence.extend(causes_of_probes(pod, &all.events, now));
    }
    status.evidence.extend(refused(deployment));
    status.evidence.extend(cause_of_deployment(deployment));
    sort_evidence(&mut status.evidence);
    // Pods of an older revision run until all new ones are ready.
    let has_no_others = live.is_none_or(|live| live.replicas.unwrap_or(0) == updated);
    let is_failing = status.evidence.iter().any(|evidence| evidence.cause.is_terminal());
    status.state = if desired == 0 {
        JobState::ScaledToZero
    } else if is_seen && ready >= desired && updated >= desired && has_no_others && !is_failing {
        JobState::Running
    } else if ready > 0 && is_failing {
        JobState::Degraded
    } else if ready > 0 && ready >= desired {
        JobState::Updating
    } else if ready > 0 {
        JobState::Degraded
    } else if status.evidence.iter().any(is_quota) {
        JobState::Blocked
    } else if is_failing {
        JobState::Failing
    } else {
        JobState::Starting
    };
    let since = |evidence: &Evidence| evidence.since;
    // Pods are also replaced without a change of the Deployment.
    let changed = newest.first().and_then(|pod| created(pod)).max(restarted_at(deployment)).max(status.since);
    status.since = match status.state {
        JobState::Running | JobState::Updating | JobState::Degraded => {
            pods.iter().filter_map(|pod| running_since(pod)).min().or(status.since)
        }
        // Not the last termination: a crash loop has failed since its first one.
        JobState::Failing => status
            .evidence
            .first()
            .and_then(since)
            .or_else(|| status.last_termination.as_ref().and_then(|end| end.finished))
            .or(changed),
        JobState::Blocked => status.evidence.iter().find(|found| is_quota(found)).and_then(since).or(changed),
        JobState::Starting => status.evidence.first().and_then(since).or(changed),
        JobState::Retrying { .. }
        | JobState::Waiting { .. }
        | JobState::Succeeded
        | JobState::Failed { .. }
        | JobState::Suspended
        | JobState::ScaledToZero
        | JobState::Stopping => restarted_at(deployment).max(status.since),
    };
}

fn created(pod: &Pod) -> Option<Timestamp> {
    pod.metadata.creation_timestamp.as_ref().map(|time| time.0)
}

/// Returns why the Deployment's controller cannot create pods.
fn refused(deployment: &Deployment) -> Option<Evidence> {
    let condition = replica_failure(deployment)?;
    let message = condition.message.clone().unwrap_or_default();
    let name = deployment.metadata.name.as_deref().unwrap_or_default();
    Some(Evidence {
        cause: cause_of_refusal(&message),
        object: ObjectName::new("Deployment", name),
        message: Untrusted::new(message),
        since: condition.last_transition_time.as_ref().map(|time| time.0),
    })
}

fn restarted_at(deployment: &Deployment) -> Option<Timestamp> {
    let annotations = deployment_spec(deployment)?.template.metadata.as_ref()?.annotations.as_ref()?;
    annotations.get(platform::ANNOTATION_RESTARTED_AT)?.parse().ok()
}

fn scheduled(
    status: &mut JobStatus,
    job: &JobObjects,
    cron_job: &CronJob,
    (live, now): (&LiveJobs, Timestamp),
) {
    let Times { previous, next, missed } = times(job, cron_job, live, now);
    (status.previous_run, status.next_run, status.missed) = (previous, next, missed);
    let runs = runs_of_job(job, live);
    let outcomes = runs.iter().map(|run| (*run, RunOutcome::of(run, live)));
    let (under_way, over): (Vec<_>, Vec<_>) = outcomes.partition(|(_, outcome)| !outcome.is_over());
    // A run that cannot start delays later ones only under `Forbid`; otherwise, the next run says more.
    let holds_up =
        cron_job_spec(cron_job).and_then(|spec| spec.concurrency_policy.as_deref()) == Some("Forbid");
    let created = |run: &Job| run.metadata.creation_timestamp.as_ref().map(|time| time.0);
    let last_over = over.first().and_then(|(run, _)| created(run));
    let counts = |run: &Job| holds_up || !is_of_former_definition(run, cron_job) || created(run) > last_over;
    if let Some((run, outcome)) = under_way.into_iter().find(|(run, _)| counts(run)) {
        take_outcome(status, outcome);
        let cannot_start = matches!(status.state, JobState::Failing | JobState::Blocked);
        if cannot_start && holds_up && is_of_former_definition(run, cron_job) {
            let name = run.metadata.name.as_deref().unwrap_or_default();
            let object = ObjectName::new("Job", name);
            let since = status.since;
            let cause = Cause::FormerDefinition;
            status.evidence.insert(0, Evidence { cause, object, message: Untrusted::default(), since });
        }
        return;
    }
    let success =
        cron_job.status.as_ref().and_then(|status| status.last_successful_time.as_ref()).map(|time| time.0);
    let is_suspended = cron_job_spec(cron_job).and_then(|spec| spec.suspend).unwrap_or(false);
    let last_succeeded = match over.into_iter().next().map(|(_, outcome)| outcome) {
        // The objects of the last run still exist, so it has just finished.
        Some(outcome @ RunOutcome::Failed { .. }) if !is_suspended => return take_outcome(status, outcome),
        Some(outcome) => Some(matches!(outcome, RunOutcome::Succeeded { .. })),
        None => previous.map(|previous| success.is_some_and(|success| success >= previous)),
    };
    status.since = previous.max(success).or(status.since);
    status.state = if is_suspended { JobState::Suspended } else { JobState::Waiting { last_succeeded } };
}

/// Returns whether the containers of a run differ from the current ones of the scheduled job.
fn is_of_former_definition(run: &Job, cron_job: &CronJob) -> bool {
    let containers = |template: &PodTemplateSpec| template.spec.clone().unwrap_or_default().containers;
    let present = cron_job_spec(cron_job).and_then(|spec| spec.job_template.spec.as_ref());
    match (run.spec.as_ref(), present) {
        (Some(run), Some(present)) => containers(&run.template) != containers(&present.template),
        _ => false,
    }
}

fn take_outcome(status: &mut JobStatus, outcome: RunOutcome) {
    match outcome {
        RunOutcome::Succeeded { at } => (status.state, status.since) = (JobState::Succeeded, at),
        RunOutcome::Failed { at, reason, end } => {
            status.state = JobState::Failed { reason };
            status.since = at;
            status.last_termination = end.or(status.last_termination.take());
        }
        RunOutcome::Running { since, failures: _ } => {
            (status.state, status.since) = (JobState::Running, since);
        }
        RunOutcome::Retrying { failures, end } => {
            status.state = JobState::Retrying { failures };
            status.since = end.as_ref().and_then(|end| end.finished).or(status.since);
            status.last_termination = end.or(status.last_termination.take());
        }
        RunOutcome::Suspended => status.state = JobState::Suspended,
        RunOutcome::Starting { since, evidence } => {
            let is_failing = evidence.as_ref().is_some_and(|evidence| evidence.cause.is_terminal());
            status.state = match &evidence {
                Some(evidence) if is_quota(evidence) => JobState::Blocked,
                _ if is_failing => JobState::Failing,
                _ => JobState::Starting,
            };
            // A run that was in progress may fail later than it started.
            status.since = evidence.as_ref().and_then(|evidence| evidence.since).max(since);
            status.evidence = evidence.into_iter().collect();
        }
    }
}

pub(super) fn running_since(pod: &Pod) -> Option<Timestamp> {
    let statuses = pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
    let started = statuses.filter_map(|status| status.state.as_ref()?.running.as_ref()?.started_at.as_ref());
    started.map(|time| time.0).max()
}
