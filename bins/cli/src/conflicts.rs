//! Runs of scheduled jobs that exceed a quota together.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

use k8s_openapi::jiff::{RoundMode, SignedDuration, Timestamp, TimestampRound, Unit};
use toolforge_model::{JobName, Untrusted};
use toolforge_quota::{Conflict, Resource, ResourceCheck};
use toolforge_render::change::{Action, Adjustment, BlockedRun, Change, ChangeSet};
use toolforge_render::job::{
    DurationSource, FiniteRun, JobFacts, JobPlan, RunsAfterChanges, ScheduledJobLoad,
    conflicts_during_rollout,
};
use toolforge_report::{CalendarConflict, CalendarShortfall};

use crate::notice::Notice;
use crate::table::duration;
use crate::verdict::{SizeForm, adjustments_hint};

/// The number of conflicts that are printed.
const MAX_CONFLICTS: usize = 5;

/// The resource that a quota counts Jobs by, `count/jobs.batch`.
const JOBS: &str = "jobs.batch";

/// Length of the simulation.
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Returns the day from the next whole minute on, at which the next run may start. At the end of time, it is shorter.
#[must_use]
pub fn day(now: Timestamp) -> Range<Timestamp> {
    let minute = TimestampRound::new().smallest(Unit::Minute).mode(RoundMode::Ceil);
    let from = now.round(minute).unwrap_or(now);
    from..from.checked_add(DAY).unwrap_or(Timestamp::MAX)
}

/// Why runs can never start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunBlocker {
    /// Other workloads use too much of the quota.
    Running,
    /// CronJobs keep as many finished Jobs as they may.
    FinishedJobs,
    /// CronJobs will keep as many finished Jobs after further runs.
    LaterFinishedJobs,
}

impl RunBlocker {
    /// All of them, in the order in which they are printed.
    const ALL: [Self; 3] = [Self::Running, Self::FinishedJobs, Self::LaterFinishedJobs];

    fn of(run: &BlockedRun) -> Self {
        match (run.when_history_is_full, run.is_history_full) {
            (false, _) => Self::Running,
            (true, true) => Self::FinishedJobs,
            (true, false) => Self::LaterFinishedJobs,
        }
    }

    /// Returns a fragment that precedes a list of the jobs.
    #[must_use]
    pub fn heading(self) -> &'static str {
        match self {
            Self::Running => "these jobs can never start, because other workloads use too much of the quota:",
            Self::FinishedJobs => {
                "these jobs cannot start, because the finished Jobs that CronJobs keep use up the quota:"
            }
            Self::LaterFinishedJobs => {
                "these jobs will stop starting after a few runs, because the finished Jobs that CronJobs keep use up the quota:"
            }
        }
    }

    fn hint(self) -> &'static str {
        match self {
            Self::Running => {
                "Lower the memory, CPU or number of pods of these jobs or of the other workloads."
            }
            // A lifetime applies only to Jobs of later runs.
            Self::FinishedJobs => {
                "Delete finished Jobs with `kubectl delete job`, and lower `successfulJobsHistoryLimit` and `failedJobsHistoryLimit` of CronJobs."
            }
            Self::LaterFinishedJobs => {
                "Lower `successfulJobsHistoryLimit`, or set `ttlSecondsAfterFinished` in the `jobTemplate` of CronJobs."
            }
        }
    }
}

/// The runs of scheduled jobs that exceed a quota together within the day after changes.
#[derive(Clone, Debug)]
pub struct RunConflicts {
    conflicts: Vec<Conflict>,
    /// The conflicts while pods are replaced.
    during_rollout: Vec<Conflict>,
    /// When the replacement is over.
    rollout_until: Timestamp,
    schedules: Vec<Adjustment>,
    /// The assumptions about the durations of these runs, a line for each job.
    assumptions: Vec<(String, String)>,
    /// The same for the conflicts while pods are replaced.
    rollout_assumptions: Vec<(String, String)>,
    /// Runs, other than those of scheduled jobs, that finish by themselves.
    finite: Vec<FiniteRun>,
    /// The conflicts without these runs.
    lasting: Vec<Conflict>,
    /// Whether scheduled jobs alone have a conflict that other minutes may solve.
    is_helped_by_minutes: bool,
    /// Whether a scheduled job is created or changed.
    changes_schedules: bool,
    /// Whether a scheduled job is created.
    creates_schedules: bool,
    /// The changed jobs whose runs are not simulated.
    unsimulated: Vec<JobName>,
    /// The jobs whose runs can never start because other workloads use the quota.
    blocked: Vec<BlockedRun>,
    /// The day.
    day: Range<Timestamp>,
    /// The end of the period that is searched for conflicts of runs that start within the day.
    last_until: Timestamp,
}

