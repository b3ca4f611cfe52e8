//! The runs of scheduled jobs after changes, and the schedules at which they fit.

use std::ops::Range;

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use toolforge_model::JobName;
use toolforge_quota::{
    Conflict, ConflictCounter, Demand, ResourceCheck, ResourceQuota, ScheduledRuns, conflicts, simulate,
};

use crate::change::{Action, Adjustment, Change, ChangeSet, WorkloadKind, with_rows};
use crate::job::calendar::{assumed_seconds, has_other_time_zone, seconds, with_last_runs};
use crate::job::demand::{RunDemand, of_run};
use crate::job::duration::DurationSource;
use crate::job::limits_without_runs::{limits_without_runs, quotas_without_finite_pods};
use crate::job::stagger::NearestSchedule;
use crate::job::unmanaged::as_job;
use crate::job::{JobFacts, JobObjects, JobPlan, JobWorkload, ScheduledJobLoad};
use crate::object::{CronJobSchedule, cron_job_spec};

/// The most scheduled jobs of a plan for which other schedules are searched.
const MOST_JOBS: usize = 20;

/// The runs of all scheduled jobs within a time after changes, with the known duration of earlier runs, and what runs at the same
/// time. Runs of the CronJobs of manifests are included.
///
/// The one-off jobs that the changes create run at their start, for the assumed duration, or one after the other if they do not
/// fit at once; awaited ones run before. Running pods that finish by themselves, such as those of a shell, run for another
/// hour, or for as long as they have run if that is longer.
#[derive(Clone, Debug)]
pub struct RunsAfterChanges<'a> {
    set: &'a ChangeSet,
    facts: &'a JobFacts,
    /// The jobs of the plans and manifests.
    planned: Vec<JobObjects>,
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
    /// The end of the requested time.
    end: Timestamp,
    /// The time of the runs: the requested time, extended until the runs that start in it have finished.
    time: Range<Timestamp>,
}

impl<'a> RunsAfterChanges<'a> {
    /// Returns the runs within a time, and until they have finished; `plans` are those of the jobs among the changes.
    #[must_use]
    pub fn new(
        set: &'a ChangeSet,
        plans: &[JobPlan],
        facts: &'a JobFacts,
        requested: &Range<Timestamp>,
    ) -> Self {
        let planned = planned_jobs(set, plans);
        let loads = loads_after(set, &planned, facts);
        let time = with_last_runs(&loads, requested);
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
        let without_runs = limits_without_runs(&loads, &planned, facts, is_freed);
        let running = without_runs.finite_pods(facts, is_freed, time.start);
        runs.extend(running.iter().cloned());
        runs.sort_by(|one, other| one.name.cmp(&other.name));
        let limits = without_runs.without_finite_pods(is_freed);
        let rows = set.rows_after(&limits, |change| change.demand.requested.clone());
        let is_run = |change: &Change| started.iter().any(|job| job.name.as_str() == change.name);
        let rows_without_runs = set.rows_after(&limits, |change| {
            if is_run(change) { Demand::default() } else { change.demand.requested.clone() }
        });
        let quotas = with_rows(limits, &rows_without_runs).quotas;
        Self { set, facts, planned, quotas, rows, loads, runs, running, end: requested.end, time }
    }

    /// Returns them without the runs of scheduled jobs, such as those that can never start.
    #[must_use]
    pub fn without_runs_of(mut self, jobs: &[&str]) -> Self {
        let is_left_out = |load: &ScheduledJobLoad| jobs.contains(&load.name.as_str());
        // A pod may have the same name.
        let left_out: Vec<ScheduledRuns> =
            self.loads.iter().filter(|load| is_left_out(load)).map(|load| load.runs(&self.time)).collect();
        self.runs.retain(|runs| !left_out.contains(runs));
        self.loads.retain(|load| !is_left_out(load));
        self
    }

    /// Returns the end of the time that is searched for conflicts: the requested time, extended until the runs that start in it
    /// have finished.
    #[must_use]
    pub fn until(&self) -> Timestamp {
        self.time.end
    }

