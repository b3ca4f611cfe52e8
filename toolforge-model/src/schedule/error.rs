use std::fmt;

use super::Macro;
use crate::Untrusted;

/// Why a text is not a schedule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScheduleError {
    /// The text has more or fewer than five fields.
    #[error(
        "schedule {} has {found} {}; it has five: minute, hour, day of month, month and day of week, or it is one of {}",
        schedule.quoted(), if *found == 1 { "field" } else { "fields" },
        Macro::near(schedule.as_raw()).map_or_else(Macro::list, |near| format!("those like {near}; did you mean that?"))
    )]
    FieldCount {
        /// The whole text.
        schedule: Untrusted,
        /// How many fields were found.
        found: usize,
    },
    /// A word with `@` that is none of those that the platform knows.
    #[error(
        "schedule {} is not one of {}{}",
        schedule.quoted(), Macro::list(), near.map(|near| format!("; did you mean \"{near}\"?")).unwrap_or_default()
    )]
    Macro {
        /// The whole text.
        schedule: Untrusted,
        /// The word that was probably meant.
        near: Option<&'static str>,
    },
    /// A macro where only an expression can stand.
    #[error("schedule {} has no time of its own, but one that depends on the job; use five fields", schedule.quoted())]
    MacroAsExpression {
        /// The whole text.
        schedule: Untrusted,
    },
    /// A time zone before the fields.
    #[error("schedule {} sets a time zone; schedules are in UTC: leave it out and write the hours of UTC", schedule.quoted())]
    TimeZone {
        /// The whole text.
        schedule: Untrusted,
    },
    /// A field of commas alone.
    #[error("{field} {} has no value; use {}, or '*' for every one", found.quoted(), field.allowed())]
    NoValue {
        /// The field in which it was found.
        field: ScheduleField,
        /// The whole field.
        found: Untrusted,
    },
    /// What stands where a number or a name must stand.
    #[error("{field} {} is not allowed; use {}", found.quoted(), field.allowed())]
    Value {
        /// The field in which it was found.
        field: ScheduleField,
        /// The number or word.
        found: Untrusted,
    },
    /// An entry that is not put together as one.
    #[error(
        "{field} {} is not allowed; use '*', a value or a range like A-B, and perhaps a step like '*/2', with values of {}",
        found.quoted(), field.allowed()
    )]
    Entry {
        /// The field in which it was found.
        field: ScheduleField,
        /// The entry of the list.
        found: Untrusted,
    },
    /// A range that ends before it begins.
    #[error("{field} {} ends before it begins; a range goes upwards within {}", found.quoted(), field.allowed())]
    Backwards {
        /// The field in which it was found.
        field: ScheduleField,
        /// The entry of the list.
        found: Untrusted,
    },
    /// A step that is not a number, or 0.
    #[error("{field} {} has no step that can be used; after '/' stands a whole number of 1 or more", found.quoted())]
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
