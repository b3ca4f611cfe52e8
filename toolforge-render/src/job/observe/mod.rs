//! Reads live jobs: as a request and as a status.

mod pod;
mod pods;
mod request;
mod run_times;
mod runs;
mod state;

pub use pod::pod_status;
pub(in crate::job) use pods::owns;
pub use pods::{pods_of_job, runs_of_job};
pub use request::observe_job;
pub(super) use request::variables_set_by_hand;
pub(crate) use request::{CommandMarks, command_words};
pub use run_times::{MissedReason, MissedRuns};
pub use runs::{FailureReason, RunOutcome};
pub use state::{JobReplicas, JobState, JobStatus, job_status};
