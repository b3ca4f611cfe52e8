use std::fmt;
use std::num::NonZeroU16;
use std::str::FromStr;

use crate::job::value::{JobValueError, whole};

/// Where other pods reach a continuous job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JobPort {
    /// A TCP port.
    Tcp {
        /// The port's number.
        number: NonZeroU16,
        /// Whether the tool's domain leads to it from outside.
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

    /// Returns Kubernetes' word for the protocol.
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
        let refused =
            || JobValueError::new(text, "a port", "1 to 65535, with /tcp or /udp behind, like 8080/udp");
        let (digits, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
        let number = whole(digits).and_then(|number| u16::try_from(number).ok()).and_then(NonZeroU16::new);
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
    fn a_port_has_a_protocol() {
        let shown = |text: &str| text.parse::<JobPort>().map(|port| port.to_string());
        assert_eq!(shown("8080"), Ok("8080/tcp".to_owned()));
        assert_eq!(shown("53/udp"), Ok("53/udp".to_owned()));
        for text in ["0", "65536", "80/sctp", "80/", "", "-1", "+80", "80/tcp/udp"] {
            assert_eq!(
                shown(text).unwrap_err().to_string(),
                format!(
                    "{text:?} is not a port; allowed is 1 to 65535, with /tcp or /udp behind, like 8080/udp"
                )
            );
        }
    }
}
