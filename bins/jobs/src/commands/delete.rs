use toolforge_cli::{ExitCode, Failure, Session, planned_changes, print_for_people};
use toolforge_client::JobFetchOptions;
use toolforge_model::JobName;
use toolforge_render::change::ChangeSet;
use toolforge_render::job::{JobFacts, job_deletions};

use toolforge_report::FailureCode;

use super::finish::finish;
use super::{apply, facts};
use crate::arguments::{Arguments, ChangeOptions, DeleteArguments};

/// Deletes jobs; if one of them does not exist, nothing is deleted.
pub(super) fn run(
    session: &Session,
    arguments: &Arguments,
    options: &DeleteArguments,
) -> Result<ExitCode, Failure> {
    let facts = facts::facts(session, arguments, to_delete())?;
    let is_missing = |name: &&JobName| {
        facts.live.job(&facts.tool, name).is_none() && !facts.live.recorded.contains_key(*name)
    };
    let missing: Vec<&str> = options.names.iter().filter(is_missing).map(JobName::as_str).collect();
    if let [_, _, ..] = missing.as_slice() {
        return Err(Failure::new(
            ExitCode::Failed,
            format!("these jobs do not exist, and nothing was deleted: {}", missing.join(", ")),
        )
        .with_code(FailureCode::NotFound)
        .hint("`toolforge jobs list --output name` lists the jobs."));
    }
    let mut names: Vec<&JobName> = Vec::new();
    for name in &options.names {
        check(&facts, name, options.change)?;
        if !names.contains(&name) {
            names.push(name);
        }
    }
    delete(session, arguments, &job_deletions(names, &facts), options.change)
}

/// Returns what has to be known before jobs are deleted.
pub(super) fn to_delete() -> JobFetchOptions {
    JobFetchOptions { addresses: true, records: true, ..JobFetchOptions::for_names() }
}

/// Refuses a job that does not exist, or that the platform's jobs service has recorded.
fn check(facts: &JobFacts, name: &JobName, change: ChangeOptions) -> Result<(), Failure> {
    if !facts.live.recorded.contains_key(name) {
        return facts::job(facts, name).map(|_| ()).map_err(|failure| failure.detail("nothing was deleted"));
    }
    if change.adopt {
        return Ok(());
    }
    Err(Failure::new(
        ExitCode::Failed,
        format!("job {name} is kept by the platform's jobs service, which would still list it"),
    )
    .hint("`--adopt` deletes its record there, too."))
}

/// Deletes jobs, and waits until they are gone.
pub(super) fn delete(
    session: &Session,
    arguments: &Arguments,
    set: &ChangeSet,
    options: ChangeOptions,
) -> Result<ExitCode, Failure> {
    if options.dry_run.is_some() {
        for change in &set.changes {
            print_for_people(
                &format!("job {} would be deleted\n", change.name),
                arguments.output.of_document(),
            )?;
        }
        if options.dry_run == Some(toolforge_cli::DryRunOption::Client) {
            let changes = planned_changes(set);
            return finish(session, arguments, (set, changes), options.dry_run, Ok(ExitCode::Success));
        }
    }
    apply::apply_all(session, arguments, set, options.dry_run)
}
