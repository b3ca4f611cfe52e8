//! From what several sources say of a web service to one request.

use toolforge_images::{Catalog, State};
use toolforge_model::{ToolName, TypeName, WebServiceOptions, WebServiceOptionsError, WebServiceRequest};

use crate::web_service::Unobservable;

/// The type where none is named and nothing runs (webservice 0.89), as long as the catalog has it.
const DEFAULT_TYPE: &str = "php7.4";

/// A request, and where its type came from.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ResolvedRequest {
    /// The request.
    pub request: WebServiceRequest,
    /// Whether nothing names the type, so that it is the default.
    pub is_default_type: bool,
}

/// Why there is no request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// What runs is of no type that can be named, and no type is named.
    #[error(transparent)]
    Current(Unobservable),
    /// No type is named, nothing runs, and the catalog has no default.
    #[error("the catalog has no PHP, so there is no default type")]
    NoDefaultType,
    /// The options contradict each other.
    #[error(transparent)]
    Mount(WebServiceOptionsError),
}

/// Returns the request that results from options and from what runs, as [`observe_request`](super::observe_request) returned
/// it.
///
/// An option wins over the live web service, and that over the defaults of the type. The options themselves are merged
/// before, each with [`WebServiceOptions::or`]: those of the command line, then those of a template, then, where nothing
/// runs, those that `service.manifest` remembers.
///
/// # Errors
/// When nothing names a type, or the options contradict each other.
pub fn resolve_request(
    tool: &ToolName,
    options: WebServiceOptions,
    live: Result<WebServiceRequest, Unobservable>,
    catalog: &Catalog,
) -> Result<ResolvedRequest, ResolveError> {
    let live = match live {
        Ok(request) => Some(request),
        Err(Unobservable::NoDeployment) => None,
        // What runs is of no type that can be named: whoever names one replaces it.
        Err(_) if options.type_name.is_some() => None,
        Err(error) => return Err(ResolveError::Current(error)),
    };
    let default = match (&options.type_name, &live) {
        (Some(name), _) => name.clone(),
        // What runs wins over the default, whatever the catalog has.
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

/// Returns the type where none is named and nothing runs: PHP 7.4, or what replaces it in the catalog.
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
        live: Result<WebServiceRequest, Unobservable>,
    ) -> Result<String, String> {
        let tool: ToolName = "x".parse().unwrap();
        let resolved =
            resolve_request(&tool, options, live, &Catalog::bundled()).map_err(|error| error.to_string())?;
        let word = if resolved.is_default_type { "default " } else { "" };
        Ok(format!("{word}{}", resolved.request.image.type_name()))
    }

    #[test]
    fn options_win_over_what_runs_and_that_over_the_default() {
        let named =
            |name: &str| WebServiceOptions { type_name: Some(name.parse().unwrap()), ..Default::default() };
        let running = || {
            named("node18")
                .merge_into(&"x".parse().unwrap(), None, "node18".parse().unwrap())
                .map_err(|_| unreachable!())
        };
        let foreign = || Err(Unobservable::NoContainer);
        assert_eq!(resolve(named("python3.11"), running()).unwrap(), "python3.11");
        assert_eq!(resolve(WebServiceOptions::default(), running()).unwrap(), "node18");
        let absent = resolve(WebServiceOptions::default(), Err(Unobservable::NoDeployment)).unwrap();
        assert!(absent.starts_with("default php"), "{absent}");
        assert_eq!(resolve(named("python3.11"), foreign()).unwrap(), "python3.11");
        assert!(resolve(WebServiceOptions::default(), foreign()).is_err());
        assert_eq!(default_type(&Catalog::default()), None);
    }
}
