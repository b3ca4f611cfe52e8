//! Merges options, the live web service and defaults into one request.

use toolforge_images::{Catalog, State};
use toolforge_model::{ToolName, TypeName, WebServiceOptions, WebServiceOptionsError, WebServiceRequest};

use crate::web_service::ObserveError;

/// The type if no type is given and no web service runs (webservice 0.89), as long as the catalog has it.
const DEFAULT_TYPE: &str = "php7.4";

/// A request, and the source of its type.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ResolvedRequest {
    /// The request.
    pub request: WebServiceRequest,
    /// Whether the type is the default, because neither an option nor a live web service sets it.
    pub is_default_type: bool,
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

/// Returns the request for options and a live web service, as
/// [`observe_web_service_request`](super::observe_web_service_request) returned it.
///
/// An option overrides the live web service, which overrides the defaults of the type. The caller merges the options with
/// [`WebServiceOptions::or`]: those of the command line, then of a template, then, if no web service runs, of
/// `service.manifest`.
///
/// # Errors
/// When there is no type, or the options contradict each other.
pub fn resolve_request(
    tool: &ToolName,
    options: WebServiceOptions,
    live: Result<WebServiceRequest, ObserveError>,
    catalog: &Catalog,
) -> Result<ResolvedRequest, ResolveError> {
    let live = match live {
        Ok(request) => Some(request),
        Err(ObserveError::NoDeployment) => None,
        // A given type replaces a live web service of an unknown type.
        Err(_) if options.type_name.is_some() => None,
        Err(error) => return Err(ResolveError::Current(error)),
    };
    let default = match (&options.type_name, &live) {
        (Some(name), _) => name.clone(),
        // The live web service overrides the default, which need not be in the catalog.
        (None, Some(_)) => usual_type(),
        (None, None) => default_type(catalog).ok_or(ResolveError::NoDefaultType)?,
    };
    let is_default_type = options.type_name.is_none() && live.is_none();
    let request = options.merge_into(tool, live, default).map_err(ResolveError::Mount)?;
    Ok(ResolvedRequest { request, is_default_type })
}

fn usual_type() -> TypeName {
    DEFAULT_TYPE.parse().expect("the name is a type's")
}

/// Returns the type if none is given and no web service runs: PHP 7.4, or its replacement in the catalog.
#[must_use]
pub fn default_type(catalog: &Catalog) -> Option<TypeName> {
    let usual = usual_type();
    let is_current = catalog.find(&usual).is_ok_and(|found| found.state == State::Current);
    if is_current { Some(usual) } else { catalog.replacement(&usual).map(|found| found.name.clone()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(
        options: WebServiceOptions,
        live: Result<WebServiceRequest, ObserveError>,
    ) -> Result<String, String> {
        let tool: ToolName = "x".parse().unwrap();
        let resolved =
            resolve_request(&tool, options, live, &Catalog::bundled()).map_err(|error| error.to_string())?;
        let word = if resolved.is_default_type { "default " } else { "" };
        Ok(format!("{word}{}", resolved.request.image.type_name()))
    }

    #[test]
    fn options_override_live_type_and_default() {
        let named =
            |name: &str| WebServiceOptions { type_name: Some(name.parse().unwrap()), ..Default::default() };
        let running = || {
            named("node18")
                .merge_into(&"x".parse().unwrap(), None, "node18".parse().unwrap())
                .map_err(|_| unreachable!())
        };
        let foreign = || Err(ObserveError::NoContainer);
        assert_eq!(resolve(named("python3.11"), running()).unwrap(), "python3.11");
        assert_eq!(resolve(WebServiceOptions::default(), running()).unwrap(), "node18");
        let absent = resolve(WebServiceOptions::default(), Err(ObserveError::NoDeployment)).unwrap();
        assert!(absent.starts_with("default php"), "{absent}");
        assert_eq!(resolve(named("python3.11"), foreign()).unwrap(), "python3.11");
        assert!(resolve(WebServiceOptions::default(), foreign()).is_err());
        assert_eq!(default_type(&Catalog::default()), None);
    }
}
