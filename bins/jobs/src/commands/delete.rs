use std::cell::Cell;

use toolforge_cli::{DryRunOption, ExitCode, Failure, Session, planned_changes, print_for_people};
use toolforge_client::{Attempt, JobFetchOptions, Written};
use toolforge_model::JobName;
use toolforge_render::change::{Change, ChangeSet};
use toolforge_render::job::{FoundWorkload, JobFacts, WorkloadLookupError, WorkloadRef, workload_deletions};
use toolforge_report::FailureCode;

use super::apply::Command;
use super::confirm::confirm;
use super::finish::finish;
use super::{apply, facts};
use crate::arguments::{Arguments, ChangeOptions, DeleteArguments};

/// Deletes jobs and, after a confirmation, other objects. What does not exist is reported, so that an interrupted
/// command can be repeated; if nothing of it exists, it fails.
pub(super) fn run(
    session: &Session,
    arguments: &Arguments,
    options: &DeleteArguments,
) -> Result<ExitCode, Failure> {
    let plan = async |attempt: &Attempt| {
        let facts = facts::fetch_facts(session, to_delete()).await?;
        let mut names: Vec<&WorkloadRef> = Vec::new();
        for name in &options.names {
            let is_done = attempt.done().any(|change| change.name == name.name.as_str());
            if !is_done && !names.contains(&name) {
                names.push(name);
            }
        }
        let (jobs, others) = existing(&facts, names, attempt)?;
        for name in &jobs {
            check(&facts, name, options.change)?;
        }
        Ok(workload_deletions(&jobs, &others, &facts))
    };
    let confirmed = Cell::new(options.yes || options.change.dry_run.is_some());
    let check = |set: &ChangeSet, _: &Attempt| {
        let others = set.changes.iter().filter(|change| !change.is_managed).map(apply::subject);
        let others: Vec<String> = others.collect();
        if !others.is_empty() && !confirmed.get() {
            confirm_others(&others, "deleted")?;
            confirmed.set(true);
        }
        Ok(())
    };
    delete(session, arguments, &Command::new(plan, check), options.change)
}

/// Asks before objects that are not jobs are changed; `done` is what is done to them. Without a terminal, it fails.
pub(super) fn confirm_others(others: &[String], done: &str) -> Result<(), Failure> {
    let (names, are) = (others.join(", "), if others.len() == 1 { "is" } else { "are" });
    let not_confirmed =
        |message: String| Failure::new(ExitCode::Failed, message).with_code(FailureCode::NotConfirmed);
    match confirm(&format!("{names} {are} {done}, and not managed by `toolforge jobs`; continue?")) {
        Some(true) => Ok(()),
        Some(false) => Err(not_confirmed("it was not confirmed; nothing was changed".to_owned())),
        None => Err(not_confirmed(format!(
            "{names} {are} not managed by `toolforge jobs`, and there is no terminal to confirm on"
        ))
        .hint("`--yes` confirms it.")),
    }
}

/// Returns the names of the jobs and the other objects that exist. Those that do not are reported; without any that does, it
/// fails, unless an earlier attempt has deleted some.
fn existing(
    facts: &JobFacts,
    names: Vec<&WorkloadRef>,
    attempt: &Attempt,
) -> Result<(Vec<JobName>, Vec<FoundWorkload>), Failure> {
    let (mut jobs, mut others, mut missing) = (Vec::new(), Vec::new(), Vec::new());
    for wanted in names {
        match facts.live.find(&facts.namespace.tool, wanted) {
            Ok(FoundWorkload::Job(job)) if job.is_managed() => {
                if !jobs.contains(&job.name) {
                    jobs.push(job.name);
                }
            }
            Ok(found) => {
                if !others.contains(&found) {
                    others.push(found);
                }
            }
            // Only a record may exist of a job.
            Err(_) if wanted.kind.is_none() && facts.live.recorded.contains_key(&wanted.name) => {
                jobs.push(wanted.name.clone());
            }
            Err(WorkloadLookupError::NotFound { .. }) => missing.push(wanted),
            Err(_) => return facts::find(facts, wanted).map(|_| (Vec::new(), Vec::new())),
        }
    }
    let is_nothing = jobs.is_empty() && others.is_empty();
    match missing.as_slice() {
        _ if !attempt.is_first() => {}
        [name] if is_nothing => return facts::find(facts, name).map(|_| (Vec::new(), Vec::new())),
        missing if is_nothing && !missing.is_empty() => {
            return Err(Failure::new(
                ExitCode::Failed,
                format!("these jobs do not exist: {}", joined(missing)),
            )
            .with_code(FailureCode::NotFound)
            .hint("`toolforge jobs list --output name` lists the jobs."));
        }
        [] => {}
        missing => anstream::eprintln!("note: these jobs do not exist: {}", joined(missing)),
    }
    Ok((jobs, others))
}

fn joined(names: &[&WorkloadRef]) -> String {
    names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
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
        let lines = set.changes.iter().map(|change| format!("{} would be deleted\n", apply::subject(change)));
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
            [name] if name.contains('/') => anstream::eprintln!("{name} was deleted"),
            [name] => anstream::eprintln!("job {name} was deleted"),
            names if names.iter().any(|name| name.contains('/')) => {
                anstream::eprintln!("these were deleted: {}", names.join(", "));
            }
            names => anstream::eprintln!("{} jobs were deleted: {}", names.len(), names.join(", ")),
        }
    }
    finish(session, arguments, (set, changes), dry_run, ended)
}
