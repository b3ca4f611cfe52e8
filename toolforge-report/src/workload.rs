//! What documents are about.

use crate::describe::codes;

codes! {
    /// What a workload is.
    pub enum WorkloadType {
        /// A web service.
        WebService = "web-service",
        /// A job that runs once, or a Job.
        OneOff = "one-off",
        /// A job that runs on a schedule, or a CronJob.
        Scheduled = "scheduled",
        /// A job that is kept running, or a Deployment that is not the web service.
        Continuous = "continuous",
        /// A job that only the platform's jobs service knows.
        Recorded = "recorded",
        /// A single pod.
        Pod = "pod",
        /// The pod of `webservice shell`.
        Shell = "shell",
        /// An object of a manifest.
        Object = "object",
    }
}
