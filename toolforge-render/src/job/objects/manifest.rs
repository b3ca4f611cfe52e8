use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::Service;
use serde::Serialize;
use serde_json::Value;
use toolforge_model::JobName;

use crate::object::HttpRoute;

/// The objects of a job, as they are sent to the API server.
#[derive(Clone, Debug, PartialEq)]
pub struct JobManifests {
    /// The job's name, and that of its objects.
    pub name: JobName,
    /// What runs it.
    pub workload: Workload,
    /// Its address inside the cluster, where it has a port.
    pub service: Option<Service>,
    /// Its address outside the cluster, where it is published.
    pub http_route: Option<HttpRoute>,
}

/// The object that runs a job.
#[derive(Clone, Debug, PartialEq)]
pub enum Workload {
    /// A Job runs a one-off job.
    OneOff(Box<Job>),
    /// A CronJob runs a scheduled job.
    Scheduled(Box<CronJob>),
    /// A Deployment runs a continuous job.
    Continuous(Box<Deployment>),
}

/// One rendered object.
#[derive(Clone, Copy, Debug)]
pub enum JobManifest<'a> {
    /// A Job.
    Job(&'a Job),
    /// A CronJob.
    CronJob(&'a CronJob),
    /// A Deployment.
    Deployment(&'a Deployment),
    /// A Service.
    Service(&'a Service),
    /// An HTTPRoute.
    HttpRoute(&'a HttpRoute),
}

impl JobManifests {
    /// Returns the objects in the order in which they are created.
    pub fn objects(&self) -> impl Iterator<Item = JobManifest<'_>> {
        let workload = match &self.workload {
            Workload::OneOff(job) => JobManifest::Job(job),
            Workload::Scheduled(cron_job) => JobManifest::CronJob(cron_job),
            Workload::Continuous(deployment) => JobManifest::Deployment(deployment),
        };
        let service = self.service.as_ref().map(JobManifest::Service);
        let http_route = self.http_route.as_ref().map(JobManifest::HttpRoute);
        [workload].into_iter().chain(service).chain(http_route)
    }

    /// Returns the objects as YAML documents that every YAML reader takes for the same values.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        self.objects().map(|manifest| manifest.to_yaml()).collect::<Vec<_>>().join("---\n")
    }

    /// Returns each object as JSON.
    pub fn to_json(&self) -> impl Iterator<Item = Value> {
        self.objects().map(|manifest| manifest.to_json())
    }
}

impl JobManifest<'_> {
    /// Returns the object as JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        fn json(object: &impl Serialize) -> Value {
            serde_json::to_value(object)
                .expect("a Kubernetes object has text keys and whole numbers, which JSON can hold")
        }
        match self {
            Self::Job(object) => json(object),
            Self::CronJob(object) => json(object),
            Self::Deployment(object) => json(object),
            Self::Service(object) => json(object),
            Self::HttpRoute(object) => json(object),
        }
    }

    /// Returns the object as a YAML document.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        fn yaml(object: &impl Serialize) -> String {
            toolforge_model::yaml::to_text(object)
                .expect("a Kubernetes object has text keys and whole numbers, which YAML can hold")
        }
        match self {
            Self::Job(object) => yaml(object),
            Self::CronJob(object) => yaml(object),
            Self::Deployment(object) => yaml(object),
            Self::Service(object) => yaml(object),
            Self::HttpRoute(object) => yaml(object),
        }
    }
}
