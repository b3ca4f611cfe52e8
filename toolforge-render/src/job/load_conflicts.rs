//! The runs of scheduled jobs after changes, and the schedules at which they fit.

use std::ops::Range;

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use toolforge_model::JobName;
use toolforge_quota::{
    Conflict, ConflictCounter, Demand, ResourceCheck, ResourceQuota, ScheduledRuns, conflicts, simulate,
};

use crate::change::{Action, Adjustment, Change, ChangeSet, WorkloadKind, with_rows};
use crate::job::beside_runs::{limits_beside_runs, quotas_that_stay};
use crate::job::calendar::{assumed_seconds, has_other_time_zone, seconds, with_last_runs};
use crate::job::demand::{RunDemand, of_run};
use crate::job::duration::DurationSource;
use crate::job::stagger::NearestSchedule;
use crate::job::unmanaged::as_job;
use crate::job::{JobFacts, JobObjects, JobPlan, JobWorkload, ScheduledJobLoad};
use crate::object::{CronJobSchedule, cron_job_spec};

/// The most scheduled jobs of a plan for which other schedules are searched.
const MOST_JOBS: usize = 20;

/// Returns the runs of scheduled jobs that would exceed a quota together within a time after changes, with the known
/// duration of earlier runs; `plans` are those of the jobs among the changes. Runs of the CronJobs of manifests are included.
///
/// If none of these jobs is scheduled, only conflicts that the changes cause count: those of a resource with more usage
/// afterwards. In that case, changes that do not fit have none.
///
/// The one-off jobs that the changes create run at their start, for the assumed duration, or one after the other if they do not
/// fit at once; awaited ones run before. Running pods that finish by themselves, such as those of a shell, run for another
/// hour, or for as long as they have run if that is longer.
///
/// Runs that start within the time may conflict with others only later. The end of the time that is searched for such conflicts
/// is also returned.
#[must_use]
pub fn conflicts_after(
    set: &ChangeSet,
    plans: &[JobPlan],
    facts: &JobFacts,
    time: &Range<Timestamp>,
) -> (Vec<Conflict>, Timestamp) {
    let Some(after) = RunsAfter::new(set, plans, facts, time) else { return (Vec::new(), time.end) };
    let conflicts_within =
        |time: &Range<Timestamp>| conflicts(&simulate(&after.quotas, &after.runs, seconds(time)));
    let mut found = conflicts_within(time);
    let later = conflicts_within(&after.time).into_iter().filter(|conflict| {
        after.starts_before(time.end, conflict) && found.iter().all(|known| known.names != conflict.names)
    });
    let later: Vec<Conflict> = later.collect();
    found.extend(later);
    let is_scheduled = |name: &String| after.loads.iter().any(|load| load.name.as_str() == name);
    found.retain(|conflict| conflict.names.iter().any(is_scheduled));
    if !after.has_planned {
        let without_changes = quotas_that_stay(&after.loads, facts);
        let is_caused = |shortfall: &ResourceCheck| {
            let is_same =
                |row: &&ResourceCheck| row.quota == shortfall.quota && row.resource == shortfall.resource;
            let before = without_changes.iter().find(|quota| quota.name == shortfall.quota);
            let before = before.map_or(0, |quota| quota.used(&shortfall.resource));
            after.rows.iter().find(is_same).is_some_and(|row| row.after > before)
        };
        found.retain(|conflict| set.at_rest.fits() && conflict.shortfalls.iter().any(is_caused));
    }
    (found, after.time.end)
}

/// How long a rollout may take: within this time it makes progress, by default (Kubernetes 1.33, `progressDeadlineSeconds`).
const ROLLOUT: SignedDuration = SignedDuration::from_mins(10);

