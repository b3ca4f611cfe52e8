//! A job with everything that is printed about it.

use k8s_openapi::jiff::Timestamp;
use toolforge_images::State;
use toolforge_model::JobRequest;
use toolforge_render::job::{JobFacts, JobObjects, JobStatus, job_status, observe_job};

/// A job with everything that is printed about it.
#[derive(Clone, Debug)]
pub(crate) struct ListedJob {
    /// Its request.
    pub(super) request: JobRequest,
    /// Its state.
    pub(super) status: JobStatus,
    /// The state of its image; `None` if the catalog does not have it.
    pub(super) image_state: Option<State>,
    /// Its URL outside the cluster.
    pub(super) public_url: Option<String>,
}

impl ListedJob {
    /// Returns a live job at a time.
    pub(crate) fn of(job: &JobObjects, facts: &JobFacts, now: Timestamp) -> Self {
        let request = observe_job(job, facts);
        let image = facts
            .namespace
            .catalog
            .job_image(&request.image, &facts.namespace.platform.build_service_repository);
        let is_public = request.kind.port().is_some_and(|port| port.is_public());
        Self {
            status: job_status(job, &facts.live, now),
            image_state: image.ok().map(|image| image.state),
            public_url: is_public
                .then(|| facts.namespace.platform.url(facts.namespace.platform.host(&facts.namespace.tool))),
            request,
        }
    }

    /// Returns all jobs of the tool: continuous ones, scheduled ones, one-off ones.
    pub(crate) fn all(facts: &JobFacts, now: Timestamp) -> Vec<Self> {
        facts.live.jobs_of(&facts.namespace.tool).iter().map(|job| Self::of(job, facts, now)).collect()
    }
}
