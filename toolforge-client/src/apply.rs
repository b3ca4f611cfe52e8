//! Applying change sets: the steps of each change in their order, and a report of what was done.

use std::future;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::Shared;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use serde_json::Value;
use toolforge_model::{ToolName, Untrusted};
use toolforge_render::change::{Action, Change, ChangeSet, Step, StepAction};
use toolforge_render::object::{Object, ObjectId, ObjectKind};
use toolforge_render::pod::AdmissionRefusal;

use crate::seen::Stored;
use crate::{
    ApiStatus, Client, Error, ObjectPath, RolloutTarget, StatusKind, apply_params, merge_params, post_params,
};

/// How long pods may take to terminate (jobs-api, 2026: 30 s; their grace period is 15).
pub const TERMINATION_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a gateway may take to accept a route. After that, a route without a status counts as accepted, as in a
/// cluster without a controller.
pub(crate) const ROUTE_TIMEOUT: Duration = Duration::from_secs(5);

/// Options for applying a change set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApplyOptions {
    /// Whether the API server only checks the requests and stores nothing.
    ///
    /// It then checks each request on its own, against the objects as they are now. So it does not check whether the name of
    /// an object becomes free that is created again, what a deletion frees of a quota, and whether a gateway accepts a route.
    pub dry_run: bool,
}

impl ApplyOptions {
    /// Returns the options of a dry run: the API server checks everything and stores nothing.
    #[must_use]
    pub fn dry_run() -> Self {
        Self { dry_run: true }
    }
}

/// What happens while a change is applied.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum ApplyEvent<'a> {
    /// A workload and its pods are waited for until they are gone.
    Terminating(&'a Change),
    /// They are gone.
    Terminated(&'a Change),
    /// The workload is gone, and its pods take longer than the timeout; until then they count for the quota.
    PodsRemain(&'a Change),
}

/// Why a change could not be applied.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApplyError {
    /// A request failed.
    #[error(transparent)]
    Request(#[from] Error),
    /// The gateway refuses the new route, so the old one was kept.
    #[error("the gateway refuses the new route, so the old one was kept: {}", message.escaped())]
    RouteRefused {
        /// The gateway's message.
        message: Untrusted,
    },
    /// The gateway has not reported yet whether it accepts the changed route, so the old one was kept.
    #[error("the gateway has not accepted the changed route within {} seconds, so the old one was kept", ROUTE_TIMEOUT.as_secs())]
    RouteNotAccepted,
    /// An object was changed, deleted or replaced by somebody else since it was read; it was not written.
    #[error("{id} was changed or deleted by somebody else since it was read")]
    ChangedMeanwhile {
        /// The object.
        id: ObjectId,
    },
    /// A deleted object still exists after the timeout.
    #[error("{id} still exists after {} seconds", TERMINATION_TIMEOUT.as_secs())]
    StillExists {
        /// The object.
        id: ObjectId,
    },
}

impl ApplyError {
    /// Returns whether the request may have been applied, because its answer was lost.
    #[must_use]
    pub fn outcome_unknown(&self) -> bool {
        match self {
            Self::Request(error) => error.outcome_unknown(),
            Self::RouteRefused { .. }
            | Self::RouteNotAccepted
            | Self::ChangedMeanwhile { .. }
            | Self::StillExists { .. } => false,
        }
    }

    /// Returns whether the change set may no longer be right, because the objects have changed since they were read: another
    /// one, made from the present objects, may succeed.
    #[must_use]
    pub fn is_outdated(&self) -> bool {
        match self {
            Self::ChangedMeanwhile { .. } => true,
            Self::Request(_) => self.is_quota_refusal(),
            Self::RouteRefused { .. } | Self::RouteNotAccepted | Self::StillExists { .. } => false,
        }
    }

    /// Returns whether a quota refuses the request.
    fn is_quota_refusal(&self) -> bool {
        let Self::Request(error) = self else { return false };
        let is_quota = |status: &ApiStatus| {
            matches!(status.kind(), StatusKind::Admission(AdmissionRefusal::Quota { .. }))
        };
        error.api_status().is_some_and(is_quota)
    }
}

/// How an object was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WriteKind {
    /// Created.
    Created,
    /// Merged: some of its fields were set or removed.
    Merged,
    /// Applied on the server's side.
    Applied,
    /// Replaced as a whole.
    Replaced,
    /// Deleted.
    Deleted,
}

impl WriteKind {
    /// Returns the word: `applied`.
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
    /// The generation of the stored object, where the API server counts it.
    pub generation: Option<i64>,
}

/// The outcome of a change.
#[derive(Debug)]
#[non_exhaustive]
pub enum ChangeOutcome<E> {
    /// All steps were done.
    Done,
    /// A step failed, or the callback after the change.
    Failed(E),
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

/// What was done for one change.
#[derive(Debug)]
#[non_exhaustive]
pub struct ChangeReport<'a, E = ApplyError> {
    /// The change.
    pub change: &'a Change,
    /// The objects that were written, in order, without those that were undone.
    pub written: Vec<Written>,
    /// The progress of the change.
    pub progress: Progress,
    /// The step that failed or was interrupted.
    pub failed_at: Option<&'a Step>,
    /// How it ended.
    pub outcome: ChangeOutcome<E>,
}

/// What was done for a change set.
#[derive(Debug)]
#[non_exhaustive]
pub struct ApplyReport<'a, E = ApplyError> {
    /// Whether it was a dry run: what was written is not stored.
    pub dry_run: bool,
    /// The changes, in their order.
    pub changes: Vec<ChangeReport<'a, E>>,
}

