//! The exit code and the hint for each error about a web service.

use toolforge_cli::{ExitCode, Failure};
use toolforge_client::{ManifestError, TemplateError};
use toolforge_images::TypeLookupError;
use toolforge_model::{Untrusted, WebServiceOptionsError};
use toolforge_render::web_service::{MissingNeed, PlanError, Unobservable};

use crate::invocation::Action;

/// Returns the failure of a template that cannot be used.
pub(crate) fn of_template(error: &TemplateError) -> Failure {
    let failure = Failure::from_error(ExitCode::Failed, error);
    match error {
        TemplateError::Several { paths } => paths
            .iter()
            .fold(failure, |failure, path| {
                failure.detail(Untrusted::new(path.display().to_string()).escaped().to_string())
            })
            .hint("Rename or remove the others."),
        TemplateError::Invalid { diagnostics, .. } => {
            diagnostics.iter().fold(failure, |failure, diagnostic| failure.detail(diagnostic.to_string()))
        }
        _ => failure,
    }
}

/// Returns the failure of a `service.manifest` that cannot be used.
pub(crate) fn of_manifest(error: &ManifestError) -> Failure {
    Failure::from_error(ExitCode::Failed, error)
        .hint("Fix or remove that file, or name the type before the action, like `webservice php8.2 start`.")
}

/// Returns the failure of a request without storage for a type that needs it.
pub(crate) fn of_mount(error: &WebServiceOptionsError) -> Failure {
    let failure = Failure::from_error(ExitCode::Failed, error);
    match error {
        WebServiceOptionsError::HomeRequired { .. } => failure.hint("Leave `--mount` out."),
        _ => failure,
    }
}

/// Returns the failure of a type that does not exist.
pub(crate) fn of_type_lookup(error: &TypeLookupError, action: Action) -> Failure {
    let failure = Failure::from_error(ExitCode::Failed, error);
    let action = action.as_str();
    match error {
        TypeLookupError::Gone { replacement, .. } => {
            let name = replacement.as_ref().map_or("buildservice", |name| name.as_str());
            failure.hint(format!("Type `webservice {name} {action}`."))
        }
        TypeLookupError::Unknown { nearest: Some(nearest), .. } => {
            failure.hint(format!("Type `webservice {nearest} {action}`."))
        }
        _ => failure.hint("`webservice types` lists the types."),
    }
}

/// Returns the failure of a request that cannot be planned.
pub(crate) fn of_plan(error: &PlanError, action: Action) -> Failure {
    match error {
        PlanError::TypeLookupError(error) => of_type_lookup(error, action),
        PlanError::Foreign { .. } => Failure::from_error(ExitCode::Failed, error)
            .hint("Rename or delete that object with kubectl; the web service needs its name."),
        _ => Failure::from_error(ExitCode::Failed, error),
    }
}

/// Returns the failure of a running web service whose type is not known.
pub(crate) fn of_observe(error: &Unobservable, action: Action) -> Failure {
    Failure::from_error(ExitCode::Failed, error)
        .hint(format!("Name the type, like `webservice php8.2 {}`.", action.as_str()))
}

/// Returns the failure of a type that needs a file or a command that is missing.
pub(crate) fn of_requirement(error: &MissingNeed) -> Failure {
    let failure = Failure::from_error(ExitCode::Failed, error);
    match error {
        MissingNeed::Site { .. } => failure.hint("Create the directory first: `mkdir ~/public_html`."),
        MissingNeed::PythonSource { .. } => {
            failure.hint("Put the application there first: `mkdir -p ~/www/python/src`.")
        }
        MissingNeed::Package { .. } => failure.hint("Put the application there first: `mkdir -p ~/www/js`."),
        MissingNeed::Command { name } => {
            failure.hint(format!("Add the command: `webservice {name} start COMMAND`."))
        }
        _ => failure,
    }
}
