use crate::container_resources::{Amounts, ContainerResources, PerResource};
use crate::ratio::Ratio;

/// The defaults and bounds of one LimitRange for each container; `None` where it states none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LimitRange {
    /// The LimitRange's name; on Toolforge that of the namespace.
    pub name: String,
    /// The limits of a container that states none.
    pub default: Amounts,
    /// The requests of a container that states none.
    pub default_request: Amounts,
    /// The most that a container may have.
    pub max: Amounts,
    /// The least that a container must request.
    pub min: Amounts,
    /// How many times its request a container's limit may be.
    pub max_limit_request_ratio: PerResource<Option<Ratio>>,
}

impl LimitRange {
    /// Returns a container's resources with this LimitRange's defaults where the container states none.
    ///
    /// The default limit is the maximum where no other is stated, and the default request is the default limit, else the
    /// minimum (the API's own defaulting of a LimitRange).
    #[must_use]
    pub fn with_defaults(&self, container: ContainerResources) -> ContainerResources {
        let limits = self.default.or(self.max);
        let requests = self.default_request.or(limits).or(self.min);
        ContainerResources { limits: container.limits.or(limits), requests: container.requests.or(requests) }
    }
}

/// Returns a container's resources as the API server completes them.
///
/// In its order: where only a limit is stated, the request is that limit (the pod's own defaulting); then each
/// LimitRange fills in the limits and requests that are still missing (the admission plugin LimitRanger, which
/// takes several LimitRanges in no fixed order). A request that is stated alone can so exceed the limit that is filled
/// in, and the pod is then refused; see [`violations`](crate::violations).
#[must_use]
pub fn apply_defaults(limit_ranges: &[LimitRange], container: ContainerResources) -> ContainerResources {
    let ContainerResources { limits, requests } = container;
    let stated = ContainerResources { limits, requests: requests.or(limits) };
    limit_ranges.iter().fold(stated, |container, range| range.with_defaults(container))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profiles;

    fn amounts(cpu: &str, memory: &str) -> Amounts {
        Amounts { cpu: cpu.parse().ok(), memory: memory.parse().ok() }
    }

    /// A container by its CPU limit and request; `-` stands for none.
    fn container(limit: &str, request: &str) -> ContainerResources {
        ContainerResources { limits: amounts(limit, "-"), requests: amounts(request, "-") }
    }

    fn limits() -> LimitRange {
        profiles::by_name("tools-2023").unwrap().limit_range
    }

    #[test]
    fn empty_container_gets_all_defaults() {
        let ContainerResources { limits, requests } =
            apply_defaults(&[limits()], ContainerResources::default());
        assert_eq!(limits, amounts("500m", "512Mi"));
        assert_eq!(requests, amounts("150m", "256Mi"));
    }

    #[test]
    fn missing_request_is_the_limit_and_missing_limit_the_default() {
        for (stated, expected) in [
            (container("-", "-"), container("500m", "150m")),
            (container("1", "-"), container("1", "1")),
            (container("100m", "-"), container("100m", "100m")),
            (container("-", "200m"), container("500m", "200m")),
            (container("-", "800m"), container("500m", "800m")),
            (container("1", "200m"), container("1", "200m")),
        ] {
            let found = apply_defaults(&[limits()], stated);
            assert_eq!(
                (found.limits.cpu, found.requests.cpu),
                (expected.limits.cpu, expected.requests.cpu),
                "{stated:?}"
            );
        }
    }

    #[test]
    fn missing_defaults_come_from_the_next_bound() {
        let range = |default, default_request, max, min| LimitRange {
            default: amounts(default, "-"),
            default_request: amounts(default_request, "-"),
            max: amounts(max, "-"),
            min: amounts(min, "-"),
            ..LimitRange::default()
        };
        for (range, expected) in [
            (range("-", "-", "2", "50m"), container("2", "2")),
            (range("1", "-", "2", "50m"), container("1", "1")),
            (range("-", "-", "-", "50m"), container("-", "50m")),
            (range("-", "100m", "-", "50m"), container("-", "100m")),
            (range("-", "100m", "2", "-"), container("2", "100m")),
            (range("-", "-", "-", "-"), container("-", "-")),
        ] {
            assert_eq!(range.with_defaults(ContainerResources::default()), expected, "{range:?}");
        }
        let memory_only = LimitRange { min: amounts("-", "100Mi"), ..LimitRange::default() };
        let given = memory_only.with_defaults(ContainerResources::default());
        assert_eq!((given.limits.memory, given.requests), (None, amounts("-", "100Mi")));
        let memory_only = LimitRange { max: amounts("-", "4Gi"), ..memory_only };
        let given = memory_only.with_defaults(ContainerResources::default());
        assert_eq!((given.limits, given.requests), (amounts("-", "4Gi"), amounts("-", "4Gi")));
    }

    #[test]
    fn first_limit_range_with_a_default_wins() {
        let range = |text| LimitRange { default: amounts(text, "-"), ..LimitRange::default() };
        let found =
            apply_defaults(&[LimitRange::default(), range("1"), range("2")], ContainerResources::default());
        assert_eq!(found, container("1", "1"));
    }
}
