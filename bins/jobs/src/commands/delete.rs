use toolforge_cli::{ExitCode, Failure, Session, planned_changes, print_for_people};
use toolforge_client::JobFetchOptions;
use toolforge_model::JobName;
use toolforge_render::change::ChangeSet;
use toolforge_render::job::{JobFacts, job_deletions};

use toolforge_report::FailureCode;

use super::finish::finish;
use super::{apply, facts};
use crate::arguments::{Arguments, ChangeOptions, DeleteArguments};

/// Deletes jobs. A job that does not exist is reported, so that an interrupted command can be repeated; if none of them
/// exists, it fails.
pub(super) fn run(
    session: &Session,
    arguments: &Arguments,
    options: &DeleteArguments,
) -> Result<ExitCode, Failure> {
    let facts = facts::facts(session, to_delete())?;
    let mut names: Vec<&JobName> = Vec::new();
    for name in &options.names {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let exists = |name: &&JobName| {
        facts.live.job(&facts.namespace.tool, name).is_some() || facts.live.recorded.contains_key(*name)
    };
    let (existing, missing): (Vec<&JobName>, Vec<&JobName>) = names.into_iter().partition(exists);
    match (existing.as_slice(), missing.as_slice()) {
        ([], [name]) => return facts::job(&facts, name).map(|_| ExitCode::Success),
        ([], _) => {
            return Err(Failure::new(
                ExitCode::Failed,
                format!("these jobs do not exist: {}", joined(&missing)),
            )
            .with_code(FailureCode::NotFound)
            .hint("`toolforge jobs list --output name` lists the jobs."));
        }
        (_, []) => {}
        (_, missing) => anstream::eprintln!("note: these jobs do not exist: {}", joined(missing)),
    }
    for name in &existing {
        check(&facts, name, options.change)?;
    }
    delete(session, arguments, &job_deletions(existing, &facts), options.change)
}

fn joined(names: &[&JobName]) -> String {
    names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ")
}

/// Returns what has to be known before jobs are deleted.
pub(super) fn to_delete() -> JobFetchOptions {
    let mut wanted = JobFetchOptions::for_names();
    wanted.addresses = true;
    wanted.records = true;
    wanted
}

/// Refuses a job that the platform's jobs service has recorded.
fn check(facts: &JobFacts, name: &JobName, change: ChangeOptions) -> Result<(), Failure> {
    if change.adopt || !facts.live.recorded.contains_key(name) {
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
    let exit_code = apply::apply_all(session, arguments, set, options.dry_run)?;
    if options.dry_run.is_none() && exit_code == ExitCode::Success {
        let names: Vec<&str> = set.changes.iter().map(|change| change.name.as_str()).collect();
        match names.as_slice() {
            [] => anstream::eprintln!("there are no jobs to delete"),
            [name] => anstream::eprintln!("job {name} was deleted"),
            names => anstream::eprintln!("{} jobs were deleted: {}", names.len(), names.join(", ")),
        }
    }
    Ok(exit_code)
}
