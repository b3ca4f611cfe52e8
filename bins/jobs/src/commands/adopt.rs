use std::cell::{Cell, RefCell};
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{
    DryRunOption, ExitCode, Failure, Notice, Session, not_written, planned_changes, print_for_people,
    print_message, warn_of_unread,
};
use toolforge_client::{AdoptionOutcome, Attempt, DeletedObject, LostReason};
use toolforge_model::Untrusted;
use toolforge_quota::Limits;
use toolforge_render::change::{Action, ChangeSet};
use toolforge_render::convert::{Adoption, AdoptionError, as_created, plan_adoption, resume_adoption};
use toolforge_render::job::{
    FoundWorkload, JobFacts, JobObjects, JobPlanError, JobWorkload, WorkloadLookupError, WorkloadRef,
    job_deletions,
};
use toolforge_report::{DetailCode, FailureCode};

use super::apply::{self, Command};
use super::confirm::confirm;
use super::facts;
use super::finish::finish;
use crate::arguments::{AdoptArguments, Arguments};
use crate::{failures, report};

/// Makes an object that no tool manages a job. Where that restarts or loses something, it is shown and has to be confirmed.
pub(super) fn run(
    session: &Session,
    arguments: &Arguments,
    options: &AdoptArguments,
) -> Result<ExitCode, Failure> {
    let dry_run = options.dry_run.dry_run;
    let plan = async |attempt: &Attempt| {
        let facts = facts::fetch_facts_to_write(session).await?;
        planned(session, &options.name, attempt, facts)
    };
    let confirmed = Cell::new(options.yes || dry_run.is_some());
    // The object and its costs, as they were shown last.
    let seen: RefCell<Option<(Option<String>, Option<Notice>)>> = RefCell::default();
    let copied: RefCell<Vec<JobObjects>> = RefCell::default();
    let check = |planned: &PlannedAdoption, attempt: &Attempt| {
        let Some(adoption) = &planned.adoption else { return Ok(()) };
        if attempt.is_first() {
            warn_of_unread(&planned.limits);
        }
        if !adoption.set.fits() {
            let sent = if attempt.written().next().is_none() { "; nothing was changed" } else { "" };
            let failure = Failure::new(ExitCode::DoesNotFit, format!("the job does not fit{sent}"));
            return Err(report::with_what_does_not_fit(failure, &adoption.set, &[]));
        }
        if planned.is_resumed {
            return Ok(());
        }
        // Somebody may have changed or replaced the object between two attempts.
        let costs = costs(&planned.job, adoption);
        let shown = (planned.job.workload.metadata().uid.clone(), costs.clone());
        if seen.replace(Some(shown.clone())) != Some(shown) {
            costs.into_iter().for_each(Notice::print);
            confirmed.set(confirmed.get() && (attempt.is_first() || options.yes));
        }
        if !adoption.is_free() && !confirmed.get() {
            ask(session, &planned.job, attempt)?;
            confirmed.set(true);
        }
        let recreates = adoption.change().is_some_and(|change| change.action == Action::Recreate);
        if recreates && dry_run.is_none() {
            write_copy(session, &planned.job)?;
            copied.borrow_mut().push(planned.job.clone());
        }
        Ok(())
    };
    let command = Command::new(plan, check);
    if dry_run == Some(DryRunOption::Client) {
        let planned = session.block_on(command.plan_only())??;
        if planned.adoption.is_some() {
            let text = format!("{} would be a job\n", facts::subject(&planned.job));
            print_for_people(&text, arguments.output.of_document())?;
        }
        let set = planned.as_ref();
        return finish(session, arguments, (set, planned_changes(set)), dry_run, Ok(ExitCode::Success));
    }
    let adopting = apply::adopt(session, dry_run, &command, |planned: &PlannedAdoption| &planned.job);
    let (applied, deleted) = session.block_on(adopting)?;
    for job in copied.take().iter().filter(|job| !deleted.iter().any(|deleted| is_lost_as(deleted, job))) {
        remove_copy(session, job);
    }
    let applied = applied.map_err(|failure| with_deleted(failure, &deleted))?;
    let changes = applied.changes();
    let (planned, ended) = applied.end();
    let ended = ended.map_err(|failure| with_deleted(failure, &deleted));
    if matches!(ended, Ok(ExitCode::Success)) {
        if dry_run.is_none() && !deleted.iter().any(is_lost) {
            remove_copies(session, &planned.job.workload_ref());
        }
        print_outcome(&planned, dry_run);
        deleted.iter().filter(|deleted| is_lost(deleted)).for_each(print_lost);
    }
    finish(session, arguments, (planned.as_ref(), changes), dry_run, ended)
}

