use std::fmt;
use std::str::FromStr;

use super::cron_field::Field;
use super::macros::Macro;
use super::{ScheduleError, ScheduleField};
use crate::Untrusted;

/// The five fields of cron, as the API server accepts them.
///
/// Minute, hour, day of month, month and day of week, in UTC on the platform. It is printed as it is sent: the fields
/// as they were written, in lowercase, with one space between them. Only Sunday as `7`, which the server rejects, is
/// rewritten.
///
/// A day must match both the day of month and the day of week if one of the two is `*`, and either of them otherwise.
///
/// ```
/// use toolforge_model::CronExpression;
///
/// let expression: CronExpression = "0-30/5  8 * JAN Fri-7".parse()?;
/// assert_eq!(expression.to_string(), "0-30/5 8 * jan fri-6,0");
/// assert_eq!(
///     "61 * * * *".parse::<CronExpression>().unwrap_err().to_string(),
///     "minute \"61\" is not allowed; use 0-59",
/// );
/// # Ok::<(), toolforge_model::ScheduleError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CronExpression {
    pub(super) minute: Field,
    pub(super) hour: Field,
    pub(super) day_of_month: Field,
    pub(super) month: Field,
    pub(super) day_of_week: Field,
}

impl CronExpression {
    /// Iterates over the minutes of an hour at which it runs, in order: 0 to 59.
    pub fn minutes(&self) -> impl Iterator<Item = u8> {
        (0..60).filter(|minute| self.minute.contains(i8::try_from(*minute).unwrap_or_default()))
    }

    /// Iterates over the hours of a day in which it runs, in order: 0 to 23.
    pub fn hours(&self) -> impl Iterator<Item = u8> {
        (0..24).filter(|hour| self.hour.contains(i8::try_from(*hour).unwrap_or_default()))
    }

    /// Returns the expression with other hours of the same days.
    ///
    /// # Errors
    /// When the text is not the hour field of a cron expression.
    pub fn with_hours(&self, hours: &str) -> Result<Self, ScheduleError> {
        Ok(Self { hour: Field::parse(ScheduleField::Hour, hours)?, ..self.clone() })
    }

    /// Returns the expression with other minutes of the same hours.
    ///
    /// # Errors
    /// When the text is not the minute field of a cron expression.
    pub fn with_minutes(&self, minutes: &str) -> Result<Self, ScheduleError> {
        Ok(Self { minute: Field::parse(ScheduleField::Minute, minutes)?, ..self.clone() })
    }
}

impl FromStr for CronExpression {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let schedule = || Untrusted::new(text);
        let start = text.trim_start().to_ascii_lowercase();
        if start.starts_with("tz=") || start.starts_with("cron_tz=") {
            return Err(ScheduleError::TimeZone { schedule: schedule() });
        }
        if Macro::exact(text).is_some() {
            return Err(ScheduleError::MacroAsExpression { schedule: schedule() });
        }
        if let Some(interval) = start.strip_prefix("@every") {
            let instead = as_often(interval.trim());
            return Err(ScheduleError::Interval { schedule: schedule(), instead });
        }
        if start.starts_with('@') {
            return Err(ScheduleError::Macro { schedule: schedule(), near: Macro::suggest(text) });
        }
        let fields: Vec<&str> = text.split_whitespace().collect();
        let &[minute, hour, day_of_month, month, day_of_week] = fields.as_slice() else {
            return Err(ScheduleError::FieldCount { schedule: schedule(), found: fields.len() });
        };
        Ok(Self {
            minute: Field::parse(ScheduleField::Minute, minute)?,
            hour: Field::parse(ScheduleField::Hour, hour)?,
            day_of_month: Field::parse(ScheduleField::DayOfMonth, day_of_month)?,
            month: Field::parse(ScheduleField::Month, month)?,
            day_of_week: Field::parse(ScheduleField::DayOfWeek, day_of_week)?,
        })
    }
}

/// Returns an expression that runs as often as an interval like `5m` or `2h`; `None` if there is none.
fn as_often(interval: &str) -> Option<String> {
    let minutes = interval.strip_suffix('m').and_then(|minutes| minutes.parse().ok());
    let hours = interval.strip_suffix('h').and_then(|hours| hours.parse().ok());
    let minutes: u32 = minutes.or(hours.and_then(|hours: u32| hours.checked_mul(60)))?;
    match minutes {
        1 => Some("* * * * *".to_owned()),
        60 => Some("@hourly".to_owned()),
        1440 => Some("@daily".to_owned()),
        2..60 if 60 % minutes == 0 => Some(format!("*/{minutes} * * * *")),
        61..1440 if 1440 % minutes == 0 && minutes.is_multiple_of(60) => {
            Some(format!("0 */{} * * *", minutes / 60))
        }
        _ => None,
    }
}

impl fmt::Display for CronExpression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = [&self.minute, &self.hour, &self.day_of_month, &self.month, &self.day_of_week];
        f.pad(&fields.map(Field::text).join(" "))
    }
}

