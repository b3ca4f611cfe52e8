use toolforge_cli::{ExitCode, Failure, Session};
use toolforge_model::JobName;
use toolforge_render::job::{JobObjects, RecordedJob, job_deletions};
use toolforge_report::FailureCode;

use super::confirm::confirm;
use super::{delete, facts};
use crate::arguments::{Arguments, FlushArguments};

/// Deletes all jobs. On a terminal it is asked first; elsewhere nobody is there to answer, and scripts expect none.
pub(super) fn run(
    session: &Session,
    arguments: &Arguments,
    options: &FlushArguments,
) -> Result<ExitCode, Failure> {
    let facts = facts::facts(session, delete::to_delete())?;
    let jobs = facts.live.jobs_of(&facts.namespace.tool);
    let is_kept = |job: &&JobObjects| facts.live.recorded.contains_key(&job.name) && !options.change.adopt;
    // The service may keep a record of a job whose objects are gone.
    let without_objects: Vec<(&JobName, &RecordedJob)> =
        facts.live.recorded.iter().filter(|(name, _)| !jobs.iter().any(|job| job.name == **name)).collect();
    let mut kept: Vec<String> = jobs.iter().filter(is_kept).map(|job| job.name.to_string()).collect();
    if !options.change.adopt {
        kept.extend(without_objects.iter().map(|(name, _)| name.to_string()));
    }
    if !kept.is_empty() {
        anstream::eprintln!(
            "warning: these jobs are kept by the platform's jobs service and stay: {}; `--adopt` deletes them with its records",
            kept.join(", ")
        );
    }
    let own = jobs.iter().filter(|job| !is_kept(job)).map(|job| &job.name);
    let records = without_objects.iter().map(|(name, _)| *name).filter(|_| options.change.adopt);
    let set = job_deletions(own.chain(records), &facts);
    let names: Vec<&str> = set.changes.iter().map(|change| change.name.as_str()).collect();
    if !names.is_empty() && !options.yes && options.change.dry_run.is_none() {
        let question = format!("{} job(s) are deleted: {}; continue?", names.len(), names.join(", "));
        if confirm(&question) == Some(false) {
            return Err(
                Failure::new(ExitCode::Failed, "nothing was deleted").with_code(FailureCode::NotConfirmed)
            );
        }
    }
    delete::delete(session, arguments, &set, options.change)
}
