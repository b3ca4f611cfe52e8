use toolforge_model::{Cpu, Memory};

use crate::container::ContainerResources;
use crate::ratio::Ratio;

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
    /// How many times its CPU request a container's CPU limit may be.
    pub max_limit_request_ratio_cpu: Option<Ratio>,
    /// How many times its memory request a container's memory limit may be.
    pub max_limit_request_ratio_memory: Option<Ratio>,
}

impl LimitRange {
    /// Returns a container's resources with this LimitRange's defaults where it states nothing.
    ///
    /// A LimitRange that names no default limit has its maximum for one, and one that names no default request its
    /// default limit, else its minimum (the API's own defaulting of a LimitRange).
    #[must_use]
    pub fn with_defaults(&self, container: ContainerResources) -> ContainerResources {
        let default_cpu = self.default_cpu.or(self.max_cpu);
        let default_memory = self.default_memory.or(self.max_memory);
        let default_request_cpu = self.default_request_cpu.or(default_cpu).or(self.min_cpu);
        let default_request_memory = self.default_request_memory.or(default_memory).or(self.min_memory);
        ContainerResources {
            cpu_limit: container.cpu_limit.or(default_cpu),
            cpu_request: container.cpu_request.or(default_request_cpu),
            memory_limit: container.memory_limit.or(default_memory),
            memory_request: container.memory_request.or(default_request_memory),
        }
    }
}

/// Returns a container's resources as the API server completes them.
///
/// In its order: where only a limit is stated, the request is that limit (the pod's own defaulting); then each
/// LimitRange fills in the limits and requests that are still missing (the admission plugin LimitRanger, which
/// takes several LimitRanges in no fixed order). A request that is stated alone can so come to stand above a limit
/// that was filled in, and the pod is then refused; see [`violations`](crate::violations).
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

    fn cpu(text: &str) -> Option<Cpu> {
        Some(text.parse().unwrap())
    }

    fn memory(text: &str) -> Option<Memory> {
        Some(text.parse().unwrap())
    }

    /// A container by its CPU limit and request; `-` stands for none.
    fn container(limit: &str, request: &str) -> ContainerResources {
        ContainerResources {
            cpu_limit: limit.parse().ok(),
            cpu_request: request.parse().ok(),
            ..ContainerResources::default()
        }
    }

    #[test]
    fn a_container_that_states_nothing_costs_the_defaults() {
        let (_, limits) = profiles::by_name("tools-2023").unwrap();
        let container = defaulted(&[limits], ContainerResources::default());
        let ContainerResources { cpu_limit, cpu_request, memory_limit, memory_request } = container;
        assert_eq!((cpu_limit, cpu_request), (cpu("500m"), cpu("150m")));
        assert_eq!((memory_limit, memory_request), (memory("512Mi"), memory("256Mi")));
    }

    #[test]
    fn a_limit_alone_is_requested_whole_and_a_request_alone_gets_the_default_limit() {
        let (_, limits) = profiles::by_name("tools-2023").unwrap();
        for (stated, expected) in [
            (container("-", "-"), container("500m", "150m")),
            (container("1", "-"), container("1", "1")),
            (container("100m", "-"), container("100m", "100m")),
            (container("-", "200m"), container("500m", "200m")),
            (container("-", "800m"), container("500m", "800m")),
            (container("1", "200m"), container("1", "200m")),
        ] {
            let found = defaulted(std::slice::from_ref(&limits), stated);
            assert_eq!(
                (found.cpu_limit, found.cpu_request),
                (expected.cpu_limit, expected.cpu_request),
                "{stated:?}"
            );
        }
    }

    #[test]
    fn a_default_that_is_not_named_comes_from_the_next() {
        let (max, min) = (cpu("2"), cpu("50m"));
        let range = |default_cpu, default_request_cpu, max_cpu, min_cpu| LimitRange {
            default_cpu,
            default_request_cpu,
            max_cpu,
            min_cpu,
            ..LimitRange::default()
        };
        for (range, expected) in [
            (range(None, None, max, min), container("2", "2")),
            (range(cpu("1"), None, max, min), container("1", "1")),
            (range(None, None, None, min), container("-", "50m")),
            (range(None, cpu("100m"), None, min), container("-", "100m")),
            (range(None, cpu("100m"), max, None), container("2", "100m")),
            (range(None, None, None, None), container("-", "-")),
        ] {
            assert_eq!(range.with_defaults(ContainerResources::default()), expected, "{range:?}");
        }
        let memory_only = LimitRange { min_memory: memory("100Mi"), ..LimitRange::default() };
        let given = memory_only.with_defaults(ContainerResources::default());
        assert_eq!((given.memory_limit, given.memory_request), (None, memory("100Mi")));
        let memory_only = LimitRange { max_memory: memory("4Gi"), ..memory_only };
        let given = memory_only.with_defaults(ContainerResources::default());
        assert_eq!((given.memory_limit, given.memory_request), (memory("4Gi"), memory("4Gi")));
    }

    #[test]
    fn the_first_of_several_limit_ranges_that_has_a_default_gives_it() {
        let range = |text| LimitRange { default_cpu: cpu(text), ..LimitRange::default() };
        let found =
            defaulted(&[LimitRange::default(), range("1"), range("2")], ContainerResources::default());
        assert_eq!(found, container("1", "1"));
    }
}
