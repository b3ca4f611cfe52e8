//! Whether a change fits a tool's Kubernetes quotas and limits, in plain numbers.
//!
//! [`ResourceQuota`] and [`LimitRange`] hold what a namespace allows, [`Demand`] what objects take of it, and
//! [`at_rest`] says whether a change fits once its old pods are gone. All quotas of a namespace bind at once.
//!
//! [`rolling_peak`] counts what a change takes at the worst moment of its rollout, while old and new pods stand side
//! by side.
//!
//! It knows no Kubernetes object (`toolforge-render` reads the numbers out of them) and no cluster. It does not say
//! whether a node has room: a quota can have room where no node has.
//!
//! ```
//! use toolforge_quota::{ContainerResources, Demand, PodDemand, at_rest, defaulted, profiles};
//!
//! let (quota, limits) = profiles::by_name("tools-2023").expect("the profile is bundled");
//! // A container that states nothing gets the namespace's defaults.
//! let container = defaulted(&[limits], ContainerResources::default());
//! let pod = PodDemand { containers: vec![container], ..PodDemand::default() }.demand();
//!
//! let verdict = at_rest(&[quota], &Demand::default(), &pod.times(17));
//! assert!(!verdict.fits());
//! let shortfalls: Vec<String> = verdict.shortfalls().map(ToString::to_string).collect();
//! assert_eq!(shortfalls[0], "pods: 17 of 10, 7 too many (quota tools-2023)");
//! ```

mod calendar;
mod container;
mod demand;
mod limit_range;
mod limit_violation;
mod ratio;
mod resource;
mod resource_quota;
mod rollout;
mod verdict;

pub mod profiles;

pub use calendar::{Overlap, Stretch, Strip, TimedRuns, calendar, overlaps, strips};
pub use container::ContainerResources;
pub use demand::{Demand, InitContainer, PodDemand};
pub use limit_range::{LimitRange, defaulted};
pub use limit_violation::{Bound, LimitViolation, violations};
pub use ratio::Ratio;
pub use resource::Resource;
pub use resource_quota::ResourceQuota;
pub use rollout::{Pods, RollingUpdate, rolling_peak};
pub use verdict::{Row, Verdict, at_rest};
