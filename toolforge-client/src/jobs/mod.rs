//! Facts of jobs, and waiting for their runs.

mod fetch;
mod run;
mod wait;

pub use fetch::{FetchedJobs, JobFetchOptions};
pub use run::RunWaitOutcome;
pub use wait::JobRun;
