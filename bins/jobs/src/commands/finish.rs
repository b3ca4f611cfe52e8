//! What a verb did, as a document.

use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{
    Document, DryRunOption, ExitCode, Failure, OutputFormat, Session, apply_report, print, to_json,
};
use toolforge_client::JobFetchOptions;
use toolforge_render::change::ChangeSet;
use toolforge_report::AppliedChange;

use super::facts::{ShownFacts, facts_to_show};
use crate::arguments::Arguments;
use crate::report::ListedJob;

/// Prints what a verb did, if a document was asked for, and returns how the verb ended.
///
/// The states afterwards are fetched for the document only, and are missing there if they cannot be read.
pub(super) fn finish(
    session: &Session,
    arguments: &Arguments,
    (set, changes): (&ChangeSet, Vec<AppliedChange>),
    dry_run: Option<DryRunOption>,
    ended: Result<ExitCode, Failure>,
) -> Result<ExitCode, Failure> {
    let format = arguments.output.of_document();
    if format == OutputFormat::Table {
        return ended;
    }
    let exit_code = ended.as_ref().map_or_else(Failure::exit_code, |code| *code);
    let mut value = apply_report(&session.tool, set, changes, dry_run, exit_code);
    if dry_run.is_none()
        && let Ok(ShownFacts { facts, .. }) = facts_to_show(session, JobFetchOptions::for_list())
    {
        let is_changed = |name: &str| set.changes.iter().any(|change| change.name == name);
        let jobs =
            facts.live.jobs_of(&facts.namespace.tool).into_iter().filter(|job| is_changed(job.name.as_str()));
        value.jobs = jobs.map(|job| ListedJob::of(&job, &facts, Timestamp::now()).report()).collect();
    }
    print(&Document { text: String::new(), value: to_json(value)? }, format)?;
    ended
}
