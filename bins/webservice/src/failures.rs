//! The exit code and the hint for each error about a web service.

use toolforge_cli::{ExitCode, Failure, similar_file_hint};
use toolforge_client::{
    ApplyError, ApplyReport, Attempt, ChangeOutcome, ChangeReport, FileProblem, ManifestError, TemplateError,
    Written,
};
use toolforge_images::TypeLookupError;
use toolforge_model::{TypeName, Untrusted};
use toolforge_render::change::Step;
use toolforge_render::web_service::{MissingRequirement, PlanError, ResolveError};
use toolforge_report::{DetailCode, FailureCode};

use crate::invocation::Action;

/// Where the type of a request comes from, for what its owner has to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TypeOrigin {
    /// A template.
    Template {
        /// Its name, with the line of the key.
        place: String,
    },
    /// `service.manifest`, which the next start with another type overwrites.
    Manifest,
    /// The command line, the web service that runs, or a default.
    Other,
}

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
        TemplateError::Invalid { path, diagnostics } => {
            let path = Untrusted::new(path.display().to_string());
            let failure = failure.with_code(FailureCode::InvalidFile);
            diagnostics.iter().fold(failure, |failure, diagnostic| failure.diagnostic(&path, diagnostic))
        }
        TemplateError::File { path, problem: FileProblem::Missing, .. } => {
            let failure = failure.with_code(FailureCode::FileAccess);
            similar_file_hint(path).into_iter().fold(failure, Failure::hint)
        }
        _ => failure.with_code(FailureCode::FileAccess),
    }
}

/// Returns the failure of a `service.manifest` that cannot be used.
pub(crate) fn of_manifest(error: &ManifestError, action: Action) -> Failure {
    let action = action.as_str();
    Failure::from_error(ExitCode::Failed, error).with_code(FailureCode::InvalidFile).hint(format!(
        "Fix or remove that file, or name the type before the action, like `webservice php8.2 {action}`."
    ))
}

/// Returns the failure of options from which no request results. `mount_place` is the place of the template's `mount`.
pub(crate) fn of_resolve(error: &ResolveError, action: Action, mount_place: Option<String>) -> Failure {
    let failure = Failure::from_error(ExitCode::Failed, error);
    match error {
        ResolveError::Current(_) => {
            failure.hint(format!("Name the type, like `webservice php8.2 {}`.", action.as_str()))
        }
        ResolveError::NoDefaultType => {
            failure.hint(format!("Name a type: `webservice TYPE {}`.", action.as_str()))
        }
        ResolveError::Mount(_) => failure.hint(match mount_place {
            Some(place) => format!("Remove `mount` from {place}."),
            None => "Leave `--mount` out.".to_owned(),
        }),
        _ => failure,
    }
}

/// Returns the failure of a change that could not be applied, with the changes done before.
pub(crate) fn of_apply(report: ApplyReport<Failure>, verb: Action) -> Option<Failure> {
    let is_dry_run = report.dry_run;
    let report = report.changes.into_iter().next()?;
    let failed_at = report.failed_step().cloned();
    let ChangeReport { written, outcome, .. } = report;
    let ChangeOutcome::Failed(error) = outcome else { return None };
    let outcome_unknown = error.outcome_unknown();
    let is_refused_route = matches!(error, ApplyError::RouteRefused { .. });
    let is_route = is_refused_route || matches!(error, ApplyError::RouteNotAccepted);
    let failure = Failure::from(error);
    if is_dry_run {
        let refused = failed_at.map(|step| format!("{}: not accepted", step.id));
        return Some(refused.into_iter().fold(failure, object_line).detail("nothing was stored (dry run)"));
    }
    let last = failed_at.filter(|_| !is_route).map(|Step { id, .. }| {
        if outcome_unknown {
            format!("{id}: not known whether it was done")
        } else {
            format!("{id}: not done")
        }
    });
    if written.is_empty() {
        let failure = last.into_iter().fold(failure, object_line);
        let failure = if outcome_unknown { failure } else { failure.detail("nothing was changed") };
        return Some(if is_refused_route { failure.hint(kept_route(verb)) } else { failure });
    }
    let exit_code = if written.is_empty() { failure.exit_code() } else { ExitCode::Partial };
    let done = written.iter().map(|written| format!("{} {}", written.kind.as_str(), written.id));
    let failure = done.chain(last).fold(failure.with_exit_code(exit_code), object_line);
    Some(if is_refused_route {
        failure.hint(kept_route(verb))
    } else {
        failure.hint(format!("Run `webservice {}` again; it continues from here.", verb.as_str()))
    })
}

