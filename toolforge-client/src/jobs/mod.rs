//! What the jobs' verbs ask of the cluster.

mod fetch;
mod wait;

pub use fetch::{JobFetchOptions, JobObjects};
pub use wait::JobRun;
