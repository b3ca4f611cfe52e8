//! Adoptions: if an object was deleted and its job was not created, the object is re-created.

use std::convert::Infallible;

use serde_json::Value;
use toolforge_model::ToolName;
use toolforge_render::change::StepAction;
use toolforge_render::convert::as_created;
use toolforge_render::job::{JobObjects, is_job};
use toolforge_render::object::ObjectId;

use crate::change::apply_report::{ApplyReport, ChangeOutcome, ChangeReport, WriteKind};
use crate::change::error::exceeded_by;
use crate::change::freed_quota::{MissingQuota, wait_for_quota};
use crate::{Applied, ApplyEvent, ApplyOptions, Attempt, Client, Error, ObjectPath, Planner, post_params};

/// An object that an adoption has deleted, or may have deleted.
#[derive(Debug)]
#[non_exhaustive]
pub struct DeletedObject {
    /// The object as it was when it was deleted; [`as_created`] returns its manifest.
    pub object: JobObjects,
    /// Whether the API server has accepted the deletion; otherwise its response was lost.
    pub is_accepted: bool,
    /// The outcome.
    pub outcome: AdoptionOutcome,
}

/// The outcome for an object that an adoption has deleted, or may have deleted.
#[derive(Debug)]
#[non_exhaustive]
pub enum AdoptionOutcome {
    /// It was not deleted.
    Unchanged,
    /// It was re-created unchanged, without its pods.
    Recreated,
    /// Its job was created, perhaps without its Service.
    Job,
    /// It was not re-created: the only definition is the one in memory.
    Lost(LostReason),
}

/// Why a deleted object was not re-created.
#[derive(Debug)]
#[non_exhaustive]
pub enum LostReason {
    /// Another object with its name exists.
    NameTaken,
    /// It is still terminating.
    Terminating,
    /// A request failed.
    Request(Error),
}

/// An object that an adoption deletes, and what it has done so far.
struct Deletion {
    object: JobObjects,
    is_accepted: bool,
    /// Whether the job was created, or the response to its creation was lost.
    may_be_job: bool,
}

impl Client {
    /// Turns an object into a job, as [`apply_planned`](Self::apply_planned) does, without losing its definition: if the object
    /// was deleted and its job cannot be created, it is re-created, which may take 15 seconds while a quota still counts the
    /// deleted one. `object` returns the object of a plan.
    ///
    /// The planner plans with [`plan_adoption`](toolforge_render::convert::plan_adoption), and with
    /// [`resume_adoption`](toolforge_render::convert::resume_adoption) if the [attempt](Attempt::deleted) has an object that no
    /// longer exists.
    ///
    /// Returns the deleted objects together with the result: none if the object was changed in place, several if somebody else
    /// has created others with the same name in the meantime.
    pub async fn adopt<T: Planner>(
        &self,
        tool: &ToolName,
        options: ApplyOptions,
        planner: &T,
        object: impl Fn(&T::Plan) -> &JobObjects,
    ) -> (Result<Applied<T::Plan, T::Error>, T::Error>, Vec<DeletedObject>) {
        let mut attempt = Attempt::default();
        let mut deletions: Vec<Deletion> = Vec::new();
        let result = self
            .apply_attempts(tool, options, planner, &mut attempt, |plan, report| {
                note(&mut deletions, object(plan), report);
                let last = deletions.last().filter(|last| last.is_accepted && !last.may_be_job);
                last.map(|last| last.object.clone())
            })
            .await;
        let is_done = matches!(&result, Ok((_, report)) if report.is_done());
        let last = deletions.pop();
        // The last one was created after the others had been deleted.
        let mut deleted: Vec<DeletedObject> = deletions
            .into_iter()
            .map(|deletion| deletion.ended(AdoptionOutcome::Lost(LostReason::NameTaken)))
            .collect();
        if let Some(last) = last {
            let outcome = match is_done && last.may_be_job {
                true => AdoptionOutcome::Job,
                false => self.recreate(tool, &last, planner).await,
            };
            deleted.push(last.ended(outcome));
        }
        (result.map(|(plan, report)| Applied { plan, report, attempt }), deleted)
    }

