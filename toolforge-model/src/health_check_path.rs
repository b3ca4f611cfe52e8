use std::str::FromStr;

use crate::Untrusted;

/// The path of a page that reports whether a program is healthy, like `/healthz`.
///
/// It begins with `/` (it is added to a text without one, as by the kubelet), and has at most 1024 characters of
/// printable ASCII without spaces; a query may follow.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HealthCheckPath(String);

/// Why a text is not the path of a health check.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HealthCheckPathError {
    /// A character that must be percent-encoded in a path.
    #[error("the health check's path {} has {character:?}; write a path like /healthz, with {character:?} percent-encoded", found.quoted())]
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
    /// The longest path, in characters; web servers refuse longer ones.
    pub const MAX_LENGTH: usize = 1024;
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

string_newtype!(HealthCheckPath, HealthCheckPathError);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_the_leading_slash() {
        for (text, expected) in [("/healthz", "/healthz"), ("healthz?full=1", "/healthz?full=1"), ("/", "/")]
        {
            assert_eq!(text.parse::<HealthCheckPath>().unwrap().as_str(), expected);
        }
    }

    #[test]
    fn rejects_unencoded_characters() {
        assert_eq!(
            "/a b".parse::<HealthCheckPath>().unwrap_err().to_string(),
            "the health check's path \"/a b\" has ' '; write a path like /healthz, with ' ' percent-encoded"
        );
        for text in ["/\n", "/\u{1b}[2J", "/é"] {
            assert!(text.parse::<HealthCheckPath>().is_err(), "{text:?}");
        }
        assert!("/".repeat(1025).parse::<HealthCheckPath>().is_err());
    }
}
