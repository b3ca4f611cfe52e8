mod build_service_image;
mod health_check;
mod mount_storage;

pub use build_service_image::{BuildServiceImage, BuildServiceImageError};
pub use health_check::{HealthCheck, HealthCheckPath, HealthCheckPathError};
pub use mount_storage::{MountStorage, MountStorageError};

use crate::{Cpu, Memory, Replicas, ToolName, TypeName};

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
    /// How the cluster finds out whether a pod can serve.
    pub health_check: HealthCheck,
}

/// What a person gave on one command line or in one file: only what was given, the rest stands as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebServiceOptions {
    /// The name of the type that shall run, or `buildservice`.
    pub type_name: Option<TypeName>,
    /// The image that `buildservice` stands for; it has no meaning for other types.
    pub build_service_image: Option<BuildServiceImage>,
    /// Which shared storage the pods see.
    pub mount: Option<MountStorage>,
    /// The CPU limit of each pod.
    pub cpu: Option<Cpu>,
    /// The memory limit of each pod.
    pub memory: Option<Memory>,
    /// How many pods.
    pub replicas: Option<Replicas>,
    /// Extra arguments; empty means that none were given.
    pub arguments: Vec<String>,
    /// How the cluster finds out whether a pod can serve.
    pub health_check: Option<HealthCheck>,
}

/// Why options give no request: a type of the catalogue has its runner's files in the tool's home.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("type {name} cannot run without the tool's home; only buildservice can be mounted `none`")]
pub struct MountNeeded {
    /// The type.
    pub name: TypeName,
}

impl WebServiceOptions {
    /// Returns these options, with what they leave open as `others` say.
    ///
    /// The others' arguments belong to the others' type: another type does not inherit them.
    #[must_use]
    pub fn or(self, others: Self) -> Self {
        let Self { type_name, build_service_image, mount, cpu, memory, replicas, arguments, health_check } =
            self;
        let same_type = type_name.is_none() || others.type_name.is_none() || type_name == others.type_name;
        Self {
            arguments: match (arguments.is_empty(), same_type) {
                (false, _) => arguments,
                (true, true) => others.arguments,
                (true, false) => Vec::new(),
            },
            type_name: type_name.or(others.type_name),
            build_service_image: build_service_image.or(others.build_service_image),
            mount: mount.or(others.mount),
            cpu: cpu.or(others.cpu),
            memory: memory.or(others.memory),
            replicas: replicas.or(others.replicas),
            health_check: health_check.or(others.health_check),
        }
    }

    /// Returns the request that results when these options are given to a web service.
    ///
    /// What was not given stays as it stands; where nothing stands, the type is `default_type` and the rest the
    /// type's defaults. Standing arguments belong to their type: another type does not inherit them.
    ///
    /// # Errors
    /// When a type of the catalogue shall run without the tool's home.
    pub fn over(
        self,
        tool: ToolName,
        standing: Option<WebServiceRequest>,
        default_type: TypeName,
    ) -> Result<WebServiceRequest, MountNeeded> {
        let Self { type_name, build_service_image, mount, cpu, memory, replicas, arguments, health_check } =
            self;
        let before = standing.unwrap_or_else(|| WebServiceRequest {
            image: WebServiceImage::named(default_type, &tool),
            tool: tool.clone(),
            cpu: None,
            memory: None,
            replicas: Replicas::ONE,
            arguments: Vec::new(),
            health_check: HealthCheck::Port,
        });
        let same_type = type_name.as_ref().is_none_or(|name| name.as_str() == before.image.type_name());
        let image = match type_name {
            Some(name) if !same_type => WebServiceImage::named(name, &tool),
            Some(_) | None => before.image,
        };
        let image = match image {
            WebServiceImage::Type(name) if mount == Some(MountStorage::None) => {
                return Err(MountNeeded { name });
            }
            WebServiceImage::Type(name) => WebServiceImage::Type(name),
            WebServiceImage::BuildService { image, mount: standing } => WebServiceImage::BuildService {
                image: build_service_image.unwrap_or(image),
                mount: mount.unwrap_or(standing),
            },
        };
        Ok(WebServiceRequest {
            tool,
            image,
            cpu: cpu.or(before.cpu),
            memory: memory.or(before.memory),
            // A web service that was scaled to nothing shall run when it is started.
            replicas: replicas.unwrap_or(before.replicas).max(Replicas::ONE),
            arguments: match (arguments.is_empty(), same_type) {
                (false, _) => arguments,
                (true, true) => before.arguments,
                (true, false) => Vec::new(),
            },
            health_check: health_check.unwrap_or(before.health_check),
        })
    }
}

/// What a web service runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WebServiceImage {
    /// A type of the platform's catalogue.
    Type(TypeName),
    /// An image that the build service made.
    BuildService {
        /// The image, below the build service's repository.
        image: BuildServiceImage,
        /// Which shared storage its pods see.
        mount: MountStorage,
    },
}

