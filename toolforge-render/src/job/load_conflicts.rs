//! The runs of scheduled jobs after changes, and the schedules at which they fit.

use std::ops::Range;

use k8s_openapi::jiff::Timestamp;
use toolforge_quota::{
    Conflict, ConflictCounter, Demand, ResourceCheck, ResourceQuota, ScheduledRuns, conflicts, simulate,
};

use crate::change::{Action, Adjustment, Change, ChangeSet, WorkloadKind};
use crate::job::calendar::{assumed_seconds, demand_of_current_runs, seconds};
use crate::job::demand::of_run;
use crate::job::duration::DurationSource;
use crate::job::stagger::NearestSchedule;
use crate::job::unmanaged::as_job;
use crate::job::{JobFacts, JobObjects, JobPlan, JobWorkload, ScheduledJobLoad};
use crate::object::cron_job_spec;

/// The most scheduled jobs of a plan for which other schedules are searched.
const MOST_JOBS: usize = 20;

/// Returns the runs of scheduled jobs that would exceed a quota together within a time after changes, with the duration that is
/// known of earlier runs; `plans` are those of the jobs among the changes. The runs of CronJobs of manifests are among them.
///
/// If none of these jobs is scheduled, only conflicts count which the changes cause: of a resource of which more is used
/// afterwards. There are none then of changes that do not fit.
///
/// The one-off jobs that the changes create run at their start, for the assumed duration; those whose end is awaited run before.
#[must_use]
pub fn conflicts_after(
    set: &ChangeSet,
    plans: &[JobPlan],
    facts: &JobFacts,
    time: &Range<Timestamp>,
) -> Vec<Conflict> {
    let Some(after) = RunsAfter::new(set, plans, facts, time) else { return Vec::new() };
    let mut found = conflicts(&simulate(&after.quotas, &after.freed, &after.runs, seconds(time)));
    if !after.has_planned {
        let is_caused = |shortfall: &ResourceCheck| {
            let is_same =
                |row: &&ResourceCheck| row.quota == shortfall.quota && row.resource == shortfall.resource;
            set.at_rest.resources().iter().find(is_same).is_some_and(|row| row.after > row.used)
        };
        found.retain(|conflict| set.at_rest.fits() && conflict.shortfalls.iter().any(is_caused));
    }
    found
}

/// Returns the nearest schedules of single jobs of a plan at which no run of the job takes place while a quota is exceeded,
/// within a time after the changes. There is none for a job that fits as it is, whose single run exceeds the quota, or that is
/// not changed.
///
/// All minutes of the same hours are tried; for a job that runs once a day, if none of them fits, all minutes of the day.
#[must_use]
pub fn schedule_adjustments(
    set: &ChangeSet,
    plans: &[JobPlan],
    facts: &JobFacts,
    time: &Range<Timestamp>,
) -> Vec<Adjustment> {
    let Some(after) = RunsAfter::new(set, plans, facts, time) else { return Vec::new() };
    let pending = |load: &ScheduledJobLoad| {
        set.pending().find(|change| match &change.cron_job {
            Some(cron_job) => cron_job.metadata.name.as_deref() == Some(load.name.as_str()),
            None => change.name == load.name.as_str() && change.kind == WorkloadKind::Scheduled,
        })
    };
    let mut search = NearestSchedule::default();
    let pending = after.loads.iter().filter_map(|load| Some((load, pending(load)?))).take(MOST_JOBS);
    pending
        .filter_map(|(load, change)| {
            let others = after.runs.iter().filter(|runs| runs.name != load.name.as_str());
            let counter =
                ConflictCounter::new(&after.quotas, &after.freed, others, &load.each, seconds(time));
            let schedule = search.of(load, &counter, time)?;
            Some(Adjustment {
                schedule: Some(schedule),
                ..Adjustment::new(change.kind, change.name.as_str())
            })
        })
        .collect()
}

/// The runs of all scheduled jobs after changes, and of the one-off jobs that these start.
struct RunsAfter {
    /// The quotas after the changes.
    quotas: Vec<ResourceQuota>,
    /// What of their use is that of `runs`.
    freed: Demand,
    /// The scheduled jobs.
    loads: Vec<ScheduledJobLoad>,
    /// All runs, by the name of the job.
    runs: Vec<ScheduledRuns>,
    /// Whether a scheduled job is planned.
    has_planned: bool,
}

