//! Other minutes for scheduled jobs whose runs exceed a quota together.

use std::ops::Range;

use k8s_openapi::jiff::Timestamp;
use toolforge_model::{CronExpression, JobName, Schedule};
use toolforge_quota::{
    ConflictCount, ConflictCounter, Interval, ScheduledRuns, conflicting_runs, conflicts, simulate,
};

use crate::job::calendar::{seconds, with_last_runs};
use crate::job::limits_without_runs::quotas_without_finite_pods;
use crate::job::{JobFacts, ScheduledJobLoad};
use crate::object::CronJobSchedule;

/// The number of minutes in an hour.
const MINUTES: u8 = 60;

/// How many times all jobs are checked again after some of them were moved.
const PASSES: usize = 3;

/// The most starts and ends of runs that a search counts, which takes some tenths of a second.
const MAX_WORK: usize = 10_000_000;

/// The cost of a start or end that is simulated with its jobs and amounts, relative to one that is only counted.
const SIMULATED: usize = 200;

/// A proposal of another minute for a scheduled job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleProposal {
    /// The job's name.
    pub name: JobName,
    /// The schedule.
    pub from: CronExpression,
    /// The proposed schedule.
    pub to: CronExpression,
}

/// A job whose minutes cannot be moved.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnmovedJob {
    /// The job's name.
    pub name: JobName,
    /// Why the job cannot be moved.
    pub reason: UnmovedReason,
}

/// Why the minutes of a job cannot be moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UnmovedReason {
    /// It runs every minute.
    EveryMinute,
    /// Its minutes are not spaced evenly over the hour.
    UnevenIntervals,
    /// Its schedule is a duration, counted from the last run.
    Duration,
}

impl UnmovedReason {
    /// Returns the code, in kebab-case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EveryMinute => "every-minute",
            Self::UnevenIntervals => "uneven-intervals",
            Self::Duration => "duration",
        }
    }

    fn of(load: &ScheduledJobLoad) -> Self {
        match load.schedule.expression().map(spacing) {
            None => Self::Duration,
            Some(Some((_, 1))) => Self::EveryMinute,
            Some(_) => Self::UnevenIntervals,
        }
    }
}

/// Proposals of other minutes, and what they achieve.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StaggeredJobs {
    /// The proposals, which are intended to be applied together.
    pub proposals: Vec<ScheduleProposal>,
    /// The number of runs that exceed a quota, alone or together.
    pub conflicting_runs: usize,
    /// Their number with all proposals applied.
    pub remaining_runs: usize,
    /// The jobs in a conflict whose minutes cannot be moved.
    pub unmoved: Vec<UnmovedJob>,
    /// Whether the search was stopped before every minute was tried, because there are too many runs.
    pub is_partial: bool,
}

