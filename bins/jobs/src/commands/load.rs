use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{
    Document, DryRunOption, ExitCode, Failure, Notice, RunConflicts, Session, SizeForm, adjustments_hint,
    print, print_for_people, print_message, read_input, warn_of_unread,
};
use toolforge_client::{Attempt, Client, JobFetchOptions, Written};
use toolforge_model::{
    Diagnostic, DocumentKind, FileJob, JobName, JobRequest, JobsFile, Untrusted, decode_utf8, quote_word,
};
use toolforge_quota::Verdict;
use toolforge_render::change::{Action, Adjustment, Change, ChangeSet, WorkloadKind};
use toolforge_render::job::{
    JobFacts, LoadOptions, LoadPlan, job_file_warnings, job_status, load_adjustments, observe_job, plan_load,
};
use toolforge_render::manifest::file_documents;
use toolforge_render::pod::Cause;

use toolforge_report::FailureCode;

use super::apply::Command;
use super::confirm::confirm;
use super::finish::finish;
use super::identity::{file_identity, is_stream};
use super::{apply, facts, wait};
use crate::advice::{Asked, advice};
use crate::arguments::{Arguments, FileOptions, LoadArguments};
use crate::failures;
use crate::report::{self, LoadRestarts};

/// The maximum size of a jobs file in bytes: some thousand jobs.
const FILE_LIMIT: u64 = 4 * 1024 * 1024;

/// Applies a jobs file: all of it is read and checked, also against the quota, before anything is sent.
pub(super) fn run(
    session: &Session,
    arguments: &Arguments,
    options: &LoadArguments,
) -> Result<ExitCode, Failure> {
    let file = read(session, &options.file)?;
    let dry_run = options.change.dry_run;
    let format = arguments.output.of_document();
    let logs: Vec<_> = file.jobs.iter().map(|job| wait::LogMarks::of(&job.request)).collect();
    let confirmed: RefCell<BTreeSet<String>> = RefCell::default();
    let plan = async |attempt: &Attempt| {
        let facts = facts::fetch_facts_to_write(session).await?;
        let done = attempt.done().filter_map(|change| change.name.parse().ok()).collect();
        let plan = planned(&file, &options.file, &facts, options.change.adopt, done);
        Ok(PlannedLoad { facts, plan })
    };
    let nearest = |PlannedLoad { facts, plan }: &PlannedLoad| {
        let nearest = adjustments(plan, &file, &options.file, facts, options.change.adopt);
        adjustments_hint(&nearest, SizeForm::Keys)
    };
    let check = |planned: &PlannedLoad, attempt: &Attempt| {
        let PlannedLoad { facts, plan } = planned;
        if attempt.is_first() {
            warn_of_unread(&facts.namespace.limits);
            report::warn_of_retries(&plan.set);
            if plan.set.verdict() == Verdict::FitsOneAfterAnother {
                Notice::note(
                    "the quota does not allow all of these pods at once; some start when pods of jobs have terminated",
                )
                .print();
            }
            print_notes(session, plan, &planned.conflicts());
        }
        if !plan.problems.is_empty() {
            let (path, nearest) = (&options.file.file, nearest(planned));
            let failure = failures::of_problems_and_quota(plan, &file.jobs, path, &facts.namespace, nearest);
            let is_untouched = attempt.is_first() && plan.problems.len() > 1;
            let failure = if is_untouched { failure.detail("nothing was changed") } else { failure };
            return Err(apply::after_changes(failure, attempt));
        }
        if !plan.fits() {
            return Err(does_not_fit(plan, nearest(planned), attempt));
        }
        let removed = plan.set.pending().filter(|change| change.action == Action::Delete);
        let mut confirmed = confirmed.borrow_mut();
        let removed: Vec<&str> =
            removed.map(|change| change.name.as_str()).filter(|name| !confirmed.contains(*name)).collect();
        if !removed.is_empty() && !options.yes && dry_run.is_none() {
            ask(session, &removed).map_err(|failure| apply::after_changes(failure, attempt))?;
            confirmed.extend(removed.into_iter().map(str::to_owned));
        }
        Ok(())
    };
    let follow_up = async |change: &Change, _: &[Written]| {
        print_for_people(&format!("{}\n", outcome(change, dry_run.is_some())), format)?;
        match (dry_run, session.cluster()) {
            (None, Ok((_, client))) => until_end(client, change, file.jobs.iter().zip(&logs)).await,
            _ => Ok(()),
        }
    };
    let command = Command { plan, check, follow_up };
    if dry_run == Some(DryRunOption::Client) {
        let planned = session.block_on(command.plan_only())??;
        print(&planned.document()?, format)?;
        return Ok(ExitCode::Success);
    }
    let applied = session.block_on(apply::apply(session, dry_run, &command))??;
    let changes = applied.changes();
    let (PlannedLoad { facts, plan }, ended) = applied.end();
    if dry_run.is_none() && ended.is_ok() {
        print_message(&format!("{} job(s) loaded successfully", file.jobs.len()));
        warn_of_jobs_that_do_not_run(session, &facts, &plan);
    }
    finish(session, arguments, (&plan.set, changes), dry_run, ended)
}

