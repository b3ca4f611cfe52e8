use std::cell::{Cell, RefCell};

use toolforge_cli::{
    DryRunOption, ExitCode, Failure, Notice, Session, planned_changes, print_for_people, print_message,
};
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

/// Deletes jobs and, after a confirmation, other objects. What does not exist is reported, so an interrupted
/// command can be repeated; if nothing of it exists, it fails.
pub(super) fn run(
    session: &Session,
    arguments: &Arguments,
    options: &DeleteArguments,
) -> Result<ExitCode, Failure> {
    // The objects that the names referred to at first: a later attempt deletes no other objects with these names.
    let resolved: RefCell<Vec<WorkloadRef>> = RefCell::default();
    let owned_pods: RefCell<Vec<OwnedPod>> = RefCell::default();
    let plan = async |attempt: &Attempt| {
        let facts = facts::fetch_facts(session, to_delete()).await?;
        let mut names: Vec<WorkloadRef> = Vec::new();
        let all = if attempt.is_first() { options.names.clone() } else { resolved.borrow().clone() };
        for name in all {
            if !attempt.done().any(|change| is_change_of(change, &name)) && !names.contains(&name) {
                names.push(name);
            }
        }
        let (jobs, others) = existing(&facts, names.iter().collect(), attempt)?;
        for job in &jobs {
            check(&facts, &job.name, options.change)?;
        }
        let set = workload_deletions(&jobs, &others, &facts);
        if attempt.is_first() {
            *resolved.borrow_mut() = set.changes.iter().filter_map(reference_to).collect();
        }
        *owned_pods.borrow_mut() = others.iter().filter_map(|found| OwnedPod::of(found, &facts)).collect();
        Ok(set)
    };
    let confirmed = Cell::new(options.yes || options.change.dry_run.is_some());
    let check = |set: &ChangeSet, _: &Attempt| {
        let pods = owned_pods.borrow();
        let others = set.changes.iter().filter(|change| !change.is_managed).map(apply::subject);
        let others: Vec<String> = others.filter(|name| pods.iter().all(|pod| pod.pod != *name)).collect();
        let needs_none = others.is_empty() && pods.is_empty();
        if !needs_none && !confirmed.get() {
            confirm_deletion(session, &others, &pods)?;
            confirmed.set(true);
        }
        Ok(())
    };
    delete(session, arguments, &Command::new(plan, check), options.change)
}

/// Returns whether a change deletes what a reference refers to.
fn is_change_of(change: &Change, wanted: &WorkloadRef) -> bool {
    reference_to(change).is_some_and(|found| found.name == wanted.name && found.kind == wanted.kind)
}

/// Returns the reference to the object that a change deletes, with its kind; without, if only a record of it exists.
fn reference_to(change: &Change) -> Option<WorkloadRef> {
    let kind = change.kind.object_kind();
    Some(WorkloadRef { kind, name: JobName::of_object(&change.name).ok()? })
}

/// A pod that another one replaces when it is deleted.
struct OwnedPod {
    /// Its reference, `pod/NAME`.
    pod: String,
    /// What creates the other one: `job bot`.
    owner: String,
}

impl OwnedPod {
    fn of(found: &FoundWorkload, facts: &JobFacts) -> Option<Self> {
        let FoundWorkload::Pod(pod) = found else { return None };
        let owner = facts.live.owner_of(&facts.namespace.tool, pod)?;
        let name = pod.metadata.name.as_deref().unwrap_or_default();
        Some(Self { pod: format!("pod/{name}"), owner: facts::subject(&owner) })
    }
}

/// Asks before pods that are replaced, and objects that are not jobs, are deleted. Without a terminal, it fails.
fn confirm_deletion(session: &Session, others: &[String], pods: &[OwnedPod]) -> Result<(), Failure> {
    if pods.is_empty() {
        return confirm_others(session, others, "deleted");
    }
    let mut facts: Vec<String> =
        pods.iter().map(|OwnedPod { pod, owner }| format!("{owner} replaces {pod}")).collect();
    if !others.is_empty() {
        facts.push(format!("{} not managed by `toolforge jobs`", are(others)));
    }
    let facts = facts.join(", and ");
    let names: Vec<String> = pods.iter().map(|pod| pod.pod.clone()).chain(others.iter().cloned()).collect();
    confirm_change(session, &format!("{} deleted: {facts}; continue?", are(&names)), &facts)
}

/// Asks before objects that are not jobs are changed; `done` is the action. Without a terminal, it fails.
pub(super) fn confirm_others(session: &Session, others: &[String], done: &str) -> Result<(), Failure> {
    let are = are(others);
    let question = format!("{are} {done}, and not managed by `toolforge jobs`; continue?");
    confirm_change(session, &question, &format!("{are} not managed by `toolforge jobs`"))
}

/// Returns the beginning of a sentence: `a is`, `a, b are`.
fn are(names: &[String]) -> String {
    format!("{} {}", names.join(", "), if names.len() == 1 { "is" } else { "are" })
}

fn confirm_change(session: &Session, question: &str, facts: &str) -> Result<(), Failure> {
    let not_confirmed =
        |message: String| Failure::new(ExitCode::Failed, message).with_code(FailureCode::NotConfirmed);
    match confirm(session, question)? {
        Some(true) => Ok(()),
        Some(false) => Err(not_confirmed("it was not confirmed; nothing was changed".to_owned())),
        None => Err(not_confirmed(format!("{facts}, and there is no terminal to confirm on"))
            .hint("`--yes` confirms it.")),
    }
}

/// Returns the jobs and the other objects that exist. Those that do not are reported; without any that does, it
/// fails, unless an earlier attempt has deleted some.
fn existing(
    facts: &JobFacts,
    names: Vec<&WorkloadRef>,
    attempt: &Attempt,
) -> Result<(Vec<WorkloadRef>, Vec<FoundWorkload>), Failure> {
    let (mut jobs, mut others, mut missing) = (Vec::new(), Vec::new(), Vec::new());
    for wanted in names {
        match facts.live.find(&facts.namespace.tool, wanted) {
            Ok(FoundWorkload::Job(job)) if job.is_managed() => {
                let job = job.workload_ref();
                if !jobs.contains(&job) {
                    jobs.push(job);
                }
            }
            Ok(found) => {
                if !others.contains(&found) {
                    others.push(found);
                }
            }
            // There may be only a record of the job.
            Err(_) if wanted.kind.is_none() && facts.live.recorded.contains_key(&wanted.name) => {
                jobs.push(wanted.clone());
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
        missing => Notice::note(format!("these jobs do not exist: {}", joined(missing))).print(),
    }
    Ok((jobs, others))
}

fn joined(names: &[&WorkloadRef]) -> String {
    names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Returns the facts that are needed to delete jobs.
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
            [] => print_message("there are no jobs to delete"),
            [name] if name.contains('/') => print_message(&format!("{name} was deleted")),
            [name] => print_message(&format!("job {name} was deleted")),
            names if names.iter().any(|name| name.contains('/')) => {
                print_message(&format!("these were deleted: {}", names.join(", ")));
            }
            names => print_message(&format!("{} jobs were deleted: {}", names.len(), names.join(", "))),
        }
    }
    finish(session, arguments, (set, changes), dry_run, ended)
}