/// Returns the runs that are due while the pods of changes are replaced and that would exceed a quota together with old and new
/// pods, except those that exceed it afterwards, too. Changes that do not fit have none. The end of the time is also
/// returned.
#[must_use]
pub fn conflicts_during_rollout(
    set: &ChangeSet,
    plans: &[JobPlan],
    facts: &JobFacts,
    now: Timestamp,
) -> (Vec<Conflict>, Timestamp) {
    let end = now.checked_add(ROLLOUT).unwrap_or(Timestamp::MAX);
    // The usage of old and new pods together, minus the usage afterwards.
    let extra = |row: &ResourceCheck| {
        let mut peak = set.at_peak.resources().iter();
        let peak = peak.find(|peak| peak.quota == row.quota && peak.resource == row.resource);
        peak.map_or(0, |peak| peak.after.saturating_sub(row.after))
    };
    let extra: Vec<(&ResourceCheck, u64)> =
        set.at_rest.resources().iter().map(|row| (row, extra(row))).filter(|(_, extra)| *extra > 0).collect();
    if !set.fits() || extra.is_empty() {
        return (Vec::new(), end);
    }
    let time = now..end;
    let Some(after) = RunsAfter::new(set, plans, facts, &time) else { return (Vec::new(), end) };
    let mut quotas = after.quotas.clone();
    for quota in &mut quotas {
        for (row, extra) in extra.iter().filter(|(row, _)| row.quota == quota.name) {
            quota.used.add(row.resource.clone(), *extra);
        }
    }
    let found = |quotas: &[ResourceQuota]| conflicts(&simulate(quotas, &after.runs, seconds(&time)));
    let afterwards = found(&after.quotas);
    let is_due = |conflict: &Conflict| {
        let mut runs = after.runs.iter().filter(|runs| conflict.names.contains(&runs.name));
        runs.any(|runs| runs.starts.iter().any(|start| (now.as_second()..conflict.end).contains(start)))
    };
    let mut during = found(&quotas);
    during
        .retain(|conflict| is_due(conflict) && afterwards.iter().all(|other| other.names != conflict.names));
    (during, end)
}

/// Returns the scheduled jobs among changes whose runs [`conflicts_after`] skips, because their schedules are in a time
/// zone other than UTC.
#[must_use]
pub fn unsimulated_jobs(set: &ChangeSet, plans: &[JobPlan]) -> Vec<JobName> {
    let is_unsimulated = |job: &JobObjects| {
        let JobWorkload::Scheduled(cron_job) = &job.workload else { return false };
        let spec = cron_job_spec(cron_job);
        spec.is_some_and(|spec| spec.suspend != Some(true) && has_other_time_zone(spec))
            && pending_change(set, &job.name).is_some()
    };
    planned_jobs(set, plans).into_iter().filter(is_unsimulated).map(|job| job.name).collect()
}

/// Returns the scheduled jobs after changes whose runs start so often that they are simulated as if some were always running.
#[must_use]
pub fn permanent_jobs(set: &ChangeSet, plans: &[JobPlan], facts: &JobFacts) -> Vec<JobName> {
    let loads = loads_after(set, &planned_jobs(set, plans), facts).into_iter();
    loads.filter(ScheduledJobLoad::runs_all_the_time).map(|load| load.name).collect()
}

/// Returns the change of a scheduled job that is not kept.
fn pending_change<'s>(set: &'s ChangeSet, name: &JobName) -> Option<&'s Change> {
    set.pending().find(|change| match &change.cron_job {
        Some(cron_job) => cron_job.metadata.name.as_deref() == Some(name.as_str()),
        None => is_of_schedule(change, name.as_str()),
    })
}

/// Something that runs at the same time as scheduled jobs after changes and finishes by itself: a one-off job that the changes
/// start, or a pod that runs now, such as that of a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FiniteRun {
    /// The name by which conflicts name it.
    pub name: String,
    /// The time of its start; `None` if it runs now.
    pub start: Option<Timestamp>,
    /// The time until which it is assumed to run.
    pub until: Timestamp,
}

/// Returns what [`conflicts_after`] assumes to run at the same time as scheduled jobs and to finish by itself.
#[must_use]
pub fn finite_runs(
    set: &ChangeSet,
    plans: &[JobPlan],
    facts: &JobFacts,
    time: &Range<Timestamp>,
) -> Vec<FiniteRun> {
    RunsAfter::new(set, plans, facts, time).map(|after| after.finite()).unwrap_or_default()
}

