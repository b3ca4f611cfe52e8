//! The kept Jobs of the runs of CronJobs: which of the existing ones, and how many later.

use std::collections::BTreeSet;

use k8s_openapi::api::batch::v1::{CronJob, Job};
use toolforge_quota::{KeptJobs, LimitRange, Limits, ObjectName};

use crate::object::{JobEnd, ObjectId, ObjectKind, controller_of, cron_job_spec};
use crate::pod::{count_demand, parallel_pods, terminal_demand, traits_of};

/// How many Jobs of finished runs a CronJob keeps. Each is kept until a later one replaces it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HistoryLimits {
    /// For runs that succeeded.
    succeeded: u64,
    /// For runs that failed.
    failed: u64,
}

impl HistoryLimits {
    /// The default limits (Kubernetes 1.33).
    const DEFAULT: (i32, i32) = (3, 1);

    /// Returns the limits of a CronJob.
    pub(crate) fn of(cron_job: &CronJob) -> Self {
        let spec = cron_job_spec(cron_job);
        let limit = |limit: Option<i32>, default: i32| u64::try_from(limit.unwrap_or(default)).unwrap_or(0);
        let (succeeded, failed) = Self::DEFAULT;
        Self {
            succeeded: limit(spec.and_then(|spec| spec.successful_jobs_history_limit), succeeded),
            failed: limit(spec.and_then(|spec| spec.failed_jobs_history_limit), failed),
        }
    }

    /// Returns the names of the Jobs that are kept of runs, which are sorted newest first; `outcome` is how a run has finished.
    ///
    /// The API server counts a Job until it is deleted. A Job with a lifetime after it finishes is not kept for long.
    pub(crate) fn kept_runs(
        self,
        runs: &[&Job],
        outcome: impl Fn(&Job) -> RunEnd,
    ) -> BTreeSet<Option<String>> {
        let Self { mut succeeded, mut failed } = self;
        let mut is_kept = |run: &Job| {
            let left = match outcome(run) {
                RunEnd::Succeeded => &mut succeeded,
                RunEnd::Failed => &mut failed,
                RunEnd::None => return false,
            };
            let is_kept = *left > 0;
            *left = left.saturating_sub(1);
            is_kept
        };
        let kept = runs.iter().filter(|run| !is_expiring(run) && is_kept(run));
        kept.map(|run| run.metadata.name.clone()).collect()
    }
}

/// How a run has finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RunEnd {
    Succeeded,
    Failed,
    /// It has not finished.
    None,
}

/// Returns the Jobs that a CronJob keeps of its later runs: none if each has a lifetime after it finishes or is suspended, and
/// none for a suspended CronJob. Existing ones are not counted.
pub(crate) fn kept_jobs(cron_job: &CronJob, limit_ranges: &[LimitRange]) -> KeptJobs {
    let name = cron_job.metadata.name.as_deref().unwrap_or_default();
    let HistoryLimits { succeeded: limit, failed: failed_limit } = HistoryLimits::of(cron_job);
    let owner = ObjectName::from(ObjectId::new(ObjectKind::CronJob, name));
    let none = KeptJobs { owner, limit, failed_limit, ..KeptJobs::default() };
    let Some(spec) = cron_job_spec(cron_job) else { return none };
    let Some(job) = &spec.job_template.spec else { return none };
    let Some(pod) = &job.template.spec else { return none };
    let stays = job.ttl_seconds_after_finished.is_none() && job.suspend != Some(true);
    let mut each = count_demand(ObjectKind::Job);
    let succeeded = job.completions.map_or(parallel_pods(job), |wanted| u64::try_from(wanted).unwrap_or(0));
    each.add_all(&terminal_demand(pod).times(succeeded));
    let keeps_later_runs = stays && spec.suspend != Some(true);
    KeptJobs { keeps_later_runs, each, traits: traits_of(pod, limit_ranges), ..none }
}

/// Returns limits with the Jobs that the live CronJobs keep.
#[must_use]
pub fn with_kept_jobs(limits: Limits, cron_jobs: &[CronJob], jobs: &[Job]) -> Limits {
    let ranges = &limits.limit_ranges;
    let kept = cron_jobs.iter().map(|cron_job| {
        let mut kept = kept_jobs(cron_job, ranges);
        for job in jobs.iter().filter(|job| is_run_of(job, cron_job)) {
            let number = match end_of(job) {
                _ if is_expiring(job) => &mut kept.expiring,
                RunEnd::Failed => &mut kept.failed,
                RunEnd::Succeeded => &mut kept.succeeded,
                RunEnd::None => &mut kept.running,
            };
            *number = number.saturating_add(1);
        }
        kept
    });
    Limits { kept_jobs: kept.collect(), ..limits }
}

/// Returns how a run has finished or is about to finish, according to its Job.
fn end_of(job: &Job) -> RunEnd {
    match JobEnd::of(job) {
        Some(end) if end.is_success() => RunEnd::Succeeded,
        Some(_) => RunEnd::Failed,
        None => RunEnd::None,
    }
}

/// Returns whether a Job is deleted soon after it finishes, regardless of the history limits.
fn is_expiring(job: &Job) -> bool {
    let has_lifetime = job.spec.as_ref().is_some_and(|spec| spec.ttl_seconds_after_finished.is_some());
    has_lifetime || job.metadata.deletion_timestamp.is_some()
}

fn is_run_of(job: &Job, cron_job: &CronJob) -> bool {
    controller_of(&job.metadata).is_some_and(|owner| Some(&owner.uid) == cron_job.metadata.uid.as_ref())
}