    /// Looks for a deleted object, and re-creates it if no object has its name.
    async fn recreate<T: Planner>(
        &self,
        tool: &ToolName,
        deletion: &Deletion,
        planner: &T,
    ) -> AdoptionOutcome {
        let look = async || {
            let outcome = self.try_recreate(tool, deletion).await;
            Ok::<_, Infallible>(
                outcome.unwrap_or_else(|error| AdoptionOutcome::Lost(LostReason::Request(error))),
            )
        };
        let missing = |outcome: &AdoptionOutcome| match outcome {
            AdoptionOutcome::Lost(LostReason::Request(error)) if !exceeded_by(error).is_empty() => {
                MissingQuota::Deleted
            }
            _ => MissingQuota::Nothing,
        };
        let waiting = |_: &AdoptionOutcome| planner.event(ApplyEvent::Recreating(&deletion.object));
        let Ok(outcome) = wait_for_quota(look, missing, waiting).await;
        outcome
    }

    async fn try_recreate(&self, tool: &ToolName, deletion: &Deletion) -> Result<AdoptionOutcome, Error> {
        let original = as_created(&deletion.object);
        let path = ObjectPath::of(tool, &id(&deletion.object));
        let Some(found) = self.get_opt::<Value>(&path).await? else {
            let _: Value = self.create(path.collection(), &original.to_json(), &post_params()).await?;
            return Ok(AdoptionOutcome::Recreated);
        };
        let metadata = &found["metadata"];
        let labels = serde_json::from_value(metadata["labels"].clone()).ok();
        Ok(if !metadata["deletionTimestamp"].is_null() {
            AdoptionOutcome::Lost(LostReason::Terminating)
        } else if metadata["uid"].as_str() == deletion.object.workload.metadata().uid.as_deref() {
            AdoptionOutcome::Unchanged
        } else if deletion.may_be_job && is_job(labels.as_ref(), tool) {
            AdoptionOutcome::Job
        } else {
            AdoptionOutcome::Lost(LostReason::NameTaken)
        })
    }
}

impl Deletion {
    fn ended(self, outcome: AdoptionOutcome) -> DeletedObject {
        DeletedObject { object: self.object, is_accepted: self.is_accepted, outcome }
    }
}

/// Records what an attempt has done with the object of its plan.
fn note<E>(deletions: &mut Vec<Deletion>, object: &JobObjects, report: &ApplyReport<E>) {
    if report.dry_run {
        return;
    }
    let uid = |object: &JobObjects| object.workload.metadata().uid.clone();
    let id = id(object);
    for change in &report.changes {
        if let Some(is_accepted) = deletion(change, &id) {
            deletions.retain(|known| uid(&known.object) != uid(object));
            deletions.push(Deletion { object: object.clone(), is_accepted, may_be_job: false });
        }
        if let Some(known) = deletions.last_mut().filter(|known| uid(&known.object) == uid(object)) {
            known.may_be_job |= may_be_created(change, &id);
        }
    }
}

/// Returns whether the deletion of an object was accepted; `None` if it was not sent, or refused.
fn deletion<E>(change: &ChangeReport<E>, id: &ObjectId) -> Option<bool> {
    let is_deleted = |step: &StepAction| matches!(step, StepAction::Delete { .. });
    if change.written.iter().any(|written| written.id == *id && written.kind == WriteKind::Deleted) {
        return Some(true);
    }
    let step = change.failed_step()?;
    (step.id == *id && is_deleted(&step.action) && is_unknown(change)).then_some(false)
}

/// Returns whether an object was created, or the response to its creation was lost.
fn may_be_created<E>(change: &ChangeReport<E>, id: &ObjectId) -> bool {
    let is_created = |step: &StepAction| matches!(step, StepAction::Create);
    let is_written =
        change.written.iter().any(|written| written.id == *id && written.kind != WriteKind::Deleted);
    let is_lost = change.failed_step().is_some_and(|step| step.id == *id && is_created(&step.action))
        && is_unknown(change);
    is_written || is_lost
}

/// Returns whether the response to the last request of a change was lost.
fn is_unknown<E>(change: &ChangeReport<E>) -> bool {
    match &change.outcome {
        ChangeOutcome::Failed(error) => error.outcome_unknown(),
        ChangeOutcome::Interrupted => true,
        ChangeOutcome::Done | ChangeOutcome::FollowUpFailed(_) | ChangeOutcome::NotTried => false,
    }
}

fn id(object: &JobObjects) -> ObjectId {
    ObjectId::new(object.workload.kind(), object.name.as_str())
}
