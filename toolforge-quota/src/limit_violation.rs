use std::fmt;

use toolforge_model::Untrusted;

use crate::container_resources::{ComputeResource, ContainerDemand, ContainerResources};
use crate::limit_range::LimitRange;
use crate::ratio::Ratio;

/// Which bound a container breaks; amounts are millis of CPU or bytes of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LimitViolationKind {
    /// More than a container may have.
    AboveMax {
        /// The limit or the request, whichever is larger.
        requested: u64,
        /// The most that is allowed.
        max: u64,
    },
    /// No limit, where a container may have no more than a maximum.
    NoLimit {
        /// The most that is allowed.
        max: u64,
    },
    /// Less than a container must have.
    BelowMin {
        /// The limit or the request, whichever is smaller.
        requested: u64,
        /// The least that is allowed.
        min: u64,
    },
    /// No request, where a container must have at least a minimum.
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
        }
    }

    /// Returns whether the container would have to request more.
    #[must_use]
    pub fn is_below_min(self) -> bool {
        matches!(self, Self::BelowMin { .. } | Self::NoRequest { .. })
    }
}

/// An amount of a container that is not allowed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct LimitViolation {
    /// The object whose container it is, as the [`ContainerDemand`] names it.
    pub object: Option<String>,
    /// The name of the LimitRange; `None` for [`LimitViolationKind::RequestAboveLimit`].
    pub limit_range: Option<String>,
    /// The resource.
    pub resource: ComputeResource,
    /// Which bound, with the amounts.
    pub kind: LimitViolationKind,
}

impl LimitViolation {
    /// Returns the sentence that says which bound is broken, without the object.
    #[must_use]
    pub fn message(&self) -> String {
        let resource = self.resource;
        let amount = |amount| resource.amount(amount);
        match self.kind {
            LimitViolationKind::AboveMax { requested, max } => {
                let (requested, max) = (amount(requested), amount(max));
                format!("{resource}: {requested} is more than the maximum of {max} for one container")
            }
            LimitViolationKind::NoLimit { max } => {
                format!("{resource}: no limit is set; the maximum for one container is {}", amount(max))
            }
            LimitViolationKind::BelowMin { requested, min } => {
                let (requested, min) = (amount(requested), amount(min));
                format!("{resource}: {requested} is less than the minimum of {min} for one container")
            }
            LimitViolationKind::NoRequest { min } => {
                format!("{resource}: no request is set; the minimum for one container is {}", amount(min))
            }
            LimitViolationKind::AboveRatio { limit, max } => {
                let (limit, max) = (amount(limit), amount(max));
                format!("{resource}: a limit of {limit} is more than the {max} that the request allows")
            }
            LimitViolationKind::NoRatio { ratio } => format!(
                "{resource}: the limit or the request is missing; the limit may be at most {ratio} times the request"
            ),
            LimitViolationKind::RequestAboveLimit { request, limit } => {
                let (request, limit) = (amount(request), amount(limit));
                format!(
                    "{resource}: a request of {request} is more than the container's own limit of {limit}"
                )
            }
        }
    }
}

impl fmt::Display for LimitViolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(object) = &self.object {
            write!(f, "{}: ", Untrusted::new(object.as_str()).escaped())?;
        }
        f.write_str(&self.message())
    }
}

impl std::error::Error for LimitViolation {}

/// Returns why the API server refuses a container: a request above the container's own limit, and what each LimitRange
/// does not allow, as the admission plugin LimitRanger checks it. All LimitRanges bind at once.
#[must_use]
pub fn violations(limit_ranges: &[LimitRange], container: &ContainerDemand) -> Vec<LimitViolation> {
    let ContainerDemand { object, resources } = container;
    let mut found = Vec::new();
    let mut add = |range: Option<&LimitRange>, resource: ComputeResource, kind: LimitViolationKind| {
        let limit_range = range.map(|range| range.name.clone());
        found.push(LimitViolation { object: object.clone(), limit_range, resource, kind });
    };
    for &resource in ComputeResource::ALL {
        if let Some(kind) = Stated::of(resources, resource).above_limit() {
            add(None, resource, kind);
        }
    }
    for range in limit_ranges {
        let (max, min) = (range.max.numbers(), range.min.numbers());
        for &resource in ComputeResource::ALL {
            if let Some(kind) = Stated::of(resources, resource).above_max(*max.get(resource)) {
                add(Some(range), resource, kind);
            }
        }
        for &resource in ComputeResource::ALL {
            if let Some(kind) = Stated::of(resources, resource).below_min(*min.get(resource)) {
                add(Some(range), resource, kind);
            }
        }
        for &resource in ComputeResource::ALL {
            let ratio = range.max_limit_request_ratio.get(resource);
            if let Some(kind) = Stated::of(resources, resource).above_ratio(*ratio) {
                add(Some(range), resource, kind);
            }
        }
    }
    found
}

