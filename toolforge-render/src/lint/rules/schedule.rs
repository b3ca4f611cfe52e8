//! When scheduled jobs start: those of CronJobs and of jobs files.

use std::collections::{BTreeMap, BTreeSet};

use toolforge_model::{CronExpression, Schedule, ScheduleWarning};

use super::super::check::{Check, Object};
use super::super::rule::Rule;
use super::super::syntax::Node;
use crate::object::expression_of;

/// The most jobs that may start in one minute without a finding.
const MOST_AT_ONCE: usize = 3;

/// The most jobs that a finding names.
const MOST_NAMES: usize = 5;

const HOURS: usize = 24;
const MINUTES: usize = 60;

/// A job that starts at times.
pub(crate) struct ScheduledJob<'n> {
    /// Its name.
    pub(crate) name: &'n str,
    /// Where the schedule is.
    pub(crate) place: &'n Node,
    /// The time zone; empty for UTC.
    pub(crate) zone: &'n str,
    /// The schedule.
    pub(crate) expression: CronExpression,
}

impl<'n> ScheduledJob<'n> {
    /// Returns the job of a CronJob with a readable schedule.
    fn of(object: Object<'n>) -> Option<Self> {
        let spec = object.spec().filter(|_| object.kind.name == "CronJob")?;
        let place = spec.get("schedule")?;
        let expression = expression_of(place.string()?)?;
        let zone = spec.get("timeZone").and_then(Node::string).unwrap_or_default();
        let zone = if matches!(zone, "UTC" | "Etc/UTC") { "" } else { zone };
        Some(Self { name: object.name(), place, zone, expression })
    }
}

/// Checks whether a job starts in every minute.
pub(crate) fn check_every_minute(check: &mut Check<'_>, place: &Node, expression: &CronExpression) {
    let is_always = expression.minutes().count() == MINUTES && expression.hours().count() == HOURS;
    if is_always && days(expression) == "* * *" {
        check.at(Rule::EveryMinute, place, "the job starts every minute");
    }
}

/// Checks whether a schedule runs as often as it seems to.
pub(crate) fn check_gaps(check: &mut Check<'_>, place: &Node, schedule: &Schedule) {
    match schedule.warning() {
        Some(warning @ ScheduleWarning::Never { .. }) => {
            check.at(Rule::ScheduleNeverRuns, place, warning);
        }
        Some(warning) => {
            check.at(Rule::ScheduleGaps, place, warning);
        }
        None => {}
    }
}

/// Checks whether many CronJobs of a text start in the same minute.
pub(crate) fn check_cron_jobs(check: &mut Check<'_>, objects: &[Object<'_>]) {
    let jobs: Vec<ScheduledJob<'_>> = objects.iter().filter_map(|object| ScheduledJob::of(*object)).collect();
    check_same_minute(check, &jobs);
}

/// Checks whether many jobs start in the same minute of the same days.
pub(crate) fn check_same_minute(check: &mut Check<'_>, jobs: &[ScheduledJob<'_>]) {
    let mut groups: BTreeMap<(&str, String), Vec<usize>> = BTreeMap::new();
    for (index, job) in jobs.iter().enumerate() {
        groups.entry((job.zone, days(&job.expression))).or_default().push(index);
    }
    for ((zone, days), group) in &groups {
        let daily = groups.get(&(*zone, "* * *".to_owned())).filter(|_| days != "* * *");
        let mut group: Vec<usize> = group.clone();
        let mut daily: Vec<usize> = daily.cloned().unwrap_or_default();
        while let Some(found) = most_at_once(jobs, &group, &daily) {
            let together: Vec<&ScheduledJob<'_>> =
                found.jobs.iter().filter_map(|index| jobs.get(*index)).collect();
            let (of_days, of_each_day): (Vec<usize>, Vec<usize>) =
                found.jobs.iter().partition(|index| group.contains(index));
            let Some(last) = of_days.last().and_then(|index| jobs.get(*index)) else { break };
            let when =
                if of_each_day.is_empty() { String::new() } else { format!(" when {} runs", last.name) };
            let mut names: Vec<&str> = together.iter().take(MOST_NAMES).map(|job| job.name).collect();
            let more = format!("{} more", together.len().saturating_sub(MOST_NAMES));
            if together.len() > MOST_NAMES {
                names.push(&more);
            }
            let message = format!(
                "{} jobs start at {:02}:{:02}{when}: {}; write other minutes for some of them",
                together.len(),
                found.minute / MINUTES,
                found.minute % MINUTES,
                names.join(", ")
            );
            check.at(Rule::SameMinute, last.place, message);
            for list in [&mut group, &mut daily] {
                list.retain(|index| !found.jobs.contains(index));
            }
        }
    }
}

/// Jobs that start in the same minute of a day.
struct Together {
    minute: usize,
    /// The jobs, in the order of the text.
    jobs: BTreeSet<usize>,
}

/// Returns the jobs of the minute in which the most of a group start with those that start each day, and one of the group at least;
/// `None` if they are not too many.
fn most_at_once(jobs: &[ScheduledJob<'_>], group: &[usize], daily: &[usize]) -> Option<Together> {
    let count = |indexes: &[usize]| {
        let mut counts = vec![0_usize; HOURS * MINUTES];
        for minute in
            indexes.iter().filter_map(|index| jobs.get(*index)).flat_map(|job| starts(&job.expression))
        {
            if let Some(count) = counts.get_mut(minute) {
                *count += 1;
            }
        }
        counts
    };
    let counts = count(group).into_iter().zip(count(daily)).enumerate();
    let counts = counts.filter(|(_, (own, daily))| *own > 0 && own + daily > MOST_AT_ONCE);
    let (minute, _) =
        counts.max_by_key(|(minute, (own, daily))| (own + daily, std::cmp::Reverse(*minute)))?;
    let is_then = |index: &usize| {
        jobs.get(*index).is_some_and(|job| starts(&job.expression).any(|start| start == minute))
    };
    let jobs = group.iter().chain(daily).copied().filter(is_then).collect();
    Some(Together { minute, jobs })
}

/// Returns the minutes of a day in which a job starts.
fn starts(expression: &CronExpression) -> impl Iterator<Item = usize> {
    expression.hours().flat_map(move |hour| {
        expression.minutes().map(move |minute| usize::from(hour) * MINUTES + usize::from(minute))
    })
}

/// Returns the fields of an expression for the days.
fn days(expression: &CronExpression) -> String {
    let text = expression.to_string();
    let fields =
        text.split_whitespace().skip(2).map(|field| if matches!(field, "?" | "*/1") { "*" } else { field });
    fields.collect::<Vec<_>>().join(" ")
}
