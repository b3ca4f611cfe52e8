//! What the runs of CronJobs use, and what they leave behind.

use k8s_openapi::api::batch::v1::{CronJob, Job};
use toolforge_quota::{Demand, KeptJobs, LimitRange, Limits, ObjectName};

use crate::object::{ObjectId, ObjectKind, cron_job_spec};
use crate::pod::{
    count_demand, least_run_demand, may_wait, parallel_pods, retry_demand, run_demand, terminal_demand,
    traits_of,
};

/// The runs of each outcome whose Jobs are kept by default: those that succeeded and those that failed (Kubernetes 1.33).
pub(crate) const HISTORY_LIMITS: (i32, i32) = (3, 1);

/// What a run of a CronJob requests.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ScheduledRun {
    /// What it requests at least.
    pub(crate) least: Demand,
    /// What it requests while all of its parallel pods run.
    pub(crate) whole: Demand,
    /// What failed pods use besides while it is retried.
    pub(crate) retries: Demand,
    /// The Jobs of earlier runs that stay.
    pub(crate) kept: KeptJobs,
}

/// Returns what a run of a CronJob requests if each pod requests `each`; `None` for a suspended one.
pub(crate) fn scheduled_run(
    cron_job: &CronJob,
    each: &Demand,
    limit_ranges: &[LimitRange],
) -> Option<ScheduledRun> {
    let spec = cron_job_spec(cron_job).filter(|spec| spec.suspend != Some(true))?;
    let job = spec.job_template.spec.as_ref()?;
    let least = least_run_demand(job, each);
    Some(ScheduledRun {
        whole: if may_wait(job) { run_demand(job, each) } else { least.clone() },
        least,
        retries: retry_demand(job),
        kept: kept_jobs(cron_job, limit_ranges),
    })
}

/// Returns the Jobs of succeeded runs that a CronJob keeps for good: none where each has a lifetime after its end, or is suspended,
/// and none of a suspended CronJob.
fn kept_jobs(cron_job: &CronJob, limit_ranges: &[LimitRange]) -> KeptJobs {
    let name = cron_job.metadata.name.as_deref().unwrap_or_default();
    let owner = ObjectName::from(ObjectId::new(ObjectKind::CronJob, name));
    let spec = cron_job_spec(cron_job).filter(|spec| spec.suspend != Some(true));
    let run = spec.and_then(|spec| {
        let job = spec.job_template.spec.as_ref()?;
        Some((spec, job, job.template.spec.as_ref()?))
    });
    let Some((spec, job, pod)) = run else { return KeptJobs { owner, ..KeptJobs::default() } };
    let stays = job.ttl_seconds_after_finished.is_none() && job.suspend != Some(true);
    let limit = spec.successful_jobs_history_limit.unwrap_or(HISTORY_LIMITS.0);
    let mut each = count_demand(ObjectKind::Job);
    let succeeded = job.completions.map_or(parallel_pods(job), |wanted| u64::try_from(wanted).unwrap_or(0));
    each.add_all(&terminal_demand(pod).times(succeeded));
    let limit = if stays { u64::try_from(limit).unwrap_or(0) } else { 0 };
    KeptJobs { owner, limit, existing: 0, each, traits: traits_of(pod, limit_ranges) }
}

/// Returns limits with the Jobs that the live CronJobs keep.
#[must_use]
pub fn with_kept_jobs(limits: Limits, cron_jobs: &[CronJob], jobs: &[Job]) -> Limits {
    let ranges = &limits.limit_ranges;
    let kept = cron_jobs.iter().map(|cron_job| {
        let existing = jobs.iter().filter(|job| stays(job) && is_run_of(job, cron_job)).count();
        let existing = u64::try_from(existing).unwrap_or(u64::MAX);
        KeptJobs { existing, ..kept_jobs(cron_job, ranges) }
    });
    Limits { kept_jobs: kept.collect(), ..limits }
}

/// Returns whether a Job has succeeded and stays, or will.
fn stays(job: &Job) -> bool {
    let conditions = job.status.as_ref().and_then(|status| status.conditions.as_ref());
    let mut conditions = conditions.into_iter().flatten();
    let has_failed = conditions.any(|condition| condition.type_ == "Failed" && condition.status == "True");
    let has_lifetime = job.spec.as_ref().is_some_and(|spec| spec.ttl_seconds_after_finished.is_some());
    !has_failed && !has_lifetime && job.metadata.deletion_timestamp.is_none()
}

fn is_run_of(job: &Job, cron_job: &CronJob) -> bool {
    let mut owners = job.metadata.owner_references.iter().flatten();
    owners.any(|owner| owner.controller == Some(true) && Some(&owner.uid) == cron_job.metadata.uid.as_ref())
}
