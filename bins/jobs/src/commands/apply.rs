//! Applying what was planned, job by job, with a report where not all of it was done.

use toolforge_cli::{
    DryRunOption, ExitCode, Failure, ProgressLine, Session, Table, applied_changes, interrupted,
};
use toolforge_client::{
    AdmissionRefusal, ApiStatus, ApplyError, ApplyEvent, ApplyOptions, ApplyReport, ChangeOutcome,
    ChangeReport, Progress, RolloutTarget, StatusKind, TERMINATION_TIMEOUT, WriteKind, Written,
};
use toolforge_model::JobName;
use toolforge_render::change::{Action, Change, ChangeSet, Step, StepAction};
use toolforge_render::job::LoadPlan;
use toolforge_render::object::ObjectKind;
use toolforge_report::{AppliedChange, DetailCode};

use super::finish::finish;
use crate::arguments::Arguments;

/// How often objects are looked at again that somebody else changed between the look and the change.
pub(super) const ATTEMPTS: u32 = 4;

/// What came of a change set: the report, and the signal that interrupted it.
pub(super) struct Applied<'a> {
    report: ApplyReport<'a, StepFailure>,
    signal: Option<ExitCode>,
}

/// Why a change failed.
pub(super) struct StepFailure {
    failure: Failure,
    is_outdated: bool,
    /// The resources of which a quota has no more.
    exceeded: Vec<String>,
    /// Whether the step may have been done, because its answer was lost.
    outcome_unknown: bool,
}

impl From<ApplyError> for StepFailure {
    fn from(error: ApplyError) -> Self {
        let (is_outdated, outcome_unknown) = (is_outdated(&error), error.outcome_unknown());
        Self { exceeded: exceeded(&error), failure: error.into(), is_outdated, outcome_unknown }
    }
}

/// Returns whether an object was created, changed or deleted by somebody else since it was looked at.
fn is_outdated(error: &ApplyError) -> bool {
    match error {
        ApplyError::ChangedMeanwhile { .. } => true,
        ApplyError::Request(error) => error.api_status().is_some_and(|status| {
            matches!(status.kind(), StatusKind::AlreadyExists | StatusKind::Conflict | StatusKind::NotFound)
        }),
        _ => false,
    }
}

/// Returns the resources that a quota refuses.
fn exceeded(error: &ApplyError) -> Vec<String> {
    let ApplyError::Request(error) = error else { return Vec::new() };
    match error.api_status().map(ApiStatus::kind) {
        Some(StatusKind::Admission(AdmissionRefusal::Quota { exceeded, .. })) => {
            exceeded.iter().map(|exceeded| exceeded.resource.as_raw().to_owned()).collect()
        }
        _ => Vec::new(),
    }
}

/// Applies changes in their order, until one fails or somebody interrupts it. `after` is called after each of them; its
/// error is that of the change.
pub(super) async fn apply<'a>(
    session: &Session,
    set: &'a ChangeSet,
    options: ApplyOptions,
    mut after: impl AsyncFnMut(&'a Change, &[Written]) -> Result<(), Failure>,
) -> Result<Applied<'a>, Failure> {
    let (_, client) = session.cluster()?;
    let mut line = ProgressLine::new();
    let mut terminating: Vec<String> = Vec::new();
    let event = |event: ApplyEvent<'_>| match event {
        ApplyEvent::Terminating(change) => {
            terminating.push(change.name.clone());
            line.show(&terminating_line(&terminating));
        }
        ApplyEvent::Terminated(change) => {
            terminating.retain(|name| *name != change.name);
            if terminating.is_empty() {
                line.clear();
            } else {
                line.show(&terminating_line(&terminating));
            }
        }
        ApplyEvent::PodsRemain(change) => anstream::eprintln!(
            "note: pods of job {} take longer than {} seconds to terminate; until then they count for the quota",
            change.name,
            TERMINATION_TIMEOUT.as_secs()
        ),
        _ => {}
    };
    let mut signal = None;
    let cancel = async { signal = Some(interrupted().await.unwrap_or(ExitCode::Partial)) };
    let after = async |change: &'a Change, written: &[Written]| {
        after(change, written).await.map_err(|failure| StepFailure {
            failure,
            is_outdated: false,
            exceeded: Vec::new(),
            outcome_unknown: false,
        })
    };
    let report = client.apply_changes_with(&session.tool, set, options, cancel, event, after).await;
    Ok(Applied { signal: signal.filter(|_| !report.is_done()), report })
}

fn terminating_line(names: &[String]) -> String {
    match names {
        [one] => format!("job {one} is terminating"),
        all => format!("{} jobs are terminating: {}", all.len(), all.join(", ")),
    }
}