serde_through_text!(CronExpression);

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(text: &str) -> String {
        text.parse::<CronExpression>().unwrap().to_string()
    }

    fn error(text: &str) -> String {
        text.parse::<CronExpression>().unwrap_err().to_string()
    }

    #[test]
    fn sends_valid_expressions_as_written() {
        for text in [
            "* * * * *",
            "? ? ? ? ?",
            "01 002 3 4 5",
            "5,, ,5 1,2 */1 sun,1",
            "0-30/5 */32 1/2 jan-dec/2 mon-fri",
            "*/9223372036854775807 */0024 * feb/3 sun/2",
            "59 23 31 12 6",
        ] {
            assert_eq!(sent(text), text);
        }
        assert_eq!(sent(" \t0\n0\u{a0}1  JaN\tMON-Fri "), "0 0 1 jan mon-fri");
    }

    #[test]
    fn sunday_as_seven_is_rewritten() {
        let day_of_week = |text: &str| sent(&format!("7 7 7 7 {text}")).split_off("7 7 7 7 ".len());
        for (written, expected) in [
            ("7", "0"),
            ("007", "0"),
            ("7-7", "0"),
            ("7-7/2", "0"),
            ("5-7", "5-6,0"),
            ("1-7", "1-6,0"),
            ("FRI-7", "fri-6,0"),
            ("6-7", "6-6,0"),
            ("0-7", "0-6"),
            ("sun-7/2", "sun-6/2"),
            ("0-7/7", "0-6/7"),
            ("1-7/2", "1-6/2,0"),
            ("1-7/3", "1-6/3,0"),
            ("1-7/4", "1-6/4"),
            ("1-7/6", "1-6/6,0"),
            ("1-7/99", "1-6/99"),
            ("2,7,,5-7", "2,0,,5-6,0"),
            ("*/7", "*/7"),
        ] {
            assert_eq!(day_of_week(written), expected, "{written}");
            assert_eq!(day_of_week(expected), expected);
        }
        for text in ["7-1", "7-sat", "7/2", "8", "1-8", "07-00"] {
            assert!(error(&format!("* * * * {text}")).starts_with("day of week "), "{text}");
        }
    }

    #[test]
    fn errors_name_field_and_allowed_values() {
        assert_eq!(error("60 * * * *"), "minute \"60\" is not allowed; use 0-59");
        assert_eq!(error("* 24 * * *"), "hour \"24\" is not allowed; use 0-23");
        assert_eq!(error("* * 0 * *"), "day of month \"0\" is not allowed; use 1-31");
        assert_eq!(error("* * * 13 *"), "month \"13\" is not allowed; use 1-12 or jan-dec");
        assert!(error("* * * * 8").starts_with("day of week \"8\" is not allowed; use 0-7 or sun-sat ("));
        assert_eq!(
            error("* 9-5 * * *"),
            "hour \"9-5\" ends before it begins; write the lower value first, within 0-23"
        );
        assert_eq!(error("jan * * * *"), "minute \"jan\" is not allowed; use 0-59");
        assert_eq!(
            error("*/0 * * * *"),
            "minute \"*/0\" has an invalid step; write a whole number of 1 or more after '/'"
        );
        assert_eq!(error("* ,, * * *"), "hour \",,\" has no value; use 0-23, or '*' for every value");
        assert_eq!(
            error("* * *-5 * *"),
            "day of month \"*-5\" is not allowed; use '*', a value or a range like A-B, optionally with a step like '*/2', \
             and values of 1-31"
        );
        for text in [
            "5-", "-5", "-", "/5", "*/", "*/*", "*/-1", "1/2/3", "1-2-3", "5-*", "1_0", "١", "h", "**", "?/0",
        ] {
            assert!(error(&format!("{text} * * * *")).starts_with("minute "), "{text}");
        }
        for text in ["l", "5#2", "1w", "sunday", "sat-sun", "*/mon", "99999999999999999999"] {
            assert!(error(&format!("* * * * {text}")).starts_with("day of week "), "{text}");
        }
        assert!(error("\u{1b}[2J * * * *").starts_with(r#"minute "\u{1b}[2j""#));
    }

    #[test]
    fn rejects_other_than_five_fields() {
        assert_eq!(
            error("*"),
            "schedule \"*\" has 1 field; write five (minute, hour, day of month, month, day of week), \
             or one of @hourly, @daily, @weekly, @monthly, @yearly"
        );
        assert!(error("").starts_with("schedule \"\" has 0 fields"));
        assert!(error("* * * * * *").contains("has 6 fields"));
        for text in ["CRON_TZ=UTC 0 0 * * *", "TZ=Europe/Berlin 0 0 * * *", " tz=x"] {
            assert!(error(text).contains("schedules are in UTC"), "{text}");
        }
        assert!(error("@daily").contains("depends on the job"));
        assert!(error("@Daily").contains("did you mean \"@daily\"?"));
        for (interval, expected) in [
            ("@every 5m", "\"*/5 * * * *\""),
            ("@every 90m", "five fields"),
            ("@every 120m", "\"0 */2 * * *\""),
            ("@every 1h", "\"@hourly\""),
            ("@every 24h", "\"@daily\""),
            ("@Every 7m", "five fields"),
            ("@every", "five fields"),
        ] {
            assert_eq!(
                error(interval),
                format!(
                    "schedule \"{interval}\" counts from the last run, and jobs run at fixed times; write {expected}"
                )
            );
        }
    }
}