/// A load, and the facts that it is planned from.
pub(super) struct PlannedLoad {
    pub(super) facts: JobFacts,
    pub(super) plan: LoadPlan,
}

impl PlannedLoad {
    /// Returns the runs that exceed the quota.
    pub(super) fn conflicts(&self) -> RunConflicts {
        let Self { facts, plan } = self;
        let never_fitting: Vec<&str> = plan.never_fitting().collect();
        RunConflicts::of(&plan.set, &plan.plans, facts, Timestamp::now(), &never_fitting)
    }

    /// Returns the output of a dry run on this machine.
    pub(super) fn document(&self) -> Result<Document, Failure> {
        report::plan(&self.plan, &self.conflicts(), &LoadRestarts::default(), &[], None)
    }
}

impl AsRef<ChangeSet> for PlannedLoad {
    fn as_ref(&self) -> &ChangeSet {
        &self.plan.set
    }
}

/// Returns the failure of what does not fit: of the whole file, or of what earlier attempts have left. `nearest` is the hint
/// with the nearest sizes that fit.
pub(super) fn does_not_fit(plan: &LoadPlan, nearest: Option<String>, attempt: &Attempt) -> Failure {
    let changed = apply::changed_jobs(attempt);
    if changed.is_empty() {
        return report::verdict_failure(plan, nearest);
    }
    let message = format!("the remaining changes no longer fit; already changed: {}", changed.join(", "));
    report::with_planned(Failure::new(ExitCode::Partial, message), plan, nearest)
}

/// Shows which jobs are removed, and asks.
fn ask(session: &Session, removed: &[&str]) -> Result<(), Failure> {
    let names = removed.join(", ");
    match confirm(session, &format!("jobs that are no longer in the file are removed: {names}; continue?"))? {
        Some(true) => Ok(()),
        Some(false) => Err(not_confirmed("the removal was not confirmed; nothing was changed".to_owned())),
        None => Err(not_confirmed(format!(
            "these jobs would be removed, and there is no terminal to confirm on: {names}"
        ))
        .hint("`--yes` removes them.")),
    }
}

fn not_confirmed(message: String) -> Failure {
    Failure::new(ExitCode::Failed, message).with_code(FailureCode::NotConfirmed)
}

/// Waits for a job whose end the file waits for.
async fn until_end<'a>(
    client: &Client,
    change: &Change,
    mut jobs: impl Iterator<Item = (&'a FileJob, &'a wait::LogMarks)>,
) -> Result<(), Failure> {
    match jobs.find(|(job, _)| job.request.name.as_str() == change.name) {
        // An interrupted load may have started it: then it is kept, and its result still counts.
        Some((FileJob { request, wait: Some(seconds), .. }, logs)) => {
            match wait::until_end(client, (request, true), request.name.as_str(), *seconds, logs).await? {
                ExitCode::Success => Ok(()),
                code => Err(Failure::new(code, format!("interrupted while waiting for job {}", change.name))),
            }
        }
        _ => Ok(()),
    }
}

