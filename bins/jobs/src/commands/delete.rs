use toolforge_cli::{DryRunOption, ExitCode, Failure, Session, planned_changes, print_for_people};
use toolforge_client::{Attempt, JobFetchOptions, Written};
use toolforge_model::JobName;
use toolforge_render::change::{Change, ChangeSet};
use toolforge_render::job::{JobFacts, job_deletions};

use toolforge_report::FailureCode;

use super::apply::Command;
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
    let plan = async |attempt: &Attempt| {
        let facts = facts::fetch_facts(session, to_delete()).await?;
        let mut names: Vec<&JobName> = Vec::new();
        for name in &options.names {
            let is_done = attempt.done().any(|change| change.name == name.as_str());
            if !is_done && !names.contains(&name) {
                names.push(name);
            }
        }
        let existing = existing(&facts, names, attempt)?;
        for name in &existing {
            check(&facts, name, options.change)?;
        }
        Ok(job_deletions(existing, &facts))
    };
    delete(session, arguments, &Command::new(plan, |_: &ChangeSet, _: &Attempt| Ok(())), options.change)
}

/// Returns the names of the jobs that exist. Those that do not are reported; without any that does, it fails, unless an earlier
/// attempt has deleted some.
fn existing<'a>(
    facts: &JobFacts,
    names: Vec<&'a JobName>,
    attempt: &Attempt,
) -> Result<Vec<&'a JobName>, Failure> {
    let exists = |name: &&JobName| {
        facts.live.job(&facts.namespace.tool, name).is_some() || facts.live.recorded.contains_key(*name)
    };
    let (existing, missing): (Vec<&JobName>, Vec<&JobName>) = names.into_iter().partition(exists);
    match (existing.as_slice(), missing.as_slice()) {
        _ if !attempt.is_first() => {}
        ([], [name]) => return facts::job(facts, name).map(|_| Vec::new()),
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
    Ok(existing)
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
pub(super) fn delete<T, P, C, F>(
    session: &Session,
    arguments: &Arguments,
    command: &Command<P, C, F>,
    options: ChangeOptions,
) -> Result<ExitCode, Failure>
where
    T: AsRef<ChangeSet>,
    P: AsyncFn(&Attempt) -> Result<T, Failure>,
    C: Fn(&T, &Attempt) -> Result<(), Failure>,
    F: AsyncFn(&Change, &[Written]) -> Result<(), Failure>,
{
    let dry_run = options.dry_run;
    let print_planned = |set: &ChangeSet| {
        let lines = set.changes.iter().map(|change| format!("job {} would be deleted\n", change.name));
        print_for_people(&lines.collect::<String>(), arguments.output.of_document())
    };
    if dry_run == Some(DryRunOption::Client) {
        let plan = session.block_on(command.plan_only())??;
        let set = plan.as_ref();
        print_planned(set)?;
        return finish(session, arguments, (set, planned_changes(set)), dry_run, Ok(ExitCode::Success));
    }
    let applied = session.block_on(apply::apply(session, dry_run, command))??;
    let changes = applied.changes();
    let names = applied.names();
    let (plan, ended) = applied.end();
    let set = plan.as_ref();
    if dry_run.is_some() {
        print_planned(set)?;
    } else if matches!(ended, Ok(ExitCode::Success)) {
        match names.as_slice() {
            [] => anstream::eprintln!("there are no jobs to delete"),
            [name] => anstream::eprintln!("job {name} was deleted"),
            names => anstream::eprintln!("{} jobs were deleted: {}", names.len(), names.join(", ")),
        }
    }
    finish(session, arguments, (set, changes), dry_run, ended)
}