    /// Returns the runs of scheduled jobs that exceed a quota together. Runs that start within the time may conflict with others
    /// only later.
    ///
    /// If no scheduled job is planned, only conflicts that the changes cause count: those of a resource with more usage
    /// afterwards. In that case, changes that do not fit have none.
    #[must_use]
    pub fn conflicts(&self) -> Vec<Conflict> {
        let conflicts_within =
            |time: &Range<Timestamp>| conflicts(&simulate(&self.quotas, &self.runs, seconds(time)));
        let mut found = conflicts_within(&(self.time.start..self.end));
        let later = conflicts_within(&self.time).into_iter().filter(|conflict| {
            self.starts_before(self.end, conflict) && found.iter().all(|known| known.names != conflict.names)
        });
        let later: Vec<Conflict> = later.collect();
        found.extend(later);
        found.retain(|conflict| conflict.names.iter().any(|name| self.is_scheduled(name)));
        if self.planned.iter().any(|job| matches!(job.workload, JobWorkload::Scheduled(_))) {
            return found;
        }
        let without_changes = quotas_without_finite_pods(&self.loads, self.facts);
        let is_caused = |shortfall: &ResourceCheck| {
            let is_same =
                |row: &&ResourceCheck| row.quota == shortfall.quota && row.resource == shortfall.resource;
            let before = without_changes.iter().find(|quota| quota.name == shortfall.quota);
            let before = before.map_or(0, |quota| quota.used(&shortfall.resource));
            self.rows.iter().find(is_same).is_some_and(|row| row.after > before)
        };
        found.retain(|conflict| self.set.at_rest.fits() && conflict.shortfalls.iter().any(is_caused));
        found
    }

    /// Returns the conflicts that scheduled jobs would have without anything that finishes by itself. Other schedules can only
    /// solve these.
    #[must_use]
    pub fn conflicts_of_schedules(&self) -> Vec<Conflict> {
        let runs: Vec<ScheduledRuns> = self.loads.iter().map(|load| load.runs(&self.time)).collect();
        conflicts(&simulate(&self.quotas, &runs, seconds(&self.time)))
    }

    /// Returns the nearest schedules of single planned jobs at which no run of the job takes place while a quota is exceeded.
    /// There is none for a job whose own schedule fits, whose single run exceeds the quota, or that is not changed.
    ///
    /// All minutes of the same hours are tried; for a job that runs once a day, if none of them fits, all minutes of the day.
    #[must_use]
    pub fn schedule_adjustments(&self) -> Vec<Adjustment> {
        let mut search = NearestSchedule::default();
        let pending =
            self.loads.iter().filter_map(|load| Some((load, pending_change(self.set, &load.name)?)));
        pending
            .take(MOST_JOBS)
            .filter_map(|(load, change)| {
                let others = self.runs.iter().filter(|runs| runs.name != load.name.as_str());
                let own = load.runs_at(Vec::new());
                let counter = ConflictCounter::new(&self.quotas, others, &own, seconds(&self.time));
                let schedule = search.of(load, &counter, &self.time)?;
                Some(Adjustment { schedule: Some(schedule), ..Adjustment::of(change) })
            })
            .collect()
    }

    /// Returns what runs at the same time as the scheduled jobs and is assumed to finish by itself.
    #[must_use]
    pub fn finite_runs(&self) -> Vec<FiniteRun> {
        let finite = self.runs.iter().filter(|runs| !self.is_scheduled(&runs.name));
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

    /// Returns the changed scheduled jobs whose runs are not simulated, because their schedules are in a time zone other than UTC.
    #[must_use]
    pub fn unsimulated_jobs(&self) -> Vec<JobName> {
        let is_unsimulated = |job: &&JobObjects| {
            let JobWorkload::Scheduled(cron_job) = &job.workload else { return false };
            let spec = cron_job_spec(cron_job);
            spec.is_some_and(|spec| spec.suspend != Some(true) && has_other_time_zone(spec))
                && pending_change(self.set, &job.name).is_some()
        };
        self.planned.iter().filter(is_unsimulated).map(|job| job.name.clone()).collect()
    }

    /// Returns the scheduled jobs whose runs start so often that they are simulated as if some were always running.
    #[must_use]
    pub fn permanent_jobs(&self) -> Vec<JobName> {
        let permanent = self.loads.iter().filter(|load| load.runs_all_the_time());
        permanent.map(|load| load.name.clone()).collect()
    }

    fn is_scheduled(&self, name: &str) -> bool {
        self.loads.iter().any(|load| load.name.as_str() == name)
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

/// How long a rollout may take: within this time it makes progress, by default (Kubernetes 1.33, `progressDeadlineSeconds`).
const ROLLOUT: SignedDuration = SignedDuration::from_mins(10);

/// Returns the runs that are due while the pods of changes are replaced and that would exceed a quota together with old and new
/// pods, except those that exceed it afterwards, too, and those that can never start. Changes that do not fit have none. The end of
/// the time is also returned.
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
    let blocked: Vec<&str> = set.runs_that_cannot_start().map(|run| run.name.as_str()).collect();
    let after = RunsAfterChanges::new(set, plans, facts, &time).without_runs_of(&blocked);
    if after.loads.is_empty() {
        return (Vec::new(), end);
    }
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

/// Returns the change of a scheduled job that is not kept.
fn pending_change<'s>(set: &'s ChangeSet, name: &JobName) -> Option<&'s Change> {
    set.pending().find(|change| match &change.cron_job {
        Some(cron_job) => cron_job.metadata.name.as_deref() == Some(name.as_str()),
        None => is_of_schedule(change, name.as_str()),
    })
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
