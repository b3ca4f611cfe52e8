//! Waiting for the rollout of a Deployment, of a web service or of a continuous job.

mod events;
mod patience;
mod target;
mod wait;

pub(crate) use patience::IMAGE;
pub use target::{RolloutEvent, RolloutOutcome, RolloutTarget};