/// Returns a failure of another attempt, with what earlier ones have written.
pub(crate) fn after_writes(failure: Failure, attempt: &Attempt) -> Failure {
    if attempt.written().next().is_none() {
        return failure;
    }
    let done = attempt.written().map(|written| format!("{} {}", written.kind.as_str(), written.id));
    let exit_code = match failure.exit_code() {
        signal @ ExitCode::Propagated(_) => signal,
        _ => ExitCode::Partial,
    };
    let partial = Failure::new(exit_code, "only a part of the web service was changed");
    done.fold(partial, object_line).detail(failure.to_string().trim_end().to_owned())
}

/// Returns a failure of the wait after all changes were accepted, with the written objects.
pub(crate) fn of_wait(failure: Failure, written: &[Written]) -> Failure {
    if failure.exit_code() != ExitCode::Cluster || written.is_empty() {
        return failure;
    }
    let done = written.iter().map(|written| format!("{} {}", written.kind.as_str(), written.id));
    done.fold(failure.with_exit_code(ExitCode::Partial), object_line)
        .hint("All changes were accepted; `webservice status` shows the state.")
}

/// Returns the hint of a route that the gateway refuses.
fn kept_route(verb: Action) -> String {
    format!(
        "Requests still reach the web service through its Ingress; `webservice {}` without `--routing` keeps it.",
        verb.as_str()
    )
}

/// Adds the change to an object.
fn object_line(failure: Failure, line: String) -> Failure {
    failure.coded_detail(DetailCode::Object, line)
}

/// Returns the failure of a type that does not exist. `line` returns the command line with another type.
pub(crate) fn of_type_lookup(
    error: &TypeLookupError,
    action: Action,
    origin: &TypeOrigin,
    line: impl Fn(&str) -> String,
) -> Failure {
    let failure = Failure::from_error(ExitCode::Failed, error).with_code(FailureCode::UnknownImage);
    let failure = match origin {
        TypeOrigin::Template { place } => failure.detail(format!("{place} names this type")),
        TypeOrigin::Manifest => failure.detail("service.manifest names this type"),
        TypeOrigin::Other => failure,
    };
    let runs =
        matches!(action, Action::Start | Action::Restart | Action::Plan | Action::Render | Action::Shell);
    let (TypeLookupError::Gone { replacement: nearest, .. } | TypeLookupError::Unknown { nearest, .. }) =
        error
    else {
        return failure.hint("`webservice types` lists the types.");
    };
    let is_gone = matches!(error, TypeLookupError::Gone { .. });
    match (nearest, origin) {
        (Some(name), TypeOrigin::Template { place }) => {
            failure.hint(format!("Write `type: {name}` in {place}."))
        }
        (Some(name), _) => failure.hint(format!("Run `{}`.", line(name.as_str()))),
        (None, _) if is_gone && runs => failure.hint(format!(
            "Build an image first, `toolforge build start URL`, then run `webservice buildservice {}`.",
            action.as_str()
        )),
        (None, _) => failure.hint("`webservice types` lists the types."),
    }
}

/// Returns the failure of a request that cannot be planned. `line` returns the command line with another type.
pub(crate) fn of_plan(
    error: &PlanError,
    action: Action,
    origin: &TypeOrigin,
    line: impl Fn(&str) -> String,
) -> Failure {
    match error {
        PlanError::Type(error) => of_type_lookup(error, action, origin, line),
        PlanError::Foreign { .. } => Failure::from_error(ExitCode::Failed, error)
            .with_code(FailureCode::AlreadyExists)
            .hint("The web service needs that name: delete the object with kubectl, or create it again under another name."),
        _ => Failure::from_error(ExitCode::Failed, error),
    }
}

/// Returns how to give a type its command.
pub(crate) fn command_hint(name: &TypeName, action: Action) -> String {
    format!(
        "Add the command: `webservice {name} {} -- COMMAND`, or `extra_args: COMMAND` in the template.",
        action.as_str()
    )
}

/// Returns the failure of a type that needs a file or a command that is missing.
pub(crate) fn of_requirement(error: &MissingRequirement, action: Action) -> Failure {
    let failure = Failure::from_error(ExitCode::Failed, error);
    match error {
        MissingRequirement::Site { .. } => failure.hint("Create the directory first: `mkdir ~/public_html`."),
        MissingRequirement::ClosedSite { .. } => failure.hint("Open it: `chmod u+rx ~/public_html`."),
        MissingRequirement::PythonSource { .. } => failure.hint(
            "Put the application there first: a file ~/www/python/src/app.py with the WSGI function `app`.",
        ),
        MissingRequirement::Package { .. } => failure.hint(
            "Put the application there first: ~/www/js/package.json with {\"scripts\": {\"start\": \"node server.js\"}}.",
        ),
        MissingRequirement::PackageNotJson { .. } | MissingRequirement::StartScript => failure
            .hint("Fix ~/www/js/package.json; it needs {\"scripts\": {\"start\": \"node server.js\"}}."),
        MissingRequirement::Command { name } => {
            failure.hint(command_hint(name, action))
        }
        _ => failure,
    }
}
