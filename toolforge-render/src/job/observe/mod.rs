//! Reading live jobs back: what was asked for, and how it fares.

mod pods;
mod request;
mod runs;
mod schedule;
mod state;

pub use pods::{pods_of_job, runs_of};
pub use request::observe_job;
pub(super) use request::variables_set_by_hand;
pub use runs::RunOutcome;
pub use schedule::{MissedReason, MissedRuns};
pub use state::{JobState, JobStatus, job_status};
