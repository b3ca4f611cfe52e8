//! Changes to the objects of a namespace: computed once, checked against the quota, and applied as checked.
//!
//! `web_service` and `job` compute a [`ChangeSet`] from rendered and live objects. The same value is then checked, reported,
//! applied and waited for.

mod adjustment;
mod change_set;
mod pod_replacement;
mod queued_runs;
mod scheduled_runs;
mod stages;
mod step;
mod workload;

pub use adjustment::{Adjustment, Largest, LargestSizes, PodPart};
pub(crate) use adjustment::{CHOICES, SizeCap, cap_adjustments, is_within};
pub(crate) use adjustment::{Sized, lowest_size, set_size};
pub(crate) use change_set::with_rows;
pub use change_set::{BlockedRun, ChangeSet, ResourceForecast};
pub(crate) use pod_replacement::PodReplacement;
pub use pod_replacement::{Downtime, Rollout};
pub(crate) use step::ChangeDemand;
pub use step::{Action, Change, Step, StepAction};
pub use workload::{Workload, WorkloadKind};
