use std::fmt;

use super::cron_field::{Field, LongStep};
use super::{CronExpression, ScheduleField};

/// The last day that every month has.
const LAST_COMMON_DAY: u8 = 28;
const FEBRUARY: i8 = 2;
/// How many days each month has in a leap year.
const LENGTHS: [i8; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A warning about a schedule that the API server accepts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScheduleWarning {
    /// It skips months that are too short.
    #[error("day {day} is not in every month; write \"{suggestion}\" to run in each")]
    ShortMonths {
        /// The first day of the month on which it runs.
        day: i8,
        /// An expression that runs in each of its months.
        suggestion: CronExpression,
    },
    /// It runs on 29 February only.
    #[error("29 February exists only in leap years; write \"{suggestion}\" to run in each year")]
    LeapYears {
        /// An expression that runs in each year.
        suggestion: CronExpression,
    },
    /// It never runs, since none of its months has such a day.
    #[error("this never runs, because {} no day {day}; write \"{suggestion}\" to run", and_have(months))]
    Never {
        /// The first day of the month on which it would run.
        day: i8,
        /// The months of the expression, in English.
        months: Vec<&'static str>,
        /// An expression that runs in each of its months.
        suggestion: CronExpression,
    },
    /// A step is larger than the range of its field, so it has no effect.
    #[error("{field} \"{entry}\" means \"{first}\", because the step is larger than the range; write \"{suggestion}\"{}", every.map(|every| format!(" to run {every}")).unwrap_or_default())]
    LongStep {
        /// The field.
        field: ScheduleField,
        /// The entry of the field.
        entry: String,
        /// The only value that the entry matches.
        first: u8,
        /// How often the suggestion runs, if it is as often as the step says.
        every: Option<RunInterval>,
        /// An expression without the step.
        suggestion: CronExpression,
    },
}

/// A number of hours or days from one run to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RunInterval {
    /// Hours.
    Hours(u8),
    /// Days, counted from the first of each month.
    Days(u8),
}

impl fmt::Display for RunInterval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hours(1) => f.write_str("every hour"),
            Self::Days(1) => f.write_str("every day"),
            Self::Hours(hours) => write!(f, "every {hours} hours"),
            Self::Days(days) => write!(f, "every {days} days"),
        }
    }
}

/// Returns `April has`, or `April and June have`.
fn and_have(months: &[&str]) -> String {
    match months {
        [one] => format!("{one} has"),
        [all @ .., last] => format!("{} and {last} have", all.join(", ")),
        [] => "its months have".to_owned(),
    }
}

impl ScheduleWarning {
    pub(super) fn of(expression: &CronExpression) -> Option<Self> {
        Self::of_days(expression).or_else(|| Self::of_steps(expression))
    }

    fn of_steps(expression: &CronExpression) -> Option<Self> {
        let CronExpression { minute, hour, day_of_month, month, day_of_week } = expression;
        let fields = [
            (ScheduleField::Minute, minute),
            (ScheduleField::Hour, hour),
            (ScheduleField::DayOfMonth, day_of_month),
            (ScheduleField::Month, month),
            (ScheduleField::DayOfWeek, day_of_week),
        ];
        let (field, LongStep { entry, step, first }) =
            fields.into_iter().find_map(|(field, found)| Some((field, found.long_step(field)?)))?;
        let meant = longer_interval(expression, field, step, first);
        let (every, suggestion) = match meant {
            Some((every, suggestion)) => (Some(every), suggestion),
            None => (None, without_step(expression, field, &entry, first)?),
        };
        Some(Self::LongStep { field, entry, first, every, suggestion })
    }