/// Applies changes with nothing to do after each of them.
pub(super) fn apply_all(
    session: &Session,
    arguments: &Arguments,
    set: &ChangeSet,
    dry_run: Option<DryRunOption>,
) -> Result<ExitCode, Failure> {
    let (runtime, _) = session.cluster()?;
    let after = async |_: &Change, _: &[Written]| Ok(());
    let applied = runtime.block_on(apply(session, set, options(dry_run.is_some()), after))?;
    let changes = applied.changes();
    finish(session, arguments, (set, changes), dry_run, applied.end(&[]))
}

pub(super) fn options(dry_run: bool) -> ApplyOptions {
    if dry_run { ApplyOptions::dry_run() } else { ApplyOptions::default() }
}

impl Applied<'_> {
    /// Returns how the program ends after a dry run, which stores nothing.
    fn end_of_dry_run(self) -> Result<ExitCode, Failure> {
        const NOTHING: &str = "nothing was stored (dry run)";
        let is_untried = |report: &ChangeReport<'_, StepFailure>| {
            matches!(report.outcome, ChangeOutcome::NotTried) && !report.change.is_keep()
        };
        let untried: Vec<&str> = self
            .report
            .changes
            .iter()
            .filter(|report| is_untried(report))
            .map(|report| report.change.name.as_str())
            .collect();
        let untried = (!untried.is_empty()).then(|| format!("not checked: {}", untried.join(", ")));
        for ChangeReport { failed_at, outcome, .. } in self.report.changes {
            let ChangeOutcome::Failed(StepFailure { failure, .. }) = outcome else { continue };
            let refused = failed_at.map(|step| format!("{}: not accepted", step.id));
            let failure = refused
                .into_iter()
                .fold(failure, |failure, line| failure.coded_detail(DetailCode::Object, line));
            return Err(untried.into_iter().fold(failure, Failure::detail).detail(NOTHING));
        }
        match self.signal {
            Some(signal) => Err(Failure::new(signal, format!("interrupted; {NOTHING}"))),
            None => Ok(ExitCode::Success),
        }
    }

    /// Returns what became of each change, for the JSON output.
    pub(super) fn changes(&self) -> Vec<AppliedChange> {
        applied_changes(&self.report)
    }

    /// Returns the Deployment that was written last.
    pub(super) fn rollout_target(&self) -> Option<RolloutTarget> {
        self.report.last_written(ObjectKind::Deployment).map(RolloutTarget::from)
    }

    /// Returns the jobs that are done, with their actions.
    pub(super) fn done(&self) -> Vec<(JobName, Action)> {
        let is_done = |report: &&ChangeReport<'_, StepFailure>| matches!(report.outcome, ChangeOutcome::Done);
        let done = self.report.changes.iter().filter(is_done);
        done.filter_map(|report| Some((report.change.name.parse().ok()?, report.change.action))).collect()
    }

    /// Returns whether it failed because somebody else changed an object meanwhile.
    pub(super) fn is_outdated(&self) -> bool {
        let outcomes = self.report.changes.iter().map(|report| &report.outcome);
        outcomes
            .into_iter()
            .any(|outcome| matches!(outcome, ChangeOutcome::Failed(StepFailure { is_outdated: true, .. })))
    }

    /// Returns whether it failed because a quota refused a resource that a new plan counts, and the new plan fits: somebody
    /// else took the headroom and has freed it again. `plan` returns the new plan.
    pub(super) fn fits_again(
        &self,
        plan: impl FnOnce() -> Result<LoadPlan, Failure>,
    ) -> Result<bool, Failure> {
        let exceeded = self.report.changes.iter().flat_map(|report| match &report.outcome {
            ChangeOutcome::Failed(StepFailure { exceeded, .. }) => exceeded.as_slice(),
            _ => &[],
        });
        let exceeded: Vec<&String> = exceeded.collect();
        if exceeded.is_empty() || self.report.dry_run {
            return Ok(false);
        }
        let plan = plan()?;
        let is_counted =
            |name: &&String| plan.set.forecast().any(|row| row.at_rest.resource.to_string() == **name);
        Ok(plan.problems.is_empty() && plan.fits() && exceeded.iter().all(is_counted))
    }

    /// Returns how the program ends: well, or with what was done, also by earlier attempts, what failed and what was not
    /// tried.
    pub(super) fn end(self, earlier: &[(JobName, Action)]) -> Result<ExitCode, Failure> {
        if self.report.dry_run {
            return self.end_of_dry_run();
        }
        let mut table = Table::new(&["JOB", "STEP", "OUTCOME"]);
        let (mut done, mut left, mut terminating, mut first) = (0, 0, 0, None);
        for (name, action) in earlier {
            table.row([name.to_string(), action.as_str().to_owned(), "done".to_owned()]);
            done += usize::from(*action != Action::Keep);
        }
        for report in self.report.changes {
            let word = outcome_word(&report);
            let is_sent = is_deletion_sent(&report);
            let ChangeReport { change, progress, outcome, .. } = report;
            table.row([change.name.clone(), change.action.as_str().to_owned(), word]);
            let changes = usize::from(!change.is_keep());
            let is_done = match outcome {
                ChangeOutcome::Done => true,
                ChangeOutcome::Failed(StepFailure { failure, .. }) => {
                    first = first.or(Some((failure, progress)));
                    terminating += usize::from(is_sent);
                    is_sent || progress == Progress::Complete
                }
                _ => {
                    terminating += usize::from(is_sent);
                    is_sent
                }
            };
            if is_done {
                done += changes;
            } else {
                left += changes;
            }
        }
        match (first, self.signal) {
            (None, None) => Ok(ExitCode::Success),
            // Nothing was done, or all of it was: the failure itself says all.
            (Some((failure, Progress::Nothing)), _) if done == 0 => Err(failure),
            (Some((failure, Progress::Complete)), None) if left == 0 => Err(failure),
            (failure, signal) => {
                let kind =
                    if failure.is_some() { ExitCode::Partial } else { signal.unwrap_or(ExitCode::Partial) };
                let mut report = Failure::new(kind, format!("{done} of {} changes were made", done + left))
                    .detail(table.to_text(None));
                if let Some((failure, _)) = failure {
                    report = report.detail(failure.to_string().trim_end().to_owned());
                }
                Err(match (left, terminating) {
                    (0, 1..) => report.hint(
                        "Every deletion was accepted; what still terminates counts for the quota until it is gone.",
                    ),
                    _ => report.hint("What was done is kept; the same command again does the rest."),
                })
            }
        }
    }
}

