//! What the jobs' verbs ask of the cluster.

mod change;
mod fetch;
mod wait;

pub use change::JobObject;
pub use fetch::{JobObjects, WantedJobs};
