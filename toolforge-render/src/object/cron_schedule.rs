//! When a CronJob runs.

use std::fmt;

use k8s_openapi::api::batch::v1::CronJob;
use k8s_openapi::jiff::{SignedDuration, Timestamp, tz::TimeZone};
use toolforge_model::CronExpression;

use crate::object::{cron_job_spec, expression_of};

/// When a CronJob runs, in UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CronJobSchedule {
    /// At the times of an expression.
    Expression(CronExpression),
    /// At regular intervals from the last run on, or from the creation if there was none: `@every 90m`.
    Interval {
        /// The text of the schedule.
        written: String,
        /// The seconds from one run to the next, at least one.
        seconds: u64,
        /// The last run or the creation, if it is known; otherwise the requested moment.
        since: Option<Timestamp>,
    },
}

impl CronJobSchedule {
    /// Returns the schedule of a CronJob; `None` for one that the API server would not accept.
    #[must_use]
    pub fn of(cron_job: &CronJob) -> Option<Self> {
        let written = &cron_job_spec(cron_job)?.schedule;
        let Some(seconds) = interval_seconds(written) else {
            return expression_of(written).map(Self::Expression);
        };
        let last = cron_job.status.as_ref().and_then(|status| status.last_schedule_time.as_ref());
        let since = last.or(cron_job.metadata.creation_timestamp.as_ref()).map(|time| time.0);
        Some(Self::Interval { written: written.clone(), seconds, since })
    }

    /// Returns the expression, if it is one.
    #[must_use]
    pub fn expression(&self) -> Option<&CronExpression> {
        match self {
            Self::Expression(expression) => Some(expression),
            Self::Interval { .. } => None,
        }
    }

    /// Returns the first run after a moment; `None` if there is none within five years.
    #[must_use]
    pub fn next_after(&self, moment: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Expression(expression) => expression.next_after(moment, &TimeZone::UTC),
            Self::Interval { seconds, since, .. } => {
                let since = since.unwrap_or(moment);
                let runs = runs_until(since, moment, *seconds)?;
                after(since, runs.checked_add(1)?, *seconds)
            }
        }
    }

    /// Returns the last run before a moment; `None` if there is none within five years.
    #[must_use]
    pub fn previous_before(&self, moment: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Expression(expression) => expression.previous_before(moment, &TimeZone::UTC),
            Self::Interval { seconds, since, .. } => {
                let since = (*since)?;
                let before = moment.checked_sub(SignedDuration::from_nanos(1)).ok()?;
                after(since, runs_until(since, before, *seconds)?, *seconds)
            }
        }
    }

    /// Iterates over the runs after a moment and up to another, which is included.
    pub fn runs_between(&self, start: Timestamp, until: Timestamp) -> impl Iterator<Item = Timestamp> + '_ {
        let first = self.next_after(start);
        let following = move |run: &Timestamp| match self {
            Self::Expression(_) => self.next_after(*run),
            Self::Interval { seconds, .. } => after(*run, 1, *seconds),
        };
        std::iter::successors(first, following).take_while(move |run| *run <= until)
    }
}

impl fmt::Display for CronJobSchedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expression(expression) => expression.fmt(f),
            Self::Interval { written, .. } => f.pad(written),
        }
    }
}

/// Returns how many runs there are after a moment up to another one, which is included; a negative number if it is earlier.
fn runs_until(since: Timestamp, until: Timestamp, seconds: u64) -> Option<i64> {
    let elapsed = until.as_second().checked_sub(since.as_second())?;
    Some(elapsed.div_euclid(i64::try_from(seconds).ok()?))
}

/// Returns the start of a run in whole seconds.
fn after(since: Timestamp, runs: i64, seconds: u64) -> Option<Timestamp> {
    let elapsed = runs.checked_mul(i64::try_from(seconds).ok()?)?;
    Timestamp::from_second(since.as_second().checked_add(elapsed)?).ok()
}

/// Returns the seconds between two runs of a schedule `@every DURATION` (robfig/cron 3, which Kubernetes uses): whole seconds,
/// at least one. `None` for another schedule, and for an invalid one.
pub(crate) fn interval_seconds(schedule: &str) -> Option<u64> {
    let nanoseconds = go_duration(schedule.strip_prefix("@every ")?)?;
    Some(u64::try_from(nanoseconds / NANOSECONDS).unwrap_or(0).max(1))
}

const NANOSECONDS: i128 = 1_000_000_000;

