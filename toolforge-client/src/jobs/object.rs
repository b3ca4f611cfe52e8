//! The kinds of a job's objects.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::Service;
use toolforge_model::ToolName;
use toolforge_render::job::{JobManifest, LiveWorkload};

use crate::{Collection, ResourceType};

/// The kind of an object that is one of a job's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobObject {
    /// A Job.
    Job,
    /// A CronJob.
    CronJob,
    /// A Deployment.
    Deployment,
    /// A Service.
    Service,
    /// An HTTPRoute.
    HttpRoute,
}

impl JobObject {
    /// Returns the objects of this kind in a tool's namespace.
    #[must_use]
    pub fn of(self, tool: &ToolName) -> Collection {
        let resource = match self {
            Self::Job => ResourceType::of::<Job>(),
            Self::CronJob => ResourceType::of::<CronJob>(),
            Self::Deployment => ResourceType::of::<Deployment>(),
            Self::Service => ResourceType::of::<Service>(),
            Self::HttpRoute => ResourceType::HTTP_ROUTES,
        };
        resource.in_namespace(tool.namespace())
    }

    /// Returns the kind of a rendered object.
    pub(super) fn of_manifest(manifest: &JobManifest<'_>) -> Self {
        match manifest {
            JobManifest::Job(_) => Self::Job,
            JobManifest::CronJob(_) => Self::CronJob,
            JobManifest::Deployment(_) => Self::Deployment,
            JobManifest::Service(_) => Self::Service,
            JobManifest::HttpRoute(_) => Self::HttpRoute,
        }
    }

    /// Returns the kind of a live job's own object.
    #[must_use]
    pub fn of_live(workload: &LiveWorkload) -> Self {
        match workload {
            LiveWorkload::OneOff(_) => Self::Job,
            LiveWorkload::Scheduled(_) => Self::CronJob,
            LiveWorkload::Continuous(_) => Self::Deployment,
        }
    }
}
