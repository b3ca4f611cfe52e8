//! The check of pods and claims against LimitRanges, as the API server does it.

use crate::container_resources::{Amounts, ComputeResource, ContainerResources};
use crate::limit_range::{Bounds, LimitRange};
use crate::limit_violation::{LimitType, LimitViolation, LimitViolationKind};
use crate::object_name::ObjectName;
use crate::pod_demand::PodDemand;
use crate::ratio::Ratio;

/// Returns why the API server refuses a pod: requests that a container's own limits do not allow, and amounts that a
/// LimitRange does not allow, as the admission plugin LimitRanger checks them. All LimitRanges apply at once.
#[must_use]
pub fn violations(limit_ranges: &[LimitRange], pod: &PodDemand) -> Vec<LimitViolation> {
    let mut found = own_violations(pod);
    let sums = pod.sums();
    for range in limit_ranges {
        found.extend(range_violations(range, pod, &sums));
    }
    found
}

/// Returns the amounts of a pod that the API server refuses regardless of any LimitRange.
pub(crate) fn own_violations(pod: &PodDemand) -> Vec<LimitViolation> {
    let mut found = Vec::new();
    for (index, container) in pod.all_containers().enumerate() {
        for (resource, _) in container.requests.iter() {
            if let Some(kind) = Stated::of(container, resource).outside_limit(resource) {
                found.push(LimitViolation {
                    object: pod.object.clone(),
                    container: pod.container_names.get(index).cloned(),
                    limit_range: None,
                    quota: None,
                    limit_type: LimitType::Container,
                    resource: resource.clone(),
                    kind,
                });
            }
        }
    }
    found
}

/// Returns the violations of one LimitRange; `sums` are those of the pod.
pub(crate) fn range_violations(
    range: &LimitRange,
    pod: &PodDemand,
    sums: &ContainerResources,
) -> Vec<LimitViolation> {
    let of = |resources: &ContainerResources, container: Option<&String>, limit_type, bounds: &Bounds| {
        let found = broken(bounds, resources).into_iter();
        let found = found.map(|(resource, kind)| LimitViolation {
            object: pod.object.clone(),
            container: container.cloned(),
            limit_range: Some(range.name.clone()),
            quota: None,
            limit_type,
            resource,
            kind,
        });
        found.collect::<Vec<_>>()
    };
    let containers = pod.all_containers().enumerate().flat_map(|(index, container)| {
        of(container, pod.container_names.get(index), LimitType::Container, &range.container)
    });
    let mut found: Vec<_> = containers.collect();
    found.extend(of(sums, None, LimitType::Pod, &range.pod));
    found
}

/// Returns the violations of the LimitRanges by the storage that a PersistentVolumeClaim requests.
pub(crate) fn claim_violations(
    limit_ranges: &[LimitRange],
    object: Option<&ObjectName>,
    requests: &Amounts,
) -> Vec<LimitViolation> {
    // A claim has no limits, so a maximum bounds its request.
    let resources = ContainerResources { limits: requests.clone(), requests: requests.clone() };
    let of = |range: &LimitRange| {
        let found = broken(&range.claim, &resources).into_iter().map(|(resource, kind)| LimitViolation {
            object: object.cloned(),
            container: None,
            limit_range: Some(range.name.clone()),
            quota: None,
            limit_type: LimitType::PersistentVolumeClaim,
            resource,
            kind,
        });
        found.collect::<Vec<_>>()
    };
    limit_ranges.iter().flat_map(of).collect()
}

/// Returns the bounds that amounts violate: maxima, minima, ratios.
fn broken(bounds: &Bounds, resources: &ContainerResources) -> Vec<(ComputeResource, LimitViolationKind)> {
    let stated = |resource: &ComputeResource| Stated::of(resources, resource);
    let max = bounds
        .max
        .iter()
        .filter_map(|(resource, max)| stated(resource).above_max(max).map(|kind| (resource.clone(), kind)));
    let min = bounds
        .min
        .iter()
        .filter_map(|(resource, min)| stated(resource).below_min(min).map(|kind| (resource.clone(), kind)));
    let ratio = bounds.max_limit_request_ratio.iter().filter_map(|(resource, ratio)| {
        stated(resource).above_ratio(*ratio).map(|kind| (resource.clone(), kind))
    });
    max.chain(min).chain(ratio).collect()
}

/// A container's limit and request for one resource, in millis or bytes.
#[derive(Clone, Copy)]
struct Stated {
    limit: Option<u64>,
    request: Option<u64>,
}

impl Stated {
    fn of(resources: &ContainerResources, resource: &ComputeResource) -> Self {
        let ContainerResources { limits, requests } = resources;
        Self { limit: limits.get(resource), request: requests.get(resource) }
    }