/// Returns proposals that lower the number of runs that exceed a quota within a time, without more conflicts than before.
///
/// Only jobs that run in a single minute of an hour, or in minutes spaced evenly over it, such as `*/15`, are moved; their
/// hours and the number of their runs stay the same. Jobs are moved one at a time, the last by name first. Each proposal is the
/// result of counting all conflicts with every other minute. The search starts at the minute of `@hourly` for the job, so the
/// result is always the same. Runs that start within the time may conflict with others only later; this counts, too.
#[must_use]
pub fn stagger(loads: &[ScheduledJobLoad], facts: &JobFacts, time: &Range<Timestamp>) -> StaggeredJobs {
    let mut loads = loads.to_vec();
    loads.sort_by(|one, other| one.name.cmp(&other.name));
    let original: Vec<CronJobSchedule> = loads.iter().map(|load| load.schedule.clone()).collect();
    let quotas = quotas_without_finite_pods(&loads, facts);
    let (until, time) = (time.end.as_second(), &with_last_runs(&loads, time));
    let mut runs: Vec<ScheduledRuns> = loads.iter().map(|load| load.runs(time)).collect();
    let simulated = |runs: &[ScheduledRuns]| simulate(&quotas, runs, seconds(time));
    let mut intervals = simulated(&runs);
    let before = Severity::of(&intervals, until);
    let (mut current, mut work) = (before, 0);
    let mut order: Vec<usize> = Vec::new();
    for _ in 0..PASSES {
        let at_start = current;
        for index in (0..loads.len()).rev() {
            if current.runs == 0 || work > MAX_WORK {
                break;
            }
            let candidates = candidates(&loads[index], facts);
            if candidates.is_empty() || !is_in_conflict(&loads[index].name, &intervals, until) {
                continue;
            }
            let others = runs.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, runs)| runs);
            let counter =
                ConflictCounter::new(&quotas, others, &loads[index].runs_at(Vec::new()), seconds(time));
            let counter = counter.before(until);
            let mut found: Vec<(ConflictCount, CronJobSchedule, ScheduledRuns)> = Vec::new();
            for candidate in candidates {
                let schedule = CronJobSchedule::Expression(candidate);
                let moved = ScheduledJobLoad { schedule, ..loads[index].clone() };
                let moved_runs = moved.runs(time);
                let count = counter.count(&moved_runs);
                work += counter.size() + moved_runs.starts.len();
                if count.runs < current.runs {
                    found.push((count, moved.schedule, moved_runs));
                }
                if count.runs == 0 || work > MAX_WORK {
                    break;
                }
            }
            // If the result is the same, the first one stays first.
            found.sort_by_key(|(count, ..)| *count);
            for (_, schedule, moved_runs) in found {
                let former = std::mem::replace(&mut runs[index], moved_runs);
                let with_it = simulated(&runs);
                work += with_it.len() * SIMULATED;
                let severity = Severity::of(&with_it, until);
                if severity.groups <= current.groups {
                    (loads[index].schedule, current, intervals) = (schedule, severity, with_it);
                    order.retain(|moved| *moved != index);
                    order.push(index);
                    break;
                }
                runs[index] = former;
                if work > MAX_WORK {
                    break;
                }
            }
        }
        if current == at_start {
            break;
        }
    }
    let proposal = |index: usize| {
        let load = &loads[index];
        let (from, to) = (original[index].expression()?.clone(), load.schedule.expression()?.clone());
        Some(ScheduleProposal { name: load.name.clone(), from, to })
    };
    let is_unmoved = |load: &&ScheduledJobLoad| {
        is_in_conflict(&load.name, &intervals, until) && candidates(load, facts).is_empty()
    };
    StaggeredJobs {
        proposals: order.into_iter().filter_map(proposal).collect(),
        conflicting_runs: before.runs,
        remaining_runs: current.runs,
        unmoved: loads
            .iter()
            .filter(is_unmoved)
            .map(|load| UnmovedJob { name: load.name.clone(), reason: UnmovedReason::of(load) })
            .collect(),
        is_partial: work > MAX_WORK && current.runs > 0,
    }
}

/// Returns whether runs of a job exceed a quota, alone or with others, and one of them starts before a time.
fn is_in_conflict(name: &JobName, intervals: &[Interval], before: i64) -> bool {
    let exceeded = intervals.iter().filter(|found| !found.shortfalls.is_empty());
    let mut early = exceeded.filter(|found| found.starts.iter().any(|start| *start < before));
    early.any(|found| found.names.iter().any(|found| found == name.as_str()))
}

/// How much the runs exceed the quotas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Severity {
    /// The runs that take place while a quota is exceeded.
    runs: usize,
    /// The groups of jobs that exceed one together.
    groups: usize,
}

impl Severity {
    /// Returns the severity of the runs that start before a time.
    fn of(intervals: &[Interval], before: i64) -> Self {
        Self { runs: conflicting_runs(intervals, before), groups: conflicts(intervals).len() }
    }
}

/// A search of the nearest schedules of jobs at which they fit.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct NearestSchedule {
    /// The starts and ends of runs that were counted so far.
    work: usize,
}

impl NearestSchedule {
    /// Returns the schedule nearest to that of a job at which nothing exceeds the quotas; `None` if nothing exceeds them now, if
    /// there is none, also because other jobs exceed them without it, or if too many runs were counted before it was found. If two
    /// are equally near, it is the later one.
    pub(super) fn of(
        &mut self,
        load: &ScheduledJobLoad,
        counter: &ConflictCounter,
        time: &Range<Timestamp>,
    ) -> Option<CronExpression> {
        // Current runs cannot be moved.
        let starts = load.current.iter().copied().map(Timestamp::as_second).collect();
        let others = counter.count(&ScheduledRuns { starts, ..load.runs(time) });
        if others != ConflictCount::default() {
            return None;
        }
        let mut fits = |expression: &CronExpression| {
            let schedule = CronJobSchedule::Expression(expression.clone());
            let runs = ScheduledJobLoad { schedule, ..load.clone() }.runs(time);
            self.work += counter.size() + runs.starts.len();
            self.work <= MAX_WORK && counter.count(&runs) == ConflictCount::default()
        };
        let expression = load.schedule.expression()?;
        if fits(expression) {
            return None;
        }
        let times_of_day = nearest_times_of_day(expression);
        let nearest = if times_of_day.is_empty() { nearest_minutes(expression) } else { times_of_day };
        nearest.into_iter().find(&mut fits)
    }
}

