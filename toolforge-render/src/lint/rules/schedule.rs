//! When scheduled jobs start: those of CronJobs and of jobs files.

use std::collections::BTreeMap;

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
        let is_daily = days == "* * *";
        let daily = groups.get(&(*zone, "* * *".to_owned())).filter(|_| !is_daily);
        let mut members: Vec<usize> = group.iter().chain(daily.into_iter().flatten()).copied().collect();
        members.sort_unstable();
        let members: Vec<&ScheduledJob<'_>> =
            members.into_iter().filter_map(|index| jobs.get(index)).collect();
        if members.len() <= MOST_AT_ONCE {
            continue;
        }
        let Some((minute, count)) = busiest(&members) else { continue };
        let is_of_daily = daily.is_some_and(|daily| {
            let daily: Vec<&ScheduledJob<'_>> = daily.iter().filter_map(|index| jobs.get(*index)).collect();
            busiest(&daily).is_some_and(|(_, of_daily)| of_daily == count)
        });
        if count <= MOST_AT_ONCE || is_of_daily {
            continue;
        }
        let together: Vec<&&ScheduledJob<'_>> =
            members.iter().filter(|job| starts(&job.expression).any(|found| found == minute)).collect();
        let Some(last) = together.last() else { continue };
        let mut names: Vec<&str> = together.iter().take(MOST_NAMES).map(|job| job.name).collect();
        let more = format!("{} more", together.len().saturating_sub(MOST_NAMES));
        if together.len() > MOST_NAMES {
            names.push(&more);
        }
        let message = format!(
            "{count} jobs start at {:02}:{:02}: {}; write other minutes for some of them",
            minute / MINUTES,
            minute % MINUTES,
            names.join(", ")
        );
        check.at(Rule::SameMinute, last.place, message);
    }
}

/// Returns the minute of a day in which the most jobs start, and their number.
fn busiest(jobs: &[&ScheduledJob<'_>]) -> Option<(usize, usize)> {
    let mut counts = [0_usize; HOURS * MINUTES];
    for minute in jobs.iter().flat_map(|job| starts(&job.expression)) {
        if let Some(count) = counts.get_mut(minute) {
            *count += 1;
        }
    }
    counts.into_iter().enumerate().max_by_key(|(minute, count)| (*count, std::cmp::Reverse(*minute)))
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