/// What a container states of one resource, in millis or bytes.
#[derive(Clone, Copy)]
struct Stated {
    limit: Option<u64>,
    request: Option<u64>,
}

impl Stated {
    fn of(resources: &ContainerResources, resource: ComputeResource) -> Self {
        let ContainerResources { limits, requests } = resources;
        Self { limit: *limits.numbers().get(resource), request: *requests.numbers().get(resource) }
    }

    fn above_limit(self) -> Option<LimitViolationKind> {
        let (request, limit) = (self.request?, self.limit?);
        (request > limit).then_some(LimitViolationKind::RequestAboveLimit { request, limit })
    }

    /// Checks a maximum: a limit must be stated, and neither it nor the request may be larger.
    fn above_max(self, max: Option<u64>) -> Option<LimitViolationKind> {
        let max = max?;
        let Some(limit) = self.limit else { return Some(LimitViolationKind::NoLimit { max }) };
        let requested = self.request.map_or(limit, |request| request.max(limit));
        (requested > max).then_some(LimitViolationKind::AboveMax { requested, max })
    }

    /// Checks a minimum: a request must be stated, and neither it nor the limit may be smaller.
    fn below_min(self, min: Option<u64>) -> Option<LimitViolationKind> {
        let min = min?;
        let Some(request) = self.request else { return Some(LimitViolationKind::NoRequest { min }) };
        let requested = self.limit.map_or(request, |limit| limit.min(request));
        (requested < min).then_some(LimitViolationKind::BelowMin { requested, min })
    }

    /// Checks a ratio: limit and request must both be stated and above zero.
    fn above_ratio(self, ratio: Option<Ratio>) -> Option<LimitViolationKind> {
        let ratio = ratio?;
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
    use crate::{Amounts, PerResource, apply_defaults, profiles};

    fn limits() -> LimitRange {
        profiles::by_name("tools-2023").unwrap().limit_range
    }

    fn container(cpu_limit: &str, cpu_request: &str) -> ContainerResources {
        let cpu = |text: &str| Amounts { cpu: Cpu::parse_quantity(text).ok(), memory: None };
        ContainerResources { limits: cpu(cpu_limit), requests: cpu(cpu_request) }
    }

    fn found(range: &LimitRange, resources: ContainerResources) -> Vec<String> {
        let found = violations(std::slice::from_ref(range), &resources.into());
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn violations_name_amount_and_bound() {
        let stated = ContainerResources {
            limits: Amounts { memory: Some("5Gi".parse().unwrap()), cpu: None },
            requests: Amounts { cpu: Some("10m".parse().unwrap()), memory: None },
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
    fn violations_name_the_object() {
        let container = ContainerDemand::new("job/da\nily", container("2", "1"));
        let found = violations(&[limits()], &container);
        assert_eq!(
            found[0].to_string(),
            r"job/da\nily: CPU: 2 is more than the maximum of 1 for one container"
        );
    }

    #[test]
    fn bounds_match_the_api_server() {
        let cpu = |millis| Amounts { cpu: Some(Cpu::from_millis(millis)), memory: None };
        let max = LimitRange { max: cpu(1000), ..LimitRange::default() };
        let min = LimitRange { min: cpu(50), ..LimitRange::default() };
        let ratio = LimitRange {
            max_limit_request_ratio: PerResource { cpu: Some(Ratio::from_thousandths(1500)), memory: None },
            ..LimitRange::default()
        };
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
}
