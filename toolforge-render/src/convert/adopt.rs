//! Objects that no tool manages become jobs, in place if possible.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::PodTemplateSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use toolforge_images::ImageLookupError;
use toolforge_model::{Diagnostic, JobImage, ToolName, Untrusted};

use super::{ConversionNote, Converter, with_current_version};
use crate::change::{Change, ChangeSet};
use crate::job::{JobFacts, JobObjects, JobPlan, JobPlanError, JobWorkload, adoption, own_finalizers};
use crate::manifest::{Manifests, file_documents};
use crate::namespace::Namespace;
use crate::object::{Object, ObjectKind, deployment_spec, remove_generated_labels, selects_pods};

/// How an object that no tool manages becomes a job.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Adoption {
    /// The change, and whether it fits.
    pub set: ChangeSet,
    /// What the job lacks or changes compared with the object.
    pub notes: Vec<ConversionNote>,
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
    #[error("it belongs to {} {}{}", kind.escaped(), name.escaped(), if *is_created_again { ", which creates it again" } else { "" })]
    Owned {
        /// The kind of the owner.
        kind: Untrusted,
        /// Its name.
        name: Untrusted,
        /// Whether the owner is a controller that creates it again. A CronJob does not: each Job is another run.
        is_created_again: bool,
    },
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
/// The change may delete the object first. A program that applies it must keep the object, and create it [again](as_created) if its
/// job cannot be created: `Client::adopt` of `toolforge-client` does.
///
/// # Errors
/// When another object owns it, it cannot be written as a job, or its image does not exist.
pub fn plan_adoption(job: &JobObjects, facts: &JobFacts) -> Result<Adoption, AdoptionError> {
    if let Some(owner) = job.workload.metadata().owner_references.iter().flatten().next() {
        return Err(AdoptionError::Owned {
            kind: Untrusted::new(owner.kind.as_str()),
            name: Untrusted::new(owner.name.as_str()),
            is_created_again: owner.controller == Some(true) && owner.kind != "CronJob",
        });
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
    let mut converter = Converter::of_live(facts, job);
    converter.add_manifests(&manifests.manifests);
    let conversion = converter.finish();
    let no_job = |reason: Untrusted| AdoptionError::NoJob { reason };
    let Some(converted) = conversion.jobs.into_iter().next() else {
        let left = conversion.unconverted.into_iter().next().map(|left| left.reason);
        let error = || manifests.errors.first().map(Diagnostic::text);
        let web_service = || Untrusted::new("it has the labels of a web service");
        return Err(no_job(left.or_else(error).unwrap_or_else(web_service)));
    };
    if converted.request.name != job.name {
        return Err(no_job(Untrusted::new("its name is not a valid job name")));
    }
    let wanted = match converted.rendered {
        Some(rendered) => rendered,
        None => JobPlan::of_live(converted.request, facts, Some(job))?.objects(),
    };
    let (change, restarts) = adoption(wanted, job, facts)?;
    let mut notes = converted.notes;
    // The fields are those of the live object, and the API server keeps the state of the schedule.
    notes.retain(|note| {
        !matches!(
            note,
            ConversionNote::Field { object: None, .. }
                | ConversionNote::Amount { .. }
                | ConversionNote::Suspended
        )
    });
    let workload =
        change.steps.iter().find(|step| step.id.kind == job.workload.kind() && step.wanted.is_some());
    let differences = workload.map(|step| step.differences.clone()).unwrap_or_default();
    notes.extend(converted.carried.notes(differences));
    notes.extend(lost_services(job, &change, facts));
    ConversionNote::sort(&mut notes);
    let set = ChangeSet::new(vec![change], &facts.namespace.limits);
    Ok(Adoption { set, notes, restarts })
}

/// Returns how to continue the adoption of an object that was deleted, but whose job was not created.
///
/// # Errors
/// Those of [`plan_adoption`].
pub fn resume_adoption(job: &JobObjects, facts: &JobFacts) -> Result<Adoption, AdoptionError> {
    let Adoption { set, notes, restarts } = plan_adoption(job, facts)?;
    let changes = set.changes.into_iter().map(Change::without_deletion).collect();
    Ok(Adoption { set: ChangeSet::new(changes, &facts.namespace.limits), notes, restarts })
}

/// Returns a live object as it can be created again: without what the API server and the controllers set.
#[must_use]
pub fn as_created(job: &JobObjects) -> Object {
    let mut workload = job.workload.clone();
    let finalizers = own_finalizers(workload.metadata());
    let ObjectMeta { name, namespace, labels, annotations, .. } = workload.metadata().clone();
    *workload.metadata_mut() =
        ObjectMeta { name, namespace, labels, annotations, finalizers, ..ObjectMeta::default() };
    if let JobWorkload::OneOff(found) = &mut workload
        && let Some(spec) = found.spec.as_mut().filter(|spec| spec.manual_selector != Some(true))
    {
        // The API server generates them again.
        spec.selector = None;
        let labels = spec.template.metadata.as_mut().and_then(|metadata| metadata.labels.as_mut());
        labels.into_iter().for_each(remove_generated_labels);
    }
    match workload {
        JobWorkload::OneOff(found) => Object::Job(Box::new(Job { status: None, ..*found })),
        JobWorkload::Scheduled(found) => Object::CronJob(Box::new(CronJob { status: None, ..*found })),
        JobWorkload::Continuous(found) => Object::Deployment(Box::new(Deployment { status: None, ..*found })),
    }
}

/// Returns a note for each Service that selects the pods now, but not those of the job.
fn lost_services(job: &JobObjects, change: &Change, facts: &JobFacts) -> Vec<ConversionNote> {
    let labels_of =
        |template: &PodTemplateSpec| template.metadata.clone().and_then(|metadata| metadata.labels);
    let JobWorkload::Continuous(_) = job.workload else { return Vec::new() };
    let before = job.workload.template().and_then(labels_of);
    let after = change.objects().find_map(|object| match object {
        Object::Deployment(found) => deployment_spec(found).map(|spec| labels_of(&spec.template)),
        _ => None,
    });
    let after = after.flatten();
    let is_replaced = |name: &str| {
        change.steps.iter().any(|step| step.id.kind == ObjectKind::Service && step.id.name == name)
    };
    let lost = facts.live.services.iter().filter(|service| {
        let name = service.metadata.name.as_deref().unwrap_or_default();
        selects_pods(service, before.as_ref()) && !selects_pods(service, after.as_ref()) && !is_replaced(name)
    });
    lost.map(|service| ConversionNote::LostService {
        name: Untrusted::new(service.metadata.name.clone().unwrap_or_default()),
    })
    .collect()
}

/// Refuses an image that the catalog does not have, unless one of its types is the same image from another registry.
fn check_image(job: &JobObjects, facts: &JobFacts) -> Result<(), JobPlanError> {
    let container = job.workload.template().and_then(|template| template.spec.as_ref()?.containers.first());
    let Some(image) = container.and_then(|container| container.image.clone()) else { return Ok(()) };
    let Namespace { catalog, platform, .. } = &facts.namespace;
    let repository = &platform.build_service_repository;
    if catalog.renamed_job_image(&image, repository).is_some() {
        return Ok(());
    }
    match catalog.job_image(&JobImage::Reference(image), repository) {
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
        metadata.retain(|key, _| {
            matches!(key.as_str(), "name" | "namespace" | "labels" | "annotations" | "finalizers")
        });
    }
    for document in &file_documents(&json.to_string()).documents {
        manifests.read(&with_current_version(&document.node), tool);
    }
}
