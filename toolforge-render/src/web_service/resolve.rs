//! Merges the command line, the files, the live web service and defaults into one request.

use toolforge_images::{Catalog, State};
use toolforge_model::{
    ServiceManifest, TypeName, WebServiceOptions, WebServiceOptionsError, WebServiceRequest,
};

use crate::namespace::Namespace;
use crate::web_service::{HomeFiles, ObserveError, proposed_type};

/// The type if no type is given and no web service runs (webservice 0.89 to 2026), as long as the catalog has it.
pub const DEFAULT_TYPE: &str = "php7.4";

/// The settings of a web service in order of precedence. Between the template and the manifest is the live web service.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct WebServiceSettings {
    /// The command line.
    pub command_line: WebServiceOptions,
    /// `service.template`.
    pub template: WebServiceOptions,
    /// `service.manifest`. It is used only if the live objects match no request. For a stopped web service, it has the type,
    /// which is used only if there is no Deployment.
    pub manifest: ServiceManifest,
    /// The files in the tool's home, which propose a type if there is no Deployment.
    pub home: HomeFiles,
}

impl WebServiceSettings {
    /// Returns settings with a command line only.
    #[must_use]
    pub fn new(command_line: WebServiceOptions) -> Self {
        Self { command_line, ..Self::default() }
    }

    /// Returns whether the command line or the template names a type.
    #[must_use]
    pub fn has_type(&self) -> bool {
        self.command_line.type_name.is_some() || self.template.type_name.is_some()
    }
}

/// The source of a request's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TypeSource {
    /// The command line.
    CommandLine,
    /// `service.template`.
    Template,
    /// The live web service.
    Live,
    /// `service.manifest`.
    Manifest,
    /// `service.manifest`, of a web service that was stopped.
    Stopped,
    /// The files in the tool's home.
    HomeFiles,
    /// The default type.
    Default,
}

/// A request, and the source of its type.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ResolvedRequest {
    /// The request.
    pub request: WebServiceRequest,
    /// The source of its type.
    pub type_source: TypeSource,
}

/// Why a request cannot be resolved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// The live web service has an unknown type, and no type is given.
    #[error(transparent)]
    Current(ObserveError),
    /// No type is given, no web service runs, and the catalog has no default type.
    #[error("the catalog has no PHP, so there is no default type")]
    NoDefaultType,
    /// The options contradict each other.
    #[error(transparent)]
    Mount(WebServiceOptionsError),
}

/// Returns the request for settings and a live web service, as
/// [`observe_web_service_request`](super::observe_web_service_request) returned it.
///
/// The command line overrides the template, which overrides the live web service, which overrides the manifest, which
/// overrides the defaults of the type. Arguments belong to their type, and are not used for another one.
///
/// # Errors
/// When there is no type, or the options contradict each other.
pub fn resolve_request(
    settings: WebServiceSettings,
    live: Result<WebServiceRequest, ObserveError>,
    namespace: &Namespace,
) -> Result<ResolvedRequest, ResolveError> {
    let Namespace { tool, catalog, .. } = namespace;
    let WebServiceSettings { command_line, template, manifest, home } = settings;
    let mut source = [(&command_line, TypeSource::CommandLine), (&template, TypeSource::Template)]
        .into_iter()
        .find_map(|(options, source)| options.type_name.as_ref().map(|_| source));
    let mut options = command_line.or(template);
    let (live, error) = match live {
        Ok(request) => (Some(request), None),
        Err(error) => (None, Some(error)),
    };
    if let Some(error) = error {
        if manifest.has_web_service() {
            source = source.or(Some(TypeSource::Manifest));
            options = options.or(manifest.options);
        }
        if source.is_none() {
            if error != ObserveError::NoDeployment {
                return Err(ResolveError::Current(error));
            }
            let stopped = manifest.last_type.filter(|name| catalog.find(name).is_ok());
            let proposal = stopped
                .map(|name| (name, TypeSource::Stopped))
                .or_else(|| Some((proposed_type(catalog, &home)?.clone(), TypeSource::HomeFiles)));
            let (name, found) = match proposal {
                Some(proposal) => proposal,
                None => (default_type(catalog).ok_or(ResolveError::NoDefaultType)?, TypeSource::Default),
            };
            (options.type_name, source) = (Some(name), Some(found));
        }
    }
    let request = match live {
        // The default is not used, because the live web service has a type.
        Some(live) => options.merge_into(tool, Some(live), usual_type()),
        None => options.into_request(tool),
    };
    let request = request.map_err(ResolveError::Mount)?;
    Ok(ResolvedRequest { request, type_source: source.unwrap_or(TypeSource::Live) })
}

