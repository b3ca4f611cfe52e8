//! Applying a plan, job by job, with a report if it was only partially applied.

use std::cell::RefCell;

use toolforge_cli::{
    DryRunOption, ExitCode, Failure, Interruption, Notice, ProgressLine, Session, Table, applied_changes,
    quota_wait_line,
};
use toolforge_client::{
    ApplyEvent, ApplyOptions, ApplyReport, Attempt, ChangeOutcome, ChangeReport, Client, DeletedObject,
    EarlierChange, Planner, Progress, RolloutTarget, TERMINATION_TIMEOUT, WriteKind, Written,
};
use toolforge_render::change::{Change, ChangeSet};
use toolforge_render::job::{JobObjects, WorkloadRef};
use toolforge_render::object::ObjectKind;
use toolforge_report::{AppliedChange, DetailCode};

/// What a verb does around the requests that apply its changes.
pub(super) struct Command<P, C, F> {
    /// Fetches facts and plans the changes.
    pub(super) plan: P,
    /// Checks a plan before anything of it is sent.
    pub(super) check: C,
    /// What follows each change.
    pub(super) follow_up: F,
}

impl<P, C> Command<P, C, fn(&Change, &[Written]) -> std::future::Ready<Result<(), Failure>>> {
    /// Returns a command that does nothing after each change.
    pub(super) fn new(plan: P, check: C) -> Self {
        Self { plan, check, follow_up: |_, _| std::future::ready(Ok(())) }
    }
}

impl<P, C, F> Command<P, C, F> {
    /// Plans and checks the changes once, for a dry run that sends nothing.
    pub(super) async fn plan_only<T>(&self) -> Result<T, Failure>
    where
        P: AsyncFn(&Attempt) -> Result<T, Failure>,
        C: Fn(&T, &Attempt) -> Result<(), Failure>,
    {
        let attempt = Attempt::default();
        let plan = (self.plan)(&attempt).await?;
        (self.check)(&plan, &attempt)?;
        Ok(plan)
    }

    /// Returns the client that applies the changes. Without a cluster, errors in the changes are reported first.
    async fn client<'s, T>(&self, session: &'s Session) -> Result<&'s Client, Failure>
    where
        P: AsyncFn(&Attempt) -> Result<T, Failure>,
        C: Fn(&T, &Attempt) -> Result<(), Failure>,
    {
        match session.cluster_to_change() {
            Ok((_, client)) => Ok(client),
            Err(failure) => Err(self.plan_only().await.err().unwrap_or(failure)),
        }
    }
}

/// A verb whose changes are being applied.
struct Running<'a, P, C, F> {
    command: &'a Command<P, C, F>,
    signal: Interruption,
    line: RefCell<ProgressLine>,
    /// The jobs that are terminating.
    terminating: RefCell<Vec<String>>,
}

impl<'a, P, C, F> Running<'a, P, C, F> {
    fn new(command: &'a Command<P, C, F>) -> Self {
        Self {
            command,
            signal: Interruption::default(),
            line: RefCell::new(ProgressLine::new()),
            terminating: RefCell::default(),
        }
    }

    fn applied<T>(self, applied: toolforge_client::Applied<T, Failure>) -> Applied<T> {
        let (plan, report) = applied.into_parts();
        Applied { plan, signal: self.signal.exit_code().filter(|_| !report.is_done()), report }
    }
}

impl<T, P, C, F> Planner for Running<'_, P, C, F>
where
    T: AsRef<ChangeSet>,
    P: AsyncFn(&Attempt) -> Result<T, Failure>,
    C: Fn(&T, &Attempt) -> Result<(), Failure>,
    F: AsyncFn(&Change, &[Written]) -> Result<(), Failure>,
{
    type Plan = T;
    type Error = Failure;

    async fn plan(&self, attempt: &Attempt) -> Result<T, Failure> {
        (self.command.plan)(attempt).await.map_err(|failure| after_changes(failure, attempt))
    }

    fn check(&self, plan: &T, attempt: &Attempt) -> Result<(), Failure> {
        self.line.borrow_mut().clear();
        (self.command.check)(plan, attempt)
    }

    async fn follow_up(&self, change: &Change, written: &[Written]) -> Result<(), Failure> {
        (self.command.follow_up)(change, written).await
    }

    fn event(&self, event: ApplyEvent<'_>) {
        let (mut line, mut terminating) = (self.line.borrow_mut(), self.terminating.borrow_mut());
        match event {
            ApplyEvent::Terminating(change) => {
                terminating.push(subject(change));
                line.show(&terminating_line(&terminating));
            }
            ApplyEvent::Terminated(change) => {
                terminating.retain(|name| *name != subject(change));
                if terminating.is_empty() {
                    line.clear();
                } else {
                    line.show(&terminating_line(&terminating));
                }
            }
            ApplyEvent::PodsRemain(change) => Notice::note(format!(
                "pods of {} take longer than {} seconds to terminate; until then they count against the quota",
                subject(change),
                TERMINATION_TIMEOUT.as_secs()
            ))
            .print(),
            ApplyEvent::WaitingForQuota(set) => line.show(&quota_wait_line(set.terminating())),
            ApplyEvent::Recreating(object) => {
                line.show(&format!("waiting for the quota, to create {} again", object.workload_ref()));
            }
            _ => {}
        }
    }

    async fn interrupted(&self) {
        self.signal.wait().await;
    }

    fn interruption(&self, attempt: &Attempt) -> Failure {
        after_changes(self.signal.failure(), attempt)
    }
}

