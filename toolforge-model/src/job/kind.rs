use std::num::NonZeroU32;
use std::str::FromStr;

use crate::job::port::JobPort;
use crate::job::value::{JobValueError, whole};
use crate::{HealthCheckPath, Replicas, Schedule};

/// When a job runs; each kind has what only it can have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobKind {
    /// Once, now.
    OneOff {
        /// How often a run that failed is tried again.
        retry: Retry,
    },
    /// At the times of a schedule.
    Scheduled {
        /// When.
        schedule: Schedule,
        /// How often a run that failed is tried again.
        retry: Retry,
        /// After how many seconds a run is ended; `None` for never.
        timeout: Option<NonZeroU32>,
    },
    /// Always: where it ends, it is started again.
    Continuous {
        /// How many pods; there may be none.
        replicas: Replicas,
        /// Where other pods reach it.
        port: Option<JobPort>,
        /// How the cluster finds out whether it is well.
        health_check: Option<JobHealthCheck>,
    },
}

impl JobKind {
    /// Returns the word that people and programs read (jobs-cli 16).
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::OneOff { .. } => "one-off",
            Self::Scheduled { .. } => "scheduled",
            Self::Continuous { .. } => "continuous",
        }
    }

    /// Returns how often a failed run is tried again; a continuous job always is.
    #[must_use]
    pub fn retry(&self) -> Option<Retry> {
        match self {
            Self::OneOff { retry } | Self::Scheduled { retry, .. } => Some(*retry),
            Self::Continuous { .. } => None,
        }
    }

    /// Returns the schedule of a scheduled job.
    #[must_use]
    pub fn schedule(&self) -> Option<&Schedule> {
        match self {
            Self::Scheduled { schedule, .. } => Some(schedule),
            Self::OneOff { .. } | Self::Continuous { .. } => None,
        }
    }

    /// Returns the port of a continuous job.
    #[must_use]
    pub fn port(&self) -> Option<&JobPort> {
        match self {
            Self::Continuous { port, .. } => port.as_ref(),
            Self::OneOff { .. } | Self::Scheduled { .. } => None,
        }
    }
}

/// How often a failed run is tried again: 0 to 5 (jobs-cli 16).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Retry(u8);

impl Retry {
    /// The most.
    pub const MAX: u8 = 5;

    /// Returns the number that a live object states, which may be any.
    #[must_use]
    pub fn observed(count: i32) -> Self {
        Self(u8::try_from(count.max(0)).unwrap_or(u8::MAX))
    }

    /// Returns the number of times.
    #[must_use]
    pub fn count(self) -> u8 {
        self.0
    }
}

impl FromStr for Retry {
    type Err = JobValueError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = whole(text).filter(|count| *count <= u64::from(Self::MAX));
        let found = found.and_then(|count| u8::try_from(count).ok());
        found.map(Self).ok_or_else(|| JobValueError::new(text, "a number of retries", "0 to 5"))
    }
}

/// Which mails a job's owner wants: the values of the label `jobs.toolforge.org/emails`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Emails {
    /// None.
    #[default]
    None,
    /// At every change.
    All,
    /// When a run ends.
    OnFinish,
    /// When a run fails.
    OnFailure,
}

impl Emails {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::None, Self::All, Self::OnFinish, Self::OnFailure];

    /// Returns the platform's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::All => "all",
            Self::OnFinish => "onfinish",
            Self::OnFailure => "onfailure",
        }
    }
}

impl FromStr for Emails {
    type Err = JobValueError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|emails| emails.as_str() == text);
        found.ok_or_else(|| JobValueError::new(text, "a choice of mails", "none, all, onfinish or onfailure"))
    }
}

/// How the cluster finds out whether a continuous job is well.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum JobHealthCheck {
    /// A command ends with 0.
    Script(String),
    /// A page is answered with a status from 200 to 399.
    Http(HealthCheckPath),
}

/// Returns the number of replicas of a continuous job, which may be none.
///
/// # Errors
/// When the text is no whole number from 0 to 2³¹ − 1.
pub fn job_replicas(text: &str) -> Result<Replicas, JobValueError> {
    let found = whole(text).and_then(|count| i32::try_from(count).ok());
    found.map(Replicas::observed).ok_or_else(|| JobValueError::new(text, "a number of replicas", "0 or more"))
}

/// Returns a number of seconds after which a run is ended; 0 is never.
///
/// # Errors
/// When the text is no whole number from 0 to 2³² − 1.
pub fn job_timeout(text: &str) -> Result<Option<NonZeroU32>, JobValueError> {
    let found = whole(text).and_then(|seconds| u32::try_from(seconds).ok());
    found
        .map(NonZeroU32::new)
        .ok_or_else(|| JobValueError::new(text, "a number of seconds", "0 (no timeout) or more, like 3600"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_their_ranges() {
        assert_eq!("5".parse::<Retry>().unwrap().count(), 5);
        assert_eq!(
            "6".parse::<Retry>().unwrap_err().to_string(),
            "\"6\" is not a number of retries; allowed is 0 to 5"
        );
        assert_eq!(job_replicas("0").unwrap().count(), 0);
        assert!(job_replicas("-1").is_err() && job_replicas("2147483648").is_err());
        assert_eq!(job_timeout("0"), Ok(None));
        assert_eq!(job_timeout("60"), Ok(NonZeroU32::new(60)));
        assert!(job_timeout("-1").is_err() && job_timeout("1.5").is_err());
    }

    #[test]
    fn mails_are_the_platforms_four_words() {
        for emails in Emails::ALL {
            assert_eq!(emails.as_str().parse(), Ok(emails));
        }
        assert!(
            "sometimes"
                .parse::<Emails>()
                .unwrap_err()
                .to_string()
                .ends_with("none, all, onfinish or onfailure")
        );
    }
}