/// The type name that stands for an image of the build service (webservice 0.93).
const BUILD_SERVICE: &str = "buildservice";

impl WebServiceImage {
    /// Returns the word by which the image is asked for: the type's name, or `buildservice`.
    #[must_use]
    pub fn type_name(&self) -> &str {
        match self {
            Self::Type(name) => name.as_str(),
            Self::BuildService { .. } => BUILD_SERVICE,
        }
    }

    /// Returns what a type name stands for: `buildservice` the tool's own image, all else a type of the catalogue.
    #[must_use]
    pub fn named(name: TypeName, tool: &ToolName) -> Self {
        if name.as_str() == BUILD_SERVICE {
            Self::BuildService { image: BuildServiceImage::of(tool), mount: MountStorage::All }
        } else {
            Self::Type(name)
        }
    }

    /// Returns which shared storage the pods see; a type of the catalogue has its files there.
    #[must_use]
    pub fn mount(&self) -> MountStorage {
        match self {
            Self::Type(_) => MountStorage::All,
            Self::BuildService { image: _, mount } => *mount,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool() -> ToolName {
        "x".parse().unwrap()
    }

    fn named(name: &str) -> WebServiceImage {
        WebServiceImage::named(name.parse().unwrap(), &tool())
    }

    fn standing(image: WebServiceImage) -> WebServiceRequest {
        WebServiceRequest {
            tool: tool(),
            image,
            cpu: None,
            memory: Some("1Gi".parse().unwrap()),
            replicas: Replicas::observed(0),
            arguments: vec!["java".to_owned()],
            health_check: "/healthz".parse().unwrap(),
        }
    }

    fn over(options: WebServiceOptions, standing: Option<WebServiceRequest>) -> WebServiceRequest {
        options.over(tool(), standing, "php8.2".parse().unwrap()).unwrap()
    }

    #[test]
    fn the_build_service_names_a_tools_own_image() {
        let image = named("buildservice");
        assert_eq!(image.type_name(), "buildservice");
        let WebServiceImage::BuildService { image, mount } = image else { panic!("a type") };
        assert_eq!((image.as_str(), mount), ("tool-x/tool-x:latest", MountStorage::All));
    }

    #[test]
    fn what_was_not_given_stays_as_it_stands() {
        let before = standing(named("jdk17"));
        let plain = over(WebServiceOptions::default(), Some(before.clone()));
        assert_eq!(plain, WebServiceRequest { replicas: Replicas::ONE, ..before.clone() });
        let other =
            WebServiceOptions { type_name: Some("jdk21".parse().unwrap()), ..WebServiceOptions::default() };
        let changed = over(other, Some(before.clone()));
        assert_eq!(changed.memory, before.memory);
        assert_eq!(changed.health_check, before.health_check);
        assert!(changed.arguments.is_empty());
        let fresh = over(WebServiceOptions::default(), None);
        assert_eq!(fresh.image, named("php8.2"));
        let cleared =
            WebServiceOptions { health_check: Some(HealthCheck::Port), ..WebServiceOptions::default() };
        assert_eq!(over(cleared, Some(before)).health_check, HealthCheck::Port);
    }

    #[test]
    fn an_image_of_the_build_service_is_changed_without_naming_the_type_again() {
        let image: BuildServiceImage = "tool-x/web:v2".parse().unwrap();
        let options = WebServiceOptions {
            build_service_image: Some(image.clone()),
            mount: Some(MountStorage::None),
            ..WebServiceOptions::default()
        };
        let changed = over(options.clone(), Some(standing(named("buildservice"))));
        assert_eq!(changed.image, WebServiceImage::BuildService { image, mount: MountStorage::None });
        assert_eq!(changed.arguments, ["java"]);
        // What stands keeps its image and storage where nothing is said of them.
        let again = over(WebServiceOptions::default(), Some(changed.clone()));
        assert_eq!(again.image, changed.image);
        let refused = options.over(tool(), None, "php8.2".parse().unwrap()).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "type php8.2 cannot run without the tool's home; only buildservice can be mounted `none`"
        );
    }

    #[test]
    fn options_that_come_first_win_and_arguments_stay_with_their_type() {
        let options = |name: Option<&str>, memory: Option<&str>, argument: Option<&str>| WebServiceOptions {
            type_name: name.map(|name| name.parse().unwrap()),
            memory: memory.map(|memory| memory.parse().unwrap()),
            arguments: argument.map(str::to_owned).into_iter().collect(),
            ..WebServiceOptions::default()
        };
        let file = options(Some("jdk17"), Some("1Gi"), Some("java"));
        assert_eq!(options(None, None, None).or(file.clone()), file);
        assert_eq!(
            options(Some("jdk21"), Some("2Gi"), None).or(file.clone()),
            options(Some("jdk21"), Some("2Gi"), None)
        );
        assert_eq!(options(Some("jdk17"), None, None).or(file.clone()).arguments, ["java"]);
        assert_eq!(options(None, None, Some("other")).or(file).arguments, ["other"]);
    }
}
