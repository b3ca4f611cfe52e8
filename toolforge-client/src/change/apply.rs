//! Applying change sets: the steps of each change in their order, and a report of what was done.

use std::future;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::Shared;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use serde_json::{Value, json};
use toolforge_model::ToolName;
use toolforge_render::change::{Action, Change, ChangeSet, Step, StepAction};
use toolforge_render::job::JobObjects;
use toolforge_render::object::{Object, ObjectId, ObjectKind};

use crate::change::apply_report::{ApplyReport, ChangeOutcome, ChangeReport, Progress, WriteKind, Written};
use crate::change::seen::Stored;
use crate::{
    ApiStatus, ApplyError, Client, Error, ObjectPath, StatusKind, apply_params, merge_params, post_params,
};

/// How long pods may take to terminate (jobs-api, 2026: 30 s; their grace period is 15).
pub const TERMINATION_TIMEOUT: Duration = Duration::from_secs(30);

/// Options for applying a change set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApplyOptions {
    /// Whether the API server only checks the requests and stores nothing.
    ///
    /// It then checks each request on its own, against the objects as they are now. So it does not check whether the name of a
    /// re-created object becomes free, how much quota a deletion frees, or whether a gateway accepts a route.
    pub dry_run: bool,
}

impl ApplyOptions {
    /// Returns the options of a dry run: the API server checks everything and stores nothing.
    #[must_use]
    pub fn dry_run() -> Self {
        Self { dry_run: true }
    }
}

