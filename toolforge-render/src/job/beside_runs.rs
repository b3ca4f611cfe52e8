//! What the quotas count besides the runs of scheduled jobs, when only these come and go.

use std::collections::BTreeSet;
use std::ops::Range;

use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::jiff::Timestamp;
use toolforge_quota::{
    FinitePod, Interval, Limits, ObjectName, PodTraits, ResourceQuota, ScheduledRuns, simulate,
};

use crate::job::calendar::seconds;
use crate::job::{JobFacts, JobWorkload, LiveJobs, RunOutcome, ScheduledJobLoad, pods_of_job, runs_of_job};
use crate::object::{ObjectId, ObjectKind, cron_job_spec};
use crate::pod::{HISTORY_LIMITS, count_demand, has_ended, pod_demand, pod_id, traits_of};

/// Returns the quotas with what they will count besides the runs of scheduled jobs: without the current runs of these jobs, which
/// are simulated themselves, without pods that terminate, and with those that are about to be created.
#[must_use]
pub fn quotas_beside_runs(loads: &[ScheduledJobLoad], facts: &JobFacts) -> Vec<ResourceQuota> {
    limits_beside_runs(loads, facts, |_| false).limits.quotas
}

/// Returns the quotas as [`quotas_beside_runs`] returns them, and without the pods that end by themselves, such as those of shells.
pub(super) fn quotas_that_stay(loads: &[ScheduledJobLoad], facts: &JobFacts) -> Vec<ResourceQuota> {
    limits_beside_runs(loads, facts, |_| false).without_finite_pods(|_| false).quotas
}

/// Returns the intervals in which scheduled jobs run at the same time, compared with the quotas. Current runs are not
/// counted twice.
#[must_use]
pub fn simulate_scheduled_jobs(
    loads: &[ScheduledJobLoad],
    facts: &JobFacts,
    time: Range<Timestamp>,
) -> Vec<Interval> {
    let runs: Vec<ScheduledRuns> = loads.iter().map(|load| load.runs(&time)).collect();
    simulate(&quotas_beside_runs(loads, facts), &runs, seconds(&time))
}

/// The least that a pod is assumed to run from now on that ends by itself; one that has run for longer is assumed to run as long again.
const LEAST_TIME_LEFT: u32 = 3600;

/// Limits besides the runs of scheduled jobs.
pub(super) struct LimitsBesideRuns {
    /// The limits for which nothing terminates or waits any more, with the quotas as [`quotas_beside_runs`] returns them.
    pub(super) limits: Limits,
    /// The runs that are simulated and their pods.
    simulated: BTreeSet<ObjectName>,
}

impl LimitsBesideRuns {
    /// Returns the limits once the pods that run to completion, and that changes do not free, have terminated.
    pub(super) fn without_finite_pods(&self, is_freed: impl Fn(&ObjectName) -> bool) -> Limits {
        self.limits.without_finite_pods(|object| self.is_other(object, &is_freed))
    }

    /// Returns these pods as runs that start at `now`.
    pub(super) fn finite_pods(
        &self,
        facts: &JobFacts,
        is_freed: impl Fn(&ObjectName) -> bool,
        now: Timestamp,
    ) -> Vec<ScheduledRuns> {
        let is_finite = |pod: &&FinitePod| {
            [&pod.owner, &pod.object()].iter().all(|object| self.is_other(object, &is_freed))
        };
        let time_left = |pod: &FinitePod| {
            let mut pods = facts.live.pods.iter();
            let pod = pods.find(|found| found.metadata.name.as_deref() == Some(pod.name.as_str()));
            let start = pod.and_then(|pod| pod.status.as_ref()?.start_time.as_ref());
            let age = start.map_or(0, |start| now.duration_since(start.0).as_secs().max(0));
            u32::try_from(age).unwrap_or(u32::MAX).max(LEAST_TIME_LEFT)
        };
        let run = |pod: &FinitePod| ScheduledRuns {
            name: pod.owner.name.clone(),
            each: pod.demand.clone(),
            traits: pod.traits.clone(),
            starts: vec![now.as_second()],
            seconds: time_left(pod),
            ..ScheduledRuns::default()
        };
        self.limits.finite_pods.iter().filter(is_finite).map(run).collect()
    }