fn outcome(change: &Change, dry_run: bool) -> String {
    let would = if dry_run { "would be" } else { "was" };
    let name = &change.name;
    match change.action {
        Action::Keep if change.kind == WorkloadKind::OneOff => format!("Job {name} is already running"),
        Action::Keep => format!("Job {name} is already up to date"),
        Action::Create => format!("Job {name} {would} created"),
        Action::Update => format!("Job {name} {would} updated"),
        Action::Recreate => format!("Job {name} {would} created again"),
        Action::Delete => format!("Job {name} {would} deleted"),
        other => format!("Job {name}: {other}"),
    }
}

/// Warns of jobs that were loaded and do not run: of runs of former definitions that cannot start, for whose end later runs wait,
/// and of continuous jobs that were kept, although pods of theirs are not ready or were started again. What cannot be read now is
/// left out, because the load is done.
pub(super) fn warn_of_jobs_that_do_not_run(session: &Session, before: &JobFacts, plan: &LoadPlan) {
    let waiting = plan.jobs_that_may_not_run(before, Timestamp::now());
    if waiting.is_empty() {
        return;
    }
    let mut wanted = JobFetchOptions::for_names();
    wanted.events = true;
    let Ok(facts) = facts::facts(session, wanted) else { return };
    for name in &waiting {
        let Some(job) = facts.live.job(&facts.namespace.tool, name) else { continue };
        let status = job_status(&job, &facts.live, Timestamp::now());
        let [first, reasons @ ..] = status.evidence.as_slice() else { continue };
        let reason = match first.cause {
            Cause::FormerDefinition => reasons.first().map(|evidence| format!(" ({})", evidence.cause)),
            _ if status.replicas.is_some() => None,
            _ => continue,
        };
        let hint = advice(&first.cause, Asked::from(&observe_job(&job, &facts)));
        let message = format!("job {name}: {}{}", first.cause, reason.unwrap_or_default());
        Notice::warning(message).with_hint(hint).print();
    }
}

/// Reads a jobs file, and prints warnings about it.
pub(super) fn read(session: &Session, options: &FileOptions) -> Result<JobsFile, Failure> {
    if options.prune && is_stream(&options.file) {
        return Err(FileOptions::no_whole_file());
    }
    let shown = Untrusted::new(options.file.display().to_string());
    let bytes = read_input(&options.file, FILE_LIMIT)?;
    let text = decode_utf8(&bytes).map_err(|error| invalid_file(&shown, &[*error]))?;
    let read = match &options.job {
        Some(name) => JobsFile::parse_one(text, &session.tool, name),
        None => JobsFile::parse(text, &session.tool),
    };
    let file = read.map_err(|found| {
        let errors = match options.job {
            Some(_) => None,
            None => errors_with_images(session, text),
        };
        let errors = errors.unwrap_or_else(|| found.into_iter().collect());
        let failure = invalid_file(&shown, &errors);
        if is_manifest(text) {
            let file = quote_word(&options.file.display().to_string());
            let file = Untrusted::new(file);
            return failure
                .hint(format!("Convert it to a jobs file: `toolforge jobs convert {}`.", file.escaped()));
        }
        failure
    })?;
    print_file_warnings_once(&shown, &file.warnings);
    if let (Some(name), true) = (&options.job, file.jobs.is_empty()) {
        return Err(Failure::new(ExitCode::Failed, format!("{} has no job {name}", shown.escaped())));
    }
    Ok(file)
}

/// Returns the failure of a file with errors.
fn invalid_file(file: &Untrusted, errors: &[Diagnostic]) -> Failure {
    let message = match errors {
        [one] => one.in_file(file),
        all => format!("{} has {} errors; nothing was changed", file.escaped(), all.len()),
    };
    let failure = Failure::new(ExitCode::Failed, message).with_code(FailureCode::InvalidFile);
    let failure = errors.iter().fold(failure, |failure, error| failure.diagnostic(file, error));
    if errors.len() == 1 { failure.detail("nothing was changed") } else { failure }
}

/// Returns whether a file begins with an object of Kubernetes.
fn is_manifest(text: &str) -> bool {
    let documents = file_documents(text).documents;
    documents.first().is_some_and(|first| DocumentKind::of(&first.node) == DocumentKind::Manifest)
}

