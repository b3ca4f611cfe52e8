use std::fmt;

use toolforge_model::{Cpu, Memory};

use crate::container::ContainerResources;

/// What one LimitRange gives and allows to each container; `None` where it says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LimitRange {
    /// The LimitRange's name; on Toolforge that of the namespace.
    pub name: String,
    /// The CPU limit of a container that states none.
    pub default_cpu: Option<Cpu>,
    /// The memory limit of a container that states none.
    pub default_memory: Option<Memory>,
    /// The CPU request of a container that states none.
    pub default_request_cpu: Option<Cpu>,
    /// The memory request of a container that states none.
    pub default_request_memory: Option<Memory>,
    /// The most CPU that a container may have.
    pub max_cpu: Option<Cpu>,
    /// The most memory that a container may have.
    pub max_memory: Option<Memory>,
    /// The least CPU that a container must ask for.
    pub min_cpu: Option<Cpu>,
    /// The least memory that a container must ask for.
    pub min_memory: Option<Memory>,
}

/// Which bound a container breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bound {
    /// More than a container may have.
    Max,
    /// Less than a container must ask for.
    Min,
}

/// A container's amount that a LimitRange does not allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitViolation {
    /// The LimitRange's name.
    pub limit_range: String,
    /// `CPU` or `memory`.
    pub dimension: &'static str,
    /// Which bound.
    pub bound: Bound,
    /// The amount that was asked for.
    pub asked: String,
    /// The amount that is allowed.
    pub allowed: String,
}

impl fmt::Display for LimitViolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { limit_range: _, dimension, bound, asked, allowed } = self;
        match bound {
            Bound::Max => {
                write!(f, "{asked} of {dimension} is more than the {allowed} that one container may have")
            }
            Bound::Min => {
                write!(f, "{asked} of {dimension} is less than the {allowed} that one container must have")
            }
        }
    }
}

impl LimitRange {
    /// Returns a container's resources with this LimitRange's defaults where it states nothing.
    #[must_use]
    pub fn with_defaults(&self, container: ContainerResources) -> ContainerResources {
        ContainerResources {
            cpu_limit: container.cpu_limit.or(self.default_cpu),
            // A LimitRange without a default request has its default limit for one (the API's own defaulting).
            cpu_request: container.cpu_request.or(self.default_request_cpu).or(self.default_cpu),
            memory_limit: container.memory_limit.or(self.default_memory),
            memory_request: container.memory_request.or(self.default_request_memory).or(self.default_memory),
        }
    }

    /// Returns what of a container's resources this LimitRange does not allow, defaults already applied.
    #[must_use]
    pub fn violations(&self, container: &ContainerResources) -> Vec<LimitViolation> {
        let ContainerResources { cpu_limit, cpu_request, memory_limit, memory_request } = *container;
        let mut found = Vec::new();
        let mut check = |dimension, bound, broken: Option<(String, String)>| {
            if let Some((asked, allowed)) = broken {
                let limit_range = self.name.clone();
                found.push(LimitViolation { limit_range, dimension, bound, asked, allowed });
            }
        };
        check("CPU", Bound::Max, above(cpu_limit.max(cpu_request), self.max_cpu));
        check("memory", Bound::Max, above(memory_limit.max(memory_request), self.max_memory));
        check("CPU", Bound::Min, below(cpu_request.or(cpu_limit), self.min_cpu));
        check("memory", Bound::Min, below(memory_request.or(memory_limit), self.min_memory));
        found
    }
}

fn above<T: Ord + fmt::Display>(asked: Option<T>, max: Option<T>) -> Option<(String, String)> {
    let (asked, max) = (asked?, max?);
    (asked > max).then(|| (asked.to_string(), max.to_string()))
}

fn below<T: Ord + fmt::Display>(asked: Option<T>, min: Option<T>) -> Option<(String, String)> {
    let (asked, min) = (asked?, min?);
    (asked < min).then(|| (asked.to_string(), min.to_string()))
}

/// Returns a container's resources as the API server completes them.
///
/// In its order: where only a limit is stated, the request is that limit (the pod's own defaulting); then each
/// LimitRange fills in the limits and requests that are still missing (the admission plugin LimitRanger).
#[must_use]
pub fn defaulted(limit_ranges: &[LimitRange], container: ContainerResources) -> ContainerResources {
    let stated = ContainerResources {
        cpu_request: container.cpu_request.or(container.cpu_limit),
        memory_request: container.memory_request.or(container.memory_limit),
        ..container
    };
    limit_ranges.iter().fold(stated, |container, range| range.with_defaults(container))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profiles;

    fn limits() -> LimitRange {
        profiles::by_name("tools-2023").unwrap().1
    }

    fn memory(text: &str) -> Option<Memory> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn a_container_that_states_nothing_costs_the_defaults() {
        let container = defaulted(&[limits()], ContainerResources::default());
        assert_eq!(container.memory_limit, memory("512Mi"));
        assert_eq!(container.memory_request, memory("256Mi"));
        assert_eq!(container.cpu_limit, Some("500m".parse().unwrap()));
        assert_eq!(container.cpu_request, Some("150m".parse().unwrap()));
    }

    #[test]
    fn a_limit_alone_is_requested_whole() {
        let stated = ContainerResources { memory_limit: memory("1Gi"), ..ContainerResources::default() };
        assert_eq!(defaulted(&[limits()], stated).memory_request, memory("1Gi"));
    }

    #[test]
    fn what_breaks_a_bound_is_said_with_the_bound() {
        let stated = ContainerResources {
            memory_limit: memory("5Gi"),
            cpu_request: Some("10m".parse().unwrap()),
            ..ContainerResources::default()
        };
        let found: Vec<_> =
            limits().violations(&defaulted(&[limits()], stated)).iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                "5Gi of memory is more than the 4Gi that one container may have",
                "10m of CPU is less than the 50m that one container must have",
            ]
        );
    }
}