/// Returns the jobs that earlier attempts have changed, completely or in part.
pub(super) fn changed_jobs(attempt: &Attempt) -> Vec<String> {
    let changed = attempt.earlier.iter().filter(|earlier| !earlier.change.is_keep());
    let name = |earlier: &EarlierChange| {
        let part = if earlier.is_done { "" } else { " (in part)" };
        format!("{}{part}", earlier.change.name)
    };
    let mut names: Vec<String> = changed.map(name).collect();
    names.dedup();
    names
}

/// Returns a failure of an attempt, with what earlier attempts have changed.
pub(super) fn after_changes(failure: Failure, attempt: &Attempt) -> Failure {
    let changed = changed_jobs(attempt);
    if changed.is_empty() {
        return failure;
    }
    let message = format!("the remaining changes were not applied; already changed: {}", changed.join(", "));
    let hints = failure.hints().is_empty().then_some("Run the same command again to finish.");
    let exit_code = match failure.exit_code() {
        signal @ ExitCode::Propagated(_) => signal,
        _ => ExitCode::Partial,
    };
    let partial = Failure::new(exit_code, message).detail(failure.to_string().trim_end().to_owned());
    hints.into_iter().fold(partial, Failure::hint)
}

/// What came of the changes of a verb: the plan that was applied last, the report of all attempts, and the signal that
/// interrupted it.
pub(super) struct Applied<T> {
    pub(super) plan: T,
    pub(super) report: ApplyReport<Failure>,
    signal: Option<ExitCode>,
}

/// Plans changes and applies them in their order, until one fails or somebody interrupts it.
pub(super) async fn apply<T, P, C, F>(
    session: &Session,
    dry_run: Option<DryRunOption>,
    command: &Command<P, C, F>,
) -> Result<Applied<T>, Failure>
where
    T: AsRef<ChangeSet>,
    P: AsyncFn(&Attempt) -> Result<T, Failure>,
    C: Fn(&T, &Attempt) -> Result<(), Failure>,
    F: AsyncFn(&Change, &[Written]) -> Result<(), Failure>,
{
    let client = command.client(session).await?;
    let running = Running::new(command);
    let applied = client.apply_planned(&session.tool, options(dry_run), &running).await?;
    Ok(running.applied(applied))
}

/// Makes an object a job as [`apply`] does, and returns the objects that were deleted, too: each is created again if its job is not.
pub(super) async fn adopt<T, P, C, F>(
    session: &Session,
    dry_run: Option<DryRunOption>,
    command: &Command<P, C, F>,
    object: impl Fn(&T) -> &JobObjects,
) -> (Result<Applied<T>, Failure>, Vec<DeletedObject>)
where
    T: AsRef<ChangeSet>,
    P: AsyncFn(&Attempt) -> Result<T, Failure>,
    C: Fn(&T, &Attempt) -> Result<(), Failure>,
    F: AsyncFn(&Change, &[Written]) -> Result<(), Failure>,
{
    let client = match command.client(session).await {
        Ok(client) => client,
        Err(failure) => return (Err(failure), Vec::new()),
    };
    let running = Running::new(command);
    let (applied, deleted) = client.adopt(&session.tool, options(dry_run), &running, object).await;
    (applied.map(|applied| running.applied(applied)), deleted)
}

fn options(dry_run: Option<DryRunOption>) -> ApplyOptions {
    if dry_run.is_some() { ApplyOptions::dry_run() } else { ApplyOptions::default() }
}

fn terminating_line(names: &[String]) -> String {
    match names {
        [one] => format!("{one} is terminating"),
        all => format!("these are terminating: {}", all.join(", ")),
    }
}

