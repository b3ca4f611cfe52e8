//! What the jobs' verbs ask of the cluster.

mod change;
mod fetch;
mod object;
mod wait;

pub use fetch::{JobFetchOptions, JobObjects};
pub use object::JobObject;
pub use wait::JobRun;
