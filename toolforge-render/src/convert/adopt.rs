//! Objects that no tool manages become jobs, in place where that is possible.

use serde_json::Value;
use toolforge_images::ImageLookupError;
use toolforge_model::{JobImage, ToolName, Untrusted};

use super::{Converter, with_current_version};
use crate::change::{Change, ChangeSet};
use crate::job::{JobFacts, JobObjects, JobPlanError, JobWorkload, adoption};
use crate::manifest::{Manifests, file_documents};
use crate::namespace::Namespace;
use crate::object::Object;

/// How an object that no tool manages becomes a job.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Adoption {
    /// The change, and whether it fits.
    pub set: ChangeSet,
    /// What the job does not have of the object, or has otherwise: one sentence each.
    pub notes: Vec<Untrusted>,
    /// Whether its pods are replaced, or run again.
    pub restarts: bool,
}

impl Adoption {
    /// Returns whether it costs nothing: nothing is restarted, and nothing is lost.
    #[must_use]
    pub fn is_free(&self) -> bool {
        !self.restarts && self.notes.is_empty()
    }

    /// Returns the change of the object.
    pub fn change(&self) -> Option<&Change> {
        self.set.changes.first()
    }
}

impl AsRef<ChangeSet> for Adoption {
    fn as_ref(&self) -> &ChangeSet {
        &self.set
    }
}

/// Why an object cannot become a job.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AdoptionError {
    /// Another object owns it.
    #[error("it belongs to another object, which creates it again")]
    Owned,
    /// It cannot be written as a job.
    #[error("it cannot be written as a job: {}", reason.escaped())]
    NoJob {
        /// Why.
        reason: Untrusted,
    },
    /// The job cannot be planned.
    #[error(transparent)]
    Plan(#[from] JobPlanError),
}

/// Returns how a Deployment, CronJob or Job that no tool manages becomes a job of the same name. A Service that selects its pods
/// becomes the job's port.
///
/// # Errors
/// When another object owns it, it cannot be written as a job, or its image does not exist.
pub fn plan_adoption(job: &JobObjects, facts: &JobFacts) -> Result<Adoption, AdoptionError> {
    if job.workload.metadata().owner_references.iter().flatten().next().is_some() {
        return Err(AdoptionError::Owned);
    }
    check_image(job, facts)?;
    let object = match &job.workload {
        JobWorkload::OneOff(found) => Object::Job(found.clone()),
        JobWorkload::Scheduled(found) => Object::CronJob(found.clone()),
        JobWorkload::Continuous(found) => Object::Deployment(found.clone()),
    };
    let services = facts.live.services.iter().map(|service| Object::from(service.clone()));
    let mut manifests = Manifests::default();
    for object in [object].into_iter().chain(services) {
        read(&object, &facts.namespace.tool, &mut manifests);
    }
    let mut converter = Converter::new(&facts.namespace, None);
    converter.add_manifests(&manifests.manifests);
    let conversion = converter.finish();
    let no_job = |reason: Untrusted| AdoptionError::NoJob { reason };
    let Some(converted) = conversion.jobs.into_iter().next() else {
        let left = conversion.unconverted.into_iter().next().map(|left| left.reason);
        let error = || manifests.errors.first().map(|error| error.message.clone());
        return Err(no_job(left.or_else(error).unwrap_or_default()));
    };
    if converted.request.name != job.name {
        return Err(no_job(Untrusted::new("its name is not one that a job can have")));
    }
    let (change, restarts) = adoption(converted.request, job, facts)?;
    // The API server keeps the state of the schedule.
    let notes = converted.notes.into_iter().filter(|note| !note.as_raw().starts_with("it is suspended"));
    let set = ChangeSet::new(vec![change], &facts.namespace.limits);
    Ok(Adoption { set, notes: notes.collect(), restarts })
}

/// The labels that the API server sets on the pods of a Job (Kubernetes 1.33).
const JOB_LABELS: [&str; 4] =
    ["batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name", "controller-uid", "job-name"];

/// Returns a live object as it can be created again: without what the API server and the controllers set.
#[must_use]
pub fn as_created(job: &JobObjects) -> Value {
    let mut json = match &job.workload {
        JobWorkload::OneOff(found) => Object::Job(found.clone()).to_json(),
        JobWorkload::Scheduled(found) => Object::CronJob(found.clone()).to_json(),
        JobWorkload::Continuous(found) => Object::Deployment(found.clone()).to_json(),
    };
    if let Some(fields) = json.as_object_mut() {
        fields.remove("status");
    }
    if let Some(metadata) = json["metadata"].as_object_mut() {
        metadata.retain(|key, _| matches!(key.as_str(), "name" | "namespace" | "labels" | "annotations"));
    }
    if let Some(annotations) = json.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        annotations.retain(|key, _| !key.starts_with("deployment.kubernetes.io/"));
    }
    if matches!(job.workload, JobWorkload::OneOff(_)) && json["spec"]["manualSelector"] != Value::Bool(true) {
        if let Some(spec) = json["spec"].as_object_mut() {
            spec.remove("selector");
        }
        for labels in ["/metadata/labels", "/spec/template/metadata/labels"] {
            if let Some(labels) = json.pointer_mut(labels).and_then(Value::as_object_mut) {
                labels.retain(|key, _| !JOB_LABELS.contains(&key.as_str()));
            }
        }
    }
    json
}

/// Refuses an image that the catalog does not have, unless one of its types is the same image from another registry.
fn check_image(job: &JobObjects, facts: &JobFacts) -> Result<(), JobPlanError> {
    let container = job.workload.template().and_then(|template| template.spec.as_ref()?.containers.first());
    let Some(image) = container.and_then(|container| container.image.clone()) else { return Ok(()) };
    let Namespace { catalog, platform, .. } = &facts.namespace;
    match catalog.job_image(&JobImage::Reference(image), &platform.build_service_repository) {
        Err(ImageLookupError::Reference { near: Some(near), .. })
            if matches!(near.as_raw().parse(), Ok(JobImage::Type(_))) =>
        {
            Ok(())
        }
        found => found.map(|_| ()).map_err(JobPlanError::from),
    }
}

fn read(object: &Object, tool: &ToolName, manifests: &mut Manifests) {
    let mut json = object.to_json();
    if let Some(fields) = json.as_object_mut() {
        fields.remove("status");
    }
    if let Some(metadata) = json["metadata"].as_object_mut() {
        metadata.retain(|key, _| matches!(key.as_str(), "name" | "namespace" | "labels" | "annotations"));
    }
    for document in &file_documents(&json.to_string()).documents {
        manifests.read(&with_current_version(&document.node), tool);
    }
}
