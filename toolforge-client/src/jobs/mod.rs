//! Facts of jobs, and waiting for their runs.

mod fetch;
mod run_end;
mod wait;

pub use fetch::{FetchedJobs, JobFetchOptions};
pub use run_end::RunEnd;
pub use wait::JobRun;
