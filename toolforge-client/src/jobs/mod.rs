//! Facts of jobs, and waiting for their runs.

mod fetch;
mod wait;
mod wait_run;

pub use fetch::{FetchedJobs, JobFetchOptions};
pub use wait::JobRun;
pub use wait_run::RunWaitOutcome;
