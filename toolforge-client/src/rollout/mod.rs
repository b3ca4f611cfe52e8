//! Waiting for the rollout of a Deployment, of a web service or of a continuous job.

mod events;
mod last_lines;
mod patience;
mod target;
mod wait;

pub use last_lines::LAST_LINES;
pub(crate) use patience::IMAGE;
pub use target::{RolloutEvent, RolloutOutcome, RolloutTarget};
pub use wait::ROLLOUT_TIMEOUT;
