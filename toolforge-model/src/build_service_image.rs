use std::str::FromStr;

use crate::tool_name::NAMESPACE_PREFIX;
use crate::{ToolName, Untrusted};

/// An image of the build service, without the repository's host: `tool-NAME/tool-NAME:latest`.
///
/// One to 255 characters of `a-z`, `0-9`, `.`, `_`, `-`, `/`, `:` and `@`, uppercase letters in the tag only.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BuildServiceImage(String);

/// Why a text is not an image of the build service.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[error(
    "{} is not an image of the build service; write it like `tool-NAME/tool-NAME:latest`",
    found.quoted()
)]
pub struct BuildServiceImageError {
    /// The text that was found.
    pub found: Untrusted,
}

impl BuildServiceImage {
    /// The longest text, in characters: that of a repository name in the registry protocol.
    pub const MAX_LENGTH: usize = 255;

    /// Returns the default image of a tool, `tool-NAME/tool-NAME:latest` (webservice 0.95).
    #[must_use]
    pub fn of(tool: &ToolName) -> Self {
        let namespace = tool.namespace();
        Self(format!("{namespace}/{namespace}:latest"))
    }

    /// Returns whether the image is below a tool's project, as the build service writes it: `tool-NAME/…`.
    #[must_use]
    pub fn is_of_tool(&self) -> bool {
        is_of_tool(&self.0)
    }
}

/// Returns whether a path in a registry is below a tool's project: `tool-NAME/…`.
pub(crate) fn is_of_tool(path: &str) -> bool {
    path.split_once('/')
        .is_some_and(|(project, rest)| project.starts_with(NAMESPACE_PREFIX) && !rest.is_empty())
}

impl FromStr for BuildServiceImage {
    type Err = BuildServiceImageError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || BuildServiceImageError { found: Untrusted::new(text) };
        let (path, tag) = match text.split_once([':', '@']) {
            Some((path, tag)) => (path, Some(tag)),
            None => (text, None),
        };
        let component = |part: &str| {
            !part.is_empty()
                && part.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-'))
        };
        let tag_ok = tag.is_none_or(|tag| {
            !tag.is_empty()
                && tag
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b':' | b'@'))
        });
        if text.len() > Self::MAX_LENGTH || !path.split('/').all(component) || !tag_ok {
            return Err(error());
        }
        Ok(Self(text.to_owned()))
    }
}

string_newtype!(BuildServiceImage, BuildServiceImageError);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_optional() {
        for text in ["tool-x/tool-x:latest", "tool-x/web", "a/b@sha256:00ff", "x:V1"] {
            assert_eq!(text.parse::<BuildServiceImage>().unwrap().as_str(), text);
        }
    }

    #[test]
    fn rejects_invalid_images() {
        for text in ["", "/", "a//b", "A/b", "a b", "a:", "a\nb"] {
            assert!(text.parse::<BuildServiceImage>().is_err(), "{text:?}");
        }
    }
}
