use std::fmt;

use toolforge_model::{Cpu, Memory};

use crate::container::ContainerResources;
use crate::limit_range::LimitRange;
use crate::ratio::Ratio;

/// Which bound a container breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Bound {
    /// More than a container may have.
    Max,
    /// Less than a container must ask for.
    Min,
    /// A limit that is too many times the request.
    Ratio,
    /// A request above the container's own limit, which no LimitRange has to forbid.
    Limit,
}

/// A container's amount that is not allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LimitViolation {
    /// The name of the LimitRange; empty for [`Bound::Limit`].
    pub limit_range: String,
    /// `CPU` or `memory`.
    pub dimension: &'static str,
    /// Which bound.
    pub bound: Bound,
    /// The amount that was asked for; `None` where a bounded amount is not stated at all.
    pub asked: Option<String>,
    /// The amount that is allowed; for [`Bound::Ratio`] without an amount the ratio.
    pub allowed: String,
}

impl fmt::Display for LimitViolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { limit_range: _, dimension, bound, asked, allowed } = self;
        match (bound, asked) {
            (Bound::Max, Some(asked)) => {
                write!(f, "{asked} of {dimension} is more than the {allowed} that one container may have")
            }
            (Bound::Max, None) => {
                write!(f, "no limit of {dimension} is stated; one container may have at most {allowed}")
            }
            (Bound::Min, Some(asked)) => {
                write!(f, "{asked} of {dimension} is less than the {allowed} that one container must have")
            }
            (Bound::Min, None) => {
                write!(f, "no request of {dimension} is stated; one container must have at least {allowed}")
            }
            (Bound::Ratio, Some(asked)) => {
                write!(
                    f,
                    "a limit of {asked} of {dimension} is more than the {allowed} that the request allows"
                )
            }
            (Bound::Ratio, None) => write!(
                f,
                "a limit or a request of {dimension} is missing; the limit may be at most {allowed} times the request"
            ),
            (Bound::Limit, asked) => {
                let asked = asked.as_deref().unwrap_or("nothing");
                write!(
                    f,
                    "a request of {asked} of {dimension} is more than the container's own limit of {allowed}"
                )
            }
        }
    }
}

