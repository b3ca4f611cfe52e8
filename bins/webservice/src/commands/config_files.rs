//! The template and the manifest in the tool's home.

use std::path::Path;

use toolforge_cli::{ExitCode, Failure, Notice, Session, read_input};
use toolforge_client::{FoundTemplate, ManifestError, TemplateError, ToolHome};
use toolforge_model::{Backend, ServiceManifest, ServiceTemplate, Untrusted, WebServiceRequest};

use crate::arguments::Arguments;
use crate::failures;
use crate::invocation::Action;

/// The name of a template on standard input.
const STANDARD_INPUT: &str = "-";

/// The maximum size of a template on standard input in bytes, as of one in a file.
const TEMPLATE_LIMIT: u64 = 1024 * 1024;

/// A template and the name by which messages call it.
pub(super) struct NamedTemplate {
    pub(super) name: String,
    pub(super) template: ServiceTemplate,
}

impl NamedTemplate {
    /// Returns where a key is set, like `service.template:2`.
    pub(super) fn place(&self, key: &str) -> String {
        let line = self.template.location(key).map(|location| format!(":{}", location.line));
        format!("{}{}", self.name, line.unwrap_or_default())
    }
}

/// Returns the template that is named, else the one of the tool's home.
pub(super) fn template(session: &Session, arguments: &Arguments) -> Result<Option<NamedTemplate>, Failure> {
    let found = match (&arguments.template, &session.home) {
        (Some(path), _) if path.as_os_str() == STANDARD_INPUT => {
            let unreadable =
                || Failure::new(ExitCode::Usage, "the template on standard input is not text (UTF-8)");
            let bytes = read_input(path, TEMPLATE_LIMIT)
                .map_err(|failure| failure.with_exit_code(ExitCode::Usage))?;
            let text = String::from_utf8(bytes).map_err(|_| unreadable())?;
            Some(FoundTemplate::parse(path, &text).map_err(|error| failures::of_template(&error))?)
        }
        (Some(path), _) => Some(FoundTemplate::read(path).map_err(|error| match error {
            TemplateError::File { .. } => failures::of_template(&error).with_exit_code(ExitCode::Usage),
            error => failures::of_template(&error),
        })?),
        (None, Some(home)) => home.template().map_err(|error| failures::of_template(&error))?,
        (None, None) => None,
    };
    let Some(FoundTemplate { path, template, .. }) = found else { return Ok(None) };
    let home = session.home.as_ref().map(ToolHome::path);
    let name = shown(&path, home);
    if !template.unknown_keys.is_empty() {
        // The platform's own words, which its tests look for.
        let file = Untrusted::new(name.as_str());
        let unknown = template.unknown_keys.iter().map(|unknown| unknown.in_file(&file));
        Notice::warning(format!("Your template file ({name}) contains unknown keys"))
            .details(unknown)
            .print();
    }
    Ok(Some(NamedTemplate { name, template }))
}

/// Returns the manifest, for an action. A broken one is an error only if the type has to come from it. `notes` get what is wrong
/// with it.
pub(super) fn manifest(
    session: &Session,
    action: Action,
    has_type: bool,
    notes: &mut Vec<Notice>,
) -> Result<ServiceManifest, Failure> {
    let Some(home) = &session.home else { return Ok(ServiceManifest::default()) };
    match home.manifest() {
        Ok(manifest) => {
            for invalid in &manifest.invalid_values {
                let line = invalid.in_file(&Untrusted::new("service.manifest"));
                notes.push(Notice::warning(format!("{line}; this is ignored")));
            }
            if manifest.has_web_service() && manifest.backend == Some(Backend::GridEngine) {
                notes.push(Notice::note(
                    "service.manifest names the grid, which is gone; Kubernetes runs the web service",
                ));
            }
            Ok(manifest)
        }
        Err(error) if has_type => {
            notes.push(Notice::warning(with_source(&error)));
            Ok(ServiceManifest::default())
        }
        Err(error) => Err(failures::of_manifest(&error, action)),
    }
}

/// Saves a request in the manifest; a failure is only a warning.
pub(super) fn remember(session: &Session, request: &WebServiceRequest) {
    change(session, |manifest| manifest.with_request(request), "the request could not be saved");
}

/// Removes a stopped web service from the manifest; a failure is only a warning.
pub(super) fn forget(session: &Session) {
    let forget =
        |manifest: ServiceManifest| if manifest.has_web_service() { manifest.stopped() } else { manifest };
    change(session, forget, "the web service could not be removed from service.manifest");
}

fn change(session: &Session, change: impl FnOnce(ServiceManifest) -> ServiceManifest, otherwise: &str) {
    let Some(home) = &session.home else { return };
    if let Err(error) = home.change_manifest(change) {
        Notice::warning(format!("{otherwise}: {}", with_source(&error))).print();
    }
}

fn with_source(error: &ManifestError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// Returns a path below the tool's home as people write it there.
fn shown(path: &Path, home: Option<&Path>) -> String {
    let path = home.and_then(|home| path.strip_prefix(home).ok()).unwrap_or(path);
    Untrusted::new(path.display().to_string()).escaped().to_string()
}