    fn of_days(expression: &CronExpression) -> Option<Self> {
        // With both day fields restricted, the days of the week add runs to every month.
        if expression.day_of_month.is_any() || !expression.day_of_week.is_any() {
            return None;
        }
        let day = expression.day_of_month.first_from(1)?;
        let months = || (1..).zip(LENGTHS).filter(|&(month, _)| expression.month.contains(month));
        let in_leap_year = |&(_, length): &(i8, i8)| day <= length;
        let in_each_year = |&(month, length): &(i8, i8)| day <= if month == FEBRUARY { 28 } else { length };
        let suggestion =
            || CronExpression { day_of_month: Field::single(LAST_COMMON_DAY), ..expression.clone() };
        if months().all(|month| in_each_year(&month)) {
            None
        } else if !months().any(|month| in_leap_year(&month)) {
            let names =
                months().filter_map(|(month, _)| MONTHS.get(usize::try_from(month - 1).ok()?).copied());
            Some(Self::Never { day, months: names.collect(), suggestion: suggestion() })
        } else if !months().any(|month| in_each_year(&month)) {
            Some(Self::LeapYears { suggestion: suggestion() })
        } else {
            Some(Self::ShortMonths { day, suggestion: suggestion() })
        }
    }

    /// Returns the code: `short-months`, `leap-years`, `never` or `long-step`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::ShortMonths { .. } => "short-months",
            Self::LeapYears { .. } => "leap-years",
            Self::Never { .. } => "never-runs",
            Self::LongStep { .. } => "long-step",
        }
    }

    /// Returns the expression that was probably meant.
    #[must_use]
    pub fn suggestion(&self) -> &CronExpression {
        match self {
            Self::ShortMonths { suggestion, .. }
            | Self::LeapYears { suggestion }
            | Self::Never { suggestion, .. }
            | Self::LongStep { suggestion, .. } => suggestion,
        }
    }
}

/// Returns an expression that runs at an interval of hours or days, if a step of whole hours in the minutes or of whole days in
/// the hours asks for it.
fn longer_interval(
    expression: &CronExpression,
    field: ScheduleField,
    step: u64,
    first: u8,
) -> Option<(RunInterval, CronExpression)> {
    let has_any_day = expression.day_of_month.is_any() && expression.day_of_week.is_any();
    let every_days = |days: u8| match days {
        1 => expression.day_of_month.clone(),
        days => Field::every(ScheduleField::DayOfMonth, days),
    };
    let of_minutes = |hours: u8| match hours {
        1..24 => {
            let hour = match hours {
                1 => expression.hour.clone(),
                hours => Field::every(ScheduleField::Hour, hours),
            };
            Some((RunInterval::Hours(hours), CronExpression { hour, ..expression.clone() }))
        }
        hours if hours.is_multiple_of(24) && has_any_day => {
            let day_of_month = every_days(hours / 24);
            let hour = Field::single(0);
            Some((RunInterval::Days(hours / 24), CronExpression { hour, day_of_month, ..expression.clone() }))
        }
        _ => None,
    };
    let count = |of: u64| if step.is_multiple_of(of) { u8::try_from(step / of).ok() } else { None };
    match field {
        ScheduleField::Minute if expression.hour.is_any() && is_single(&expression.minute) => {
            let (every, expression) = of_minutes(count(60)?)?;
            Some((every, CronExpression { minute: Field::single(first), ..expression }))
        }
        ScheduleField::Hour if has_any_day && is_single(&expression.hour) => {
            let days = count(24).filter(|days| *days < 31)?;
            let (hour, day_of_month) = (Field::single(first), every_days(days));
            Some((RunInterval::Days(days), CronExpression { hour, day_of_month, ..expression.clone() }))
        }
        _ => None,
    }
}

fn is_single(field: &Field) -> bool {
    !field.text().contains(',')
}

