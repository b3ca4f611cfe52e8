//! Applying what was planned, job by job, with a report where not all of it was done.

use toolforge_cli::{
    DryRunOption, ExitCode, Failure, ProgressLine, Session, Table, applied_changes, interrupted,
};
use toolforge_client::{
    ApplyError, ApplyEvent, ApplyOptions, ApplyReport, ChangeOutcome, ChangeReport, Progress,
    TERMINATION_TIMEOUT, Written,
};
use toolforge_render::change::{Action, Change, ChangeSet};
use toolforge_report::AppliedChange;

use super::finish::finish;
use crate::arguments::Arguments;

/// What came of a change set: the report, and the signal that interrupted it.
pub(super) struct Applied<'a> {
    report: ApplyReport<'a, Failure>,
    signal: Option<ExitCode>,
}

/// Applies changes in their order, until one fails or somebody interrupts it. `after` is called after each of them; its
/// error is that of the change.
pub(super) async fn apply<'a>(
    session: &Session,
    set: &'a ChangeSet,
    options: ApplyOptions,
    after: impl AsyncFnMut(&'a Change, &[Written]) -> Result<(), Failure>,
) -> Result<Applied<'a>, Failure> {
    let (_, client) = session.cluster()?;
    let mut line = ProgressLine::new();
    let event = |event: ApplyEvent<'_>| match event {
        ApplyEvent::Terminating(change) => line.show(&format!("job {} is terminating", change.name)),
        ApplyEvent::Terminated(_) => line.clear(),
        ApplyEvent::PodsRemain(change) => anstream::eprintln!(
            "note: pods of job {} take longer than {} seconds to terminate; until then they count for the quota",
            change.name,
            TERMINATION_TIMEOUT.as_secs()
        ),
        _ => {}
    };
    let mut signal = None;
    let cancel = async { signal = Some(interrupted().await.unwrap_or(ExitCode::Partial)) };
    let report = client.apply_changes_with(&session.tool, set, options, cancel, event, after).await;
    let is_interrupted =
        report.changes.iter().any(|change| matches!(change.outcome, ChangeOutcome::Interrupted));
    Ok(Applied { report, signal: signal.filter(|_| is_interrupted) })
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
    finish(session, arguments, (set, changes), dry_run, applied.end())
}

pub(super) fn options(dry_run: bool) -> ApplyOptions {
    if dry_run { ApplyOptions::dry_run() } else { ApplyOptions::default() }
}

impl Applied<'_> {
    /// Returns what became of each change, for the JSON output.
    pub(super) fn changes(&self) -> Vec<AppliedChange> {
        applied_changes(&self.report)
    }

    /// Returns how the program ends: well, or with what was done, what failed and what was not tried.
    pub(super) fn end(self) -> Result<ExitCode, Failure> {
        let mut table = Table::new(&["JOB", "STEP", "OUTCOME"]);
        let (mut done, mut left, mut first) = (0, 0, None);
        let count = self.report.changes.iter().filter(|report| !report.change.is_keep()).count();
        for ChangeReport { change, progress, outcome, .. } in self.report.changes {
            let word = outcome_word(change, progress, &outcome);
            table.row([change.name.clone(), change.action.as_str().to_owned(), word.to_owned()]);
            let changes = usize::from(!change.is_keep());
            match outcome {
                ChangeOutcome::Done => done += changes,
                ChangeOutcome::Failed(failure) => {
                    let is_complete = progress == Progress::Complete;
                    done += usize::from(is_complete);
                    left += usize::from(!is_complete);
                    first = first.or(Some((failure, progress)));
                }
                _ => left += changes,
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
                let mut report = Failure::new(kind, format!("{done} of {count} changes were made"))
                    .detail(table.to_text(None));
                if let Some((failure, _)) = failure {
                    report = report.detail(failure.to_string().trim_end().to_owned());
                }
                Err(report.hint("What was done is kept; the same command again does the rest."))
            }
        }
    }
}

fn outcome_word(change: &Change, progress: Progress, outcome: &ChangeOutcome<Failure>) -> &'static str {
    match (outcome, progress) {
        (ChangeOutcome::Done, _) => "done",
        (ChangeOutcome::Failed(_), Progress::Nothing) => "failed",
        (ChangeOutcome::Failed(_), Progress::Partial) if change.action == Action::Update => {
            "failed partway: some of its objects were replaced"
        }
        (ChangeOutcome::Failed(_), Progress::Partial) => {
            "failed partway: the old job was deleted and the new one was not created"
        }
        (ChangeOutcome::Failed(_), Progress::Complete) => "done, but its run failed",
        (ChangeOutcome::Interrupted, _) => "interrupted; whether it was done is not known",
        _ => "not tried",
    }
}

/// Returns whether a run could not be created because there is one of its name.
pub(super) fn is_name_taken(report: &ApplyReport<'_>) -> bool {
    let failed = report.changes.iter().find_map(|change| match &change.outcome {
        ChangeOutcome::Failed(ApplyError::Request(error)) => error.api_status(),
        _ => None,
    });
    failed.is_some_and(|refusal| *refusal.kind() == toolforge_client::StatusKind::AlreadyExists)
}
