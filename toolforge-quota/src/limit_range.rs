use std::collections::BTreeMap;

use crate::container_resources::{Amounts, ComputeResource, ContainerResources};
use crate::ratio::Ratio;

/// The defaults and bounds of one LimitRange; empty where it sets none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LimitRange {
    /// The LimitRange's name; on Toolforge that of the namespace.
    pub name: String,
    /// The limits of a container that sets none.
    pub default: Amounts,
    /// The requests of a container that sets none.
    pub default_request: Amounts,
    /// The bounds of each container (type Container).
    pub container: Bounds,
    /// The bounds of the sums of each pod's containers (type Pod).
    pub pod: Bounds,
    /// The bounds of the storage that each claim requests (type PersistentVolumeClaim).
    pub claim: Bounds,
    /// The fields that are not quantities, such as `max.cpu`; they limit nothing here.
    pub unreadable: Vec<String>,
}

/// The bounds of a LimitRange for one type of object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// The maximum for one object.
    pub max: Amounts,
    /// The minimum that one object must request.
    pub min: Amounts,
    /// The maximum ratio of a limit to its request.
    pub max_limit_request_ratio: BTreeMap<ComputeResource, Ratio>,
}

impl LimitRange {
    /// Returns a container's resources with this LimitRange's defaults where the container sets none.
    ///
    /// If no default limit is set, it is the maximum; the default request is the default limit, or else the minimum (the API's
    /// own defaulting of a LimitRange).
    #[must_use]
    pub fn with_defaults(&self, container: ContainerResources) -> ContainerResources {
        container.or(&self.defaults())
    }

    fn defaults(&self) -> ContainerResources {
        let limits = self.default.clone().or(&self.container.max);
        let requests = self.default_request.clone().or(&limits).or(&self.container.min);
        ContainerResources { limits, requests }
    }
}

/// Returns a container's resources as the API server completes them.
///
/// It does so in this order: if only a limit is set, the request is that limit (the pod's own defaulting); then each
/// LimitRange fills in the limits and requests that are still missing (the admission plugin LimitRanger, which applies
/// several LimitRanges in no fixed order; see [`Limits::admissions`](crate::Limits::admissions)). So a request without
/// a limit of its own can exceed the limit that is filled in, and the pod is then refused; see
/// [`violations`](crate::violations).
#[must_use]
pub fn apply_defaults(limit_ranges: &[LimitRange], container: ContainerResources) -> ContainerResources {
    limit_ranges.iter().fold(container.with_requests(), |container, range| range.with_defaults(container))
}

/// The maximum number of LimitRanges with different defaults that are tried in every order; the cluster rarely has more
/// than one.
const MOST_ORDERED: usize = 4;

/// Returns the orders of LimitRanges in which pods can get different defaults. The first one is the given order.
pub(crate) fn orders(limit_ranges: &[LimitRange]) -> Vec<Vec<&LimitRange>> {
    let competes = |range: &&LimitRange| {
        let defaults = range.defaults();
        limit_ranges.iter().filter(|other| !std::ptr::eq(*other, *range)).any(|other| {
            let others = other.defaults();
            let differs = |ours: &Amounts, theirs: &Amounts| {
                ours.iter()
                    .any(|(resource, amount)| theirs.get(resource).is_some_and(|other| other != amount))
            };
            differs(&defaults.limits, &others.limits) || differs(&defaults.requests, &others.requests)
        })
    };
    let (competing, others): (Vec<&LimitRange>, Vec<&LimitRange>) = limit_ranges.iter().partition(competes);
    if competing.len() > MOST_ORDERED {
        return vec![limit_ranges.iter().collect()];
    }
    let mut orders = vec![Vec::new()];
    for _ in 0..competing.len() {
        orders = orders
            .into_iter()
            .flat_map(|order: Vec<&LimitRange>| {
                let next =
                    competing.iter().filter(|range| !order.iter().any(|taken| std::ptr::eq(*taken, **range)));
                next.map(|range| order.iter().chain([range]).copied().collect()).collect::<Vec<Vec<_>>>()
            })
            .collect();
    }
    orders.iter_mut().for_each(|order| order.extend(&others));
    orders
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profiles;

    fn amounts(cpu: &str, memory: &str) -> Amounts {
        Amounts::new(cpu.parse().ok(), memory.parse().ok())
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
    fn missing_amounts_get_defaults() {
        for (stated, expected) in [
            (container("-", "-"), container("500m", "150m")),
            (container("1", "-"), container("1", "1")),
            (container("100m", "-"), container("100m", "100m")),
            (container("-", "200m"), container("500m", "200m")),
            (container("-", "800m"), container("500m", "800m")),
            (container("1", "200m"), container("1", "200m")),
        ] {
            let found = apply_defaults(&[limits()], stated.clone());
            assert_eq!(
                (found.limits.cpu(), found.requests.cpu()),
                (expected.limits.cpu(), expected.requests.cpu()),
                "{stated:?}"
            );
        }
    }

    #[test]
    fn missing_defaults_come_from_the_next_bound() {
        let range = |default, default_request, max, min| LimitRange {
            default: amounts(default, "-"),
            default_request: amounts(default_request, "-"),
            container: Bounds { max: amounts(max, "-"), min: amounts(min, "-"), ..Bounds::default() },
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
        let memory_only = LimitRange {
            container: Bounds { min: amounts("-", "100Mi"), ..Bounds::default() },
            ..LimitRange::default()
        };
        let given = memory_only.with_defaults(ContainerResources::default());
        assert_eq!((given.limits.memory(), given.requests), (None, amounts("-", "100Mi")));
        let container = Bounds { max: amounts("-", "4Gi"), ..memory_only.container };
        let memory_only = LimitRange { container, ..LimitRange::default() };
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

    #[test]
    fn only_different_defaults_have_an_order() {
        let range = |name: &str, cpu, memory| LimitRange {
            name: name.to_owned(),
            default: amounts(cpu, memory),
            ..LimitRange::default()
        };
        let names = |ranges: &[LimitRange]| {
            let name = |range: &&LimitRange| range.name.clone();
            orders(ranges).iter().map(|order| order.iter().map(name).collect()).collect::<Vec<String>>()
        };
        assert_eq!(names(&[]), [""]);
        assert_eq!(names(&[range("a", "1", "-"), range("b", "-", "1Gi"), range("c", "1", "1Gi")]), ["abc"]);
        assert_eq!(
            names(&[range("a", "1", "-"), range("b", "-", "1Gi"), range("c", "2", "-")]),
            ["acb", "cab"]
        );
    }
}