impl LimitRange {
    /// Returns what of a container's resources this LimitRange does not allow, defaults already applied, as the
    /// admission plugin LimitRanger checks them.
    #[must_use]
    pub fn violations(&self, container: &ContainerResources) -> Vec<LimitViolation> {
        let [cpu, memory] = dimensions(container);
        let of = |dimension: &Dimension, bound, broken: Option<(Option<u64>, u64)>| {
            broken.map(|(asked, allowed)| dimension.violation(&self.name, bound, asked, allowed))
        };
        let (max_cpu, max_memory) = (self.max_cpu.map(Cpu::millis), self.max_memory.map(Memory::bytes));
        let (min_cpu, min_memory) = (self.min_cpu.map(Cpu::millis), self.min_memory.map(Memory::bytes));
        [
            of(&cpu, Bound::Max, cpu.above(max_cpu)),
            of(&memory, Bound::Max, memory.above(max_memory)),
            of(&cpu, Bound::Min, cpu.below(min_cpu)),
            of(&memory, Bound::Min, memory.below(min_memory)),
            cpu.too_many_times(&self.name, self.max_limit_request_ratio_cpu),
            memory.too_many_times(&self.name, self.max_limit_request_ratio_memory),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// Returns why the API server refuses a container, defaults already applied: a request above the container's own
/// limit, and what each LimitRange does not allow. All of them bind at once.
#[must_use]
pub fn violations(limit_ranges: &[LimitRange], container: &ContainerResources) -> Vec<LimitViolation> {
    let contradictions = dimensions(container).into_iter().filter_map(|dimension| {
        let (request, limit) = (dimension.request?, dimension.limit?);
        (request > limit).then(|| dimension.violation("", Bound::Limit, Some(request), limit))
    });
    contradictions.chain(limit_ranges.iter().flat_map(|range| range.violations(container))).collect()
}

/// One container's CPU in millis or memory in bytes.
struct Dimension {
    name: &'static str,
    limit: Option<u64>,
    request: Option<u64>,
    shown: fn(u64) -> String,
}

fn dimensions(container: &ContainerResources) -> [Dimension; 2] {
    let ContainerResources { cpu_limit, cpu_request, memory_limit, memory_request } = container;
    [
        Dimension {
            name: "CPU",
            limit: cpu_limit.map(Cpu::millis),
            request: cpu_request.map(Cpu::millis),
            shown: |millis| Cpu::from_millis(millis).to_string(),
        },
        Dimension {
            name: "memory",
            limit: memory_limit.map(Memory::bytes),
            request: memory_request.map(Memory::bytes),
            shown: |bytes| Memory::from_bytes(bytes).to_string(),
        },
    ]
}

impl Dimension {
    fn violation(&self, limit_range: &str, bound: Bound, asked: Option<u64>, allowed: u64) -> LimitViolation {
        LimitViolation {
            limit_range: limit_range.to_owned(),
            dimension: self.name,
            bound,
            asked: asked.map(self.shown),
            allowed: (self.shown)(allowed),
        }
    }

    /// Returns what is above the maximum: a limit must be stated, and neither it nor the request may be more.
    fn above(&self, max: Option<u64>) -> Option<(Option<u64>, u64)> {
        let max = max?;
        let Some(limit) = self.limit else { return Some((None, max)) };
        let most = self.request.map_or(limit, |request| request.max(limit));
        (most > max).then_some((Some(most), max))
    }

    /// Returns what is below the minimum: a request must be stated, and neither it nor the limit may be less.
    fn below(&self, min: Option<u64>) -> Option<(Option<u64>, u64)> {
        let min = min?;
        let Some(request) = self.request else { return Some((None, min)) };
        let least = self.limit.map_or(request, |limit| limit.min(request));
        (least < min).then_some((Some(least), min))
    }

    /// Returns a limit that is too many times the request; both must be stated and above zero.
    fn too_many_times(&self, limit_range: &str, ratio: Option<Ratio>) -> Option<LimitViolation> {
        let ratio = ratio?;
        let stated = |amount: Option<u64>| amount.filter(|amount| *amount > 0);
        let (Some(limit), Some(request)) = (stated(self.limit), stated(self.request)) else {
            let missing = self.violation(limit_range, Bound::Ratio, None, 0);
            return Some(LimitViolation { allowed: ratio.to_string(), ..missing });
        };
        let most = ratio.times(request);
        (limit > most).then(|| self.violation(limit_range, Bound::Ratio, Some(limit), most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{defaulted, profiles};

    fn limits() -> LimitRange {
        profiles::by_name("tools-2023").unwrap().1
    }

    fn container(cpu_limit: &str, cpu_request: &str) -> ContainerResources {
        ContainerResources {
            cpu_limit: Cpu::from_cluster(cpu_limit).ok(),
            cpu_request: Cpu::from_cluster(cpu_request).ok(),
            ..ContainerResources::default()
        }
    }

    fn found(range: &LimitRange, container: &ContainerResources) -> Vec<String> {
        violations(std::slice::from_ref(range), container).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_breaks_a_bound_is_said_with_the_bound() {
        let stated = ContainerResources {
            memory_limit: Some("5Gi".parse().unwrap()),
            cpu_request: Some("10m".parse().unwrap()),
            ..ContainerResources::default()
        };
        assert_eq!(
            found(&limits(), &defaulted(&[limits()], stated)),
            [
                "5Gi of memory is more than the 4Gi that one container may have",
                "10m of CPU is less than the 50m that one container must have",
            ]
        );
    }

    #[test]
    fn each_bound_is_checked_as_the_api_server_does() {
        let cpu = |millis| Some(Cpu::from_millis(millis));
        let max = LimitRange { max_cpu: cpu(1000), ..LimitRange::default() };
        let min = LimitRange { min_cpu: cpu(50), ..LimitRange::default() };
        let ratio = LimitRange {
            max_limit_request_ratio_cpu: Some(Ratio::from_thousandths(1500)),
            ..LimitRange::default()
        };
        let none = LimitRange::default();
        let missing =
            "a limit or a request of CPU is missing; the limit may be at most 1.5 times the request";
        for (range, limit, request, expected) in [
            (&max, "1", "1", None),
            (&max, "2", "-", Some("2 of CPU is more than the 1 that one container may have")),
            (&max, "-", "100m", Some("no limit of CPU is stated; one container may have at most 1")),
            (&min, "50m", "50m", None),
            (&min, "-", "49m", Some("49m of CPU is less than the 50m that one container must have")),
            (&min, "1", "-", Some("no request of CPU is stated; one container must have at least 50m")),
            (&ratio, "300m", "200m", None),
            (
                &ratio,
                "301m",
                "200m",
                Some("a limit of 301m of CPU is more than the 300m that the request allows"),
            ),
            (&ratio, "499m", "333m", None),
            (
                &ratio,
                "500m",
                "333m",
                Some("a limit of 500m of CPU is more than the 499m that the request allows"),
            ),
            (&ratio, "1", "0", Some(missing)),
            (&ratio, "-", "1", Some(missing)),
            (&none, "1", "2", Some("a request of 2 of CPU is more than the container's own limit of 1")),
            (&none, "-", "-", None),
        ] {
            let found = found(range, &container(limit, request));
            assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{limit} {request}");
        }
    }

    #[test]
    fn a_request_alone_above_the_default_limit_is_refused() {
        let stated = defaulted(&[limits()], container("-", "800m"));
        assert_eq!(
            found(&limits(), &stated),
            ["a request of 800m of CPU is more than the container's own limit of 500m"]
        );
    }
}
