//! Other minutes for scheduled jobs whose runs exceed a quota together.

use std::ops::Range;

use k8s_openapi::jiff::Timestamp;
use toolforge_model::{CronExpression, JobName, Schedule};
use toolforge_quota::{Interval, conflicting_runs, conflicts};

use crate::job::{JobFacts, ScheduledJobLoad, simulate_scheduled_jobs};

/// The number of minutes in an hour.
const MINUTES: u8 = 60;

/// How often all jobs are looked at again after some of them were moved.
const PASSES: usize = 3;

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

/// Proposals of other minutes, and what they achieve.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StaggeredJobs {
    /// The proposals, which are made to be applied together.
    pub proposals: Vec<ScheduleProposal>,
    /// The number of runs that exceed a quota, alone or together.
    pub conflicting_runs: usize,
    /// Their number with all proposals applied.
    pub remaining_runs: usize,
}

/// Returns proposals that lower the number of runs that exceed a quota within a time, without more conflicts than before.
///
/// Only a job that runs in a single minute of an hour is moved, to another minute of the same hour; of several jobs in a
/// conflict, the first by name keeps its minute if possible. Each proposal is the result of simulating all runs with every
/// other minute. The search starts at the minute of `@hourly` for the job, so the result is always the same.
#[must_use]
pub fn stagger(loads: &[ScheduledJobLoad], facts: &JobFacts, time: &Range<Timestamp>) -> StaggeredJobs {
    let mut loads = loads.to_vec();
    loads.sort_by(|one, other| one.name.cmp(&other.name));
    let original: Vec<CronExpression> = loads.iter().map(|load| load.expression.clone()).collect();
    let simulated = |loads: &[ScheduledJobLoad]| simulate_scheduled_jobs(loads, facts, time.clone());
    let mut intervals = simulated(&loads);
    let before = Severity::of(&intervals);
    let mut current = before;
    let mut order: Vec<usize> = Vec::new();
    for _ in 0..PASSES {
        let at_start = current;
        for index in (0..loads.len()).rev() {
            if current.runs == 0 {
                break;
            }
            let name = loads[index].name.to_string();
            if !intervals.iter().any(|found| !found.shortfalls.is_empty() && found.names.contains(&name)) {
                continue;
            }
            let mut best: Option<(Severity, CronExpression, Vec<Interval>)> = None;
            for candidate in candidates(&loads[index], facts) {
                let former = std::mem::replace(&mut loads[index].expression, candidate);
                let found = simulated(&loads);
                let candidate = std::mem::replace(&mut loads[index].expression, former);
                let severity = Severity::of(&found);
                let helps = severity.runs < current.runs && severity.groups <= current.groups;
                if helps && best.as_ref().is_none_or(|(best, ..)| severity < *best) {
                    best = Some((severity, candidate, found));
                }
                if severity.runs == 0 {
                    break;
                }
            }
            if let Some((severity, expression, found)) = best {
                (loads[index].expression, current, intervals) = (expression, severity, found);
                order.retain(|moved| *moved != index);
                order.push(index);
            }
        }
        if current == at_start {
            break;
        }
    }
    let proposal = |index: usize| {
        let (load, from) = (&loads[index], original[index].clone());
        ScheduleProposal { name: load.name.clone(), from, to: load.expression.clone() }
    };
    StaggeredJobs {
        proposals: order.into_iter().map(proposal).collect(),
        conflicting_runs: before.runs,
        remaining_runs: current.runs,
    }
}

/// How much the runs exceed the quotas; the less, the better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Severity {
    /// The runs that take place while a quota is exceeded.
    runs: usize,
    /// The groups of jobs that exceed one together.
    groups: usize,
    /// How long quotas are exceeded.
    seconds: i64,
}

impl Severity {
    fn of(intervals: &[Interval]) -> Self {
        let exceeded = intervals.iter().filter(|interval| !interval.shortfalls.is_empty());
        Self {
            runs: conflicting_runs(intervals),
            groups: conflicts(intervals).len(),
            seconds: exceeded.map(|interval| interval.end - interval.start).sum(),
        }
    }
}

/// Returns the expression of a job at every other minute of the hour; none for a job that runs in several minutes.
fn candidates(load: &ScheduledJobLoad, facts: &JobFacts) -> Vec<CronExpression> {
    let Some(own) = single_minute(&load.expression) else { return Vec::new() };
    let hourly = Schedule::parse("@hourly", &facts.namespace.tool, &load.name).ok();
    let start = hourly.and_then(|schedule| single_minute(schedule.expression())).unwrap_or(0);
    let minutes = (0..MINUTES).map(|step| (start + step) % MINUTES).filter(|minute| *minute != own);
    minutes.filter_map(|minute| at_minute(&load.expression, minute)).collect()
}

/// Splits an expression into its minute field and the other fields.
fn split(text: &str) -> (&str, &str) {
    text.split_once(' ').unwrap_or((text, ""))
}

fn single_minute(expression: &CronExpression) -> Option<u8> {
    split(&expression.to_string()).0.parse().ok()
}

fn at_minute(expression: &CronExpression, minute: u8) -> Option<CronExpression> {
    format!("{minute} {}", split(&expression.to_string()).1).parse().ok()
}
