//! A job's objects: what runs it, and how it is reached.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::{CronJob, Job, JobSpec};
use k8s_openapi::api::core::v1::{Container, PodTemplateSpec, Service};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::jiff::Timestamp;
use toolforge_model::{JobName, platform};

use crate::change::WorkloadKind;
use crate::object::{
    HttpRoute, Object, ObjectKind, cron_job_spec, deployment_replicas, deployment_spec, label,
};

/// The objects of a job, rendered or live.
#[derive(Clone, Debug, PartialEq)]
pub struct JobObjects {
    /// The job's name.
    pub name: JobName,
    /// The object that runs it.
    pub workload: JobWorkload,
    /// Its address inside the cluster, if it has one.
    pub service: Option<Service>,
    /// Its address outside the cluster, if it has one.
    pub http_route: Option<HttpRoute>,
}

/// The object that runs a job.
#[derive(Clone, Debug, PartialEq)]
pub enum JobWorkload {
    /// A Job runs a one-off job.
    OneOff(Box<Job>),
    /// A CronJob runs a scheduled job.
    Scheduled(Box<CronJob>),
    /// A Deployment keeps a continuous job running.
    Continuous(Box<Deployment>),
}

impl JobWorkload {
    /// Returns the object's metadata.
    #[must_use]
    pub fn metadata(&self) -> &ObjectMeta {
        match self {
            Self::OneOff(job) => &job.metadata,
            Self::Scheduled(cron_job) => &cron_job.metadata,
            Self::Continuous(deployment) => &deployment.metadata,
        }
    }

    pub(crate) fn metadata_mut(&mut self) -> &mut ObjectMeta {
        match self {
            Self::OneOff(job) => &mut job.metadata,
            Self::Scheduled(cron_job) => &mut cron_job.metadata,
            Self::Continuous(deployment) => &mut deployment.metadata,
        }
    }

    /// Returns the object's kind.
    #[must_use]
    pub fn kind(&self) -> ObjectKind {
        match self {
            Self::OneOff(_) => ObjectKind::Job,
            Self::Scheduled(_) => ObjectKind::CronJob,
            Self::Continuous(_) => ObjectKind::Deployment,
        }
    }

    /// Returns how many pods a continuous job keeps running; `None` for other jobs.
    #[must_use]
    pub fn replicas(&self) -> Option<u64> {
        match self {
            Self::Continuous(deployment) => Some(deployment_replicas(deployment)),
            Self::OneOff(_) | Self::Scheduled(_) => None,
        }
    }

    /// Returns the kind of job that it runs.
    #[must_use]
    pub fn job_kind(&self) -> WorkloadKind {
        match self {
            Self::OneOff(_) => WorkloadKind::OneOff,
            Self::Scheduled(_) => WorkloadKind::Scheduled,
            Self::Continuous(_) => WorkloadKind::Continuous,
        }
    }

    /// Returns the creation time of the object.
    #[must_use]
    pub fn created(&self) -> Option<Timestamp> {
        self.metadata().creation_timestamp.as_ref().map(|time| time.0)
    }

    pub(super) fn job_spec(&self) -> Option<&JobSpec> {
        match self {
            Self::OneOff(job) => job.spec.as_ref(),
            Self::Scheduled(cron_job) => cron_job_spec(cron_job)?.job_template.spec.as_ref(),
            Self::Continuous(_) => None,
        }
    }

    /// Returns the template of the job's pods.
    #[must_use]
    pub fn template(&self) -> Option<&PodTemplateSpec> {
        match self {
            Self::OneOff(_) | Self::Scheduled(_) => self.job_spec().map(|spec| &spec.template),
            Self::Continuous(deployment) => deployment_spec(deployment).map(|spec| &spec.template),
        }
    }
}

impl JobObjects {
    /// Returns the objects in the order in which they are created: what runs the job, its Service, its HTTPRoute.
    #[must_use]
    pub fn into_objects(self) -> Vec<Object> {
        let Self { name: _, workload, service, http_route } = self;
        let workload = match workload {
            JobWorkload::OneOff(job) => Object::Job(job),
            JobWorkload::Scheduled(cron_job) => Object::CronJob(cron_job),
            JobWorkload::Continuous(deployment) => Object::Deployment(deployment),
        };
        let service = service.map(Object::from);
        let http_route = http_route.map(Object::from);
        [workload].into_iter().chain(service).chain(http_route).collect()
    }

    /// Returns the kinds and the metadata of the objects, in the order in which they are created.
    pub(super) fn ids(&self) -> impl Iterator<Item = (ObjectKind, &ObjectMeta)> {
        let workload = (self.workload.kind(), self.workload.metadata());
        let service = self.service.as_ref().map(|object| (ObjectKind::Service, &object.metadata));
        let http_route = self.http_route.as_ref().map(|object| (ObjectKind::HttpRoute, &object.metadata));
        [workload].into_iter().chain(service).chain(http_route)
    }

    /// Returns the container that runs the job's command: the one with the current name, otherwise the first.
    pub(super) fn container(&self) -> Option<&Container> {
        let containers = &self.workload.template()?.spec.as_ref()?.containers;
        containers.iter().find(|container| container.name == platform::CONTAINER_JOB).or(containers.first())
    }

    pub(super) fn label(&self, key: &str) -> Option<&str> {
        label(self.workload.metadata().labels.as_ref(), key)
    }

    /// Returns an annotation of the object.
    #[must_use]
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.workload.metadata().annotations.as_ref()?.get(key).map(String::as_str)
    }

    /// Returns whether the object is being deleted.
    #[must_use]
    pub fn is_terminating(&self) -> bool {
        self.workload.metadata().deletion_timestamp.is_some()
    }
}
