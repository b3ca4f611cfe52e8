use serde::Serialize;

use crate::{
    BuildServiceImage, Cpu, HealthCheck, Memory, MountStorage, Replicas, ToolName, TypeName, WebServiceImage,
    WebServiceRequest,
};

/// The options of a web service on one command line or in one file; omitted ones are `None`.
///
/// ```
/// use toolforge_model::WebServiceOptions;
///
/// let options = WebServiceOptions {
///     type_name: Some("php8.2".parse()?),
///     memory: Some("1Gi".parse()?),
///     ..Default::default()
/// };
/// let request = options.into_request(&"stashbot".parse()?)?;
/// assert_eq!(request.image.type_name(), "php8.2");
/// assert_eq!(request.replicas.count(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WebServiceOptions {
    /// The name of the type to run, or `buildservice`.
    pub type_name: Option<TypeName>,
    /// The image that `buildservice` stands for; ignored for other types.
    pub build_service_image: Option<BuildServiceImage>,
    /// Which shared storage the pods see.
    pub mount: Option<MountStorage>,
    /// The CPU limit of each pod.
    pub cpu: Option<Cpu>,
    /// The memory limit of each pod.
    pub memory: Option<Memory>,
    /// The number of pods, at least 1; 0 counts as 1.
    pub replicas: Option<Replicas>,
    /// Extra arguments; empty if none were given.
    pub arguments: Vec<String>,
    /// How the cluster checks whether a pod can serve.
    pub health_check: Option<HealthCheck>,
}

/// Why options cannot become a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WebServiceOptionsError {
    /// No type is named.
    #[error("a web service needs a type, like php8.2")]
    NoType,
    /// The type runs files in the tool's home, and is asked to run without it.
    #[error("type {name} cannot run without the tool's home; only buildservice can be mounted `none`")]
    HomeRequired {
        /// The type.
        name: TypeName,
    },
}

impl WebServiceOptions {
    /// Returns the error if these options ask for a type of the catalog without the tool's home.
    #[cfg(feature = "yaml")]
    pub(super) fn home_required(&self) -> Option<WebServiceOptionsError> {
        let name =
            self.type_name.as_ref().filter(|name| name.as_str() != crate::platform::BUILD_SERVICE_TYPE)?;
        (self.mount == Some(MountStorage::None))
            .then(|| WebServiceOptionsError::HomeRequired { name: name.clone() })
    }

    /// Returns these options, with omitted ones taken from `others`.
    ///
    /// Arguments belong to their type: those of the others are not used for another type.
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

    /// Returns the request for a new web service; omitted options have the type's defaults.
    ///
    /// # Errors
    /// When no type is named, or a type of the catalog is asked to run without the tool's home.
    pub fn into_request(self, tool: &ToolName) -> Result<WebServiceRequest, WebServiceOptionsError> {
        let type_name = self.type_name.clone().ok_or(WebServiceOptionsError::NoType)?;
        self.merge_into(tool, None, type_name)
    }

