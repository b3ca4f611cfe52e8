//! Whether a change fits a tool's Kubernetes quotas and limits, in plain numbers.
//!
//! [`Limits`] hold what a namespace allows: its [`ResourceQuota`]s and [`LimitRange`]s. A [`Demand`] is what objects
//! request of it, use or free. [`Limits::evaluate`] returns a [`QuotaCheck`]: whether a change fits once the pods that it
//! replaces are gone. All quotas of a namespace apply at once.
//!
//! [`rolling_peak`] returns what a change requests at the peak of its rollout, while old and new pods run at the same
//! time, and [`simulate`] finds the scheduled runs that exceed a quota together.
//!
//! It knows no Kubernetes objects (`toolforge-render` reads the numbers from them) and no cluster. It does not say
//! whether a node has enough resources: a change that fits the quota may fit no node.
//!
//! ```
//! use toolforge_quota::{ContainerDemand, ContainerResources, Demand, Limits, PodDemand, apply_defaults, profiles};
//!
//! let limits: Limits = profiles::by_name("tools-2023")?.into();
//! // A container that states nothing gets the namespace's defaults.
//! let resources = apply_defaults(&limits.limit_ranges, ContainerResources::default());
//! let container = ContainerDemand::new("deployment/stashbot", resources);
//! let pod = PodDemand { containers: vec![resources], ..PodDemand::default() }.demand();
//!
//! let check = limits.evaluate(&Demand::default(), &pod.times(10), &[container.clone()]);
//! assert_eq!(check.to_string(), "limits.cpu: 5 of 2, 3 too much (quota tools-2023)");
//! let check = limits.evaluate(&Demand::default(), &pod.times(4), &[container]);
//! assert_eq!(check.to_string(), "fits");
//! # Ok::<(), profiles::UnknownProfileError>(())
//! ```

mod conflict;
mod container_resources;
mod demand;
mod limit_range;
mod limit_violation;
mod quota_check;
mod ratio;
mod resource;
mod resource_quota;
mod rollout;
mod schedule;
mod scopes;
mod unsettled;

pub mod profiles;

pub use conflict::{Conflict, ConflictCount, ConflictCounter, conflicting_runs, conflicts};
pub use container_resources::{Amounts, ComputeResource, ContainerDemand, ContainerResources, PerResource};
pub use demand::{Demand, InitContainer, PodDemand};
pub use limit_range::{LimitRange, apply_defaults};
pub use limit_violation::{LimitViolation, LimitViolationKind, violations};
pub use quota_check::{DemandChange, Limits, QuotaCheck, ResourceCheck, check_resources};
pub use ratio::Ratio;
pub use resource::Resource;
pub use resource_quota::ResourceQuota;
pub use rollout::{Pods, RollingUpdate, rolling_peak};
pub use schedule::{Concurrency, Interval, ScheduledRuns, Timeline, simulate, timelines};
pub use scopes::{PodTraits, Scope, Scopes};
pub use unsettled::{TerminatingPod, WaitingPods};