impl RunsAfter {
    /// Returns the runs within a time after changes; `None` if there is no scheduled job.
    fn new(set: &ChangeSet, plans: &[JobPlan], facts: &JobFacts, time: &Range<Timestamp>) -> Option<Self> {
        let manifests = set.changes.iter().filter_map(|change| change.cron_job.clone());
        let manifests = manifests.map(JobWorkload::Scheduled).filter_map(as_job);
        let planned: Vec<JobObjects> = plans.iter().map(JobPlan::objects).chain(manifests).collect();
        let has_planned = planned.iter().any(|job| matches!(job.workload, JobWorkload::Scheduled(_)));
        let loads = loads_after(set, &planned, facts);
        if loads.is_empty() {
            return None;
        }
        // What the changes do besides the runs.
        let mut facts = facts.clone();
        for quota in &mut facts.namespace.limits.quotas {
            for check in set.at_rest.resources().iter().filter(|check| check.quota == quota.name) {
                let others = quota.used.iter().filter(|(resource, _)| **resource != check.resource);
                let others = others.map(|(resource, amount)| (resource.clone(), amount));
                quota.used = others.chain([(check.resource.clone(), check.after)]).collect();
            }
        }
        let mut freed = demand_of_current_runs(&loads, &facts);
        let mut runs: Vec<ScheduledRuns> = loads.iter().map(|load| load.runs(time)).collect();
        for job in planned.iter().filter(|job| is_started(job, set)) {
            let each = of_run(job, &facts);
            freed.add_all(&each);
            runs.push(ScheduledRuns {
                name: job.name.to_string(),
                each,
                starts: vec![time.start.as_second()],
                seconds: assumed_seconds(job),
                ..ScheduledRuns::default()
            });
        }
        runs.sort_by(|one, other| one.name.cmp(&other.name));
        Some(Self { quotas: facts.namespace.limits.quotas, freed, loads, runs, has_planned })
    }
}

/// Returns the scheduled jobs after changes, those of the cluster that are kept included.
fn loads_after(set: &ChangeSet, planned: &[JobObjects], facts: &JobFacts) -> Vec<ScheduledJobLoad> {
    let live = facts.live.all_scheduled(&facts.namespace.tool);
    let is_replaced = |job: &&JobObjects| {
        planned.iter().any(|planned| planned.name == job.name)
            || set.changes.iter().any(|change| {
                change.action == Action::Delete
                    && change.kind == WorkloadKind::Scheduled
                    && change.name == job.name.as_str()
            })
    };
    let mut loads: Vec<ScheduledJobLoad> = live
        .iter()
        .filter(|job| !is_replaced(job))
        .filter_map(|job| ScheduledJobLoad::of(job, facts))
        .collect();
    for job in planned {
        let live = live.iter().find(|live| live.name == job.name);
        let suspend = |job: &JobObjects| match &job.workload {
            JobWorkload::Scheduled(cron_job) => cron_job_spec(cron_job)?.suspend,
            JobWorkload::OneOff(_) | JobWorkload::Continuous(_) => None,
        };
        // What a manifest does not state stays.
        let is_suspended = suspend(job).is_none() && live.and_then(suspend) == Some(true);
        let Some(mut load) = ScheduledJobLoad::of(job, facts).filter(|_| !is_suspended) else { continue };
        if let Some(known) = live.and_then(|live| ScheduledJobLoad::of(live, facts)) {
            load.current = known.current;
            if known.duration_source != DurationSource::Assumed {
                (load.seconds, load.duration_source) = (known.seconds, known.duration_source);
            }
        }
        loads.push(load);
    }
    loads
}

/// Returns whether it is a one-off job that changes start and that may run beside all of them.
fn is_started(job: &JobObjects, set: &ChangeSet) -> bool {
    let is_last = |change: &Change| change.name == job.name.as_str() && !set.ends_before_others(change);
    matches!(job.workload, JobWorkload::OneOff(_)) && set.pending().any(is_last)
}
