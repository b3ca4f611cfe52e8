use std::fmt;
use std::num::NonZeroU16;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{HealthCheckPath, Untrusted};

/// An invalid value for a job field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} is not {what}; expected {allowed}", found.quoted())]
#[non_exhaustive]
pub struct JobValueError {
    /// The text that was found.
    pub found: Untrusted,
    /// The kind of value that it should be.
    pub what: &'static str,
    /// The allowed values.
    pub allowed: &'static str,
}

impl JobValueError {
    pub(in crate::job) fn new(found: &str, what: &'static str, allowed: &'static str) -> Self {
        Self { found: Untrusted::new(found), what, allowed }
    }
}

/// Reads a whole number without a sign.
pub(in crate::job) fn whole_number(text: &str) -> Option<u64> {
    let is_whole = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| is_whole)
}

/// The number of times that a failed run is retried: 0 to 5 (jobs-cli 16).
///
/// A live object may have more ([`Retry::from_i32_saturating`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Retry(u8);

impl Retry {
    /// The maximum that can be requested.
    pub const MAX: u8 = 5;

    /// Returns the number that a live object states; a negative one counts as 0, one above 255 as 255.
    #[must_use]
    pub fn from_i32_saturating(count: i32) -> Self {
        Self(u8::try_from(count.max(0)).unwrap_or(u8::MAX))
    }

    /// Returns the number of retries.
    #[must_use]
    pub fn count(self) -> u8 {
        self.0
    }
}

impl TryFrom<u32> for Retry {
    type Error = JobValueError;

    fn try_from(count: u32) -> Result<Self, Self::Error> {
        match u8::try_from(count) {
            Ok(count @ 0..=Self::MAX) => Ok(Self(count)),
            _ => Err(JobValueError::new(&count.to_string(), "a number of retries", "0 to 5")),
        }
    }
}

impl FromStr for Retry {
    type Err = JobValueError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let count = whole_number(text).and_then(|count| u32::try_from(count).ok());
        count
            .and_then(|count| Self::try_from(count).ok())
            .ok_or_else(|| JobValueError::new(text, "a number of retries", "0 to 5"))
    }
}

impl fmt::Display for Retry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Retry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.0)
    }
}

impl<'de> Deserialize<'de> for Retry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u32::deserialize(deserializer)?.try_into().map_err(serde::de::Error::custom)
    }
}

/// When the tool's maintainers get mail about a job: the values of the label `jobs.toolforge.org/emails`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Emails {
    /// Never.
    #[default]
    None,
    /// At every change.
    All,
    /// When a run terminates.
    OnFinish,
    /// When a run fails.
    OnFailure,
}

impl Emails {
    /// All values.
    pub const ALL: &'static [Self] = &[Self::None, Self::All, Self::OnFinish, Self::OnFailure];

    /// Returns the value of the label and of the option.
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
        let found = Self::ALL.iter().find(|emails| emails.as_str() == text);
        found
            .copied()
            .ok_or_else(|| JobValueError::new(text, "an email setting", "none, all, onfinish or onfailure"))
    }
}

impl fmt::Display for Emails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

serde_through_text!(Emails);

/// How the cluster checks whether a continuous job is healthy. Displayed as the command, escaped, or the path.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum JobHealthCheck {
    /// A command exits with 0.
    Script(String),
    /// The response of a page has a status from 200 to 399.
    Http(HealthCheckPath),
}

impl fmt::Display for JobHealthCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Script(command) => f.pad(&Untrusted::new(command.as_str()).escaped().to_string()),
            Self::Http(path) => f.pad(path.as_str()),
        }
    }
}

/// The port on which other pods reach a continuous job.
///
/// Written as `8080/tcp`, without the information whether it is published, which serde keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "protocol", rename_all = "lowercase", rename_all_fields = "camelCase")]
pub enum JobPort {
    /// A TCP port.
    Tcp {
        /// The port's number.
        number: NonZeroU16,
        /// Whether the tool's domain leads to it.
        is_public: bool,
    },
    /// A UDP port.
    Udp {
        /// The port's number.
        number: NonZeroU16,
    },
}

impl JobPort {
    /// Returns the port's number.
    #[must_use]
    pub fn number(self) -> NonZeroU16 {
        match self {
            Self::Tcp { number, .. } | Self::Udp { number } => number,
        }
    }

    /// Returns the protocol's name in Kubernetes: `TCP` or `UDP`.
    #[must_use]
    pub fn protocol(self) -> &'static str {
        match self {
            Self::Tcp { .. } => "TCP",
            Self::Udp { .. } => "UDP",
        }
    }

    /// Returns whether the tool's domain leads to it.
    #[must_use]
    pub fn is_public(self) -> bool {
        matches!(self, Self::Tcp { is_public: true, .. })
    }
}

impl FromStr for JobPort {
    type Err = JobValueError;

    /// Reads `8080`, `8080/tcp` or `8080/udp`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || {
            JobValueError::new(
                text,
                "a port",
                "1 to 65535, optionally followed by /tcp or /udp, like 8080/udp",
            )
        };
        let (digits, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
        let number =
            whole_number(digits).and_then(|number| u16::try_from(number).ok()).and_then(NonZeroU16::new);
        let number = number.ok_or_else(refused)?;
        match protocol {
            "tcp" => Ok(Self::Tcp { number, is_public: false }),
            "udp" => Ok(Self::Udp { number }),
            _ => Err(refused()),
        }
    }
}

impl fmt::Display for JobPort {
    /// Writes `8080/tcp`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number(), self.protocol().to_ascii_lowercase())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_are_limited_to_five() {
        assert_eq!("5".parse::<Retry>().unwrap().count(), 5);
        assert_eq!(
            "6".parse::<Retry>().unwrap_err().to_string(),
            "\"6\" is not a number of retries; expected 0 to 5"
        );
        assert!(Retry::try_from(6).is_err());
    }

    #[test]
    fn retries_round_trip() {
        for count in 0..=5 {
            let retry = Retry::try_from(count).unwrap();
            assert_eq!(retry.to_string().parse(), Ok(retry));
        }
    }

    #[test]
    fn health_check_is_displayed_escaped() {
        assert_eq!(JobHealthCheck::Http("/healthz".parse().unwrap()).to_string(), "/healthz");
        assert_eq!(JobHealthCheck::Script("a\u{1b}b".to_owned()).to_string(), "a\\u{1b}b");
    }

    #[test]
    fn emails_round_trip() {
        for &emails in Emails::ALL {
            assert_eq!(emails.to_string().parse(), Ok(emails));
        }
    }

    #[test]
    fn emails_errors_list_the_values() {
        let error = "sometimes".parse::<Emails>().unwrap_err().to_string();
        assert!(error.ends_with("none, all, onfinish or onfailure"), "{error}");
    }

    #[test]
    fn ports_have_a_protocol() {
        let shown = |text: &str| text.parse::<JobPort>().map(|port| port.to_string());
        assert_eq!(shown("8080"), Ok("8080/tcp".to_owned()));
        assert_eq!(shown("53/udp"), Ok("53/udp".to_owned()));
    }

    #[test]
    fn ports_reject_other_texts() {
        for text in ["0", "65536", "80/sctp", "80/", "", "-1", "+80", "80/tcp/udp"] {
            assert_eq!(
                text.parse::<JobPort>().unwrap_err().to_string(),
                format!(
                    "{text:?} is not a port; expected 1 to 65535, optionally followed by /tcp or /udp, like 8080/udp"
                )
            );
        }
    }
}