/// Prints warnings about a file, one line for all lines with the same warning.
fn print_file_warnings_once(file: &Untrusted, warnings: &[Diagnostic]) {
    let mut groups: Vec<(&Diagnostic, Vec<String>)> = Vec::new();
    for warning in warnings {
        match groups.iter_mut().find(|(first, _)| first.text() == warning.text()) {
            Some((_, others)) => others.push(warning.location.line.to_string()),
            None => groups.push((warning, Vec::new())),
        }
    }
    for (first, others) in groups {
        let lines = if others.len() == 1 { "line" } else { "lines" };
        let also = match others.as_slice() {
            [] => String::new(),
            others => format!(" (also on {lines} {})", others.join(", ")),
        };
        Notice::warning(format!("{}{also}", first.in_file(file))).print();
    }
}

/// Returns all errors of a file, those about its images included, or `None` if the cluster's images are not known.
fn errors_with_images(session: &Session, text: &str) -> Option<Vec<Diagnostic>> {
    let catalog = session.catalog().ok()?;
    Some(catalog.check_jobs_file(text, &session.tool, &session.platform.build_service_repository).errors)
}

/// Returns what it takes to make the jobs those of a file, without those that are done.
pub(super) fn planned(
    file: &JobsFile,
    options: &FileOptions,
    facts: &JobFacts,
    adopts: bool,
    done: Vec<JobName>,
) -> LoadPlan {
    let identity = file_identity(&options.file);
    let mut load = load_options(file, options, identity.as_deref(), adopts);
    load.done = done;
    plan_load(&requests(file), facts, &load)
}

/// Returns the sizes of single jobs that make everything in a load fit.
pub(super) fn adjustments(
    plan: &LoadPlan,
    file: &JobsFile,
    options: &FileOptions,
    facts: &JobFacts,
    adopts: bool,
) -> Vec<Adjustment> {
    let identity = file_identity(&options.file);
    let load = load_options(file, options, identity.as_deref(), adopts);
    let is_wanted = if plan.fits() { ChangeSet::fits_with_missing_pods } else { ChangeSet::fits };
    load_adjustments(plan, &requests(file), facts, &load, is_wanted)
}

fn requests(file: &JobsFile) -> Vec<JobRequest> {
    file.jobs.iter().map(|job| job.request.clone()).collect()
}

fn load_options<'a>(
    file: &JobsFile,
    options: &FileOptions,
    identity: Option<&'a str>,
    adopts: bool,
) -> LoadOptions<'a> {
    let waited = file.jobs.iter().filter(|job| job.wait.is_some());
    let mut load = LoadOptions::default();
    load.file = identity;
    load.prunes = options.prune;
    load.adopts = adopts;
    load.waits_for = waited.map(|job| job.request.name.clone()).collect();
    load
}

/// Prints warnings about the programs and log files of the planned jobs, if this is the tool's home.
pub(super) fn print_file_warnings(session: &Session, plan: &LoadPlan) {
    let Some(home) = &session.home else { return };
    for plan in &plan.plans {
        for warning in job_file_warnings(plan.request(), |path| home.look(path)) {
            let remedy = warning.remedy().map(|remedy| format!("; {remedy}")).unwrap_or_default();
            Notice::warning(format!("job {}: {warning}{remedy}", plan.request().name)).print();
        }
    }
}

/// Prints what a person should know of a plan.
pub(super) fn print_notes(session: &Session, plan: &LoadPlan, conflicts: &RunConflicts) {
    report::print_warnings(plan);
    print_file_warnings(session, plan);
    conflicts.print_warning();
    let mut jobs_of: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for job in &plan.from_other_files {
        jobs_of.entry(job.file.as_raw()).or_default().push(job.name.to_string());
    }
    for (other, names) in jobs_of {
        Notice::note(format!(
            "{} created from {}; `load --prune` of that file deletes what is no longer in it: {}",
            if names.len() == 1 { "1 job was".to_owned() } else { format!("{} jobs were", names.len()) },
            Untrusted::new(other).escaped(),
            names.join(", ")
        ))
        .print();
    }
}
