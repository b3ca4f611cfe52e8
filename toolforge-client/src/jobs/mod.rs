//! Facts of jobs, and waiting for their runs.

mod fetch;
mod wait;

pub use fetch::{FetchedJobs, JobFetchOptions};
pub use wait::JobRun;
pub use wait::RunWaitOutcome;