    fn outside_limit(self, resource: &ComputeResource) -> Option<LimitViolationKind> {
        let (request, limit) = (self.request?, self.limit);
        if !resource.is_overcommitted() {
            return (limit != Some(request))
                .then_some(LimitViolationKind::RequestIsNotLimit { request, limit });
        }
        let limit = limit?;
        (request > limit).then_some(LimitViolationKind::RequestAboveLimit { request, limit })
    }

    /// Checks a maximum: a limit must be stated, and neither it nor the request may be larger.
    fn above_max(self, max: u64) -> Option<LimitViolationKind> {
        let Some(limit) = self.limit else { return Some(LimitViolationKind::NoLimit { max }) };
        let requested = self.request.map_or(limit, |request| request.max(limit));
        (requested > max).then_some(LimitViolationKind::AboveMax { requested, max })
    }

    /// Checks a minimum: a request must be stated, and neither it nor the limit may be smaller.
    fn below_min(self, min: u64) -> Option<LimitViolationKind> {
        let Some(request) = self.request else { return Some(LimitViolationKind::NoRequest { min }) };
        let requested = self.limit.map_or(request, |limit| limit.min(request));
        (requested < min).then_some(LimitViolationKind::BelowMin { requested, min })
    }

    /// Checks a ratio: limit and request must both be stated and above zero.
    fn above_ratio(self, ratio: Ratio) -> Option<LimitViolationKind> {
        let stated = |amount: Option<u64>| amount.filter(|amount| *amount > 0);
        let (Some(limit), Some(request)) = (stated(self.limit), stated(self.request)) else {
            return Some(LimitViolationKind::NoRatio { ratio });
        };
        let max = ratio.times(request);
        (limit > max).then_some(LimitViolationKind::AboveRatio { limit, max })
    }
}

#[cfg(test)]
mod tests {
    use toolforge_model::Cpu;

    use super::*;
    use crate::pod_demand::InitContainer;
    use crate::{apply_defaults, profiles};

    fn limits() -> LimitRange {
        profiles::by_name("tools-2023").unwrap().limit_range
    }

    fn container(cpu_limit: &str, cpu_request: &str) -> ContainerResources {
        let cpu = |text: &str| Amounts::new(Cpu::parse_quantity(text).ok(), None);
        ContainerResources { limits: cpu(cpu_limit), requests: cpu(cpu_request) }
    }

