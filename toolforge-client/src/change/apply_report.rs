//! What was done for a change set.

use toolforge_render::change::{Action, Change, Step, StepAction};
use toolforge_render::object::{ObjectId, ObjectKind};

use crate::{ApplyError, RolloutTarget};

/// How an object was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WriteKind {
    /// Created.
    Created,
    /// Merged: some of its fields were set or removed.
    Merged,
    /// Applied with server-side apply.
    Applied,
    /// Replaced as a whole.
    Replaced,
    /// Deleted.
    Deleted,
}

impl WriteKind {
    /// Returns how a step finally writes its object; `None` if it does not.
    #[must_use]
    pub fn of(step: &Step) -> Option<Self> {
        match step.action {
            StepAction::Create => Some(Self::Created),
            StepAction::Apply { .. } => Some(Self::Applied),
            StepAction::Replace { .. } => Some(Self::Replaced),
            StepAction::Merge { .. } => Some(Self::Merged),
            StepAction::Delete { .. } => Some(Self::Deleted),
            StepAction::Keep | StepAction::AwaitAccepted | StepAction::AwaitGone { .. } => None,
        }
    }

    /// Returns the word, such as `applied`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Merged => "merged",
            Self::Applied => "applied",
            Self::Replaced => "replaced",
            Self::Deleted => "deleted",
        }
    }
}

/// One object that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Written {
    /// The object.
    pub id: ObjectId,
    /// How it was written.
    pub kind: WriteKind,
    /// The UID of the stored object.
    pub uid: Option<String>,
    /// The generation of the stored object, if the API server counts it.
    pub generation: Option<i64>,
}

/// The outcome of a change; `E` is the error of the program's follow-up to each change.
#[derive(Debug)]
#[non_exhaustive]
pub enum ChangeOutcome<E = ApplyError> {
    /// All steps were done.
    Done,
    /// A step failed.
    Failed(ApplyError),
    /// All steps were done, but the program's follow-up failed.
    FollowUpFailed(E),
    /// It was interrupted; it is not known whether the current step was done.
    Interrupted,
    /// An earlier change failed or was interrupted, or the interruption came before this one.
    NotTried,
}

/// The progress of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Nothing was stored.
    Nothing,
    /// Some objects were written, or the old ones were deleted and the new ones not created.
    Partial,
    /// All steps were done.
    Complete,
}

/// The report of one change.
#[derive(Debug)]
#[non_exhaustive]
pub struct ChangeReport<E = ApplyError> {
    /// The change.
    pub change: Change,
    /// The objects that were written, in order, without those that were undone.
    pub written: Vec<Written>,
    /// The progress of the change.
    pub progress: Progress,
    /// The index of the step that failed or was interrupted.
    pub failed_at: Option<usize>,
    /// The outcome of the change.
    pub outcome: ChangeOutcome<E>,
}

impl<E> ChangeReport<E> {
    /// Returns whether the change was done.
    #[must_use]
    pub fn is_done(&self) -> bool {
        matches!(self.outcome, ChangeOutcome::Done)
    }

    /// Returns whether all requests of a deletion got a response, so only the wait remains.
    #[must_use]
    pub fn is_deletion_sent(&self) -> bool {
        let is_deletion = |step: &&Step| matches!(step.action, StepAction::Delete { .. });
        let requests = self.change.steps.iter().filter(is_deletion).count();
        self.change.action == Action::Delete && self.written.len() >= requests
    }

    /// Returns the steps whose objects were not written, or for which that is not known.
    pub fn unwritten(&self) -> impl Iterator<Item = &Step> {
        self.change.steps.iter().filter(|step| {
            let is_own = |kind, written: &Written| written.kind == kind && written.id == step.id;
            WriteKind::of(step).is_some_and(|kind| !self.written.iter().any(|written| is_own(kind, written)))
        })
    }

    /// Returns the step that failed or was interrupted.
    #[must_use]
    pub fn failed_step(&self) -> Option<&Step> {
        self.change.steps.get(self.failed_at?)
    }
}

/// What was done for a change set.
#[derive(Debug)]
#[non_exhaustive]
pub struct ApplyReport<E = ApplyError> {
    /// Whether it was a dry run: the written objects are not stored.
    pub dry_run: bool,
    /// The changes, in their order.
    pub changes: Vec<ChangeReport<E>>,
}

impl<E> ApplyReport<E> {
    /// Returns whether every change was done.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.changes.iter().all(ChangeReport::is_done)
    }

    /// Returns the last write of an object of a kind.
    #[must_use]
    pub fn last_written(&self, kind: ObjectKind) -> Option<&Written> {
        let written = self.changes.iter().flat_map(|report| &report.written);
        written.filter(|written| written.id.kind == kind).last()
    }
}

impl<E: From<ApplyError>> ApplyReport<E> {
    /// Returns the report, or the error of the change that failed; an interrupted change is not an error.
    ///
    /// # Errors
    /// When a change failed. The report of the changes before it is lost; read [`changes`](Self::changes) first to show them.
    pub fn into_result(self) -> Result<Self, E> {
        let Self { dry_run, changes } = self;
        let mut done = Vec::new();
        for report in changes {
            match report.outcome {
                ChangeOutcome::Failed(error) => return Err(error.into()),
                ChangeOutcome::FollowUpFailed(error) => return Err(error),
                outcome => done.push(ChangeReport { outcome, ..report }),
            }
        }
        Ok(Self { dry_run, changes: done })
    }
}

impl From<&Written> for RolloutTarget {
    fn from(written: &Written) -> Self {
        Self { uid: written.uid.clone(), generation: written.generation }
    }
}