/// An event while changes are applied.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum ApplyEvent<'a> {
    /// The command waits until a workload and its pods are gone.
    Terminating(&'a Change),
    /// They are gone.
    Terminated(&'a Change),
    /// The workload is gone, but its pods take longer than the timeout; until they are gone, they count against the quota.
    PodsRemain(&'a Change),
    /// The changes fit once [some pods](ChangeSet::terminating) have terminated, or, if there are none, once a quota no longer
    /// counts deleted objects. They are planned again in a second.
    WaitingForQuota(&'a ChangeSet),
    /// Somebody else has changed objects in the meantime, so the changes are planned again.
    Outdated,
    /// An object that an [adoption](Client::adopt) has deleted is re-created as soon as the quota no longer counts it.
    Recreating(&'a JobObjects),
}

impl Client {
    /// Applies a change set, change by change, until one fails. The report says what was done.
    ///
    /// [`apply_planned`](Self::apply_planned) also plans again if somebody else changes objects in the meantime.
    pub async fn apply_changes(
        &self,
        tool: &ToolName,
        set: &ChangeSet,
        options: ApplyOptions,
    ) -> ApplyReport {
        let after = async |_: &Change, _: &[Written]| Ok(());
        self.apply_changes_with(tool, set, options, future::pending(), |_| (), after).await
    }

    /// Applies a change set as [`apply_changes`](Self::apply_changes) does, until a change fails or `cancel` is ready. `event`
    /// is called during waits, `after` after each change; its error ends the application like a step's. Nothing is sent once
    /// `cancel` is ready, and nothing is created after a deletion that failed or was interrupted.
    pub(crate) async fn apply_changes_with<E>(
        &self,
        tool: &ToolName,
        set: &ChangeSet,
        options: ApplyOptions,
        cancel: impl Future<Output = ()>,
        mut event: impl FnMut(ApplyEvent<'_>),
        mut after: impl AsyncFnMut(&Change, &[Written]) -> Result<(), E>,
    ) -> ApplyReport<E> {
        // Each step and wait polls it again, even after it was ready.
        let cancel = cancel.shared();
        let deletions = set.changes.iter().take_while(|change| change.action == Action::Delete).count();
        let (deletions, others) = set.changes.split_at(deletions);
        let mut frees = !deletions.is_empty();
        let mut changes = Vec::new();
        for (change, work, outcome) in
            self.apply_deletions(tool, deletions, options, &cancel, &mut event).await
        {
            let outcome = match outcome {
                Ok(DeletionOutcome::Done) => match after(change, &work.written).await {
                    Ok(()) => ChangeOutcome::Done,
                    Err(error) => ChangeOutcome::FollowUpFailed(error),
                },
                Ok(DeletionOutcome::Interrupted) => ChangeOutcome::Interrupted,
                Ok(DeletionOutcome::NotTried) => ChangeOutcome::NotTried,
                Err(error) => ChangeOutcome::Failed(error),
            };
            changes.push(work.into_report(change, outcome));
        }
        let mut is_stopped = !changes.iter().all(ChangeReport::is_done);
        for change in others {
            let mut work = Work::new(tool, options);
            work.frees = frees;
            frees |= change.steps.iter().any(deletes);
            let outcome = if is_stopped || is_ready(&cancel) {
                ChangeOutcome::NotTried
            } else {
                let whole = async {
                    if let Err(error) = self.apply_change(change, &mut work, &mut event).await {
                        return ChangeOutcome::Failed(error);
                    }
                    let result = after(change, &work.written).await;
                    result.map_or_else(ChangeOutcome::FollowUpFailed, |()| ChangeOutcome::Done)
                };
                tokio::select! {
                    biased;
                    outcome = whole => outcome,
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
        self.check_creations(change, work.tool).await?;
        self.apply_steps(change, &change.steps, work, event).await?;
        work.at = None;
        work.progress = Progress::Complete;
        Ok(())
    }

    /// Lets the API server check the objects that a change creates, if it first deletes an object that no tool manages: only
    /// the cluster has its definition, so it must not be deleted if its job would be refused.
    ///
    /// # Errors
    /// When a creation would be refused for a reason other than those that the deletion removes: the name and the quota.
    async fn check_creations(&self, change: &Change, tool: &ToolName) -> Result<(), ApplyError> {
        let is_deleted = change.steps.iter().any(|step| matches!(step.action, StepAction::Delete { .. }));
        if change.is_managed || change.action != Action::Recreate || !is_deleted {
            return Ok(());
        }
        for step in change.steps.iter().filter(|step| matches!(step.action, StepAction::Create)) {
            let document = step.wanted.as_ref().map(Object::to_json).unwrap_or_default();
            let path = ObjectPath::of(tool, &step.id);
            let Err(error) = self.check_creation(path.collection(), &document).await else { continue };
            let exists = error.api_status().map(ApiStatus::kind) == Some(&StatusKind::AlreadyExists);
            let error = ApplyError::from(error);
            if !exists && error.exceeded().next().is_none() {
                return Err(error);
            }
        }
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
            // In a dry run, the old object still exists, and a new one with its name cannot be created.
            if work.options.dry_run && work.has_deleted(&step.id) {
                continue;
            }
            work.at = Some(index);
            let result = self.apply_step(change, step, work, event).await;
            match result {
                // In a dry run, deleted objects still count against the quota.
                Err(error) if work.options.dry_run && work.frees && error.exceeded().next().is_some() => {}
                Err(error) => {
                    if is_undone(change, work, &error) {
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
            // Until the next step is done, the change is only partially applied.
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
        let mut document = step.wanted.as_ref().map(Object::to_json).unwrap_or_default();
        if let Some(owner) = owner(change, step, &work.written) {
            document["metadata"]["ownerReferences"] = json!([owner]);
        }
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
                        // The patch has everything that is applied. A dry run does not store the removals, so the API server
                        // may reject the removed fields together with the applied ones.
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
            StepAction::Merge { patch, seen } => {
                let params = PatchParams { dry_run, ..merge_params() };
                let patch = Patch::Strategic((**patch).clone());
                let stored = self.write(&path, patch, seen.as_deref(), &params).await?;
                work.note(step, WriteKind::Merged, stored.ok_or_else(changed)?);
            }
            StepAction::Delete { uid, resource_version } => {
                let preconditions =
                    Preconditions { uid: uid.clone(), resource_version: resource_version.clone() };
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
            // In a dry run, there is no change to wait for.
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

    /// Deletes the objects that a change has created, so no incomplete workload is left.
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

/// The outcome of a deletion that did not fail.
pub(crate) enum DeletionOutcome {
    /// The object and its pods are gone, or only its pods remain.
    Done,
    /// It was interrupted.
    Interrupted,
    /// Nothing was sent.
    NotTried,
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

    fn into_report<E>(self, change: &Change, outcome: ChangeOutcome<E>) -> ChangeReport<E> {
        let Self { written, progress, at: failed_at, .. } = self;
        ChangeReport { change: change.clone(), written, progress, failed_at, outcome }
    }

    fn note(&mut self, step: &Step, kind: WriteKind, stored: Stored) {
        // The server's response has the name of a run.
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

/// Returns the reference to the owner of a step's object: the object that the change has written before, or will replace.
fn owner(change: &Change, step: &Step, written: &[Written]) -> Option<OwnerReference> {
    let owner = step.owner.as_ref()?;
    let seen = |step: &Step| match &step.action {
        StepAction::Replace { seen } if step.id == *owner => seen.uid.clone(),
        _ => None,
    };
    let is_stored = |written: &&Written| written.id == *owner && written.kind != WriteKind::Deleted;
    let stored = written.iter().rev().find(is_stored).and_then(|written| written.uid.clone());
    Some(OwnerReference {
        api_version: owner.kind.api_version().to_owned(),
        kind: owner.kind.to_string(),
        name: owner.name.clone(),
        uid: stored.or_else(|| change.steps.iter().find_map(seen))?,
        ..OwnerReference::default()
    })
}

/// Returns whether the objects that a failed change has created are deleted again. If the change made one of them the owner of
/// somebody else's object, or may have, the garbage collector would delete that object, too.
fn is_undone(change: &Change, work: &Work<'_>, error: &ApplyError) -> bool {
    let is_own = |written: &Written| matches!(written.kind, WriteKind::Created | WriteKind::Deleted);
    match change.action {
        Action::Create => true,
        Action::Recreate => {
            change.is_managed || (work.written.iter().all(is_own) && !error.outcome_unknown())
        }
        _ => false,
    }
}

/// Returns whether a future is ready.
pub(crate) fn is_ready(future: &Shared<impl Future<Output = ()>>) -> bool {
    future.clone().now_or_never().is_some()
}

fn deletes(step: &Step) -> bool {
    matches!(step.action, StepAction::Delete { .. })
}