/// Returns the conflicts that scheduled jobs would have within a time after changes without anything that finishes by itself.
/// Other schedules can only solve these.
#[must_use]
pub fn conflicts_of_schedules(
    set: &ChangeSet,
    plans: &[JobPlan],
    facts: &JobFacts,
    time: &Range<Timestamp>,
) -> Vec<Conflict> {
    let Some(after) = RunsAfter::new(set, plans, facts, time) else { return Vec::new() };
    let runs: Vec<ScheduledRuns> = after.loads.iter().map(|load| load.runs(&after.time)).collect();
    conflicts(&simulate(&after.quotas, &runs, seconds(&after.time)))
}

/// Returns the nearest schedules of single jobs of a plan at which no run of the job takes place while a quota is exceeded,
/// within a time after the changes. There is none for a job whose own schedule fits, whose single run exceeds the quota, or
/// that is not changed.
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
    let mut search = NearestSchedule::default();
    let pending = after.loads.iter().filter_map(|load| Some((load, pending_change(set, &load.name)?)));
    pending
        .take(MOST_JOBS)
        .filter_map(|(load, change)| {
            let others = after.runs.iter().filter(|runs| runs.name != load.name.as_str());
            let counter =
                ConflictCounter::new(&after.quotas, others, &load.runs_at(Vec::new()), seconds(&after.time));
            let schedule = search.of(load, &counter, &after.time)?;
            Some(Adjustment { schedule: Some(schedule), ..Adjustment::of(change) })
        })
        .collect()
}

/// The runs of all scheduled jobs after changes, and of the one-off jobs that these start.
struct RunsAfter {
    /// The quotas after the changes, with all usage except `runs`.
    quotas: Vec<ResourceQuota>,
    /// The resources after the changes.
    rows: Vec<ResourceCheck>,
    /// The scheduled jobs.
    loads: Vec<ScheduledJobLoad>,
    /// All runs, by the name of the job.
    runs: Vec<ScheduledRuns>,
    /// Those of running pods that finish by themselves.
    running: Vec<ScheduledRuns>,
    /// Whether a scheduled job is planned.
    has_planned: bool,
    /// The time of the runs: the requested time, extended until the runs that start in it have finished.
    time: Range<Timestamp>,
}

impl RunsAfter {
    /// Returns the runs within a time after changes, and until they have finished; `None` if there is no scheduled job.
    fn new(set: &ChangeSet, plans: &[JobPlan], facts: &JobFacts, time: &Range<Timestamp>) -> Option<Self> {
        let planned = planned_jobs(set, plans);
        let has_planned = planned.iter().any(|job| matches!(job.workload, JobWorkload::Scheduled(_)));
        let loads = loads_after(set, &planned, facts);
        if loads.is_empty() {
            return None;
        }
        let time = with_last_runs(&loads, time);
        let mut runs: Vec<ScheduledRuns> = loads.iter().map(|load| load.runs(&time)).collect();
        let started: Vec<&JobObjects> = planned.iter().filter(|job| is_started(job, set)).collect();
        let mut start = time.start.as_second();
        runs.extend(started.iter().map(|job| {
            let RunDemand { each, extra_pods, traits } = of_run(job, facts);
            let runs = ScheduledRuns {
                name: job.name.to_string(),
                each,
                extra_pods,
                traits,
                starts: vec![start],
                seconds: assumed_seconds(job),
                ..ScheduledRuns::default()
            };
            if set.queues_runs {
                start = start.saturating_add(runs.seconds.into());
            }
            runs
        }));
        let freed = set.freed_objects();
        let is_freed = |object: &_| freed.contains(object);
        let beside_runs = limits_beside_runs(&loads, facts, is_freed);
        let running = beside_runs.finite_pods(facts, is_freed, time.start);
        runs.extend(running.iter().cloned());
        runs.sort_by(|one, other| one.name.cmp(&other.name));
        let limits = beside_runs.without_finite_pods(is_freed);
        let rows = set.rows_after(&limits, |change| change.demand.requested.clone());
        let is_run = |change: &Change| started.iter().any(|job| job.name.as_str() == change.name);
        let beside = set.rows_after(&limits, |change| {
            if is_run(change) { Demand::default() } else { change.demand.requested.clone() }
        });
        let quotas = with_rows(limits, &beside).quotas;
        Some(Self { quotas, rows, loads, runs, running, has_planned, time })
    }

