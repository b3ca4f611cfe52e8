//! What a command did.

use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{
    Document, DryRunOption, ExitCode, Failure, OutputFormat, Session, apply_report, print, to_json,
};
use toolforge_render::change::ChangeSet;
use toolforge_render::web_service::observe_web_service;
use toolforge_report::AppliedChange;

use super::status::status_report;
use crate::fetch;

/// Prints what a command did, if a document was asked for, and returns how the command ended.
///
/// The state afterwards is fetched for the document only, and is missing there if it cannot be read.
pub(crate) fn finish(
    session: &Session,
    format: OutputFormat,
    (set, changes): (&ChangeSet, Vec<AppliedChange>),
    dry_run: Option<DryRunOption>,
    ended: Result<ExitCode, Failure>,
) -> Result<ExitCode, Failure> {
    if format == OutputFormat::Table {
        return ended;
    }
    let exit_code = ended.as_ref().map_or_else(Failure::exit_code, |code| *code);
    let mut value = apply_report(&session.tool, set, changes, dry_run, exit_code);
    if dry_run.is_none() {
        let facts = fetch::status_facts(session).ok();
        value.web_service = facts
            .map(|(facts, _)| status_report(&session.tool, &observe_web_service(&facts, Timestamp::now())));
    }
    print(&Document { text: String::new(), value: to_json(value)? }, format)?;
    ended
}
