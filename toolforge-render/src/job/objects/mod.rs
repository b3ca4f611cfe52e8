//! The Kubernetes objects of a planned job.

mod address;
mod command;
mod pod_template;
mod workload;

pub(super) use command::{RenderedCommand, health_check_of, health_check_words, read_of_version_1};

use crate::job::{JobObjects, JobPlan};

impl JobPlan {
    /// Returns the objects of the job, as sent to the API server: the platform's names, labels and commands.
    #[must_use]
    pub fn objects(&self) -> JobObjects {
        crate::rendered::count();
        JobObjects {
            name: self.request.name.clone(),
            workload: workload::workload(self),
            service: address::service(self),
            http_route: address::http_route(self),
        }
    }
}