fn outcome_word(report: &ChangeReport<'_, StepFailure>) -> String {
    let ChangeReport { progress, outcome, .. } = report;
    let word = match (outcome, progress) {
        (ChangeOutcome::Done, _) => "done",
        (ChangeOutcome::Failed(_) | ChangeOutcome::Interrupted, _) if is_deletion_sent(report) => {
            "deleted, and still terminating"
        }
        (ChangeOutcome::Failed(_), Progress::Nothing) => "failed",
        (ChangeOutcome::Failed(_), Progress::Partial) => {
            return format!("failed partway: {}", objects_line(report));
        }
        (ChangeOutcome::Failed(_), Progress::Complete) => "done, but its run failed",
        (ChangeOutcome::Interrupted, Progress::Complete) => "done, but its end was not waited for",
        (ChangeOutcome::Interrupted, Progress::Partial) => {
            return format!("interrupted: {}", objects_line(report));
        }
        (ChangeOutcome::Interrupted, Progress::Nothing) => "interrupted; whether it was done is not known",
        _ => "not tried",
    };
    word.to_owned()
}

/// Returns what was done to the objects of a change that was done in part: `deleted Job a-1; not created: Job a-2`.
fn objects_line(report: &ChangeReport<'_, StepFailure>) -> String {
    let ChangeReport { change, written, failed_at, outcome, .. } = report;
    let outcome_unknown = match outcome {
        ChangeOutcome::Failed(failure) => failure.outcome_unknown,
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
    for step in &change.steps {
        let Some(kind) = write_kind(step) else { continue };
        if written.iter().any(|written| written.kind == kind && written.id == step.id) {
            continue;
        }
        let is_unknown = outcome_unknown && failed_at.is_some_and(|failed| std::ptr::eq(failed, step));
        let words = if is_unknown { "not known whether it was" } else { "not" };
        add(format!("{words} {}:", kind.as_str()), step.id.to_string());
    }
    let parts = parts.into_iter().map(|(words, ids)| format!("{words} {}", ids.join(", ")));
    parts.collect::<Vec<_>>().join("; ")
}

/// Returns how a step writes its object; `None` if it does not.
fn write_kind(step: &Step) -> Option<WriteKind> {
    match step.action {
        StepAction::Create => Some(WriteKind::Created),
        StepAction::Apply { .. } => Some(WriteKind::Applied),
        StepAction::Replace { .. } => Some(WriteKind::Replaced),
        StepAction::Merge { .. } => Some(WriteKind::Merged),
        StepAction::Delete { .. } => Some(WriteKind::Deleted),
        StepAction::Keep | StepAction::AwaitAccepted | StepAction::AwaitGone { .. } => None,
    }
}

/// Returns whether all requests of a deletion were answered, so that only the wait is missing.
fn is_deletion_sent(report: &ChangeReport<'_, StepFailure>) -> bool {
    let requests = report.change.steps.iter().filter(|step| matches!(step.action, StepAction::Delete { .. }));
    report.change.action == Action::Delete && report.written.len() == requests.count()
}

/// Returns whether a run could not be created because there is one of its name.
pub(super) fn is_name_taken(report: &ApplyReport<'_>) -> bool {
    let failed = report.changes.iter().find_map(|change| match &change.outcome {
        ChangeOutcome::Failed(ApplyError::Request(error)) => error.api_status(),
        _ => None,
    });
    failed.is_some_and(|refusal| *refusal.kind() == StatusKind::AlreadyExists)
}
