use std::fmt;

use super::macros::Macro;
use crate::Untrusted;

/// Why a text is not a schedule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScheduleError {
    /// The text has more or fewer than five fields.
    #[error(
        "schedule {} has {found} {}; write five (minute, hour, day of month, month, day of week), or one of {}",
        schedule.quoted(), if *found == 1 { "field" } else { "fields" },
        Macro::suggest(schedule.as_raw()).map_or_else(Macro::list, |near| format!("{}; did you mean \"{near}\"?", Macro::list()))
    )]
    FieldCount {
        /// The whole text.
        schedule: Untrusted,
        /// How many fields were found.
        found: usize,
    },
    /// An unknown word with `@`.
    #[error(
        "unknown schedule {}; the names are {}{}",
        schedule.quoted(), Macro::list(), near.map(|near| format!("; did you mean \"{near}\"?")).unwrap_or_default()
    )]
    Macro {
        /// The whole text.
        schedule: Untrusted,
        /// The name that was probably meant.
        near: Option<&'static str>,
    },
    /// An interval, which a Kubernetes CronJob may have.
    #[error(
        "schedule {} counts from the last run, and jobs run at fixed times; write {}",
        schedule.quoted(),
        instead.as_ref().map_or_else(|| "five fields".to_owned(), |instead| format!("\"{instead}\""))
    )]
    Interval {
        /// The whole text.
        schedule: Untrusted,
        /// An expression that runs as often.
        instead: Option<String>,
    },
    /// A macro where only an expression is allowed.
    #[error("schedule {} has a time that depends on the job; write five fields instead", schedule.quoted())]
    MacroAsExpression {
        /// The whole text.
        schedule: Untrusted,
    },
    /// A time zone before the fields.
    #[error("schedule {} sets a time zone, and schedules are in UTC; remove it and write the time in UTC", schedule.quoted())]
    TimeZone {
        /// The whole text.
        schedule: Untrusted,
    },
    /// A field that has only commas.
    #[error("{field} {} has no value; use {}, or '*' for every value", found.quoted(), field.allowed())]
    NoValue {
        /// The field in which it was found.
        field: ScheduleField,
        /// The whole field.
        found: Untrusted,
    },
    /// Something other than an allowed number or name.
    #[error("{field} {} is not allowed; use {}", found.quoted(), field.allowed())]
    Value {
        /// The field in which it was found.
        field: ScheduleField,
        /// The number or word.
        found: Untrusted,
    },
    /// A malformed entry.
    #[error(
        "{field} {} is not allowed; use '*', a value or a range like A-B, optionally with a step like '*/2', and values of {}",
        found.quoted(), field.allowed()
    )]
    Entry {
        /// The field in which it was found.
        field: ScheduleField,
        /// The entry of the list.
        found: Untrusted,
    },
    /// A range that ends before it begins.
    #[error("{field} {} ends before it begins; write the lower value first, within {}", found.quoted(), field.allowed())]
    Backwards {
        /// The field in which it was found.
        field: ScheduleField,
        /// The entry of the list.
        found: Untrusted,
    },
    /// A step that is not a number, or 0.
    #[error("{field} {} has an invalid step; write a whole number of 1 or more after '/'", found.quoted())]
    Step {
        /// The field in which it was found.
        field: ScheduleField,
        /// The entry of the list.
        found: Untrusted,
    },
}

/// One of the five fields of a cron expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScheduleField {
    /// The minute of the hour, from 0 to 59.
    Minute,
    /// The hour of the day, from 0 to 23.
    Hour,
    /// The day of the month, from 1 to 31.
    DayOfMonth,
    /// The month of the year, from 1 to 12, or by name.
    Month,
    /// The day of the week, from 0 (Sunday) to 6, or by name.
    DayOfWeek,
}

impl ScheduleField {
    fn allowed(self) -> &'static str {
        match self {
            Self::Minute => "0-59",
            Self::Hour => "0-23",
            Self::DayOfMonth => "1-31",
            Self::Month => "1-12 or jan-dec",
            Self::DayOfWeek => "0-7 or sun-sat (0, 7 and sun are Sunday; a range may end in 7, not in sun)",
        }
    }
}

impl fmt::Display for ScheduleField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::DayOfMonth => "day of month",
            Self::Month => "month",
            Self::DayOfWeek => "day of week",
        })
    }
}