/// Parses a duration as Go does (`time.ParseDuration`): `1h30m`, `1.5h`, `-2s`, `0`. Returns nanoseconds.
fn go_duration(text: &str) -> Option<i128> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if unsigned == "0" {
        return Some(0);
    }
    let (mut rest, mut sum) = (unsigned, 0_i128);
    while !rest.is_empty() || sum == 0 && rest == unsigned {
        let end = rest.find(|found: char| found != '.' && !found.is_ascii_digit())?;
        let (number, unit) = rest.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
            return None;
        }
        let end = unit.find(|found: char| found == '.' || found.is_ascii_digit()).unwrap_or(unit.len());
        let (unit, next) = unit.split_at(end);
        let scale: i128 = match unit {
            "ns" => 1,
            "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
            "ms" => 1_000_000,
            "s" => NANOSECONDS,
            "m" => 60 * NANOSECONDS,
            "h" => 3600 * NANOSECONDS,
            _ => return None,
        };
        let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        sum = sum.checked_add(whole.checked_mul(scale)?)?;
        let mut digit = scale;
        for found in fraction.bytes() {
            digit /= 10;
            sum = sum.checked_add(digit.checked_mul(i128::from(found - b'0'))?)?;
        }
        rest = next;
    }
    // Go keeps nanoseconds in 64 bits.
    i64::try_from(sum).ok()?;
    Some(if text.starts_with('-') { -sum } else { sum })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn intervals_are_durations_of_go() {
        for (text, expected) in [
            ("@every 1h", Some(3600)),
            ("@every 1h30m10s", Some(5410)),
            ("@every 1.5h", Some(5400)),
            ("@every .5m", Some(30)),
            ("@every 1500ms", Some(1)),
            ("@every 10us", Some(1)),
            ("@every 0", Some(1)),
            ("@every -5m", Some(1)),
            ("@every +2m", Some(120)),
            ("@every 24h0m0.0s", Some(86400)),
            ("@every 5", None),
            ("@every 1d", None),
            ("@every ", None),
            ("@every", None),
            ("@every  1h", None),
            (" @every 1h", None),
            ("@every 1h ", None),
            ("@every 1.2.3h", None),
            ("@every .h", None),
            ("@every h", None),
            ("@every 1h30", None),
            ("@every 9999999h", None),
            ("@Every 1h", None),
            ("@hourly", None),
        ] {
            assert_eq!(interval_seconds(text), expected, "{text}");
        }
    }

    fn schedule(status: &serde_json::Value) -> CronJobSchedule {
        let metadata = json!({"name": "a", "creationTimestamp": "2026-08-01T09:59:30Z"});
        let cron_job = json!({"metadata": metadata, "spec": {"schedule": "@every 25m", "jobTemplate": {}}, "status": status});
        CronJobSchedule::of(&serde_json::from_value(cron_job).unwrap()).unwrap()
    }

    #[test]
    fn intervals_follow_the_last_run() {
        let at = |text: &str| -> Timestamp { text.parse().unwrap() };
        let new = schedule(&json!({}));
        assert_eq!(new.to_string(), "@every 25m");
        assert_eq!(new.next_after(at("2026-08-01T10:00:00Z")), Some(at("2026-08-01T10:24:30Z")));
        assert_eq!(new.next_after(at("2026-08-01T10:24:30Z")), Some(at("2026-08-01T10:49:30Z")));
        assert_eq!(new.previous_before(at("2026-08-01T10:24:30Z")), Some(at("2026-08-01T09:59:30Z")));
        let last = schedule(&json!({"lastScheduleTime": "2026-08-01T10:30:00Z"}));
        let runs = last.runs_between(at("2026-08-01T10:55:00Z"), at("2026-08-01T11:45:00Z"));
        let runs: Vec<String> = runs.map(|run| run.to_string()).collect();
        assert_eq!(runs, ["2026-08-01T11:20:00Z", "2026-08-01T11:45:00Z"]);
        let CronJobSchedule::Interval { written, seconds, .. } = last else { panic!("it is an interval") };
        let planned = CronJobSchedule::Interval { written, seconds, since: None };
        let runs = planned.runs_between(at("2026-08-01T10:55:00Z"), at("2026-08-01T11:45:00Z"));
        assert_eq!(runs.count(), 2);
        assert_eq!(planned.previous_before(at("2026-08-01T10:55:00Z")), None);
    }
}
