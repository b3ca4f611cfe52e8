use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Untrusted;

/// How the cluster finds out whether a pod of a web service can serve.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum HealthCheck {
    /// Something listens on the port. A pod that does not gets no requests, and is never ended for it.
    #[default]
    Port,
    /// A page is answered with a status from 200 to 399. A pod that does not answer gets no requests, and is started
    /// anew.
    Path(HealthCheckPath),
}

/// The path of a page that tells whether a web service is well, like `/healthz`.
///
/// It begins with `/` (a text without one is given one, as the kubelet does), and has at most 1024 characters of
/// printable ASCII without blanks; a query may follow.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HealthCheckPath(String);

/// Why a text is not the path of a health check.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HealthCheckPathError {
    /// A character cannot stand in a path as it is.
    #[error("the health check's path {} has {character:?}; write it like /healthz, and {character:?} encoded", found.quoted())]
    Character {
        /// The text that was found.
        found: Untrusted,
        /// The first character that is not allowed.
        character: char,
    },
    /// The text is too long.
    #[error(
        "the health check's path has {length} characters; at most {} are allowed",
        HealthCheckPath::MAX_LENGTH
    )]
    TooLong {
        /// How many characters it has.
        length: usize,
    },
}

impl HealthCheckPath {
    /// The longest path, in characters: more than servers take is no path.
    pub const MAX_LENGTH: usize = 1024;

    /// Returns the path as text, with its `/` at the beginning.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for HealthCheckPath {
    type Err = HealthCheckPathError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(character) = text.chars().find(|c| !c.is_ascii_graphic()) {
            return Err(HealthCheckPathError::Character { found: Untrusted::new(text), character });
        }
        let path = if text.starts_with('/') { text.to_owned() } else { format!("/{text}") };
        if path.len() > Self::MAX_LENGTH {
            return Err(HealthCheckPathError::TooLong { length: path.len() });
        }
        Ok(Self(path))
    }
}

impl TryFrom<String> for HealthCheckPath {
    type Error = HealthCheckPathError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<HealthCheckPath> for String {
    fn from(path: HealthCheckPath) -> Self {
        path.0
    }
}

impl fmt::Display for HealthCheckPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for HealthCheck {
    type Err = HealthCheckPathError;

    /// Reads a path; an empty text is a check of the port alone.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() { Ok(Self::Port) } else { text.parse().map(Self::Path) }
    }
}

impl HealthCheck {
    /// Returns the path, where a page is asked for.
    #[must_use]
    pub fn path(&self) -> Option<&HealthCheckPath> {
        match self {
            Self::Port => None,
            Self::Path(path) => Some(path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_begins_with_a_slash() {
        for (text, expected) in [("/healthz", "/healthz"), ("healthz?full=1", "/healthz?full=1"), ("/", "/")]
        {
            assert_eq!(text.parse::<HealthCheckPath>().unwrap().as_str(), expected);
        }
        assert_eq!("".parse::<HealthCheck>().unwrap(), HealthCheck::Port);
    }

    #[test]
    fn refuses_what_cannot_stand_in_a_path() {
        assert_eq!(
            "/a b".parse::<HealthCheckPath>().unwrap_err().to_string(),
            "the health check's path \"/a b\" has ' '; write it like /healthz, and ' ' encoded"
        );
        for text in ["/\n", "/\u{1b}[2J", "/é"] {
            assert!(text.parse::<HealthCheckPath>().is_err(), "{text:?}");
        }
        assert!("/".repeat(1025).parse::<HealthCheckPath>().is_err());
    }
}
