use std::fmt;

use toolforge_model::Untrusted;

use crate::container_resources::{Amounts, ComputeResource, ContainerResources};
use crate::limit_range::{Bounds, LimitRange};
use crate::object_name::ObjectName;
use crate::pod_demand::PodDemand;
use crate::ratio::Ratio;
use crate::resource::Resource;

/// Which bound a container or a pod breaks; amounts are millis of CPU, bytes of memory or devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LimitViolationKind {
    /// More than it may have.
    AboveMax {
        /// The limit or the request, whichever is larger.
        requested: u64,
        /// The most that is allowed.
        max: u64,
    },
    /// No limit, where it may have no more than a maximum.
    NoLimit {
        /// The most that is allowed.
        max: u64,
    },
    /// Less than it must have.
    BelowMin {
        /// The limit or the request, whichever is smaller.
        requested: u64,
        /// The least that is allowed.
        min: u64,
    },
    /// No request, where it must have at least a minimum.
    NoRequest {
        /// The least that is allowed.
        min: u64,
    },
    /// A limit that is too many times the request.
    AboveRatio {
        /// The limit.
        limit: u64,
        /// The largest limit that the request allows.
        max: u64,
    },
    /// No limit or no request, where the one may only be so many times the other.
    NoRatio {
        /// How many times its request a limit may be.
        ratio: Ratio,
    },
    /// A request above the container's own limit, which the API server refuses without any LimitRange.
    RequestAboveLimit {
        /// The request.
        request: u64,
        /// The limit.
        limit: u64,
    },
    /// A request of devices or huge pages that is not the container's own limit.
    RequestIsNotLimit {
        /// The request.
        request: u64,
        /// The limit, if there is one.
        limit: Option<u64>,
    },
    /// No request, where a quota limits requests.
    QuotaNeedsRequest,
    /// No limit, where a quota limits limits.
    QuotaNeedsLimit,
}

impl LimitViolationKind {
    /// Returns the code of the kind, as it is written in JSON.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::AboveMax { .. } => "above-max",
            Self::NoLimit { .. } => "no-limit",
            Self::BelowMin { .. } => "below-min",
            Self::NoRequest { .. } => "no-request",
            Self::AboveRatio { .. } => "above-ratio",
            Self::NoRatio { .. } => "no-ratio",
            Self::RequestAboveLimit { .. } => "request-above-limit",
            Self::RequestIsNotLimit { .. } => "request-is-not-limit",
            Self::QuotaNeedsRequest => "quota-needs-request",
            Self::QuotaNeedsLimit => "quota-needs-limit",
        }
    }

    /// Returns whether a required amount is not set.
    #[must_use]
    pub fn is_unset(self) -> bool {
        matches!(
            self,
            Self::NoLimit { .. }
                | Self::NoRequest { .. }
                | Self::NoRatio { .. }
                | Self::QuotaNeedsRequest
                | Self::QuotaNeedsLimit
        )
    }

    /// Returns whether it would have to request more.
    #[must_use]
    pub fn is_below_min(self) -> bool {
        matches!(self, Self::BelowMin { .. } | Self::NoRequest { .. } | Self::QuotaNeedsRequest)
    }
}

/// What a bound of a LimitRange is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LimitType {
    /// Each container.
    Container,
    /// The sums of each pod's containers.
    Pod,
    /// Each PersistentVolumeClaim.
    PersistentVolumeClaim,
}

impl LimitType {
    /// Returns the type as the API spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Container => "Container",
            Self::Pod => "Pod",
            Self::PersistentVolumeClaim => "PersistentVolumeClaim",
        }
    }

    fn noun(self) -> &'static str {
        match self {
            Self::Container => "container",
            Self::Pod => "pod",
            Self::PersistentVolumeClaim => "volume claim",
        }
    }
}

impl fmt::Display for LimitType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// An amount of a container or a pod that is not allowed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct LimitViolation {
    /// The object whose container it is, as the [`PodDemand`] names it.
    pub object: Option<ObjectName>,
    /// The name of the container, as the [`PodDemand`] names it; `None` for sums and claims.
    pub container: Option<String>,
    /// The name of the LimitRange; `None` for what the API server refuses without any.
    pub limit_range: Option<String>,
    /// The name of the quota that requires an amount.
    pub quota: Option<String>,
    /// What the bound is of.
    pub limit_type: LimitType,
    /// The resource.
    pub resource: ComputeResource,
    /// Which bound, with the amounts.
    pub kind: LimitViolationKind,
}

impl LimitViolation {
    /// Returns the sentence that says which bound is broken, without the object but with the container.
    #[must_use]
    pub fn message(&self) -> String {
        match &self.container {
            Some(name) => format!("container {}: {}", Untrusted::new(name.as_str()).escaped(), self.bound()),
            None => self.bound(),
        }
    }

