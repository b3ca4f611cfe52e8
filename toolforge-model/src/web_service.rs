use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Cpu, Memory, Replicas, ToolName, TypeName, Untrusted};

/// What a tool's owner asks of the tool's web service.
///
/// A dimension that was not asked for is `None`: the type's own default then holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebServiceRequest {
    /// The tool whose web service it is; a tool has at most one.
    pub tool: ToolName,
    /// What runs.
    pub image: WebServiceImage,
    /// The CPU limit of each pod.
    pub cpu: Option<Cpu>,
    /// The memory limit of each pod.
    pub memory: Option<Memory>,
    /// How many pods.
    pub replicas: Replicas,
    /// Extra arguments, handed to the type's runner or, for an image of the build service, run as the command.
    pub arguments: Vec<String>,
}

/// What a person gave on one command line: only what was given, the rest stands as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebServiceOptions {
    /// What shall run.
    pub image: Option<WebServiceImage>,
    /// The CPU limit of each pod.
    pub cpu: Option<Cpu>,
    /// The memory limit of each pod.
    pub memory: Option<Memory>,
    /// How many pods.
    pub replicas: Option<Replicas>,
    /// Extra arguments; empty means that none were given.
    pub arguments: Vec<String>,
}

impl WebServiceOptions {
    /// Returns the request that results when these options are given to a web service.
    ///
    /// What was not given stays as it stands; where nothing stands, the type is `default_image` and the rest
    /// the type's defaults. Standing arguments belong to their type: another type does not inherit them.
    #[must_use]
    pub fn over(
        self,
        tool: ToolName,
        standing: Option<WebServiceRequest>,
        default_image: WebServiceImage,
    ) -> WebServiceRequest {
        let Self { image, cpu, memory, replicas, arguments } = self;
        let before = standing.unwrap_or_else(|| WebServiceRequest {
            tool: tool.clone(),
            image: default_image,
            cpu: None,
            memory: None,
            replicas: Replicas::ONE,
            arguments: Vec::new(),
        });
        let same_image = image.as_ref().is_none_or(|image| *image == before.image);
        WebServiceRequest {
            tool,
            cpu: cpu.or(before.cpu),
            memory: memory.or(before.memory),
            // A web service that was scaled to nothing shall run when it is started.
            replicas: replicas.unwrap_or(before.replicas).max(Replicas::ONE),
            arguments: match (arguments.is_empty(), same_image) {
                (false, _) => arguments,
                (true, true) => before.arguments,
                (true, false) => Vec::new(),
            },
            image: image.unwrap_or(before.image),
        }
    }
}

/// What a web service runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WebServiceImage {
    /// A type of the platform's catalogue.
    Type(TypeName),
    /// An image that the build service made.
    BuildService(BuildServiceImage),
}

/// The type name that stands for an image of the build service (webservice 0.93).
const BUILD_SERVICE: &str = "buildservice";

impl WebServiceImage {
    /// Returns the word by which the image is asked for: the type's name, or `buildservice`.
    #[must_use]
    pub fn type_name(&self) -> &str {
        match self {
            Self::Type(name) => name.as_str(),
            Self::BuildService(_) => BUILD_SERVICE,
        }
    }

    /// Returns what a type name stands for: `buildservice` the tool's own image, all else a type of the catalogue.
    #[must_use]
    pub fn named(name: TypeName, tool: &ToolName) -> Self {
        if name.as_str() == BUILD_SERVICE {
            Self::BuildService(BuildServiceImage::of(tool))
        } else {
            Self::Type(name)
        }
    }
}

/// An image of the build service as it is asked for, below the service's repository: `tool-NAME/tool-NAME:latest`.
///
/// One to 255 characters of `a-z`, `0-9`, `.`, `_`, `-`, `/`, `:` and `@`, capitals in the tag only.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
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

    /// Returns the image as text, without the repository's host.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
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

impl TryFrom<String> for BuildServiceImage {
    type Error = BuildServiceImageError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<BuildServiceImage> for String {
    fn from(image: BuildServiceImage) -> Self {
        image.0
    }
}

impl fmt::Display for BuildServiceImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_build_service_names_a_tools_own_image() {
        let tool: ToolName = "x".parse().unwrap();
        let image = WebServiceImage::named("buildservice".parse().unwrap(), &tool);
        assert_eq!(image.type_name(), "buildservice");
        let WebServiceImage::BuildService(image) = image else { panic!("a type") };
        assert_eq!(image.as_str(), "tool-x/tool-x:latest");
    }

    #[test]
    fn what_was_not_given_stays_as_it_stands() {
        let tool: ToolName = "x".parse().unwrap();
        let named = |name: &str| WebServiceImage::named(name.parse().unwrap(), &tool);
        let standing = WebServiceRequest {
            tool: tool.clone(),
            image: named("jdk17"),
            cpu: None,
            memory: Some("1Gi".parse().unwrap()),
            replicas: Replicas::observed(0),
            arguments: vec!["java".to_owned()],
        };
        let plain = WebServiceOptions::default().over(tool.clone(), Some(standing.clone()), named("php8.2"));
        assert_eq!(plain, WebServiceRequest { replicas: Replicas::ONE, ..standing.clone() });
        let other = WebServiceOptions { image: Some(named("jdk21")), ..WebServiceOptions::default() };
        let changed = other.over(tool.clone(), Some(standing), named("php8.2"));
        assert_eq!(changed.memory, Some("1Gi".parse().unwrap()));
        assert!(changed.arguments.is_empty());
        let fresh = WebServiceOptions::default().over(tool.clone(), None, named("php8.2"));
        assert_eq!(fresh.image, named("php8.2"));
    }

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