    /// Returns the runs that are not those of scheduled jobs.
    fn finite(&self) -> Vec<FiniteRun> {
        let is_scheduled =
            |runs: &ScheduledRuns| self.loads.iter().any(|load| load.name.as_str() == runs.name);
        let finite = self.runs.iter().filter(|runs| !is_scheduled(runs));
        let run = |runs: &ScheduledRuns| {
            let start = Timestamp::from_second(runs.starts.first().copied()?).ok()?;
            Some(FiniteRun {
                name: runs.name.clone(),
                start: (!self.running.contains(runs)).then_some(start),
                until: start.checked_add(SignedDuration::from_secs(runs.seconds.into())).ok()?,
            })
        };
        finite.filter_map(run).collect()
    }

    /// Returns whether a run of a conflict starts before a time. One that is always running does not count.
    fn starts_before(&self, time: Timestamp, conflict: &Conflict) -> bool {
        let is_permanent =
            |name: &str| self.loads.iter().any(|load| load.name.as_str() == name && load.runs_all_the_time());
        let mut runs = self.runs.iter().filter(|runs| conflict.names.contains(&runs.name));
        runs.any(|runs| {
            let is_part = |start: &i64| {
                *start < time.as_second() && start.saturating_add(runs.seconds.into()) > conflict.start
            };
            !is_permanent(&runs.name) && runs.starts.iter().any(is_part)
        })
    }
}

/// Returns the jobs of plans, and the CronJobs of manifests among the changes.
fn planned_jobs(set: &ChangeSet, plans: &[JobPlan]) -> Vec<JobObjects> {
    let manifests = set.changes.iter().filter_map(|change| change.cron_job.clone());
    let manifests = manifests.map(JobWorkload::Scheduled).filter_map(as_job);
    plans.iter().map(JobPlan::objects).chain(manifests).collect()
}

/// Returns the scheduled jobs after changes, including those of the cluster that are kept.
fn loads_after(set: &ChangeSet, planned: &[JobObjects], facts: &JobFacts) -> Vec<ScheduledJobLoad> {
    let live = facts.live.all_scheduled(&facts.namespace.tool);
    let is_replaced = |job: &&JobObjects| {
        planned.iter().any(|planned| planned.name == job.name)
            || set
                .changes
                .iter()
                .any(|change| change.action == Action::Delete && is_of_schedule(change, job.name.as_str()))
    };
    let mut loads: Vec<ScheduledJobLoad> = live
        .iter()
        .filter(|job| !is_replaced(job))
        .filter_map(|job| ScheduledJobLoad::of(job, facts))
        .collect();
    for job in planned {
        let live = live.iter().find(|live| live.name == job.name);
        let Some(mut load) = ScheduledJobLoad::of(job, facts) else { continue };
        if let Some(known) = live.and_then(|live| ScheduledJobLoad::of(live, facts)) {
            let is_recreated = |change: &Change| {
                change.action == Action::Recreate && is_of_schedule(change, job.name.as_str())
            };
            // The current runs are deleted with the CronJob.
            load.current = if set.changes.iter().any(is_recreated) { Vec::new() } else { known.current };
            if let (CronJobSchedule::Interval { since, .. }, CronJobSchedule::Interval { since: last, .. }) =
                (&mut load.schedule, known.schedule)
            {
                *since = last;
            }
            if known.duration_source != DurationSource::Assumed {
                (load.seconds, load.duration_source) = (known.seconds, known.duration_source);
            }
        }
        loads.push(load);
    }
    loads
}

fn is_of_schedule(change: &Change, name: &str) -> bool {
    change.kind == WorkloadKind::Scheduled && change.name == name
}

/// Returns whether it is a one-off job that changes start and that may run at the same time as all of them.
fn is_started(job: &JobObjects, set: &ChangeSet) -> bool {
    let is_last = |change: &Change| change.name == job.name.as_str() && !set.ends_before_others(change);
    matches!(job.workload, JobWorkload::OneOff(_)) && set.pending().any(is_last)
}