impl RunConflicts {
    /// Returns the conflicts of the day after changes at a time; `plans` are those of the jobs among the changes, and
    /// `never_fitting` the jobs whose runs never fit. Runs that cannot start conflict with none.
    #[must_use]
    pub fn of(
        set: &ChangeSet,
        plans: &[JobPlan],
        facts: &JobFacts,
        now: Timestamp,
        never_fitting: &[&str],
    ) -> Self {
        let blocked = set.runs_that_cannot_start().map(|run| run.name.as_str());
        let left_out: Vec<&str> = blocked.chain(never_fitting.iter().copied()).collect();
        Self::without_runs_of(&left_out, set, plans, facts, now)
    }

    /// Returns the conflicts that there would be if a larger quota let all runs start, except those among jobs that cannot start now.
    #[must_use]
    pub fn with_larger_quota(set: &ChangeSet, plans: &[JobPlan], facts: &JobFacts, now: Timestamp) -> Self {
        let is_blocked = |name: &String| set.runs_that_cannot_start().any(|run| run.name == *name);
        let mut found = Self::without_runs_of(&[], set, plans, facts, now);
        found.conflicts.retain(|conflict| !conflict.names.iter().all(is_blocked));
        found
    }

    fn without_runs_of(
        left_out: &[&str],
        set: &ChangeSet,
        plans: &[JobPlan],
        facts: &JobFacts,
        now: Timestamp,
    ) -> Self {
        let day = day(now);
        let after = RunsAfterChanges::new(set, plans, facts, &day).without_runs_of(left_out);
        let conflicts = after.conflicts();
        let schedules = if conflicts.is_empty() { Vec::new() } else { after.schedule_adjustments() };
        let (during_rollout, rollout_until) = conflicts_during_rollout(set, plans, facts, now);
        let changes_schedules = set.pending().any(Change::is_of_schedule);
        let creates_schedules =
            set.pending().any(|change| change.action == Action::Create && change.is_of_schedule());
        let permanent = after.permanent_jobs();
        let is_any = !conflicts.is_empty() || !during_rollout.is_empty();
        let finite = if is_any { after.finite_runs() } else { Vec::new() };
        let lasting = if finite.is_empty() { conflicts.clone() } else { after.conflicts_of_schedules() };
        let is_helped_by_minutes = !exceed_alone(&conflicts) && !exceed_alone(&lasting);
        let assumptions = |conflicts: &[Conflict]| {
            let durations = assumptions(conflicts, &permanent, facts);
            durations.into_iter().chain(finite_assumptions(conflicts, &finite, day.end)).collect()
        };
        let (rollout_assumptions, assumptions) = (assumptions(&during_rollout), assumptions(&conflicts));
        Self {
            conflicts,
            during_rollout,
            rollout_until,
            schedules,
            assumptions,
            rollout_assumptions,
            finite,
            lasting,
            is_helped_by_minutes,
            changes_schedules,
            creates_schedules,
            unsimulated: after.unsimulated_jobs(),
            blocked: set.blocked_runs().to_vec(),
            last_until: after.until(),
            day,
        }
    }

    /// Returns a fragment that says whose runs are not among those that are compared with the quota; `None` if all are.
    #[must_use]
    pub fn left_out(&self) -> Option<String> {
        let names: Vec<&str> = self.unsimulated.iter().map(JobName::as_str).collect();
        (!names.is_empty())
            .then(|| format!("runs of {}, scheduled in a time zone other than UTC", names.join(", ")))
    }

    /// Returns the nearest schedules that make the runs of single jobs fit.
    #[must_use]
    pub fn schedules(&self) -> &[Adjustment] {
        &self.schedules
    }

