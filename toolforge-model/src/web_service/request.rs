use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::platform::BUILD_SERVICE_TYPE;
use crate::{
    BuildServiceImage, Cpu, HealthCheckPath, HealthCheckPathError, Memory, MountStorage, Replicas, ToolName,
    TypeName,
};

/// A tool owner's request for the tool's web service.
///
/// An amount that was not requested is `None`: the type's default then applies. Every field can be set and matched: a
/// new one is a breaking change, so programs that compare or render requests handle it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WebServiceRequest {
    /// The tool whose web service it is; a tool has at most one.
    pub tool: ToolName,
    /// The image that runs.
    pub image: WebServiceImage,
    /// The CPU limit of each pod.
    pub cpu: Option<Cpu>,
    /// The memory limit of each pod.
    pub memory: Option<Memory>,
    /// The number of pods.
    pub replicas: Replicas,
    /// Extra arguments for the type's runner or, with a build service image, the command to run.
    pub arguments: Vec<String>,
    /// How the cluster checks whether a pod can serve.
    pub health_check: HealthCheck,
}

/// The image that a web service runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum WebServiceImage {
    /// A type of the platform's catalog.
    Type(TypeName),
    /// An image that the build service built.
    BuildService {
        /// The image, below the build service's repository.
        image: BuildServiceImage,
        /// Which shared storage its pods see.
        mount: MountStorage,
    },
}

impl WebServiceImage {
    /// Returns the name by which the image is requested: the type's name, or `buildservice`.
    #[must_use]
    pub fn type_name(&self) -> &str {
        match self {
            Self::Type(name) => name.as_str(),
            Self::BuildService { .. } => BUILD_SERVICE_TYPE,
        }
    }

    /// Returns the image of a type name: `buildservice` is the tool's own image, anything else a type of the catalog.
    #[must_use]
    pub fn from_type_name(name: TypeName, tool: &ToolName) -> Self {
        if name == BUILD_SERVICE_TYPE {
            Self::BuildService { image: BuildServiceImage::of(tool), mount: MountStorage::All }
        } else {
            Self::Type(name)
        }
    }

    /// Returns which shared storage the pods see; types of the catalog always see all of it.
    #[must_use]
    pub fn mount(&self) -> MountStorage {
        match self {
            Self::Type(_) => MountStorage::All,
            Self::BuildService { image: _, mount } => *mount,
        }
    }
}

/// How the cluster checks whether a pod of a web service can serve.
///
/// Written as the path, or as nothing for a check of the port alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum HealthCheck {
    /// Something listens on the port. A pod that does not listen gets no requests, and is never restarted for it.
    #[default]
    Port,
    /// The response of a page has a status from 200 to 399. A pod that does not respond gets no requests, and is
    /// restarted.
    Path(HealthCheckPath),
}

impl HealthCheck {
    /// Returns the path of the page, if there is one.
    #[must_use]
    pub fn path(&self) -> Option<&HealthCheckPath> {
        match self {
            Self::Port => None,
            Self::Path(path) => Some(path),
        }
    }
}

impl FromStr for HealthCheck {
    type Err = HealthCheckPathError;

    /// Reads a path; an empty text is a check of the port alone.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() { Ok(Self::Port) } else { text.parse().map(Self::Path) }
    }
}

impl fmt::Display for HealthCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.path().map_or("", HealthCheckPath::as_str))
    }
}

serde_through_text!(HealthCheck);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buildservice_is_the_tools_image() {
        let image = WebServiceImage::from_type_name("buildservice".parse().unwrap(), &"x".parse().unwrap());
        assert_eq!(image.type_name(), "buildservice");
        let WebServiceImage::BuildService { image, mount } = image else { panic!("a type") };
        assert_eq!((image.as_str(), mount), ("tool-x/tool-x:latest", MountStorage::All));
    }

    #[test]
    fn health_checks_round_trip() {
        for text in ["", "/healthz"] {
            assert_eq!(text.parse::<HealthCheck>().unwrap().to_string(), text);
        }
        assert_eq!("".parse::<HealthCheck>().unwrap(), HealthCheck::Port);
    }

    #[test]
    fn json_has_all_fields() {
        let options = crate::WebServiceOptions {
            type_name: Some("php8.2".parse().unwrap()),
            memory: Some("1Gi".parse().unwrap()),
            ..Default::default()
        };
        let request = options.into_request(&"x".parse().unwrap()).unwrap();
        assert_eq!(
            serde_json::to_value(&request).unwrap(),
            serde_json::json!({
                "tool": "x",
                "image": {"type": "php8.2"},
                "cpu": null,
                "memory": "1Gi",
                "replicas": 1,
                "arguments": [],
                "healthCheck": "",
            })
        );
    }
}