fn usual_type() -> TypeName {
    DEFAULT_TYPE.parse().expect("the name is a type's")
}

/// Returns the type if none is given and no web service runs: PHP 7.4, even if it is deprecated, or its replacement in a catalog
/// that does not have it.
#[must_use]
pub fn default_type(catalog: &Catalog) -> Option<TypeName> {
    let usual = usual_type();
    let exists = catalog.find(&usual).is_ok_and(|found| found.state != State::Gone);
    if exists { Some(usual) } else { catalog.replacement(&usual).map(|found| found.name.clone()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> WebServiceOptions {
        WebServiceOptions { type_name: Some(name.parse().unwrap()), ..Default::default() }
    }

    fn running(name: &str) -> Result<WebServiceRequest, ObserveError> {
        Ok(named(name).into_request(&"x".parse().unwrap()).unwrap())
    }

    fn started(name: &str) -> ServiceManifest {
        ServiceManifest::default().with_request(&running(name).unwrap())
    }

    fn resolve(settings: WebServiceSettings, live: Result<WebServiceRequest, ObserveError>) -> String {
        let namespace = Namespace::new(&"x".parse().unwrap(), Catalog::bundled());
        match resolve_request(settings, live, &namespace) {
            Ok(found) => format!("{:?} {}", found.type_source, found.request.image.type_name()),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn each_source_overrides_those_that_follow() {
        let absent = || Err(ObserveError::NoDeployment);
        let mut settings = WebServiceSettings::new(named("python3.11"));
        settings.template = named("node18");
        settings.manifest = started("php8.2");
        settings.home.python_source = true;
        assert_eq!(resolve(settings.clone(), running("ruby2.7")), "CommandLine python3.11");
        settings.command_line = WebServiceOptions::default();
        assert_eq!(resolve(settings.clone(), running("ruby2.7")), "Template node18");
        settings.template = WebServiceOptions::default();
        assert_eq!(resolve(settings.clone(), running("ruby2.7")), "Live ruby2.7");
        assert_eq!(resolve(settings.clone(), absent()), "Manifest php8.2");
        settings.manifest = settings.manifest.stopped();
        assert_eq!(resolve(settings.clone(), absent()), "Stopped php8.2");
        settings.manifest.last_type = Some("gone1.0".parse().unwrap());
        assert!(resolve(settings.clone(), absent()).starts_with("HomeFiles python"));
        settings.home = HomeFiles::default();
        assert!(resolve(settings, absent()).starts_with("Default php"));
    }

    #[test]
    fn live_amounts_override_the_manifest() {
        let namespace = Namespace::new(&"x".parse().unwrap(), Catalog::bundled());
        let mut settings = WebServiceSettings { manifest: started("php8.2"), ..Default::default() };
        settings.manifest.options.memory = Some("3Gi".parse().unwrap());
        settings.template.cpu = Some("2".parse().unwrap());
        let memory = |live| {
            let request = resolve_request(settings.clone(), live, &namespace).unwrap().request;
            assert_eq!(request.cpu, settings.template.cpu);
            request.memory.map(|memory| memory.to_string())
        };
        assert_eq!(memory(running("php8.2")), None);
        assert_eq!(memory(Err(ObserveError::NoDeployment)), Some("3Gi".to_owned()));
    }

    #[test]
    fn live_web_service_of_unknown_type_needs_a_type() {
        let unknown = || Err(ObserveError::NoContainer);
        assert_eq!(resolve(WebServiceSettings::new(named("node18")), unknown()), "CommandLine node18");
        let mut settings = WebServiceSettings { manifest: started("php8.2"), ..Default::default() };
        assert_eq!(resolve(settings.clone(), unknown()), "Manifest php8.2");
        settings.manifest = settings.manifest.stopped();
        settings.home.python_source = true;
        assert_eq!(resolve(settings, unknown()), ObserveError::NoContainer.to_string());
    }

    #[test]
    fn empty_catalog_has_no_default_type() {
        assert_eq!(default_type(&Catalog::default()), None);
    }

    #[test]
    fn deprecated_default_type_is_used_until_it_is_gone() {
        let found = |state: &str| {
            let entry = |name: &str, state: &str| {
                format!("{name}:\n  image: registry/{name}-web\n  state: {state}\n")
            };
            let text = entry("php7.4", state) + &entry("php8.2", "stable");
            default_type(&Catalog::parse(&text).unwrap()).unwrap().to_string()
        };
        assert_eq!(found("stable"), "php7.4");
        assert_eq!(found("deprecated"), "php7.4");
        assert_eq!(
            default_type(&Catalog::parse("php8.2:\n  image: registry/php82-web\n").unwrap())
                .unwrap()
                .as_str(),
            "php8.2"
        );
    }
}