/// Returns how the object becomes a job: that of this name, or the one that an earlier attempt has deleted.
fn planned(
    session: &Session,
    name: &WorkloadRef,
    attempt: &Attempt,
    facts: JobFacts,
) -> Result<PlannedAdoption, Failure> {
    let none = job_deletions([], &facts);
    let is_gone = |job: &&JobObjects| facts.live.find(&session.tool, &job.workload_ref()).is_err();
    if let Some(job) = attempt.deleted.as_ref().filter(is_gone) {
        let adoption = resume_adoption(job, &facts).map_err(|error| failure(&error, job, &facts))?;
        let (adoption, job, limits) = (Some(adoption), job.clone(), facts.namespace.limits);
        return Ok(PlannedAdoption { adoption, job, limits, none, is_resumed: true });
    }
    let job = adoptable(&facts, name).map_err(|failure| with_copy(failure, session, &facts, name))?;
    let adoption = match job.is_managed() {
        true => None,
        false => Some(plan_adoption(&job, &facts).map_err(|error| failure(&error, &job, &facts))?),
    };
    if facts.live.recorded.contains_key(&job.name) {
        let message = format!("the platform's jobs service has a record of a job {}", job.name);
        return Err(Failure::new(ExitCode::Failed, message)
            .hint(format!("`toolforge jobs delete {} --adopt` deletes it.", job.name)));
    }
    Ok(PlannedAdoption { adoption, job, limits: facts.namespace.limits, none, is_resumed: false })
}

fn print_outcome(planned: &PlannedAdoption, dry_run: Option<DryRunOption>) {
    let (name, subject) = (&planned.job.name, facts::subject(&planned.job));
    match (&planned.adoption, dry_run) {
        (None, _) => print_message(&format!("{name} is already a job")),
        (Some(_), Some(_)) => {
            print_message(&format!("the cluster accepts {subject} as a job; nothing was changed"));
        }
        (Some(_), None) => print_message(&format!(
            "{subject} is job {name} now; `toolforge jobs dump` prints it for a jobs file"
        )),
    }
}

/// Returns the failure with where a copy of an object's manifest is, if the object does not exist.
fn with_copy(failure: Failure, session: &Session, facts: &JobFacts, name: &WorkloadRef) -> Failure {
    let is_missing =
        matches!(facts.live.find(&session.tool, name), Err(WorkloadLookupError::NotFound { .. }));
    let copy = newest_copy(session, name).filter(|_| is_missing);
    copy.into_iter().fold(failure, |failure, copy| {
        let path = Untrusted::new(copy.path.display().to_string());
        failure.hint(format!(
            "A copy of its manifest from {} exists: `kubectl create -f {}` creates it again.",
            copy.written.strftime("%Y-%m-%d %H:%M UTC"),
            path.escaped()
        ))
    })
}

/// Returns what can become a job: a pod cannot.
fn adoptable(facts: &JobFacts, name: &WorkloadRef) -> Result<JobObjects, Failure> {
    let FoundWorkload::Pod(pod) = facts::find(facts, name)? else { return facts::job(facts, name) };
    if facts.live.owner_of(&facts.namespace.tool, &pod).is_some() {
        return facts::job(facts, name);
    }
    let name = &name.name;
    let message = format!("pod/{name} cannot become a job: a job runs its command in a pod of its own");
    Err(Failure::new(ExitCode::Failed, message)
        .hint(format!(
            "`kubectl get pod/{name} -o yaml | toolforge jobs convert -` prints a job with its command, for `toolforge jobs load`."
        ))
        .hint(format!("`toolforge jobs delete pod/{name}` then deletes the pod, which ends its command.")))
}

/// An object, and how it becomes a job; `None` if it is one.
struct PlannedAdoption {
    adoption: Option<Adoption>,
    job: JobObjects,
    limits: Limits,
    none: ChangeSet,
    /// Whether an earlier attempt has deleted the object.
    is_resumed: bool,
}

impl AsRef<ChangeSet> for PlannedAdoption {
    fn as_ref(&self) -> &ChangeSet {
        self.adoption.as_ref().map_or(&self.none, |adoption| &adoption.set)
    }
}

/// Returns what it costs; nothing if it is free.
fn costs(job: &JobObjects, adoption: &Adoption) -> Option<Notice> {
    let subject = facts::subject(job);
    let action = adoption.change().map(|change| change.action);
    let first = match (&job.workload, action) {
        _ if adoption.is_free() => return None,
        (JobWorkload::OneOff(_), Some(Action::Recreate)) => {
            format!("{subject} is deleted and created again as a job, which runs from the beginning:")
        }
        (_, Some(Action::Recreate)) => {
            format!("{subject} is deleted and created again as a job; until then, it does not run:")
        }
        _ if adoption.restarts => format!("{subject} becomes a job, and its pods are replaced:"),
        _ => format!("{subject} becomes a job without a restart, but these fields change:"),
    };
    Some(Notice::plain(first).details(adoption.notes.iter().map(ToString::to_string)))
}

