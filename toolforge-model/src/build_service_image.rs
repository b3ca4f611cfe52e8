use std::str::FromStr;

use crate::{ToolName, Untrusted};

/// An image of the build service as it is asked for, below the service's repository: `tool-NAME/tool-NAME:latest`.
///
/// One to 255 characters of `a-z`, `0-9`, `.`, `_`, `-`, `/`, `:` and `@`, capitals in the tag only.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BuildServiceImage(String);

/// Why a text is not an image of the build service.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{} is not an image of the build service; it looks like `tool-NAME/tool-NAME:latest`",
    found.quoted()
)]
pub struct BuildServiceImageError {
    /// The text that was found.
    pub found: Untrusted,
}

impl BuildServiceImage {
    /// The longest text, in characters: that of a repository name in the registry protocol.
    pub const MAX_LENGTH: usize = 255;

    /// Returns the image that the build service makes for a tool, `tool-NAME/tool-NAME:latest` (webservice 0.95).
    #[must_use]
    pub fn of(tool: &ToolName) -> Self {
        Self(format!("tool-{tool}/tool-{tool}:latest"))
    }
}

impl FromStr for BuildServiceImage {
    type Err = BuildServiceImageError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || BuildServiceImageError { found: Untrusted::new(text) };
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
            return Err(refused());
        }
        Ok(Self(text.to_owned()))
    }
}

string_newtype!(BuildServiceImage, BuildServiceImageError);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_images_with_and_without_a_tag() {
        for text in ["tool-x/tool-x:latest", "tool-x/web", "a/b@sha256:00ff", "x:V1"] {
            assert_eq!(text.parse::<BuildServiceImage>().unwrap().as_str(), text);
        }
    }

    #[test]
    fn refuses_what_is_no_image() {
        for text in ["", "/", "a//b", "A/b", "a b", "a:", "a\nb"] {
            assert!(text.parse::<BuildServiceImage>().is_err(), "{text:?}");
        }
    }
}
