//! When a job runs: cron expressions as the API server reads them, and the macros that stand for one.

mod cron;
mod error;
mod field;
mod search;
mod splay;
mod warning;

pub use cron::CronExpression;
pub use error::{ScheduleError, ScheduleField};
pub use warning::ScheduleWarning;

use crate::{JobName, ToolName};

/// How alike two words are that may be the same one, mistyped.
const NEAR: f64 = 0.87;

/// When a job runs: what the owner wrote, and the expression that it stands for.
///
/// ```
/// use toolforge_model::Schedule;
///
/// let schedule = Schedule::parse("@monthly", &"tool3".parse()?, &"job-21".parse()?)?;
/// assert_eq!(schedule.written(), "@monthly");
/// assert_eq!(schedule.expression().to_string(), "13 0 31 * *");
/// assert_eq!(
///     schedule.warning().unwrap().to_string(),
///     "day 31 does not come in every month; write \"13 0 28 * *\" to run in each",
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Schedule {
    written: String,
    expression: CronExpression,
}

impl Schedule {
    /// Reads a cron expression or one of the macros, whose time depends on the names of the tool and the job.
    ///
    /// # Errors
    ///
    /// If the text is neither.
    pub fn parse(text: &str, tool: &ToolName, job: &JobName) -> Result<Self, ScheduleError> {
        let expression = match Macro::exact(text) {
            Some(name) => splay::splay(name, tool.as_str(), job.as_str()),
            None => text.parse()?,
        };
        Ok(Self { written: text.to_owned(), expression })
    }

    /// Returns a schedule that was found in the cluster; whether the two belong together is not checked.
    #[must_use]
    pub fn observed(written: String, expression: CronExpression) -> Self {
        Self { written, expression }
    }

    /// Returns the text exactly as the owner wrote it.
    #[must_use]
    pub fn written(&self) -> &str {
        &self.written
    }

    /// Returns the expression that is sent to the server.
    #[must_use]
    pub fn expression(&self) -> &CronExpression {
        &self.expression
    }

    /// Returns what is odd about the schedule, if it skips months or years.
    #[must_use]
    pub fn warning(&self) -> Option<ScheduleWarning> {
        ScheduleWarning::of(&self.expression)
    }
}

/// A word that stands for a cron expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Macro {
    Hourly,
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

impl Macro {
    const ALL: [Self; 5] = [Self::Hourly, Self::Daily, Self::Weekly, Self::Monthly, Self::Yearly];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Hourly => "@hourly",
            Self::Daily => "@daily",
            Self::Weekly => "@weekly",
            Self::Monthly => "@monthly",
            Self::Yearly => "@yearly",
        }
    }

    fn exact(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.as_str() == text)
    }

    fn list() -> String {
        Self::ALL.map(Self::as_str).join(", ")
    }

    /// Returns the macro that was probably meant by a text that is none.
    fn near(text: &str) -> Option<&'static str> {
        let text = text.trim().to_lowercase();
        match text.as_str() {
            "@midnight" => return Some(Self::Daily.as_str()),
            "@annually" => return Some(Self::Yearly.as_str()),
            // The word without its sign.
            word if !word.starts_with('@') => {
                return Self::ALL.map(Self::as_str).into_iter().find(|name| name[1..] == *word);
            }
            _ => {}
        }
        let similarity = |name: &str| strsim::jaro_winkler(name, &text);
        let nearest =
            Self::ALL.map(Self::as_str).into_iter().max_by(|a, b| similarity(a).total_cmp(&similarity(b)));
        nearest.filter(|name| similarity(name) >= NEAR)
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
    fn what_was_written_is_kept_beside_the_expression() {
        for (written, expression) in
            [("@weekly", "1 7 * * 6"), (" 0  0 * * SUN", "0 0 * * sun"), ("0 0 * * 7", "0 0 * * 0")]
        {
            let schedule = parse(written).unwrap();
            assert_eq!(
                (schedule.written(), schedule.expression().to_string().as_str()),
                (written, expression)
            );
            assert_eq!(Schedule::observed(written.to_owned(), expression.parse().unwrap()), schedule);
        }
    }

    #[test]
    fn what_is_no_macro_is_refused_with_the_near_one() {
        assert_eq!(
            parse("@midnight").unwrap_err().to_string(),
            "schedule \"@midnight\" is not one of @hourly, @daily, @weekly, @monthly, @yearly; did you mean \"@daily\"?"
        );
        for (text, near) in [
            ("@annually", Some("@yearly")),
            ("@HOURLY", Some("@hourly")),
            (" @daily", Some("@daily")),
            ("@daily ", Some("@daily")),
            ("@dayly", Some("@daily")),
            ("@month", Some("@monthly")),
            ("@every 5m", None),
            ("@reboot", None),
            ("@", None),
        ] {
            let refusal = parse(text).unwrap_err();
            assert_eq!(refusal, ScheduleError::Macro { schedule: Untrusted::new(text), near }, "{text}");
        }
    }
}
