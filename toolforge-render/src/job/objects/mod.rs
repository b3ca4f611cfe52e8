//! A job's Kubernetes objects.

mod command;
mod manifest;
mod service;
mod template;
mod workload;

pub(super) use command::{RenderedCommand, health_check_of, health_check_words, read_of_version_1};
pub use manifest::{JobManifest, JobManifests, Workload};

use crate::job::JobPlan;

/// Returns the objects of a planned job: the platform's names, labels and commands, exactly.
#[must_use]
pub fn render_job(plan: &JobPlan) -> JobManifests {
    JobManifests {
        name: plan.request.name.clone(),
        workload: workload::workload(plan),
        service: service::service(plan),
        http_route: service::http_route(plan),
    }
}
