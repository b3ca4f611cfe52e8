use std::cell::{Cell, RefCell};

use toolforge_cli::{
    DryRunOption, ExitCode, Failure, Session, planned_changes, print_for_people, warn_of_unread,
};
use toolforge_client::Attempt;
use toolforge_client::k8s_openapi::api::core::v1::Pod;
use toolforge_model::Untrusted;
use toolforge_quota::Limits;
use toolforge_render::change::{Action, ChangeSet};
use toolforge_render::convert::{Adoption, AdoptionError, plan_adoption};
use toolforge_render::job::{FoundWorkload, JobFacts, JobObjects, JobWorkload, job_deletions};
use toolforge_report::FailureCode;

use super::apply::Command;
use super::confirm::confirm;
use super::finish::finish;
use super::original::{check_recreation, put_back};
use super::{apply, facts};
use crate::arguments::{AdoptArguments, Arguments};
use crate::{failures, report};

/// Makes an object that no tool manages a job. Where that restarts or loses something, it is shown and has to be confirmed.
pub(super) fn run(
    session: &Session,
    arguments: &Arguments,
    options: &AdoptArguments,
) -> Result<ExitCode, Failure> {
    let dry_run = options.dry_run.dry_run;
    // The object that is deleted before the job is created, and whether that was done.
    let original: RefCell<Option<JobObjects>> = RefCell::default();
    let is_deleted = Cell::new(false);
    let plan = async |attempt: &Attempt| {
        is_deleted.set(!apply::changed_jobs(attempt).is_empty());
        let facts = facts::fetch_facts_to_write(session).await?;
        let job = match facts::find(&facts, &options.name)? {
            FoundWorkload::Job(job) => *job,
            FoundWorkload::Pod(pod) => return Err(of_pod(&pod)),
        };
        let adoption = match job.is_managed() {
            true => None,
            false => Some(plan_adoption(&job, &facts).map_err(|error| failure(&error, &job, &facts))?),
        };
        let kept = facts.live.recorded.contains_key(&job.name);
        if kept {
            let message = format!("the platform's jobs service has a record of a job {}", job.name);
            return Err(Failure::new(ExitCode::Failed, message)
                .hint(format!("`toolforge jobs delete {} --adopt` deletes it.", job.name)));
        }
        if let Some(adoption) = &adoption
            && dry_run != Some(DryRunOption::Client)
            && adoption.change().is_some_and(|change| change.action == Action::Recreate)
            && let Ok((_, client)) = session.cluster()
        {
            check_recreation(client, session, &job, adoption).await?;
            original.replace(dry_run.is_none().then(|| job.clone()));
        }
        let none = job_deletions([], &facts);
        Ok(PlannedAdoption { adoption, job, limits: facts.namespace.limits, none })
    };
    let confirmed = Cell::new(options.yes || dry_run.is_some());
    let check = |planned: &PlannedAdoption, attempt: &Attempt| {
        let Some(adoption) = &planned.adoption else { return Ok(()) };
        if attempt.is_first() {
            warn_of_unread(&planned.limits);
        }
        if !adoption.set.fits() {
            let failure = Failure::new(ExitCode::DoesNotFit, "the job does not fit, and nothing was sent");
            return Err(report::with_what_does_not_fit(failure, &adoption.set));
        }
        if attempt.is_first() {
            costs(&planned.job, adoption).iter().for_each(|line| anstream::eprintln!("{line}"));
        }
        if !adoption.is_free() && !confirmed.get() {
            ask(&planned.job)?;
            confirmed.set(true);
        }
        Ok(())
    };
    let command = Command::new(plan, check);
    let subject = |planned: &PlannedAdoption| facts::subject(&planned.job);
    if dry_run == Some(DryRunOption::Client) {
        let planned = session.block_on(command.plan_only())??;
        if planned.adoption.is_some() {
            let text = format!("{} would be a job\n", subject(&planned));
            print_for_people(&text, arguments.output.of_document())?;
        }
        let set = planned.as_ref();
        return finish(session, arguments, (set, planned_changes(set)), dry_run, Ok(ExitCode::Success));
    }
    let applied = session.block_on(apply::apply(session, dry_run, &command))?;
    let put_back = |failure| match (original.take().filter(|_| is_deleted.get()), session.cluster()) {
        (Some(job), Ok((runtime, client))) => runtime.block_on(put_back(client, session, &job, failure)),
        _ => failure,
    };
    // After the deletion it is planned again if something else has changed meanwhile.
    let applied = applied.map_err(put_back)?;
    is_deleted.set(is_deleted.get() || applied.has_deleted());
    let changes = applied.changes();
    let (planned, ended) = applied.end();
    let ended = ended.map_err(put_back);
    if matches!(ended, Ok(ExitCode::Success)) {
        let name = &planned.job.name;
        match (&planned.adoption, dry_run) {
            (None, _) => anstream::eprintln!("job {name} is a job already"),
            (Some(_), Some(_)) => {
                anstream::eprintln!(
                    "the cluster accepts {} as a job; nothing was changed",
                    subject(&planned)
                );
            }
            (Some(_), None) => anstream::eprintln!(
                "{} is job {name} now; `toolforge jobs dump` prints it for a jobs file",
                subject(&planned)
            ),
        }
    }
    finish(session, arguments, (planned.as_ref(), changes), dry_run, ended)
}

