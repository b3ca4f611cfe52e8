//! What the jobs' verbs ask of the cluster.

mod change;
mod fetch;
mod object;
mod wait;

pub use fetch::{JobObjects, WantedJobs};
pub use object::JobObject;
