use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::{CronJob, Job, JobSpec};
use k8s_openapi::api::core::v1::{Container, PodTemplateSpec, Service};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::jiff::Timestamp;
use toolforge_model::{JobName, platform};

use crate::job::{JobManifests, Workload};
use crate::object::HttpRoute;

/// A job as the cluster holds it.
#[derive(Clone, Debug)]
pub struct LiveJob {
    /// The job's name.
    pub name: JobName,
    /// The object that runs it.
    pub workload: LiveWorkload,
    /// Its address inside the cluster, where it has one.
    pub service: Option<Service>,
    /// Its address outside the cluster, where it has one.
    pub http_route: Option<HttpRoute>,
}

/// The object that runs a job.
#[derive(Clone, Debug)]
pub enum LiveWorkload {
    /// A Job.
    OneOff(Box<Job>),
    /// A CronJob.
    Scheduled(Box<CronJob>),
    /// A Deployment.
    Continuous(Box<Deployment>),
}

impl LiveWorkload {
    /// Returns the object's metadata.
    #[must_use]
    pub fn metadata(&self) -> &ObjectMeta {
        match self {
            Self::OneOff(job) => &job.metadata,
            Self::Scheduled(cron_job) => &cron_job.metadata,
            Self::Continuous(deployment) => &deployment.metadata,
        }
    }

    /// Returns the object's kind.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::OneOff(_) => "Job",
            Self::Scheduled(_) => "CronJob",
            Self::Continuous(_) => "Deployment",
        }
    }

    /// Returns the word for the kind of job that it is.
    #[must_use]
    pub fn job_kind(&self) -> &'static str {
        match self {
            Self::OneOff(_) => "one-off",
            Self::Scheduled(_) => "scheduled",
            Self::Continuous(_) => "continuous",
        }
    }

    /// Returns when the object was made.
    #[must_use]
    pub fn created(&self) -> Option<Timestamp> {
        self.metadata().creation_timestamp.as_ref().map(|time| time.0)
    }

    pub(super) fn job_spec(&self) -> Option<&JobSpec> {
        match self {
            Self::OneOff(job) => job.spec.as_ref(),
            Self::Scheduled(cron_job) => cron_job.spec.as_ref()?.job_template.spec.as_ref(),
            Self::Continuous(_) => None,
        }
    }

    /// Returns the template of the job's pods.
    #[must_use]
    pub fn template(&self) -> Option<&PodTemplateSpec> {
        match self {
            Self::OneOff(_) | Self::Scheduled(_) => self.job_spec().map(|spec| &spec.template),
            Self::Continuous(deployment) => deployment.spec.as_ref().map(|spec| &spec.template),
        }
    }
}

impl LiveJob {
    /// Returns a rendered job as if it stood.
    #[must_use]
    pub fn of_manifests(manifests: &JobManifests) -> Self {
        let JobManifests { name, workload, service, http_route } = manifests;
        let workload = match workload.clone() {
            Workload::OneOff(job) => LiveWorkload::OneOff(job),
            Workload::Scheduled(cron_job) => LiveWorkload::Scheduled(cron_job),
            Workload::Continuous(deployment) => LiveWorkload::Continuous(deployment),
        };
        Self { name: name.clone(), workload, service: service.clone(), http_route: http_route.clone() }
    }

    /// Returns the container that runs the job's command: the one of today's name, else the first.
    pub(super) fn container(&self) -> Option<&Container> {
        let containers = &self.workload.template()?.spec.as_ref()?.containers;
        containers.iter().find(|container| container.name == platform::CONTAINER_JOB).or(containers.first())
    }

    pub(super) fn label(&self, key: &str) -> Option<&str> {
        self.workload.metadata().labels.as_ref()?.get(key).map(String::as_str)
    }

    /// Returns an annotation of the object.
    #[must_use]
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.workload.metadata().annotations.as_ref()?.get(key).map(String::as_str)
    }

    /// Returns whether the object is on its way out.
    #[must_use]
    pub fn is_leaving(&self) -> bool {
        self.workload.metadata().deletion_timestamp.is_some()
    }
}