impl<E> ApplyReport<'_, E> {
    /// Returns whether every change was done.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.changes.iter().all(|report| matches!(report.outcome, ChangeOutcome::Done))
    }

    /// Returns the report, or the error of the change that failed; a change that was interrupted is none.
    ///
    /// # Errors
    /// When a change failed. What was done before is lost with the report: look at [`changes`](Self::changes) to say it.
    pub fn into_result(self) -> Result<Self, E> {
        let Self { dry_run, changes } = self;
        let mut done = Vec::new();
        for report in changes {
            match report.outcome {
                ChangeOutcome::Failed(error) => return Err(error),
                outcome => done.push(ChangeReport { outcome, ..report }),
            }
        }
        Ok(Self { dry_run, changes: done })
    }

    /// Returns the last write of an object of a kind.
    #[must_use]
    pub fn last_written(&self, kind: ObjectKind) -> Option<&Written> {
        let written = self.changes.iter().flat_map(|report| &report.written);
        written.filter(|written| written.id.kind == kind).last()
    }
}

impl Client {
    /// Applies a change set, change by change, until one fails. The report says what was done.
    pub async fn apply_changes<'a>(
        &self,
        tool: &ToolName,
        set: &'a ChangeSet,
        options: ApplyOptions,
    ) -> ApplyReport<'a> {
        let after = async |_: &Change, _: &[Written]| Ok(());
        self.apply_changes_with(tool, set, options, future::pending(), |_| (), after).await
    }

    /// Applies a change set as [`apply_changes`](Self::apply_changes) does, until a change fails or `cancel` is ready. `event`
    /// is called while objects are waited for, `after` after each change; its error ends the application like a step's.
    /// Nothing is sent once `cancel` is ready, and nothing is created after a deletion that failed or was interrupted.
    pub async fn apply_changes_with<'a, E: From<ApplyError>>(
        &self,
        tool: &ToolName,
        set: &'a ChangeSet,
        options: ApplyOptions,
        cancel: impl Future<Output = ()>,
        mut event: impl FnMut(ApplyEvent<'_>),
        mut after: impl AsyncFnMut(&'a Change, &[Written]) -> Result<(), E>,
    ) -> ApplyReport<'a, E> {
        // It is polled once more by each step and wait, also after it was ready.
        let cancel = cancel.shared();
        let deletions = set.changes.iter().take_while(|change| change.action == Action::Delete).count();
        let (deletions, others) = set.changes.split_at(deletions);
        let mut frees = !deletions.is_empty();
        let mut changes = Vec::new();
        for (change, work, outcome) in
            self.apply_deletions(tool, deletions, options, &cancel, &mut event).await
        {
            let outcome = match outcome {
                ChangeOutcome::Done => match after(change, &work.written).await {
                    Ok(()) => ChangeOutcome::Done,
                    Err(error) => ChangeOutcome::Failed(error),
                },
                ChangeOutcome::Failed(error) => ChangeOutcome::Failed(error.into()),
                ChangeOutcome::Interrupted => ChangeOutcome::Interrupted,
                ChangeOutcome::NotTried => ChangeOutcome::NotTried,
            };
            changes.push(work.into_report(change, outcome));
        }
        let is_done = |report: &ChangeReport<'_, E>| matches!(report.outcome, ChangeOutcome::Done);
        let mut is_stopped = !changes.iter().all(is_done);
        for change in others {
            let mut work = Work::new(tool, options);
            work.frees = frees;
            frees |= change.steps.iter().any(deletes);
            let outcome = if is_stopped || is_ready(&cancel) {
                ChangeOutcome::NotTried
            } else {
                let whole = async {
                    self.apply_change(change, &mut work, &mut event).await?;
                    after(change, &work.written).await
                };
                tokio::select! {
                    biased;
                    result = whole => result.map_or_else(ChangeOutcome::Failed, |()| ChangeOutcome::Done),
                    () = cancel.clone() => ChangeOutcome::Interrupted,
                }
            };
            is_stopped = !matches!(outcome, ChangeOutcome::Done);
            changes.push(work.into_report(change, outcome));
        }
        ApplyReport { dry_run: options.dry_run, changes }
    }

    async fn apply_change(
        &self,
        change: &Change,
        work: &mut Work<'_>,
        event: &mut impl FnMut(ApplyEvent<'_>),
    ) -> Result<(), ApplyError> {
        self.apply_steps(change, &change.steps, work, event).await?;
        work.at = None;
        work.progress = Progress::Complete;
        Ok(())
    }

    pub(crate) async fn apply_steps(
        &self,
        change: &Change,
        steps: &[Step],
        work: &mut Work<'_>,
        event: &mut impl FnMut(ApplyEvent<'_>),
    ) -> Result<(), ApplyError> {
        for (index, step) in steps.iter().enumerate() {
            // In a dry run the old object still exists, and the new one of its name cannot be created.
            if work.options.dry_run && work.has_deleted(&step.id) {
                continue;
            }
            work.at = Some(index);
            let result = self.apply_step(change, step, work, event).await;
            match result {
                // In a dry run, what is deleted still counts for the quota.
                Err(error) if work.options.dry_run && work.frees && error.is_quota_refusal() => {}
                Err(error) => {
                    if matches!(change.action, Action::Create | Action::Recreate) {
                        self.undo_creations(work).await;
                    }
                    if matches!(error, ApplyError::RouteRefused { .. }) {
                        self.undo_route(change, work).await;
                    }
                    work.progress = work.partial();
                    return Err(error);
                }
                Ok(()) => {}
            }
            work.frees |= deletes(step);
            // Until the next step is done, only a part of the change is.
            work.progress = work.partial();
        }
        Ok(())
    }

    async fn apply_step(
        &self,
        change: &Change,
        step: &Step,
        work: &mut Work<'_>,
        event: &mut impl FnMut(ApplyEvent<'_>),
    ) -> Result<(), ApplyError> {
        let path = ObjectPath::of(work.tool, &step.id);
        let dry_run = work.options.dry_run;
        let document = step.wanted.as_ref().map(Object::to_json).unwrap_or_default();
        let changed = || ApplyError::ChangedMeanwhile { id: step.id.clone() };
        match &step.action {
            StepAction::Create => {
                let params = PostParams { dry_run, ..post_params() };
                let stored: Stored = self.create(path.collection(), &document, &params).await?;
                work.note(step, WriteKind::Created, stored);
            }
            StepAction::Apply { seen, clears } => {
                let mut seen = seen.as_deref().cloned();
                if let Some(patch) = clears {
                    let params = PatchParams { dry_run, ..merge_params() };
                    let patch = Patch::Strategic((**patch).clone());
                    let stored = self.write(&path, patch, seen.as_ref(), &params).await?;
                    let stored = stored.ok_or_else(changed)?;
                    if seen.is_some() {
                        seen = Some(stored.metadata.clone());
                    }
                    work.note(step, WriteKind::Merged, stored);
                    if dry_run {
                        // The patch has all that is applied. The fields that it removes are not removed now, and the API
                        // server may reject them together with what is applied.
                        return Ok(());
                    }
                }
                let params = PatchParams { dry_run, ..apply_params() };
                let stored = self.write(&path, Patch::Apply(document), seen.as_ref(), &params).await?;
                work.note(step, WriteKind::Applied, stored.ok_or_else(changed)?);
            }
            StepAction::Replace { seen } => {
                let params = PostParams { dry_run, ..post_params() };
                let stored = self.replace_seen(&path, document, seen, &params).await?;
                work.note(step, WriteKind::Replaced, stored.ok_or_else(changed)?);
            }
            StepAction::Merge { patch } => {
                let params = PatchParams { dry_run, ..merge_params() };
                let stored: Stored = self.merge(&path, patch, &params).await?;
                work.note(step, WriteKind::Merged, stored);
            }
            StepAction::Delete { uid } => {
                let preconditions = Preconditions { uid: uid.clone(), ..Preconditions::default() };
                // The server's default for a Job is to orphan its pods.
                let params = DeleteParams { dry_run, ..DeleteParams::background() };
                let params = if uid.is_some() { params.preconditions(preconditions) } else { params };
                self.delete(&path, &params).await?;
                work.note(step, WriteKind::Deleted, Stored::default());
            }
            StepAction::AwaitAccepted if !dry_run => self.await_accepted(&path).await?,
            StepAction::AwaitGone { uid } if !dry_run => {
                event(ApplyEvent::Terminating(change));
                let gone = self.await_gone(change, step, uid.as_ref(), work.tool).await;
                event(ApplyEvent::Terminated(change));
                if !gone? {
                    event(ApplyEvent::PodsRemain(change));
                }
            }
            // In a dry run nothing changes that could be waited for.
            StepAction::Keep | StepAction::AwaitAccepted | StepAction::AwaitGone { .. } => {}
        }
        Ok(())
    }

    /// Patches an object; if it was seen, only if nobody else has changed it since.
    async fn write(
        &self,
        path: &ObjectPath,
        patch: Patch<Value>,
        seen: Option<&ObjectMeta>,
        params: &PatchParams,
    ) -> Result<Option<Stored>, Error> {
        match seen {
            Some(seen) => self.patch_seen(path, patch, seen, params).await,
            None => self.patch(path, &patch, params).await.map(Some),
        }
    }

    /// Deletes the objects that a change has created, so that no incomplete workload is left.
    async fn undo_creations(&self, work: &mut Work<'_>) {
        if work.options.dry_run {
            return;
        }
        let mut kept = Vec::new();
        for written in work.written.drain(..).rev() {
            let path = ObjectPath::of(work.tool, &written.id);
            let own = Preconditions { uid: written.uid.clone(), ..Preconditions::default() };
            let params = DeleteParams::background().preconditions(own);
            let is_created = written.kind == WriteKind::Created;
            if !(is_created && self.delete(&path, &params).await.is_ok()) {
                kept.push(written);
            }
        }
        kept.reverse();
        work.written = kept;
    }

    /// Deletes a refused route that the change has created: it would be the tool's route from then on.
    async fn undo_route(&self, change: &Change, work: &mut Work<'_>) {
        let is_new = |step: &&Step| {
            step.id.kind == ObjectKind::HttpRoute
                && matches!(step.action, StepAction::Apply { seen: None, .. })
        };
        let Some(step) = change.steps.iter().find(is_new) else { return };
        let Some(index) = work.written.iter().position(|written| written.id == step.id) else { return };
        let Some(uid) = work.written[index].uid.clone() else { return };
        let own = Preconditions { uid: Some(uid), ..Preconditions::default() };
        let params = DeleteParams::background().preconditions(own);
        if self.delete(&ObjectPath::of(work.tool, &step.id), &params).await.is_ok() {
            work.written.remove(index);
        }
    }
}

/// One change that is being applied.
pub(crate) struct Work<'a> {
    tool: &'a ToolName,
    options: ApplyOptions,
    pub(crate) written: Vec<Written>,
    pub(crate) progress: Progress,
    /// The index of the current step.
    pub(crate) at: Option<usize>,
    /// Whether an earlier step or change deletes something.
    frees: bool,
}

impl<'b> Work<'b> {
    pub(crate) fn new(tool: &'b ToolName, options: ApplyOptions) -> Self {
        Self { tool, options, written: Vec::new(), progress: Progress::Nothing, at: None, frees: false }
    }

    pub(crate) fn into_report<E>(self, change: &Change, outcome: ChangeOutcome<E>) -> ChangeReport<'_, E> {
        let Self { written, progress, at, .. } = self;
        let failed_at = at.and_then(|index| change.steps.get(index));
        ChangeReport { change, written, progress, failed_at, outcome }
    }

    fn note(&mut self, step: &Step, kind: WriteKind, stored: Stored) {
        // A run of a job is named by the server's answer.
        let ObjectMeta { name, uid, generation, .. } = stored.metadata;
        let name = name.unwrap_or_else(|| step.id.name.clone());
        self.written.push(Written { id: ObjectId::new(step.id.kind, name), kind, uid, generation });
    }

    /// Returns the progress before all steps are done.
    fn partial(&self) -> Progress {
        let is_stored = !self.written.is_empty() && !self.options.dry_run;
        if is_stored { Progress::Partial } else { Progress::Nothing }
    }

    fn has_deleted(&self, id: &ObjectId) -> bool {
        self.written.iter().any(|written| written.kind == WriteKind::Deleted && written.id == *id)
    }
}

/// Returns whether a future is ready.
pub(crate) fn is_ready(future: &Shared<impl Future<Output = ()>>) -> bool {
    future.clone().now_or_never().is_some()
}

fn deletes(step: &Step) -> bool {
    matches!(step.action, StepAction::Delete { .. })
}

impl From<&Written> for RolloutTarget {
    fn from(written: &Written) -> Self {
        Self { uid: written.uid.clone(), generation: written.generation }
    }
}