    /// Returns the resources that the runs exceed, alone or together.
    pub fn shortfalls(&self) -> impl Iterator<Item = &ResourceCheck> {
        let alone = self.blocked.iter().flat_map(|run| &run.shortfalls);
        alone.chain(self.conflicts.iter().flat_map(|conflict| &conflict.shortfalls))
    }

    /// Returns a line for each scheduled job that can never start, by the reason.
    pub fn blocked_lines(&self) -> impl Iterator<Item = (RunBlocker, Vec<String>)> {
        let line = |run: &BlockedRun| {
            let missing: Vec<String> = run.shortfalls.iter().map(ToString::to_string).collect();
            format!("{}: {}", Untrusted::new(&run.name).escaped(), missing.join(", "))
        };
        RunBlocker::ALL.into_iter().filter_map(move |blocker| {
            let runs = self.blocked.iter().filter(|run| RunBlocker::of(run) == blocker);
            let lines: Vec<String> = runs.map(line).collect();
            (!lines.is_empty()).then_some((blocker, lines))
        })
    }

    /// Returns a line for each conflict.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let Range { start, end } = self.day;
        let is_later = |conflict: &Conflict| conflict.end > end.as_second();
        let until = |conflict| if is_later(conflict) { self.last_until } else { end };
        self.conflicts.iter().map(|conflict| conflict_line(conflict, start..until(conflict))).collect()
    }

    /// Returns a line for each conflict while pods are replaced.
    #[must_use]
    pub fn rollout_lines(&self) -> Vec<String> {
        let time = self.day.start..self.rollout_until;
        self.during_rollout.iter().map(|conflict| conflict_line(conflict, time.clone())).collect()
    }

    /// Prints a warning with the first conflicts, if there are any.
    pub fn print_warning(&self) {
        if let Some(left_out) = self.left_out() {
            Notice::note(format!("not compared with the quota: {left_out}")).print();
        }
        for (blocker, lines) in self.blocked_lines() {
            let warning = with_first(Notice::warning(blocker.heading()), lines);
            warning.with_hint(blocker.hint()).end_paragraph().print();
        }
        let during_rollout = self.rollout_lines();
        if !during_rollout.is_empty() {
            let warning = Notice::warning(
                "while pods are replaced, these runs or the new pods may have to wait, as together they exceed the quota:",
            );
            with_first(warning, during_rollout)
                .details(self.rollout_assumptions.iter().map(|(_, line)| line))
                .with_hint("Nothing has to wait if the change is made after these runs.")
                .end_paragraph()
                .print();
        }
        let lines = self.lines();
        if lines.is_empty() {
            return;
        }
        let warning =
            with_first(Notice::warning("these runs exceed the quota within the next 24 hours:"), lines)
                .details(self.assumptions.iter().map(|(_, line)| line));
        let warning = match adjustments_hint(&self.schedules, SizeForm::Keys) {
            Some(hint) => warning.with_hint(hint),
            None => warning,
        };
        let shows = if self.creates_schedules {
            "Once the jobs exist, `toolforge jobs cron --calendar` shows the day"
        } else {
            "`toolforge jobs cron --calendar` shows the day as it is now"
        };
        let is_not_enough = self.changes_schedules && self.schedules.is_empty() && self.conflicts.len() > 1;
        let single = if is_not_enough && self.is_helped_by_minutes {
            "Moving a single job is not enough to make all of them fit. "
        } else {
            ""
        };
        warning.with_hint(format!("{single}{shows}{}", self.remedy())).end_paragraph().print();
    }

    /// Returns what helps against the conflicts, as the rest of a sentence. If each run exceeds a quota alone, no other minute
    /// helps; if it exceeds it together with runs that finish by themselves, the next run may fit unchanged.
    fn remedy(&self) -> Cow<'static, str> {
        if self.is_helped_by_minutes {
            return ", and `toolforge jobs cron --suggest` looks for better minutes.".into();
        }
        if self.lasting.is_empty() {
            let names = self.finite.iter().map(|run| &run.name).filter(|name| is_in(name, &self.conflicts));
            let names: BTreeSet<String> =
                names.map(|name| Untrusted::new(name.as_str()).escaped().to_string()).collect();
            let verb = if names.len() == 1 { "has" } else { "have" };
            let names: Vec<String> = names.into_iter().collect();
            return format!(". They fit once {} {verb} terminated.", names.join(" and ")).into();
        }
        let shortfalls = self.lasting.iter().flat_map(|conflict| &conflict.shortfalls);
        let resources = shortfalls.map(|row| &row.resource);
        let is_of_jobs =
            |resource: &Resource| matches!(resource, Resource::Count(counted) if counted == JOBS);
        let kept = if resources.clone().any(is_of_jobs) {
            " CronJobs keep as many finished Jobs as `successfulJobsHistoryLimit` says, which count, too."
        } else {
            ""
        };
        let amounts: BTreeSet<String> = resources.map(lowered_amount).collect();
        let amounts: Vec<String> = amounts.into_iter().collect();
        let amounts = amounts.join(" or ");
        format!(
            ". Another minute would not help: lower the {amounts} of these jobs or of other workloads.{kept}"
        )
        .into()
    }

    /// Returns the conflicts for the JSON output.
    #[must_use]
    pub fn report(&self) -> Vec<CalendarConflict> {
        let during = self.during_rollout.iter().map(conflict_report);
        let during = during.map(|conflict| CalendarConflict { during_rollout: true, ..conflict });
        during.chain(self.conflicts.iter().map(conflict_report)).collect()
    }

    /// Returns the scheduled jobs whose runs can never start, for the JSON output.
    #[must_use]
    pub fn blocked_report(&self) -> Vec<toolforge_report::BlockedRun> {
        let report = |run: &BlockedRun| toolforge_report::BlockedRun {
            name: Untrusted::new(&run.name),
            shortfalls: run.shortfalls.iter().map(shortfall_report).collect(),
            when_history_is_full: run.when_history_is_full,
            history_full: run.is_history_full,
        };
        self.blocked.iter().map(report).collect()
    }
}

