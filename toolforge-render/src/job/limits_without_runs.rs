//! All usage of the quotas except the runs of scheduled jobs, when only these runs start and finish.

use std::collections::BTreeSet;
use std::ops::Range;

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::jiff::Timestamp;
use toolforge_quota::{
    FinitePod, Interval, Limits, ObjectName, PodTraits, ResourceQuota, ScheduledRuns, simulate,
};

use crate::job::calendar::seconds;
use crate::job::{
    JobFacts, JobObjects, JobWorkload, LiveJobs, RunOutcome, ScheduledJobLoad, pods_of_job, runs_of_job,
};
use crate::object::{ObjectId, ObjectKind, is_owned_by};
use crate::pod::{HistoryLimits, RunEnd, count_demand, has_ended, of_live_pods, pod_id, traits_of};

/// Returns the quotas with all usage except the runs of scheduled jobs: without the current runs of these jobs, which are
/// simulated, without terminating pods, and with pods that are about to be created.
#[must_use]
pub fn quotas_without_runs(loads: &[ScheduledJobLoad], facts: &JobFacts) -> Vec<ResourceQuota> {
    limits_without_runs(loads, &[], facts, |_| false).limits.quotas
}

/// Returns the quotas as [`quotas_without_runs`] returns them, without the pods that finish by themselves, such as those of shells.
pub(super) fn quotas_without_finite_pods(loads: &[ScheduledJobLoad], facts: &JobFacts) -> Vec<ResourceQuota> {
    limits_without_runs(loads, &[], facts, |_| false).without_finite_pods(|_| false).quotas
}

/// Returns the intervals in which scheduled jobs run at the same time, compared with the quotas. Current runs are not
/// counted twice.
#[must_use]
pub fn simulate_scheduled_jobs(
    loads: &[ScheduledJobLoad],
    facts: &JobFacts,
    time: Range<Timestamp>,
) -> Vec<Interval> {
    simulated(loads, &quotas_without_runs(loads, facts), &time)
}

/// Returns the same intervals without the pods that finish by themselves, such as those of shells. Other schedules can only
/// solve conflicts in these intervals.
#[must_use]
pub fn simulate_without_finite_pods(
    loads: &[ScheduledJobLoad],
    facts: &JobFacts,
    time: Range<Timestamp>,
) -> Vec<Interval> {
    simulated(loads, &quotas_without_finite_pods(loads, facts), &time)
}

fn simulated(loads: &[ScheduledJobLoad], quotas: &[ResourceQuota], time: &Range<Timestamp>) -> Vec<Interval> {
    let runs: Vec<ScheduledRuns> = loads.iter().map(|load| load.runs(time)).collect();
    simulate(quotas, &runs, seconds(time))
}

/// The assumed minimum remaining seconds of a pod that finishes by itself; one that has run longer is assumed to run as long again.
const LEAST_TIME_LEFT: u32 = 3600;

/// The limits with all usage except the runs of scheduled jobs.
pub(super) struct LimitsWithoutRuns {
    /// The limits when nothing terminates or waits anymore, with the quotas as [`quotas_without_runs`] returns them.
    pub(super) limits: Limits,
    /// The simulated runs, the finished ones that are deleted, and the pods of both.
    simulated: BTreeSet<ObjectName>,
}

impl LimitsWithoutRuns {
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

/// Returns the limits with all usage except the runs of scheduled jobs, and without the finished runs that no job keeps: the history
/// limits are those of the `planned` jobs, or else of the existing ones.
///
/// Objects that changes free still count: the changes free them.
pub(super) fn limits_without_runs(
    loads: &[ScheduledJobLoad],
    planned: &[JobObjects],
    facts: &JobFacts,
    is_freed: impl Fn(&ObjectName) -> bool,
) -> LimitsWithoutRuns {
    let mut limits = facts.namespace.limits.clone();
    let mut simulated = BTreeSet::new();
    for job in &facts.live.all_scheduled(&facts.namespace.tool) {
        let after = planned.iter().find(|planned| planned.name == job.name).unwrap_or(job);
        let JobWorkload::Scheduled(cron_job) = &after.workload else { continue };
        let is_simulated = loads.iter().any(|load| load.name == job.name);
        let runs = runs_of_job(job, &facts.live);
        let kept = HistoryLimits::of(cron_job).kept_runs(&runs, |run| end_of(run, &facts.live));
        let is_finished = |run: &Job| end_of(run, &facts.live) != RunEnd::None;
        let is_deleted = |run: &Job| is_finished(run) && !kept.contains(&run.metadata.name);
        for run in &runs {
            let id: ObjectName =
                ObjectId::new(ObjectKind::Job, run.metadata.name.clone().unwrap_or_default()).into();
            let is_gone = is_deleted(run) || is_simulated && !is_finished(run);
            if is_gone && !is_freed(&id) && simulated.insert(id) {
                limits.free_quota(&count_demand(ObjectKind::Job), &PodTraits::default());
            }
        }
        for pod in pods_of_job(job, &facts.live) {
            let owns = |run: &&&Job| is_owned_by(&pod.metadata, run.metadata.uid.as_deref());
            let is_gone = if has_ended(pod) {
                runs.iter().find(owns).is_some_and(|run| is_deleted(run))
            } else {
                is_simulated
            };
            let id = pod_id(pod);
            if is_gone && !is_freed(&id) && simulated.insert(id.clone()) {
                let ranges = &limits.limit_ranges;
                let traits = pod.spec.as_ref().map(|spec| traits_of(spec, ranges)).unwrap_or_default();
                limits.free_pod(&id, of_live_pods([pod], ranges), &traits);
            }
        }
    }
    let limits = limits.settled(|object| !simulated.contains(object) && !is_freed(object));
    LimitsWithoutRuns { limits, simulated }
}

/// Returns how a run has finished, even if its Job does not say so yet.
fn end_of(run: &Job, live: &LiveJobs) -> RunEnd {
    match RunOutcome::of(run, live) {
        RunOutcome::Succeeded { .. } => RunEnd::Succeeded,
        RunOutcome::Failed { .. } => RunEnd::Failed,
        RunOutcome::Running { .. }
        | RunOutcome::Retrying { .. }
        | RunOutcome::Starting { .. }
        | RunOutcome::Suspended => RunEnd::None,
    }
}
