//! Change sets: planning them until they fit, applying them, and the report of what was done.

mod adopt;
mod apply;
mod apply_report;
mod deletions;
mod error;
mod freed_quota;
mod planner;
mod seen;
mod start;
mod stop;
mod waits;

pub use adopt::{AdoptionOutcome, DeletedObject, LostReason};
pub use apply::{ApplyEvent, ApplyOptions, TERMINATION_TIMEOUT};
pub use apply_report::{ApplyReport, ChangeOutcome, ChangeReport, Progress, WriteKind, Written};
pub use error::ApplyError;
pub use freed_quota::{MissingQuota, wait_for_quota};
pub use planner::{Applied, Attempt, EarlierChange, Planner};
pub use start::{StartPlan, StartedWebService, WebServiceStart};
pub use stop::StopOutcome;
