use std::fmt;

use serde::{Deserialize, Serialize};

use super::macros::Macro;
use super::{CronExpression, ScheduleError, ScheduleWarning};
use crate::{JobName, ToolName};

/// A schedule as the owner wrote it, with the expression that it stands for.
///
/// ```
/// use toolforge_model::Schedule;
///
/// let schedule = Schedule::parse("@monthly", &"tool3".parse()?, &"job-21".parse()?)?;
/// assert_eq!(schedule.written(), "@monthly");
/// assert_eq!(schedule.expression().to_string(), "13 0 31 * *");
/// assert_eq!(
///     schedule.warning().unwrap().to_string(),
///     "day 31 is not in every month; write \"13 0 28 * *\" to run in each",
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Schedule {
    written: String,
    expression: CronExpression,
}

impl Schedule {
    /// Reads a cron expression or one of the macros, whose time depends on the names of the tool and the job.
    ///
    /// # Errors
    /// When the text is neither.
    pub fn parse(text: &str, tool: &ToolName, job: &JobName) -> Result<Self, ScheduleError> {
        let expression = match Macro::exact(text) {
            Some(name) => name.expression(tool.as_str(), job.as_str()),
            None => text.parse()?,
        };
        Ok(Self { written: text.to_owned(), expression })
    }

    /// Returns a schedule from the cluster; whether the expression belongs to the text is not checked.
    #[must_use]
    pub fn from_parts(written: String, expression: CronExpression) -> Self {
        Self { written, expression }
    }

    /// Returns the text as the owner wrote it.
    #[must_use]
    pub fn written(&self) -> &str {
        &self.written
    }

    /// Returns the expression that is sent to the API server.
    #[must_use]
    pub fn expression(&self) -> &CronExpression {
        &self.expression
    }

    /// Returns a warning if the schedule skips months or years.
    #[must_use]
    pub fn warning(&self) -> Option<ScheduleWarning> {
        ScheduleWarning::of(&self.expression)
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Untrusted;

    fn parse(text: &str) -> Result<Schedule, ScheduleError> {
        Schedule::parse(text, &"tf-test".parse().unwrap(), &"myjob".parse().unwrap())
    }

    #[test]
    fn keeps_the_written_text() {
        for (written, expression) in
            [("@weekly", "1 7 * * 6"), (" 0  0 * * SUN", "0 0 * * sun"), ("0 0 * * 7", "0 0 * * 0")]
        {
            let schedule = parse(written).unwrap();
            assert_eq!(
                (schedule.written(), schedule.expression().to_string().as_str()),
                (written, expression)
            );
            assert_eq!(Schedule::from_parts(written.to_owned(), expression.parse().unwrap()), schedule);
        }
    }

    #[test]
    fn suggests_a_macro() {
        assert_eq!(
            parse("@midnight").unwrap_err().to_string(),
            "unknown schedule \"@midnight\"; the names are @hourly, @daily, @weekly, @monthly, @yearly; did you mean \"@daily\"?"
        );
        for (text, near) in [
            ("@annually", Some("@yearly")),
            ("@HOURLY", Some("@hourly")),
            (" @daily", Some("@daily")),
            ("@daily ", Some("@daily")),
            ("@dayly", Some("@daily")),
            ("@month", Some("@monthly")),
            ("@reboot", None),
            ("@", None),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!(error, ScheduleError::Macro { schedule: Untrusted::new(text), near }, "{text}");
        }
    }
}