/// Returns the subject of a sentence about a change: `job bot`, `deployment/bot`.
pub(super) fn subject(change: &Change) -> String {
    if change.is_managed { format!("job {}", change.name) } else { reference(change) }
}

/// Returns the name of a job, or the kind and the name of an object that no tool manages.
fn reference(change: &Change) -> String {
    match change.kind.object_kind() {
        Some(kind) if !change.is_managed => format!("{}/{}", WorkloadRef::kind_name(kind), change.name),
        _ => change.name.clone(),
    }
}

impl<T> Applied<T> {
    /// Returns what became of each change, for the JSON output.
    pub(super) fn changes(&self) -> Vec<AppliedChange> {
        applied_changes(&self.report)
    }

    /// Returns the Deployment that was written last.
    pub(super) fn rollout_target(&self) -> Option<RolloutTarget> {
        self.report.last_written(ObjectKind::Deployment).map(RolloutTarget::from)
    }

    /// Returns the names of the changed jobs, by all attempts.
    pub(super) fn names(&self) -> Vec<String> {
        self.report.changes.iter().map(|report| reference(&report.change)).collect()
    }

    /// Returns the name of the Job that was created, of a verb that starts a run.
    pub(super) fn created_run(&self) -> Option<String> {
        self.report.last_written(ObjectKind::Job).map(|written| written.id.name.clone())
    }

    /// Returns the plan and the result: success, or the changes that were done, that failed and that were not tried.
    pub(super) fn end(self) -> (T, Result<ExitCode, Failure>) {
        let Self { plan, report, signal } = self;
        (plan, if report.dry_run { end_of_dry_run(report, signal) } else { end(report, signal) })
    }
}

/// Returns how the program ends after a dry run, which stores nothing.
fn end_of_dry_run(report: ApplyReport<Failure>, signal: Option<ExitCode>) -> Result<ExitCode, Failure> {
    const NOTHING: &str = "nothing was stored (dry run)";
    let is_untried = |report: &ChangeReport<Failure>| {
        matches!(report.outcome, ChangeOutcome::NotTried) && !report.change.is_keep()
    };
    let untried = report.changes.iter().filter(|report| is_untried(report));
    let untried: Vec<&str> = untried.map(|report| report.change.name.as_str()).collect();
    let untried = (!untried.is_empty()).then(|| format!("not checked: {}", untried.join(", ")));
    for change in report.changes {
        let refused = change.failed_step().map(|step| format!("{}: not accepted", step.id));
        let failure = match change.outcome {
            ChangeOutcome::Failed(error) => Failure::from(error),
            ChangeOutcome::FollowUpFailed(failure) => failure,
            _ => continue,
        };
        let failure =
            refused.into_iter().fold(failure, |failure, line| failure.coded_detail(DetailCode::Object, line));
        return Err(untried.into_iter().fold(failure, Failure::detail).detail(NOTHING));
    }
    match signal {
        Some(signal) => Err(Failure::new(signal, format!("interrupted; {NOTHING}"))),
        None => Ok(ExitCode::Success),
    }
}

/// Returns how the program ends.
fn end(report: ApplyReport<Failure>, signal: Option<ExitCode>) -> Result<ExitCode, Failure> {
    let mut table = Table::new(&["JOB", "STEP", "OUTCOME"]);
    let (mut done, mut left, mut terminating, mut first) = (0, 0, 0, None);
    // If a run that the file waits for has not succeeded, the following jobs are held back.
    let is_held =
        report.changes.iter().any(|report| matches!(report.outcome, ChangeOutcome::FollowUpFailed(_)));
    for report in report.changes {
        let is_untried = matches!(report.outcome, ChangeOutcome::NotTried);
        let word = if is_held && is_untried { "held back".to_owned() } else { outcome_word(&report) };
        let is_sent = report.is_deletion_sent();
        let ChangeReport { change, progress, outcome, .. } = report;
        table.row([reference(&change), change.action.as_str().to_owned(), word]);
        let changes = usize::from(!change.is_keep());
        let failure = match outcome {
            ChangeOutcome::Done => None,
            ChangeOutcome::Failed(error) => Some((Failure::from(error), None)),
            ChangeOutcome::FollowUpFailed(failure) => Some((failure, Some(reference(&change)))),
            _ => {
                terminating += usize::from(is_sent);
                if is_sent {
                    done += changes;
                } else {
                    left += changes;
                }
                continue;
            }
        };
        let is_done = failure.is_none() || is_sent || progress == Progress::Complete;
        if let Some((failure, run)) = failure {
            first = first.or(Some((failure, progress, run)));
            terminating += usize::from(is_sent);
        }
        if is_done {
            done += changes;
        } else {
            left += changes;
        }
    }
    match (first, signal) {
        (None, None) => Ok(ExitCode::Success),
        // Nothing or everything was done: the failure itself is enough.
        (Some((failure, Progress::Nothing, _)), _) if done == 0 => Err(failure),
        (Some((failure, Progress::Complete, _)), None) if left == 0 => Err(failure),
        (Some((failure, _, Some(job))), None) => Err(held_back(&failure, &job, (done, left), &table)),
        (failure, signal) => {
            let kind =
                if failure.is_some() { ExitCode::Partial } else { signal.unwrap_or(ExitCode::Partial) };
            let mut report = Failure::new(kind, format!("{done} of {} changes were applied", done + left))
                .detail(table.to_text(None));
            if let Some((failure, ..)) = failure {
                report = report.detail(failure.to_string().trim_end().to_owned());
            }
            Err(match (left, terminating) {
                    (0, 1..) => report.hint(
                        "Every deletion was accepted; what still terminates counts against the quota until it is gone.",
                    ),
                    _ => report.hint("What was done is kept; run the same command again to finish."),
                })
        }
    }
}