    fn bound(&self) -> String {
        let resource = &self.resource;
        let noun = self.limit_type.noun();
        let quota = Untrusted::new(self.quota.as_deref().unwrap_or_default());
        match self.kind {
            LimitViolationKind::AboveMax { requested, max } => {
                let (requested, max) = resource.above(requested, max);
                format!("{resource}: {requested} is more than the maximum of {max} for one {noun}")
            }
            LimitViolationKind::NoLimit { max } => {
                format!(
                    "{resource}: no limit is set; the maximum for one {noun} is {}",
                    resource.short_bound(max)
                )
            }
            LimitViolationKind::BelowMin { requested, min } => {
                let (requested, min) = resource.compared(requested, min);
                format!("{resource}: {requested} is less than the minimum of {min} for one {noun}")
            }
            LimitViolationKind::NoRequest { min } => {
                let min = resource.short_amount(min);
                format!("{resource}: no request is set; the minimum for one {noun} is {min}")
            }
            LimitViolationKind::AboveRatio { limit, max } => {
                let (limit, max) = resource.above(limit, max);
                format!("{resource}: a limit of {limit} is more than the {max} that the request allows")
            }
            LimitViolationKind::NoRatio { ratio } => format!(
                "{resource}: the limit or the request is missing; the limit may be at most {ratio} times the request"
            ),
            LimitViolationKind::RequestAboveLimit { request, limit } => {
                let (request, limit) = resource.compared(request, limit);
                format!(
                    "{resource}: a request of {request} is more than the container's own limit of {limit}"
                )
            }
            LimitViolationKind::RequestIsNotLimit { request, limit } => {
                let none = || (resource.short_amount(request), "none".to_owned());
                let (request, limit) = limit.map_or_else(none, |limit| resource.compared(request, limit));
                format!("{resource}: a request of {request} must be the container's limit, which is {limit}")
            }
            LimitViolationKind::QuotaNeedsRequest => {
                format!("{resource}: no request is set; quota {} requires one", quota.escaped())
            }
            LimitViolationKind::QuotaNeedsLimit => {
                format!("{resource}: no limit is set; quota {} requires one", quota.escaped())
            }
        }
    }
}

impl fmt::Display for LimitViolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(object) = &self.object {
            write!(f, "{object}: ")?;
        }
        f.write_str(&self.message())
    }
}

impl std::error::Error for LimitViolation {}

/// Amounts that a pod must state, because a quota limits them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unspecified {
    /// The quota's name.
    pub quota: String,
    /// The object whose pod it is, as the [`PodDemand`] names it.
    pub object: Option<ObjectName>,
    /// The resources that a container does not set, such as `limits.memory`.
    pub resources: Vec<Resource>,
}

impl Unspecified {
    /// Returns one violation for each of the resources.
    pub(crate) fn violations(&self) -> impl Iterator<Item = LimitViolation> {
        self.resources.iter().filter_map(|resource| {
            let (resource, kind) = match resource {
                Resource::RequestsCpu => (ComputeResource::Cpu, LimitViolationKind::QuotaNeedsRequest),
                Resource::RequestsMemory => (ComputeResource::Memory, LimitViolationKind::QuotaNeedsRequest),
                Resource::LimitsCpu => (ComputeResource::Cpu, LimitViolationKind::QuotaNeedsLimit),
                Resource::LimitsMemory => (ComputeResource::Memory, LimitViolationKind::QuotaNeedsLimit),
                _ => return None,
            };
            Some(LimitViolation {
                object: self.object.clone(),
                container: None,
                limit_range: None,
                quota: Some(self.quota.clone()),
                limit_type: LimitType::Container,
                resource,
                kind,
            })
        })
    }
}

/// Returns why the API server refuses a pod: requests that a container's own limits do not allow, and what
/// each LimitRange does not allow, as the admission plugin LimitRanger checks it. All LimitRanges bind at once.
#[must_use]
pub fn violations(limit_ranges: &[LimitRange], pod: &PodDemand) -> Vec<LimitViolation> {
    let mut found = own_violations(pod);
    let sums = pod.sums();
    for range in limit_ranges {
        found.extend(range_violations(range, pod, &sums));
    }
    found
}

/// Returns what the API server refuses in a pod without a look at any LimitRange.
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

/// Returns what one LimitRange does not allow; `sums` are those of the pod.
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

/// Returns what the LimitRanges do not allow of the storage that a PersistentVolumeClaim requests.
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

/// Returns the bounds that amounts break: maxima, minima, ratios.
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

/// What a container states of one resource, in millis or bytes.
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
            // Both would be 50.2Mi.
            (
                of(52_620_000, u64::MAX),
                52_613_350,
                "memory: 52613350 is less than the minimum of 52620k for one container",
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
        assert_eq!(
            found(&of(0, u64::MAX), own),
            ["memory: a request of 1Gi is more than the container's own limit of 50.2Mi"]
        );
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
