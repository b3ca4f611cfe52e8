//! What is done to the objects of a namespace: decided once, checked against the quota, and then carried out as it was
//! checked.
//!
//! [`ChangeSet`] is made from rendered and live objects by `web_service` and by `job`. It is handed on by reference: what is
//! refused, shown, sent and waited for is the same value.

mod change_set;
mod rollout;
mod step;

pub use change_set::{ChangeSet, ResourceForecast};
pub(crate) use rollout::PodReplacement;
pub use rollout::{Downtime, Rollout};
pub(crate) use step::ChangeDemand;
pub use step::{Action, Change, Step, StepAction, WorkloadKind};