/// Returns the failure of a job that the file waits for, with what was held back: the numbers of changes that were done and left.
fn held_back(failure: &Failure, job: &str, (done, left): (usize, usize), table: &Table) -> Failure {
    let kind = if done == 0 { failure.exit_code() } else { ExitCode::Partial };
    let left = if left == 1 { "1 change was".to_owned() } else { format!("{left} changes were") };
    let message = format!("{}; {left} held back", failure.message());
    let report = Failure::new(kind, message).detail(table.to_text(None));
    let report = failure.details().fold(report, Failure::detail);
    let report = failure.hints().iter().fold(report, Failure::hint);
    report.hint(format!(
        "Then run the same command again: it runs job {job} again unless it is still running, and continues with the changes that were held back."
    ))
}

fn outcome_word(report: &ChangeReport<Failure>) -> String {
    let ChangeReport { progress, outcome, .. } = report;
    let word = match (outcome, progress) {
        (ChangeOutcome::Done, _) => "done",
        (ChangeOutcome::Failed(_) | ChangeOutcome::FollowUpFailed(_) | ChangeOutcome::Interrupted, _)
            if report.is_deletion_sent() =>
        {
            "deleted, and still terminating"
        }
        (ChangeOutcome::Failed(_), Progress::Nothing) => "failed",
        (ChangeOutcome::Failed(_), Progress::Partial) => {
            return format!("failed partway: {}", objects_line(report));
        }
        (ChangeOutcome::FollowUpFailed(_), _) if report.change.is_keep() => "its run has not succeeded",
        (ChangeOutcome::FollowUpFailed(_), _) => "done; its run has not succeeded",
        (ChangeOutcome::Failed(_), Progress::Complete) => "done; the wait for it failed",
        (ChangeOutcome::Interrupted, Progress::Complete) => "done; did not wait for the run to finish",
        (ChangeOutcome::Interrupted, Progress::Partial) => {
            return format!("interrupted: {}", objects_line(report));
        }
        (ChangeOutcome::Interrupted, Progress::Nothing) => "interrupted; whether it was done is not known",
        _ => "not tried",
    };
    word.to_owned()
}

/// Returns the result for the objects of a partially applied change: `deleted Job a-1; not created: Job a-2`.
fn objects_line(report: &ChangeReport<Failure>) -> String {
    let ChangeReport { written, outcome, .. } = report;
    let outcome_unknown = match outcome {
        ChangeOutcome::Failed(error) => error.outcome_unknown(),
        _ => true,
    };
    let mut parts: Vec<(String, Vec<String>)> = Vec::new();
    let mut add = |words: String, id: String| match parts.last_mut() {
        Some((last, ids)) if *last == words => ids.push(id),
        _ => parts.push((words, vec![id])),
    };
    for written in written {
        add(written.kind.as_str().to_owned(), written.id.to_string());
    }
    for step in report.unwritten() {
        let Some(kind) = WriteKind::of(step) else { continue };
        let is_unknown =
            outcome_unknown && report.failed_step().is_some_and(|failed| std::ptr::eq(failed, step));
        let words = if is_unknown { "not known whether it was" } else { "not" };
        add(format!("{words} {}:", kind.as_str()), step.id.to_string());
    }
    let parts = parts.into_iter().map(|(words, ids)| format!("{words} {}", ids.join(", ")));
    parts.collect::<Vec<_>>().join("; ")
}