    fn is_other(&self, object: &ObjectName, is_freed: impl Fn(&ObjectName) -> bool) -> bool {
        !self.simulated.contains(object) && !is_freed(object)
    }
}

/// Returns the limits besides the runs of scheduled jobs.
///
/// Objects that changes free still count: the changes free them.
pub(super) fn limits_beside_runs(
    loads: &[ScheduledJobLoad],
    facts: &JobFacts,
    is_freed: impl Fn(&ObjectName) -> bool,
) -> LimitsBesideRuns {
    let mut limits = facts.namespace.limits.clone();
    let mut simulated = BTreeSet::new();
    let jobs = facts.live.all_scheduled(&facts.namespace.tool);
    for job in jobs.iter().filter(|job| loads.iter().any(|load| load.name == job.name)) {
        let JobWorkload::Scheduled(cron_job) = &job.workload else { continue };
        let runs = runs_of_job(job, &facts.live);
        let kept = kept_runs(cron_job, &runs, &facts.live);
        for run in runs.into_iter().filter(|run| !kept.contains(&run.metadata.name)) {
            let id: ObjectName =
                ObjectId::new(ObjectKind::Job, run.metadata.name.clone().unwrap_or_default()).into();
            if !is_freed(&id) && simulated.insert(id) {
                limits.free_quota(&count_demand(ObjectKind::Job), &PodTraits::default());
            }
        }
        for pod in pods_of_job(job, &facts.live) {
            let Some(spec) = pod.spec.as_ref().filter(|_| !has_ended(pod)) else { continue };
            let id = pod_id(pod);
            if !is_freed(&id) && simulated.insert(id.clone()) {
                let ranges = &limits.limit_ranges;
                let (demand, traits) = (pod_demand(spec, ranges), traits_of(spec, ranges));
                limits.free_pod(&id, demand, &traits);
            }
        }
    }
    let limits = limits.settled(|object| !simulated.contains(object) && !is_freed(object));
    LimitsBesideRuns { limits, simulated }
}

/// Returns the names of the Jobs of runs that have ended and stay, each until a later one takes its place: as many as the history
/// limits of the CronJob. The API server counts a Job until it is deleted. One with a lifetime after its end is not kept for long.
fn kept_runs(cron_job: &CronJob, runs: &[&Job], live: &LiveJobs) -> BTreeSet<Option<String>> {
    let has_lifetime =
        |run: &Job| run.spec.as_ref().is_some_and(|spec| spec.ttl_seconds_after_finished.is_some());
    let spec = cron_job_spec(cron_job);
    let limit = |limit: Option<i32>, default: i32| usize::try_from(limit.unwrap_or(default)).unwrap_or(0);
    let mut successes = limit(spec.and_then(|spec| spec.successful_jobs_history_limit), HISTORY_LIMITS.0);
    let mut failures = limit(spec.and_then(|spec| spec.failed_jobs_history_limit), HISTORY_LIMITS.1);
    let mut is_kept = |run: &Job| {
        let left = match RunOutcome::of(run, live) {
            RunOutcome::Succeeded { .. } => &mut successes,
            RunOutcome::Failed { .. } => &mut failures,
            RunOutcome::Running { .. }
            | RunOutcome::Retrying { .. }
            | RunOutcome::Starting { .. }
            | RunOutcome::Suspended => return false,
        };
        let is_kept = *left > 0;
        *left = left.saturating_sub(1);
        is_kept
    };
    let kept = runs.iter().filter(|run| !has_lifetime(run) && is_kept(run));
    kept.map(|run| run.metadata.name.clone()).collect()
}