/// Returns a notice with the first lines of a list, and with how many are left.
fn with_first(notice: Notice, lines: Vec<String>) -> Notice {
    let left = lines.len().saturating_sub(MAX_CONFLICTS);
    let notice = notice.details(lines.into_iter().take(MAX_CONFLICTS));
    if left > 0 { notice.detail(format!("and {left} more")) } else { notice }
}

/// Returns whether a run of a job is part of one of the conflicts.
fn is_in(name: &str, conflicts: &[Conflict]) -> bool {
    conflicts.iter().any(|conflict| conflict.names.iter().any(|other| other == name))
}

/// Returns which runs may be shorter than they are simulated, and which are so many that they are not simulated one by one, a
/// line for each job; `permanent` are the jobs of the latter.
fn assumptions(conflicts: &[Conflict], permanent: &[JobName], facts: &JobFacts) -> Vec<(String, String)> {
    let live =
        if conflicts.is_empty() { Vec::new() } else { facts.live.all_scheduled(&facts.namespace.tool) };
    let loads = live
        .iter()
        .filter(|job| is_in(job.name.as_str(), conflicts))
        .filter_map(|job| ScheduledJobLoad::of(job, facts));
    let loads = loads.filter(|load| load.duration_source == DurationSource::UpperBound);
    let durations = loads.map(|load| {
        let seconds = duration(i64::from(load.seconds));
        let line =
            format!("assumed: a run of {} takes {seconds}, the upper bound for the last run", load.name);
        (load.name.to_string(), line)
    });
    let all_the_time = permanent
        .iter()
        .filter(|name| is_in(name.as_str(), conflicts))
        .map(|name| (name.to_string(), format!("assumed: {name} is always running")));
    durations.chain(all_the_time).collect()
}

/// Returns until when runs that finish by themselves are assumed to last, a line for each; `day_end` is the end of the
/// simulated day.
fn finite_assumptions(
    conflicts: &[Conflict],
    finite: &[FiniteRun],
    day_end: Timestamp,
) -> impl Iterator<Item = (String, String)> {
    let found = finite.iter().filter(|run| is_in(&run.name, conflicts));
    let line = move |run: &FiniteRun| {
        let clock = |time: Timestamp| time.strftime("%H:%M").to_string();
        let until = if run.until < day_end {
            format!("until {}", clock(run.until))
        } else {
            "for more than a day".to_owned()
        };
        let from = match run.start {
            None => "runs now, and is assumed to run".to_owned(),
            Some(start) => format!("is assumed to run from {}", clock(start)),
        };
        (run.name.clone(), format!("{} {from} {until}", Untrusted::new(run.name.as_str()).escaped()))
    };
    found.map(line)
}

