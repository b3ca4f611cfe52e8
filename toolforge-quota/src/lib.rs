//! Whether a change fits a tool's Kubernetes quotas and limits, in plain numbers.
//!
//! [`Limits`] hold what a namespace allows: its [`ResourceQuota`]s and [`LimitRange`]s. A [`Demand`] is the amounts that
//! objects request, use or free. [`Limits::evaluate`] returns a [`QuotaCheck`]: whether a change fits once the pods that it
//! replaces are gone. All quotas of a namespace apply at once.
//!
//! [`rolling_peak`] returns the requests of a change at the peak of its rollout, while old and new pods run at the same
//! time, and [`simulate`] finds the scheduled runs that exceed a quota together.
//!
//! It knows no Kubernetes objects (`toolforge-render` reads the numbers from them) and no cluster. It does not say
//! whether a node has enough resources: a change that fits the quota may fit no node.
//!
//! ```
//! use toolforge_quota::{ContainerResources, Demand, Limits, PodDemand, profiles};
//!
//! let limits: Limits = profiles::by_name("tools-2023")?.into();
//! // A container that states nothing gets the namespace's defaults.
//! let pod = PodDemand { containers: vec![ContainerResources::default()], ..PodDemand::default() };
//! let pod = pod.with_defaults(&limits.limit_ranges);
//!
//! let check = limits.evaluate(&Demand::default(), &pod.demand().times(10), &[pod.clone()]);
//! assert_eq!(check.to_string(), "limits.cpu: 5 of 2, 3 CPU too much (quota tools-2023)");
//! let check = limits.evaluate(&Demand::default(), &pod.demand().times(4), &[pod]);
//! assert_eq!(check.to_string(), "fits");
//! # Ok::<(), profiles::UnknownProfileError>(())
//! ```

mod admission;
mod audit;
mod conflict;
mod container_resources;
mod demand;
mod limit_check;
mod limit_range;
mod limit_violation;
mod object_name;
mod pod_demand;
mod quota_check;
mod ratio;
mod resource;
mod resource_check;
mod resource_quota;
mod rollout;
mod scopes;
mod settled;
mod simulation;
mod size;
mod stages;
mod unit;
mod unsettled;
mod unusable_quota;
mod verdict;

pub mod profiles;

pub use admission::Admission;
pub use audit::{AuditFinding, AuditLevel, AuditedWorkload, QuotaLimit};
pub use conflict::{Conflict, ConflictCount, ConflictCounter, conflicting_runs, conflicts};
pub use container_resources::{Amounts, ComputeResource, ContainerResources, PerResource};
pub use demand::Demand;
pub use limit_check::violations;
pub use limit_range::{Bounds, LimitRange, apply_defaults};
pub use limit_violation::{LimitType, LimitViolation, LimitViolationKind, Unspecified};
pub use object_name::ObjectName;
pub use pod_demand::{InitContainer, PodDemand};
pub use quota_check::{ClaimDemand, DemandChange, Limits, LimitsKind, QuotaCheck};
pub use ratio::Ratio;
pub use resource::Resource;
pub use resource_check::ResourceCheck;
pub use resource_quota::{QuotaMark, QuotaNote, ResourceQuota};
pub use rollout::{Pods, RollingUpdate, RolloutForecast, forecast_rollout, rolling_peak};
pub use scopes::{PodTraits, PriorityClasses, Scope, Scopes};
pub use simulation::{Concurrency, Interval, ScheduledRuns, Timeline, simulate, timelines};
pub use size::{LargestSize, MEMORY_STEP, SizeBounds, WorkloadSize};
pub use unsettled::{FinitePod, KeptJobs, TerminatingPod, WaitingPods};
pub use unusable_quota::UnusableQuota;
pub use verdict::Verdict;