fn ask(session: &Session, job: &JobObjects, attempt: &Attempt) -> Result<(), Failure> {
    let not_confirmed =
        |message: &str| Failure::new(ExitCode::Failed, message).with_code(FailureCode::NotConfirmed);
    let is_unchanged = attempt.written().next().is_none();
    match (confirm(session, &format!("make {} a job?", facts::subject(job)))?, is_unchanged) {
        (Some(true), _) => Ok(()),
        (Some(false), true) => Err(not_confirmed("it was not confirmed; nothing was changed")),
        (Some(false), false) => Err(not_confirmed("it was not confirmed")),
        (None, true) => Err(not_confirmed("nothing was changed, and there is no terminal to confirm on")
            .hint("`--yes` confirms it.")),
        (None, false) => {
            Err(not_confirmed("there is no terminal to confirm on").hint("`--yes` confirms it."))
        }
    }
}

fn failure(error: &AdoptionError, job: &JobObjects, facts: &JobFacts) -> Failure {
    let failure = match error {
        AdoptionError::Plan(foreign @ JobPlanError::Foreign { kind, name, .. }) => {
            Failure::from_error(ExitCode::Failed, foreign).hint(format!(
                "Delete {kind} {} if nothing needs it, or leave {} as it is.",
                name.quoted(),
                job.workload_ref()
            ))
        }
        AdoptionError::Plan(error) => failures::of_plan(error, &facts.namespace),
        error => {
            Failure::new(ExitCode::Failed, format!("{} cannot become a job: {error}", facts::subject(job)))
        }
    };
    match error {
        AdoptionError::Owned { kind, name, .. } if kind.as_raw() == "CronJob" => failure.hint(format!(
            "It is one run of the schedule: `toolforge jobs adopt cronjob/{}` turns the CronJob into a job.",
            name.escaped()
        )),
        AdoptionError::NoJob { .. } => failure.hint(format!(
            "`kubectl get {} -o yaml | toolforge jobs convert -` shows what can be converted.",
            job.workload_ref()
        )),
        _ => failure,
    }
}

/// Returns whether the cluster has no definition of an object, and no job of it.
pub(super) fn is_lost(deleted: &DeletedObject) -> bool {
    matches!(deleted.outcome, AdoptionOutcome::Lost(_))
}

/// Returns whether this object is a lost one.
pub(super) fn is_lost_as(deleted: &DeletedObject, job: &JobObjects) -> bool {
    is_lost(deleted) && deleted.object.workload.metadata().uid == job.workload.metadata().uid
}

/// Returns the failure of an adoption with what became of the objects that it has deleted: at worst, their manifests.
pub(super) fn with_deleted(failure: Failure, deleted: &[DeletedObject]) -> Failure {
    let Some((last, others)) = deleted.split_last() else { return failure };
    let failure = of_last(failure, last);
    others.iter().fold(failure, |failure, found| {
        failure.detail(lost_line(found)).coded_detail(DetailCode::Manifest, manifest(found))
    })
}

fn of_last(failure: Failure, found: &DeletedObject) -> Failure {
    let subject = found.object.workload_ref();
    let message = match &found.outcome {
        AdoptionOutcome::Unchanged => return failure,
        AdoptionOutcome::Recreated => {
            format!("{subject} did not become a job: it was deleted and re-created unchanged")
        }
        AdoptionOutcome::Job => {
            format!("{subject} was deleted and created again, but not all of the job may have been created")
        }
        AdoptionOutcome::Lost(_) if found.is_accepted => {
            format!("{subject} was deleted, and is not a job yet; this is its manifest:")
        }
        _ => format!("{subject} may have been deleted; this is its manifest:"),
    };
    let exit_code = match (&found.outcome, failure.exit_code()) {
        (_, signal @ ExitCode::Propagated(_)) => signal,
        (AdoptionOutcome::Recreated, ExitCode::Partial) => ExitCode::Cluster,
        (AdoptionOutcome::Recreated, exit_code) => exit_code,
        _ => ExitCode::Partial,
    };
    // The other hints are about partial changes.
    let failure = match failure.exit_code() {
        ExitCode::DoesNotFit | ExitCode::Failed => failure,
        _ => failure.without_hints(),
    };
    let reported = failure.with_message(message).with_exit_code(exit_code);
    match &found.outcome {
        AdoptionOutcome::Lost(reason) => {
            let reason = match reason {
                LostReason::NameTaken => {
                    "another object of its name exists, so it cannot be created again".to_owned()
                }
                LostReason::Request(error) => {
                    let error = Failure::from_error(ExitCode::Cluster, error);
                    format!("it could not be created again: {}", error.message())
                }
                _ => "it still terminates, so it cannot be created again now".to_owned(),
            };
            reported
                .with_code(FailureCode::PartiallyDone)
                .detail(reason)
                .coded_detail(DetailCode::Manifest, manifest(found))
                .hint(format!(
                    "Save the manifest: `kubectl create -f FILE` creates {subject} again, and `toolforge jobs convert FILE` prints it \
                     for a jobs file."
                ))
        }
        AdoptionOutcome::Job => {
            reported.hint(format!("`toolforge jobs show {}` shows its state.", found.object.name))
        }
        _ => reported,
    }
}