/// Returns what can be lowered if a resource is exceeded.
fn lowered_amount(resource: &Resource) -> String {
    match resource {
        Resource::LimitsMemory | Resource::RequestsMemory => "memory".to_owned(),
        resource if resource.is_cpu() => "CPU".to_owned(),
        resource if resource.is_measured() => Untrusted::new(resource.to_string()).escaped().to_string(),
        Resource::Pods => "number of pods".to_owned(),
        Resource::Count(counted) if counted == "pods" => "number of pods".to_owned(),
        _ => "number of objects".to_owned(),
    }
}

/// Returns whether each of the conflicts is one of a single job, which exceeds the quota at any minute.
#[must_use]
pub fn exceed_alone(conflicts: &[Conflict]) -> bool {
    conflicts.iter().all(|conflict| distinct_names(&conflict.names).len() == 1)
}

/// Returns a conflict for the JSON output.
#[must_use]
pub fn conflict_report(conflict: &Conflict) -> CalendarConflict {
    let time = |second: i64| Timestamp::from_second(second).map(|time| time.to_string()).unwrap_or_default();
    CalendarConflict {
        jobs: distinct_names(&conflict.names),
        from: time(conflict.start),
        until: time(conflict.end),
        times: conflict.occurrences,
        shortfalls: conflict.shortfalls.iter().map(shortfall_report).collect(),
        during_rollout: false,
    }
}

fn shortfall_report(row: &ResourceCheck) -> CalendarShortfall {
    CalendarShortfall {
        quota: row.quota.clone(),
        resource: row.resource.to_string(),
        hard: row.resource.amount(row.hard),
        after: row.resource.amount(row.after),
    }
}

/// Returns the jobs of a conflict, and when it occurs within a time, with the date unless that starts on it.
#[must_use]
pub fn conflict_line(conflict: &Conflict, time: Range<Timestamp>) -> String {
    let Conflict { names, start, end, occurrences, .. } = conflict;
    let often = match occurrences {
        1 => String::new(),
        2 => ", and 1 more time".to_owned(),
        _ => format!(", and {} more times", occurrences - 1),
    };
    let alone = if names.len() == 1 { " alone" } else { "" };
    let when = if end - start >= DAY.as_secs() {
        "all 24 hours".to_owned()
    } else {
        let format = if start % 60 == 0 && end % 60 == 0 { "%H:%M" } else { "%H:%M:%S" };
        let at = |second: i64| Timestamp::from_second(second).unwrap_or_default();
        let date = |moment: Timestamp| moment.strftime("%Y-%m-%d ").to_string();
        let date = Some(date(at(*start))).filter(|found| *found != date(time.start)).unwrap_or_default();
        let clock = |second: i64| at(second).strftime(format);
        if *end >= time.end.as_second() {
            // Its end is not known.
            format!("from {date}{} on", clock(*start))
        } else {
            format!("{date}{} to {}", clock(*start), clock(*end))
        }
    };
    format!("{}{alone}, {when}{often}", run_names(names))
}

/// Returns the names of jobs, with the number of runs of those that run several times.
fn run_names(names: &[String]) -> String {
    let name = |same: &[String]| match same {
        [one] => one.clone(),
        all => format!("{} ({} runs)", all[0], all.len()),
    };
    names.chunk_by(|one, next| one == next).map(name).collect::<Vec<_>>().join(", ")
}

/// Returns sorted names, each once.
fn distinct_names(names: &[String]) -> Vec<String> {
    names.chunk_by(|one, next| one == next).map(|same| same[0].clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lowered_amount_depends_on_the_resource() {
        let lowered = |key: &str| lowered_amount(&Resource::from(key));
        for (key, expected) in [
            ("limits.memory", "memory"),
            ("requests.cpu", "CPU"),
            ("pods", "number of pods"),
            ("count/pods", "number of pods"),
            ("count/jobs.batch", "number of objects"),
            ("requests.ephemeral-storage", "requests.ephemeral-storage"),
        ] {
            assert_eq!(lowered(key), expected, "{key}");
        }
    }
}
