//! The report on a change set, for the JSON output.

use toolforge_client::{ApplyReport, ChangeOutcome, ChangeReport, Progress, Written};
use toolforge_model::ToolName;
use toolforge_render::change::{Change, ChangeSet, Step};
use toolforge_report::{Action, AppliedChange, DryRun, ObjectResult, Outcome, WriteKind};

use crate::failure::ExitCode;
use crate::options::DryRunOption;
use crate::report::{self, WorkloadName};

/// Returns the changes of a set before any of them is applied.
#[must_use]
pub fn planned_changes(set: &ChangeSet) -> Vec<AppliedChange> {
    set.changes.iter().map(|change| applied_change(change, &[], Outcome::Planned)).collect()
}

/// Returns the changes of a set in which nothing has to be changed.
#[must_use]
pub fn unchanged(set: &ChangeSet) -> Vec<AppliedChange> {
    set.changes.iter().map(|change| applied_change(change, &[], Outcome::Unchanged)).collect()
}

/// Returns the outcome of each change. After a dry run, nothing was written.
#[must_use]
pub fn applied_changes<E>(report: &ApplyReport<E>) -> Vec<AppliedChange> {
    let is_dry_run = report.dry_run;
    let changes = report.changes.iter().map(|report| {
        let written: &[Written] = if is_dry_run { &[] } else { report.written.as_slice() };
        let outcome = match outcome(report) {
            Outcome::Done if is_dry_run => Outcome::Planned,
            outcome => outcome,
        };
        applied_change(&report.change, written, outcome)
    });
    changes.collect()
}

/// Returns the report of a command, without the states of the changed objects.
#[must_use]
pub fn apply_report(
    tool: &ToolName,
    set: &ChangeSet,
    changes: Vec<AppliedChange>,
    dry_run: Option<DryRunOption>,
    exit_code: ExitCode,
) -> toolforge_report::ApplyReport {
    toolforge_report::ApplyReport {
        tool: tool.clone(),
        dry_run: dry_run.map(|dry_run| match dry_run {
            DryRunOption::Client => DryRun::Client,
            DryRunOption::Server => DryRun::Server,
        }),
        fits: set.fits_if_known(),
        changes,
        quotas: report::quota_rows(set),
        violations: report::violations(set),
        web_service: None,
        jobs: Vec::new(),
        exit_code: exit_code.code(),
    }
}

fn outcome<E>(ChangeReport { change, written, progress, outcome, .. }: &ChangeReport<E>) -> Outcome {
    match (outcome, progress) {
        (ChangeOutcome::Done, _) if change.is_keep() && written.is_empty() => Outcome::Unchanged,
        (ChangeOutcome::Done, _) => Outcome::Done,
        (ChangeOutcome::Failed(_), Progress::Nothing) => Outcome::Failed,
        (ChangeOutcome::Failed(_), Progress::Partial) => Outcome::PartiallyDone,
        (ChangeOutcome::Failed(_), Progress::Complete) | (ChangeOutcome::FollowUpFailed(_), _) => {
            Outcome::RunFailed
        }
        (ChangeOutcome::Interrupted, _) => Outcome::Interrupted,
        _ => Outcome::NotTried,
    }
}

fn applied_change(change: &Change, written: &[Written], outcome: Outcome) -> AppliedChange {
    let WorkloadName { r#type, object_kind, name } = WorkloadName::of(&change.workload());
    AppliedChange {
        action: Action::from_code(change.action.as_str()),
        r#type,
        object_kind,
        name,
        managed: change.is_managed,
        outcome,
        rollout: report::rollout(change),
        downtime: report::downtime(change),
        objects: change.steps.iter().filter_map(|step| object_result(step, written)).collect(),
    }
}

/// Returns the change to the object of a step; `None` for a wait.
fn object_result(step: &Step, written: &[Written]) -> Option<ObjectResult> {
    let last = written.iter().rfind(|written| written.id == step.id);
    Some(ObjectResult {
        action: Action::from_code(step.action()?.as_str()),
        object_kind: step.id.kind.as_str().to_owned(),
        name: step.id.name.clone(),
        written: last.map(|written| WriteKind::from_code(written.kind.as_str())),
        differences: step.shown_differences().map(report::difference).collect(),
    })
}

#[cfg(test)]
mod tests {
    use toolforge_client::WriteKind as Kind;

    use super::*;

    #[test]
    fn every_way_to_write_has_a_code() {
        for kind in [Kind::Created, Kind::Merged, Kind::Applied, Kind::Replaced, Kind::Deleted] {
            assert_eq!(WriteKind::from_code(kind.as_str()).as_str(), kind.as_str());
        }
    }
}