    /// Returns the request that changes an existing web service, or creates a new one.
    ///
    /// Omitted options keep their values from `current`; without that, the type is `default_type`, and the others have
    /// the type's defaults. Arguments belong to their type: the current ones are not used for another type.
    ///
    /// # Errors
    /// When a type of the catalog is asked to run without the tool's home.
    pub fn merge_into(
        self,
        tool: &ToolName,
        current: Option<WebServiceRequest>,
        default_type: TypeName,
    ) -> Result<WebServiceRequest, WebServiceOptionsError> {
        let Self { type_name, build_service_image, mount, cpu, memory, replicas, arguments, health_check } =
            self;
        let current = current.unwrap_or_else(|| WebServiceRequest {
            image: WebServiceImage::from_type_name(default_type, tool),
            tool: tool.clone(),
            cpu: None,
            memory: None,
            replicas: Replicas::ONE,
            arguments: Vec::new(),
            health_check: HealthCheck::Port,
        });
        let same_type = type_name.as_ref().is_none_or(|name| name == current.image.type_name());
        let image = match type_name {
            Some(name) if !same_type => WebServiceImage::from_type_name(name, tool),
            Some(_) | None => current.image,
        };
        let image = match image {
            WebServiceImage::Type(name) if mount == Some(MountStorage::None) => {
                return Err(WebServiceOptionsError::HomeRequired { name });
            }
            WebServiceImage::Type(name) => WebServiceImage::Type(name),
            WebServiceImage::BuildService { image, mount: current } => WebServiceImage::BuildService {
                image: build_service_image.unwrap_or(image),
                mount: mount.unwrap_or(current),
            },
        };
        Ok(WebServiceRequest {
            tool: tool.clone(),
            image,
            cpu: cpu.or(current.cpu),
            memory: memory.or(current.memory),
            // A web service that was scaled to 0 runs again when it is started.
            replicas: replicas.unwrap_or(current.replicas).max(Replicas::ONE),
            arguments: match (arguments.is_empty(), same_type) {
                (false, _) => arguments,
                (true, true) => current.arguments,
                (true, false) => Vec::new(),
            },
            health_check: health_check.unwrap_or(current.health_check),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool() -> ToolName {
        "x".parse().unwrap()
    }

    fn named(name: &str) -> WebServiceImage {
        WebServiceImage::from_type_name(name.parse().unwrap(), &tool())
    }

    fn current(image: WebServiceImage) -> WebServiceRequest {
        WebServiceRequest {
            tool: tool(),
            image,
            cpu: None,
            memory: Some("1Gi".parse().unwrap()),
            replicas: Replicas::from_i32_saturating(0),
            arguments: vec!["java".to_owned()],
            health_check: "/healthz".parse().unwrap(),
        }
    }

    fn merged(options: WebServiceOptions, current: Option<WebServiceRequest>) -> WebServiceRequest {
        options.merge_into(&tool(), current, "php8.2".parse().unwrap()).unwrap()
    }

    #[test]
    fn merge_keeps_what_is_left_out() {
        let before = current(named("jdk17"));
        let plain = merged(WebServiceOptions::default(), Some(before.clone()));
        assert_eq!(plain, WebServiceRequest { replicas: Replicas::ONE, ..before });
    }

    #[test]
    fn merge_drops_arguments_of_another_type() {
        let before = current(named("jdk17"));
        let other = WebServiceOptions { type_name: Some("jdk21".parse().unwrap()), ..Default::default() };
        let changed = merged(other, Some(before.clone()));
        assert_eq!((changed.memory, changed.health_check), (before.memory, before.health_check));
        assert!(changed.arguments.is_empty());
    }

    #[test]
    fn merge_without_current_uses_defaults() {
        assert_eq!(merged(WebServiceOptions::default(), None).image, named("php8.2"));
    }

    #[test]
    fn merge_clears_the_health_check() {
        let cleared = WebServiceOptions { health_check: Some(HealthCheck::Port), ..Default::default() };
        assert_eq!(merged(cleared, Some(current(named("jdk17")))).health_check, HealthCheck::Port);
    }

    #[test]
    fn build_service_image_needs_no_type() {
        let image: BuildServiceImage = "tool-x/web:v2".parse().unwrap();
        let options = WebServiceOptions {
            build_service_image: Some(image.clone()),
            mount: Some(MountStorage::None),
            ..WebServiceOptions::default()
        };
        let changed = merged(options, Some(current(named("buildservice"))));
        assert_eq!(changed.image, WebServiceImage::BuildService { image, mount: MountStorage::None });
        assert_eq!(changed.arguments, ["java"]);
        let again = merged(WebServiceOptions::default(), Some(changed.clone()));
        assert_eq!(again.image, changed.image);
    }

    #[test]
    fn request_needs_a_type() {
        let error = WebServiceOptions::default().into_request(&tool()).unwrap_err();
        assert_eq!(error.to_string(), "a web service needs a type, like php8.2");
    }

    #[test]
    fn catalog_types_need_the_home() {
        let options = WebServiceOptions {
            type_name: Some("php8.2".parse().unwrap()),
            mount: Some(MountStorage::None),
            ..Default::default()
        };
        assert_eq!(
            options.into_request(&tool()).unwrap_err().to_string(),
            "type php8.2 cannot run without the tool's home; only buildservice can be mounted `none`"
        );
    }

    #[test]
    fn first_options_win() {
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