/// Returns an expression at every other minute of the hour, the nearest first.
fn nearest_minutes(expression: &CronExpression) -> Vec<CronExpression> {
    let Some((own, step)) = spacing(expression) else { return Vec::new() };
    // The minute 59 of an hour is next to the minute 0 of the following one, if it runs in all of them.
    let is_round = step < MINUTES || expression.hours().count() == 24;
    let distance = |minute: &u8| {
        let apart = minute.abs_diff(own);
        let apart = if is_round { apart.min(step - apart) } else { apart };
        (apart, *minute != (own + apart) % step)
    };
    let mut minutes: Vec<u8> = (0..step).filter(|minute| *minute != own).collect();
    minutes.sort_by_key(distance);
    minutes.into_iter().filter_map(|minute| at_minute(expression, minute, step)).collect()
}

/// Returns an expression that runs once a day at every other minute of the day, the nearest first; none for another one.
fn nearest_times_of_day(expression: &CronExpression) -> Vec<CronExpression> {
    let mut hours = expression.hours();
    let (Some((minute, MINUTES)), Some(hour), None) = (spacing(expression), hours.next(), hours.next())
    else {
        return Vec::new();
    };
    let own = u16::from(hour) * u16::from(MINUTES) + u16::from(minute);
    let mut times: Vec<u16> = (0..24 * u16::from(MINUTES)).filter(|time| *time != own).collect();
    times.sort_by_key(|time| (time.abs_diff(own), *time < own));
    let at = |time: u16| {
        let (hour, minute) = (time / u16::from(MINUTES), time % u16::from(MINUTES));
        expression.with_minutes(&minute.to_string()).ok()?.with_hours(&hour.to_string()).ok()
    };
    times.into_iter().filter_map(at).collect()
}

/// Returns the expression of a job at every other minute of the hour; none for a job whose minutes are not spaced evenly, and
/// for one that runs every minute.
fn candidates(load: &ScheduledJobLoad, facts: &JobFacts) -> Vec<CronExpression> {
    let Some(expression) = load.schedule.expression() else { return Vec::new() };
    let Some((own, step)) = spacing(expression) else { return Vec::new() };
    let hourly = Schedule::parse("@hourly", &facts.namespace.tool, &load.name).ok();
    let hourly = hourly.and_then(|schedule| schedule.expression().minutes().next());
    let start = hourly.unwrap_or(0) % step;
    let minutes = (0..step).map(|offset| (start + offset) % step).filter(|minute| *minute != own);
    minutes.filter_map(|minute| at_minute(expression, minute, step)).collect()
}

/// Returns an expression that runs first at a minute of the hour, and then every `step` minutes, which is 60 for a single run.
fn at_minute(expression: &CronExpression, minute: u8, step: u8) -> Option<CronExpression> {
    let field = match (minute, step) {
        (minute, MINUTES) => minute.to_string(),
        (0, step) => format!("*/{step}"),
        // The platform's tools reject `5-59/15`, which is the same.
        (minute, step) => format!("{minute}/{step}"),
    };
    expression.with_minutes(&field).ok()
}

/// Returns the first minute of an hour and the number of minutes from one run to the next, which is 60 for a single run; `None`
/// if the runs are not spaced evenly.
fn spacing(expression: &CronExpression) -> Option<(u8, u8)> {
    let minutes: Vec<u8> = expression.minutes().collect();
    let first = *minutes.first()?;
    let step = MINUTES.checked_div(u8::try_from(minutes.len()).ok()?)?;
    let is_even = (first..MINUTES).step_by(step.into()).eq(minutes.iter().copied());
    (is_even && first < step && MINUTES.is_multiple_of(step)).then_some((first, step))
}
