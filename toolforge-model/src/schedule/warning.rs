use super::CronExpression;
use super::field::Field;

/// The last day that every month has.
const LAST_COMMON_DAY: u8 = 28;
const FEBRUARY: i8 = 2;
/// How many days each month has in a leap year.
const LENGTHS: [i8; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

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
    #[error("29 February is in leap years only; write \"{suggestion}\" to run in each year")]
    LeapYears {
        /// An expression that runs in each year.
        suggestion: CronExpression,
    },
    /// It never runs, since none of its months has such a day.
    #[error("this never runs, since none of the months has a day {day}; write \"{suggestion}\" to run")]
    Never {
        /// The first day of the month on which it would run.
        day: i8,
        /// An expression that runs in each of its months.
        suggestion: CronExpression,
    },
}

impl ScheduleWarning {
    pub(super) fn of(expression: &CronExpression) -> Option<Self> {
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
            Some(Self::Never { day, suggestion: suggestion() })
        } else if !months().any(|month| in_each_year(&month)) {
            Some(Self::LeapYears { suggestion: suggestion() })
        } else {
            Some(Self::ShortMonths { day, suggestion: suggestion() })
        }
    }

    /// Returns the code: `short-months`, `leap-years` or `never`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::ShortMonths { .. } => "short-months",
            Self::LeapYears { .. } => "leap-years",
            Self::Never { .. } => "never",
        }
    }

    /// Returns the expression that was probably meant.
    #[must_use]
    pub fn suggestion(&self) -> &CronExpression {
        match self {
            Self::ShortMonths { suggestion, .. }
            | Self::LeapYears { suggestion }
            | Self::Never { suggestion, .. } => suggestion,
        }
    }
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
            "29 February is in leap years only; write \"0 0 28 feb *\" to run in each year"
        );
        assert_eq!(
            warning("0 0 31 2,4 *").unwrap(),
            "this never runs, since none of the months has a day 31; write \"0 0 28 2,4 *\" to run"
        );
        for text in ["0 0 29,30 * *", "0 0 30 1-3 ?", "0 0 31,30 4,5,2 *"] {
            assert!(warning(text).unwrap().contains("in every month"), "{text}");
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
