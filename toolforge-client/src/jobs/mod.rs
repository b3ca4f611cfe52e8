//! Facts of jobs, and waiting for their runs.

mod fetch;
mod wait;

pub use fetch::{JobFetchOptions, JobObjects};
pub use wait::JobRun;