/// Returns an expression with the only value that an entry matches in its place.
fn without_step(
    expression: &CronExpression,
    field: ScheduleField,
    entry: &str,
    first: u8,
) -> Option<CronExpression> {
    let mut expression = expression.clone();
    let changed = match field {
        ScheduleField::Minute => &mut expression.minute,
        ScheduleField::Hour => &mut expression.hour,
        ScheduleField::DayOfMonth => &mut expression.day_of_month,
        ScheduleField::Month => &mut expression.month,
        ScheduleField::DayOfWeek => &mut expression.day_of_week,
    };
    let entries: Vec<String> = changed
        .text()
        .split(',')
        .map(|found| if found == entry { first.to_string() } else { found.to_owned() })
        .collect();
    *changed = Field::parse(field, &entries.join(",")).ok()?;
    Some(expression)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warning(text: &str) -> Option<String> {
        ScheduleWarning::of(&text.parse().unwrap()).map(|warning| warning.to_string())
    }

    #[test]
    fn warns_of_missing_days() {
        assert_eq!(
            warning("1 7 31 * *").unwrap(),
            "day 31 is not in every month; write \"1 7 28 * *\" to run in each"
        );
        assert_eq!(
            warning("0 0 29 feb *").unwrap(),
            "29 February exists only in leap years; write \"0 0 28 feb *\" to run in each year"
        );
        assert_eq!(
            warning("0 0 31 2,4 *").unwrap(),
            "this never runs, because February and April have no day 31; write \"0 0 28 2,4 *\" to run"
        );
        assert_eq!(
            warning("0 0 30 2 *").unwrap(),
            "this never runs, because February has no day 30; write \"0 0 28 2 *\" to run"
        );
        for text in ["0 0 29,30 * *", "0 0 30 1-3 ?", "0 0 31,30 4,5,2 *"] {
            assert!(warning(text).unwrap().contains("in every month"), "{text}");
        }
    }

    #[test]
    fn warns_of_steps_beyond_the_range() {
        let suggested = |text: &str| {
            let warning = ScheduleWarning::of(&text.parse().unwrap()).unwrap();
            assert_eq!(warning.code(), "long-step", "{text}");
            assert_eq!(ScheduleWarning::of(warning.suggestion()), None, "{text}");
            warning.suggestion().to_string()
        };
        assert_eq!(
            warning("*/120 * * * *").unwrap(),
            "minute \"*/120\" means \"0\", because the step is larger than the range; write \"0 */2 * * *\" to run every 2 \
             hours"
        );
        assert_eq!(
            warning("*/90 * * * *").unwrap(),
            "minute \"*/90\" means \"0\", because the step is larger than the range; write \"0 * * * *\""
        );
        assert_eq!(
            warning("*/60 * * * *").unwrap(),
            "minute \"*/60\" means \"0\", because the step is larger than the range; write \"0 * * * *\" to run every hour"
        );
        for (text, suggestion) in [
            ("5/180 * * * *", "5 */3 * * *"),
            ("*/1440 * * * *", "0 0 * * *"),
            ("*/2880 * * * *", "0 0 */2 * *"),
            ("5/60 * * * *", "5 * * * *"),
            ("0 */24 * * *", "0 0 * * *"),
            ("0 */48 * * *", "0 0 */2 * *"),
            ("0 */48 * * 1", "0 0 * * 1"),
            ("*/120 8-20 * * *", "0 8-20 * * *"),
            ("30,*/120 * * * *", "30,0 * * * *"),
            ("0-20/30 * * * *", "0 * * * *"),
            ("0 0 */90 * *", "0 0 1 * *"),
            ("0 0 1 */24 *", "0 0 1 1 *"),
            ("0 0 * * */14", "0 0 * * 0"),
        ] {
            assert_eq!(suggested(text), suggestion, "{text}");
        }
        for text in ["*/59 * * * *", "0 */23 * * *", "0 0 */31 * *", "0 0 1 */12 *", "0 0 * * */7"] {
            assert_eq!(warning(text), None, "{text}");
        }
    }

    #[test]
    fn does_not_warn_of_existing_days() {
        for text in [
            "0 0 28 * *",
            "0 0 1,31 * *",
            "0 0 */30 * *",
            "0 0 31 1,3,5 *",
            "0 0 30 4 *",
            "0 0 30,31 4,5 *",
            "0 0 30 2 1",
            "0 0 31,* * *",
            "* * * 2 *",
        ] {
            assert_eq!(warning(text), None, "{text}");
        }
    }

    #[test]
    fn does_not_warn_of_suggestions() {
        for text in ["0 0 31 * *", "0 0 29 2 *", "0 0 30 2 *"] {
            let expression = text.parse().unwrap();
            assert_eq!(ScheduleWarning::of(ScheduleWarning::of(&expression).unwrap().suggestion()), None);
        }
    }
}