/// Prints the manifest of an object that somebody else has replaced before its job was created.
pub(super) fn print_lost(found: &DeletedObject) {
    Notice::warning(lost_line(found)).details(manifest(found).lines()).print();
}

fn lost_line(found: &DeletedObject) -> String {
    format!(
        "{} was deleted, and somebody else has created another object of its name since; this is its manifest:",
        found.object.workload_ref()
    )
}

fn manifest(found: &DeletedObject) -> String {
    let text = as_created(&found.object).to_yaml();
    Untrusted::new(text.trim_start_matches("---\n")).lines_escaped().to_string()
}

/// How the names of the files begin.
const COPY: &str = ".toolforge-adopt-";

/// A file with the manifest of an object.
pub(super) struct ManifestCopy {
    pub(super) path: PathBuf,
    /// When it was written.
    pub(super) written: Timestamp,
}

/// Writes the manifest of an object, and replaces an earlier copy of the same object.
///
/// # Errors
/// When it cannot be written; an earlier copy remains.
pub(super) fn write_copy(session: &Session, job: &JobObjects) -> Result<(), Failure> {
    let Some(home) = &session.home else { return Ok(()) };
    let path = home.path().join(file_name(job));
    replace(&path, &as_created(job).to_yaml()).map_err(|error| not_written(&path, &error))
}

/// Deletes the copy of an object that is not lost.
pub(super) fn remove_copy(session: &Session, job: &JobObjects) {
    if let Some(home) = &session.home {
        // It does not matter if it is left behind.
        let _ = fs::remove_file(home.path().join(file_name(job)));
    }
}

/// Deletes all copies of objects of this kind and name.
pub(super) fn remove_copies(session: &Session, name: &WorkloadRef) {
    for copy in copies(session, name) {
        // It does not matter if it is left behind.
        let _ = fs::remove_file(copy.path);
    }
}

/// Returns the newest copy of an object of this name.
pub(super) fn newest_copy(session: &Session, name: &WorkloadRef) -> Option<ManifestCopy> {
    copies(session, name).max_by_key(|copy| copy.written)
}

fn copies(session: &Session, name: &WorkloadRef) -> impl Iterator<Item = ManifestCopy> {
    let home = session.home.as_ref().and_then(|home| fs::read_dir(home.path()).ok());
    let files = home.into_iter().flatten().flatten();
    files.filter(|file| is_copy(&file.file_name().to_string_lossy(), name)).filter_map(|file| {
        let written = Timestamp::try_from(file.metadata().ok()?.modified().ok()?).ok()?;
        Some(ManifestCopy { path: file.path(), written })
    })
}

fn file_name(job: &JobObjects) -> String {
    let kind = job.workload.kind().as_str().to_lowercase();
    let uid = job.workload.metadata().uid.as_deref().unwrap_or("0");
    format!("{COPY}{kind}-{}.{uid}.yaml", job.name)
}

/// Returns whether a file is the copy of an object of this name, and of this kind if the name has one.
fn is_copy(file: &str, name: &WorkloadRef) -> bool {
    let parts = || {
        let (kind, rest) = file.strip_prefix(COPY)?.strip_suffix(".yaml")?.split_once('-')?;
        let (found, _uid) = rest.rsplit_once('.')?;
        Some((kind, found))
    };
    let is_kind = |kind: &str| name.kind.is_none_or(|wanted| wanted.as_str().eq_ignore_ascii_case(kind));
    parts().is_some_and(|(kind, found)| is_kind(kind) && found == name.name.as_str())
}

/// Replaces a file by a new one that only the tool can read: the environment may have secrets.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let partial = path.with_extension("yaml~");
    let _ = fs::remove_file(&partial);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&partial)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&partial, path));
    if written.is_err() {
        // The first error is the one to report.
        let _ = fs::remove_file(&partial);
    }
    written
}