/// An object, and how it becomes a job; `None` if it is one.
struct PlannedAdoption {
    adoption: Option<Adoption>,
    job: JobObjects,
    limits: Limits,
    none: ChangeSet,
}

impl AsRef<ChangeSet> for PlannedAdoption {
    fn as_ref(&self) -> &ChangeSet {
        self.adoption.as_ref().map_or(&self.none, |adoption| &adoption.set)
    }
}

/// Returns what it costs, a line each; nothing if it is free.
fn costs(job: &JobObjects, adoption: &Adoption) -> Vec<String> {
    let subject = facts::subject(job);
    let action = adoption.change().map(|change| change.action);
    let first = match (&job.workload, action) {
        _ if adoption.is_free() => return Vec::new(),
        (JobWorkload::OneOff(_), Some(Action::Recreate)) => {
            format!("{subject} is deleted and created again as a job, which runs from the beginning:")
        }
        (_, Some(Action::Recreate)) => {
            format!("{subject} is deleted and created again as a job; nothing of it runs until then:")
        }
        _ if adoption.restarts => format!("{subject} becomes a job, and its pods are replaced:"),
        _ => format!("{subject} becomes a job without a restart, and differs from then on:"),
    };
    let notes = adoption.notes.iter().map(|note| format!("  {}", note.escaped()));
    [first].into_iter().chain(notes).collect()
}

fn ask(job: &JobObjects) -> Result<(), Failure> {
    let not_confirmed =
        |message: &str| Failure::new(ExitCode::Failed, message).with_code(FailureCode::NotConfirmed);
    match confirm(&format!("make {} a job?", facts::subject(job))) {
        Some(true) => Ok(()),
        Some(false) => Err(not_confirmed("it was not confirmed; nothing was changed")),
        None => Err(not_confirmed("nothing was changed, and there is no terminal to confirm on")
            .hint("`--yes` confirms it.")),
    }
}

/// Returns why a pod cannot become a job, and what can be done instead.
fn of_pod(pod: &Pod) -> Failure {
    let name = pod.metadata.name.as_deref().unwrap_or_default();
    let name = Untrusted::new(name);
    let name = name.escaped();
    if pod.metadata.owner_references.iter().flatten().next().is_some() {
        return Failure::new(
            ExitCode::Failed,
            format!("pod/{name} belongs to another object, which creates it again"),
        )
        .hint("Adopt that object: `toolforge jobs list --output table` shows it.");
    }
    let message = format!(
        "pod/{name} is a pod by itself, and cannot become a job: the pods of jobs are created by a Deployment or a Job"
    );
    Failure::new(ExitCode::Failed, message).hint(format!(
        "A job like it starts from the beginning: `kubectl get pod/{name} --output yaml | toolforge jobs convert - > FILE`, then \
         `toolforge jobs delete pod/{name}` and `toolforge jobs load FILE`."
    ))
}

fn failure(error: &AdoptionError, job: &JobObjects, facts: &JobFacts) -> Failure {
    let failure = match error {
        AdoptionError::Plan(error) => failures::of_plan(error, &facts.namespace),
        error => Failure::from_error(ExitCode::Failed, error),
    };
    match error {
        AdoptionError::NoJob { .. } => failure.hint(format!(
            "`kubectl get {} -o yaml | toolforge jobs convert -` shows what can be.",
            job.workload_ref()
        )),
        _ => failure,
    }
}