    fn found(range: &LimitRange, resources: ContainerResources) -> Vec<String> {
        let pod = PodDemand { containers: vec![resources], ..PodDemand::default() };
        let found = violations(std::slice::from_ref(range), &pod);
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn violations_name_amount_and_bound() {
        let stated = ContainerResources {
            limits: Amounts::new(None, Some("5Gi".parse().unwrap())),
            requests: Amounts::new(Some("10m".parse().unwrap()), None),
        };
        assert_eq!(
            found(&limits(), apply_defaults(&[limits()], stated)),
            [
                "memory: 5Gi is more than the maximum of 4Gi for one container",
                "CPU: 10m is less than the minimum of 50m for one container",
            ]
        );
    }

    #[test]
    fn long_amounts_are_short() {
        let memory = |bytes| [(ComputeResource::Memory, bytes)].into_iter().collect::<Amounts>();
        let requested = |bytes| ContainerResources { limits: memory(bytes), requests: memory(bytes) };
        let of = |min, max| LimitRange {
            container: Bounds { min: memory(min), max: memory(max), ..Bounds::default() },
            ..LimitRange::default()
        };
        for (range, bytes, expected) in [
            (
                of(100 << 20, u64::MAX),
                52_613_350,
                "memory: 50.2Mi is less than the minimum of 100Mi for one container",
            ),
            (of(0, 1 << 40), u64::MAX, "memory: 16Ei is more than the maximum of 1Ti for one container"),
            (
                of(0, 1 << 30),
                (1 << 30) + 1,
                "memory: 1.01Gi is more than the maximum of 1Gi for one container",
            ),
        ] {
            assert_eq!(found(&range, requested(bytes)), [expected]);
        }
        let own = ContainerResources { limits: memory(52_613_350), requests: memory(1 << 30) };
        let expected = "memory: a request of 1Gi is more than the container's own limit of 50.2Mi";
        assert_eq!(found(&of(0, u64::MAX), own), [expected]);
    }

    #[test]
    fn violations_name_the_object() {
        let pod = PodDemand {
            object: Some(ObjectName::new("job", "da\nily")),
            containers: vec![container("2", "1")],
            ..PodDemand::default()
        };
        let found = violations(&[limits()], &pod);
        assert_eq!(
            found[0].to_string(),
            r"job da\nily: CPU: 2 is more than the maximum of 1 for one container"
        );
    }

    #[test]
    fn bounds_match_the_api_server() {
        let cpu = |millis| Amounts::new(Some(Cpu::from_millis(millis)), None);
        let of = |container| LimitRange { container, ..LimitRange::default() };
        let max = of(Bounds { max: cpu(1000), ..Bounds::default() });
        let min = of(Bounds { min: cpu(50), ..Bounds::default() });
        let ratio = [(ComputeResource::Cpu, Ratio::from_thousandths(1500))].into();
        let ratio = of(Bounds { max_limit_request_ratio: ratio, ..Bounds::default() });
        let none = LimitRange::default();
        let missing =
            "CPU: the limit or the request is missing; the limit may be at most 1.5 times the request";
        for (range, limit, request, expected) in [
            (&max, "1", "1", None),
            (&max, "2", "-", Some("CPU: 2 is more than the maximum of 1 for one container")),
            (&max, "-", "100m", Some("CPU: no limit is set; the maximum for one container is 1")),
            (&min, "50m", "50m", None),
            (&min, "-", "49m", Some("CPU: 49m is less than the minimum of 50m for one container")),
            (&min, "1", "-", Some("CPU: no request is set; the minimum for one container is 50m")),
            (&ratio, "300m", "200m", None),
            (
                &ratio,
                "301m",
                "200m",
                Some("CPU: a limit of 301m is more than the 300m that the request allows"),
            ),
            (&ratio, "499m", "333m", None),
            (
                &ratio,
                "500m",
                "333m",
                Some("CPU: a limit of 500m is more than the 499m that the request allows"),
            ),
            (&ratio, "1", "0", Some(missing)),
            (&ratio, "-", "1", Some(missing)),
            (&none, "1", "2", Some("CPU: a request of 2 is more than the container's own limit of 1")),
            (&none, "-", "-", None),
        ] {
            let found = found(range, container(limit, request));
            assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{limit} {request}");
        }
    }

    #[test]
    fn request_above_the_default_limit_is_refused() {
        let stated = apply_defaults(&[limits()], container("-", "800m"));
        assert_eq!(
            found(&limits(), stated),
            ["CPU: a request of 800m is more than the container's own limit of 500m"]
        );
    }

    #[test]
    fn init_containers_are_bound() {
        let init = InitContainer { resources: container("2", "1"), is_sidecar: false };
        let pod = PodDemand { init_containers: vec![init], ..PodDemand::default() };
        let found = violations(&[limits()], &pod);
        assert!(found.iter().any(|found| found.resource == ComputeResource::Cpu), "{found:?}");
    }

    #[test]
    fn sums_of_a_pod_are_bound() {
        let bounds =
            |max| Bounds { max: Amounts::new(Some(Cpu::from_millis(max)), None), ..Bounds::default() };
        let range = |max| LimitRange { pod: bounds(max), ..LimitRange::default() };
        let pod =
            PodDemand { containers: vec![container("1", "1"), container("1", "1")], ..PodDemand::default() };
        assert_eq!(violations(&[range(2000)], &pod), []);
        let found = violations(&[range(1999)], &pod);
        assert_eq!(found[0].to_string(), "CPU: 2 is more than the maximum of 1999m for one pod");
        assert_eq!(found[0].limit_type, LimitType::Pod);
        let without_limit = PodDemand { containers: vec![container("-", "1")], ..PodDemand::default() };
        let found = violations(&[range(5000)], &without_limit);
        assert_eq!(found[0].to_string(), "CPU: no limit is set; the maximum for one pod is 5");
    }

    #[test]
    fn devices_are_limited_to_their_request() {
        let gpu = |count| [(ComputeResource::from("nvidia.com/gpu"), count)].into_iter().collect::<Amounts>();
        for (limits, request, is_allowed) in
            [(gpu(1), 1, true), (gpu(2), 1, false), (Amounts::default(), 1, false)]
        {
            let resources = ContainerResources { limits, requests: gpu(request) };
            assert_eq!(found(&LimitRange::default(), resources).is_empty(), is_allowed);
        }
    }

    #[test]
    fn claims_are_bound() {
        let storage = |bytes| [(ComputeResource::Storage, bytes)].into_iter().collect::<Amounts>();
        let claim = Bounds { min: storage(1 << 20), max: storage(1 << 30), ..Bounds::default() };
        let range = [LimitRange { claim, ..LimitRange::default() }];
        let data = ObjectName::new("PersistentVolumeClaim", "data");
        let found = |bytes| claim_violations(&range, Some(&data), &storage(bytes)).len();
        assert_eq!([found(1 << 20), found(1 << 30), found((1 << 30) + 1), found(5)], [0, 0, 1, 1]);
        assert_eq!(claim_violations(&range, None, &Amounts::default()).len(), 2);
    }
}
