use std::fmt;
use std::str::FromStr;

use crate::build_service_image::is_of_tool;
use crate::{BuildServiceImage, JobValueError, TypeName};

/// The image that a job runs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum JobImage {
    /// A type of the catalog, by its name or an alias.
    Type(TypeName),
    /// An image that the build service built.
    BuildService(BuildServiceImage),
    /// A reference with a host, a tag or a digest, to an image of the catalog or of the build service.
    Reference(String),
}

impl JobImage {
    /// The longest reference, in characters.
    pub const MAX_LENGTH: usize = 512;

    /// Returns the image as it was requested.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Type(name) => name.as_str(),
            Self::BuildService(image) => image.as_str(),
            Self::Reference(reference) => reference,
        }
    }

    /// Returns whether it is an image of the build service: its path begins with `tool-NAME/`.
    #[must_use]
    pub fn is_build_service(&self) -> bool {
        match self {
            Self::Type(_) => false,
            Self::BuildService(_) => true,
            Self::Reference(reference) => is_of_tool(reference_path(reference)),
        }
    }
}

/// Returns the host of an image reference: its first part, if that has a dot (jobs-api, 2026) or a port.
#[must_use]
pub fn reference_host(reference: &str) -> Option<&str> {
    reference.split_once('/').map(|(host, _)| host).filter(|host| host.contains(['.', ':']))
}

/// Returns the path of an image reference: what follows its host.
#[must_use]
pub fn reference_path(reference: &str) -> &str {
    match (reference_host(reference), reference.split_once('/')) {
        (Some(_), Some((_, path))) => path,
        _ => reference,
    }
}

impl FromStr for JobImage {
    type Err = JobValueError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || {
            JobValueError::new(
                text,
                "an image",
                "a type like python3.13, or an image of the build service like tool-NAME/tool-NAME:latest",
            )
        };
        if let Ok(name) = text.parse() {
            return Ok(Self::Type(name));
        }
        if is_of_tool(text) {
            return text.parse().map(Self::BuildService).map_err(|_| error());
        }
        let is_sound =
            |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'/' | b':' | b'@');
        let begins = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        if !begins || text.len() > Self::MAX_LENGTH || !text.bytes().all(is_sound) {
            return Err(error());
        }
        Ok(Self::Reference(text.to_owned()))
    }
}

impl fmt::Display for JobImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

serde_through_text!(JobImage);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_and_references_are_distinguished() {
        let kind = |text: &str| match text.parse::<JobImage>() {
            Ok(JobImage::Type(_)) => "type",
            Ok(JobImage::BuildService(_)) => "build service",
            Ok(image @ JobImage::Reference(_)) if image.is_build_service() => "build service's reference",
            Ok(JobImage::Reference(_)) => "reference",
            Err(_) => "none",
        };
        for (text, expected) in [
            ("python3.13", "type"),
            ("tf-python39-DEPRECATED", "type"),
            ("tool-x/web:latest", "build service"),
            ("tool-x/web", "build service"),
            ("tools-harbor.wmcloud.org/tool-x/web:latest", "build service's reference"),
            ("harbor.local:5000/tool-x/web", "build service's reference"),
            ("docker-registry.tools.wmflabs.org/toolforge-python39-sssd-web:latest", "reference"),
            ("nginx:1.25", "reference"),
            ("tool-x/", "reference"),
            ("", "none"),
            ("-x/y", "none"),
            ("a b", "none"),
            ("a\u{1b}", "none"),
        ] {
            assert_eq!(kind(text), expected, "{text:?}");
        }
    }
}
