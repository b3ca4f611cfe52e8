//! Quotas and LimitRanges that contradict each other.

use std::collections::BTreeMap;
use std::fmt;

use toolforge_model::Untrusted;

use crate::container_resources::{Amounts, ComputeResource, ContainerResources};
use crate::demand::Demand;
use crate::limit_range::{Bounds, LimitRange, apply_defaults};
use crate::limit_violation::LimitType;
use crate::object_name::ObjectName;
use crate::pod_demand::PodDemand;
use crate::quota_check::{ClaimDemand, DemandChange, Limits, QuotaCheck};
use crate::resource::Resource;
use crate::unusable_quota::{UnusableQuota, types};

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AuditLevel {
    /// Something is refused now, or will be when it is re-created.
    Error,
    /// A limit has no effect.
    Warning,
}

impl AuditLevel {
    /// Returns the code, in kebab-case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

impl fmt::Display for AuditLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Something about the limits of a namespace that an admin should change.
///
/// Amounts are in the resource's smallest unit.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuditFinding {
    /// There is a LimitRange, but no quota.
    NoQuota,
    /// A quota requires each container to state amounts, and no LimitRange has a default for them.
    NoDefault {
        /// The quota's name.
        quota: String,
        /// The amounts, such as `limits.cpu`.
        resources: Vec<Resource>,
    },
    /// A pod that states nothing gets defaults that a LimitRange or a quota refuses.
    UnusableDefaults {
        /// Why the pod is refused, even if nothing else is used.
        check: QuotaCheck,
    },
    /// A LimitRange allows one container, pod or claim more than the quota allows all of them: the maximum has no effect.
    UnusableMaximum {
        /// The LimitRange's name.
        limit_range: String,
        /// The objects to which the maximum applies.
        limit_type: LimitType,
        /// The maximum's resource.
        resource: ComputeResource,
        /// The maximum.
        maximum: u64,
        /// The quota's name.
        quota: String,
        /// The resource of the quota.
        limited: Resource,
        /// The quota's limit.
        hard: u64,
    },
    /// A LimitRange requires more than another one, or the quota, allows: nothing can be created.
    UnusableMinimum {
        /// The LimitRange's name.
        limit_range: String,
        /// The objects to which the minimum applies.
        limit_type: LimitType,
        /// The minimum's resource.
        resource: ComputeResource,
        /// The minimum.
        minimum: u64,
        /// The smaller maximum, or limit of the quota.
        allowed: u64,
    },
    /// A quota allows more than other limits let anybody use.
    UnusableQuota(Box<UnusableQuota>),
    /// Usage exceeds the quota: deleted objects cannot be re-created.
    Exceeded {
        /// The quota's name.
        quota: String,
        /// The resource.
        resource: Resource,
        /// The quota's limit.
        hard: u64,
        /// The current usage.
        used: u64,
    },
    /// Several quotas limit a resource: only the smallest limit has an effect.
    SeveralLimits {
        /// The resource.
        resource: Resource,
        /// The limits, the smallest first.
        limits: Vec<QuotaLimit>,
    },
    /// An existing object, its pods or its claims would be refused if they were re-created, even if nothing else used the
    /// quota.
    Stranded {
        /// The object, such as `Deployment bot`.
        object: ObjectName,
        /// Why they are refused.
        check: QuotaCheck,
        /// Whether the object itself is kept, and only its pods are refused.
        is_kept: bool,
    },
}

/// The limit of a resource in one quota.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QuotaLimit {
    /// The quota's name.
    pub quota: String,
    /// The limit.
    pub hard: u64,
}

/// An existing object that creates pods, a pod, or a volume claim.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditedWorkload {
    /// One of its pods, with the object.
    pub pod: PodDemand,
    /// How many pods it has at once; one pod is checked if it has none now.
    pub count: u64,
    /// Its requests apart from these pods: the object itself, its Jobs, pods that have succeeded, and the volume claims.
    pub other_objects: Demand,
    /// The requests of each claim that is created for one of its pods.
    pub claims: Vec<Amounts>,
    /// Whether only its pods are created again, and the object itself is kept: a Job.
    pub is_kept: bool,
    /// Whether it has no pods, so `pod` only names the object: a volume claim.
    pub is_without_pods: bool,
}

impl AuditFinding {
    /// Returns the code, in kebab-case.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::NoQuota => "no-quota",
            Self::NoDefault { .. } => "no-default",
            Self::UnusableDefaults { .. } => "unusable-defaults",
            Self::UnusableMaximum { .. } => "unusable-maximum",
            Self::UnusableMinimum { .. } => "unusable-minimum",
            Self::UnusableQuota(_) => "unusable-quota",
            Self::Exceeded { .. } => "quota-exceeded",
            Self::SeveralLimits { .. } => "several-limits",
            Self::Stranded { .. } => "stranded",
        }
    }

    /// Returns how much it matters.
    #[must_use]
    pub fn level(&self) -> AuditLevel {
        match self {
            Self::NoQuota
            | Self::UnusableMaximum { .. }
            | Self::UnusableQuota(_)
            | Self::SeveralLimits { .. } => AuditLevel::Warning,
            Self::NoDefault { .. }
            | Self::UnusableDefaults { .. }
            | Self::UnusableMinimum { .. }
            | Self::Exceeded { .. }
            | Self::Stranded { .. } => AuditLevel::Error,
        }
    }
}

impl fmt::Display for AuditFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |name: &str| Untrusted::new(name).escaped().to_string();
        let one_line = |check: &QuotaCheck| check.to_string().replace('\n', "; ");
        match self {
            Self::NoQuota => {
                f.write_str("there is a LimitRange, but no ResourceQuota: the number of pods has no limit")
            }
            Self::NoDefault { quota, resources } => {
                let resources: Vec<_> =
                    resources.iter().map(|resource| name(&resource.to_string())).collect();
                write!(
                    f,
                    "quota {} requires each container to state {}, and no LimitRange has a default for it",
                    name(quota),
                    resources.join(", ")
                )
            }
            Self::UnusableDefaults { check } => {
                write!(f, "a container that states no resources is refused: {}", one_line(check))
            }
            Self::UnusableMaximum { limit_range, limit_type, resource, maximum, quota, limited, hard } => {
                let (maximum, hard) = resource.above(*maximum, *hard);
                write!(
                    f,
                    "LimitRange {} allows each {} {maximum} of {}, but quota {} allows only {hard} of {} in total",
                    name(limit_range),
                    limit_type.as_str().to_lowercase(),
                    name(&resource.key()),
                    name(quota),
                    name(&limited.to_string()),
                )
            }
            Self::UnusableMinimum { limit_range, limit_type, resource, minimum, allowed } => {
                let (minimum, allowed) = resource.above(*minimum, *allowed);
                write!(
                    f,
                    "LimitRange {} requires each {} to request at least {minimum} of {}, but only {allowed} is allowed",
                    name(limit_range),
                    limit_type.as_str().to_lowercase(),
                    name(&resource.key()),
                )
            }
            Self::UnusableQuota(found) => found.fmt(f),
            Self::Exceeded { quota, resource, hard, used } => {
                let (hard, [used]) = resource.short_amounts(*hard, [*used]);
                write!(
                    f,
                    "{}: {used} of {hard} are used (quota {}); what is deleted cannot be created again",
                    name(&resource.to_string()),
                    name(quota),
                )
            }
            Self::SeveralLimits { resource, limits } => {
                let limits: Vec<_> = limits
                    .iter()
                    .map(|limit| format!("{} in {}", resource.short_bound(limit.hard), name(&limit.quota)))
                    .collect();
                write!(
                    f,
                    "several quotas limit {}: {}; only the smallest has an effect",
                    name(&resource.to_string()),
                    limits.join(", ")
                )
            }
            Self::Stranded { object, check, is_kept: false } => {
                write!(f, "{object} cannot be created again: {}", one_line(check))
            }
            Self::Stranded { object, check, is_kept: true } => {
                write!(f, "{object} cannot create the pods that it still needs: {}", one_line(check))
            }
        }
    }
}

impl Limits {
    /// Compares the quotas and LimitRanges of a namespace with each other, with the current usage, and with the pods and claims
    /// of existing objects (`workloads`, each with its [`object`](PodDemand::object), as stated in its template).
    #[must_use]
    pub fn audit(&self, workloads: &[AuditedWorkload]) -> Vec<AuditFinding> {
        let mut findings = Vec::new();
        if self.quotas.is_empty() && !self.limit_ranges.is_empty() {
            findings.push(AuditFinding::NoQuota);
        }
        findings.extend(self.missing_defaults());
        findings.extend(self.unusable_defaults());
        for range in &self.limit_ranges {
            for (limit_type, bounds) in types(range) {
                findings.extend(self.unusable_maximums(range, limit_type, bounds));
                findings.extend(self.unusable_minimums(range, limit_type, bounds));
            }
        }
        let unusable = self.unusable_quotas().into_iter();
        findings.extend(unusable.map(|found| AuditFinding::UnusableQuota(Box::new(found))));
        findings.extend(self.several_limits());
        findings.extend(self.exceeded());
        findings.extend(workloads.iter().filter_map(|workload| {
            let check = self.refusal_of(workload)?;
            let object = workload.pod.object.clone().unwrap_or_default();
            Some(AuditFinding::Stranded { object, check, is_kept: workload.is_kept })
        }));
        findings
    }

    /// Returns why an object or its pods would be refused, even if nothing used the quota.
    fn refusal_of(&self, workload: &AuditedWorkload) -> Option<QuotaCheck> {
        let AuditedWorkload { pod, count, other_objects, claims, is_kept: _, is_without_pods } = workload;
        let quotas = self.quotas.iter().map(crate::ResourceQuota::without_usage).collect();
        let alone = Self { quotas, limit_ranges: self.limit_ranges.clone(), ..Self::default() };
        // The finding names the object.
        let pod = PodDemand { object: None, ..pod.clone() }.with_defaults(&self.limit_ranges);
        let count = if *is_without_pods { 0 } else { (*count).max(1) };
        let mut requested = pod.demand().times(count);
        requested.add_all(other_objects);
        let claims = claims.iter().map(|requests| ClaimDemand { object: None, requests: requests.clone() });
        let check = alone.evaluate_change(&DemandChange {
            created: requested.clone(),
            requested,
            pods: if *is_without_pods { Vec::new() } else { vec![pod] },
            claims: claims.collect(),
            ..DemandChange::default()
        });
        (!check.fits()).then_some(check)
    }

    fn missing_defaults(&self) -> Vec<AuditFinding> {
        let unspecified = self.unspecified(&self.default_pod());
        unspecified
            .into_iter()
            .map(|unspecified| AuditFinding::NoDefault {
                quota: unspecified.quota,
                resources: unspecified.resources,
            })
            .collect()
    }

    fn unusable_defaults(&self) -> Option<AuditFinding> {
        let pod = self.default_pod();
        if self.limit_ranges.is_empty() || !self.unspecified(&pod).is_empty() {
            return None;
        }
        let workload = AuditedWorkload { pod, ..AuditedWorkload::default() };
        self.refusal_of(&workload).map(|check| AuditFinding::UnusableDefaults { check })
    }

    /// Returns a pod with one container that states nothing, with the defaults of the LimitRanges.
    fn default_pod(&self) -> PodDemand {
        let container = apply_defaults(&self.limit_ranges, ContainerResources::default());
        PodDemand { containers: vec![container], ..PodDemand::default() }
    }

    fn unusable_maximums<'a>(
        &'a self,
        range: &'a LimitRange,
        limit_type: LimitType,
        bounds: &'a Bounds,
    ) -> impl Iterator<Item = AuditFinding> + 'a {
        bounds.max.iter().filter_map(move |(resource, maximum)| {
            let limited = Resource::of_limits(resource).or_else(|| Resource::of_requests(resource))?;
            let (quota, hard) = self.smallest(&limited)?;
            (maximum > hard).then(|| AuditFinding::UnusableMaximum {
                limit_range: range.name.clone(),
                limit_type,
                resource: resource.clone(),
                maximum,
                quota: quota.to_owned(),
                limited,
                hard,
            })
        })
    }

    fn unusable_minimums<'a>(
        &'a self,
        range: &'a LimitRange,
        limit_type: LimitType,
        bounds: &'a Bounds,
    ) -> impl Iterator<Item = AuditFinding> + 'a {
        bounds.min.iter().filter_map(move |(resource, minimum)| {
            let maximums = self.limit_ranges.iter().flat_map(move |other| {
                types(other)
                    .into_iter()
                    .filter(move |(kind, _)| *kind == limit_type)
                    .filter_map(|(_, bounds)| bounds.max.get(resource))
            });
            let of_quota = Resource::of_requests(resource).and_then(|limited| self.smallest(&limited));
            let allowed = maximums.chain(of_quota.map(|(_, hard)| hard)).min()?;
            (minimum > allowed).then(|| AuditFinding::UnusableMinimum {
                limit_range: range.name.clone(),
                limit_type,
                resource: resource.clone(),
                minimum,
                allowed,
            })
        })
    }

    fn several_limits(&self) -> Vec<AuditFinding> {
        let mut limits: BTreeMap<&Resource, Vec<QuotaLimit>> = BTreeMap::new();
        for quota in self.quotas.iter().filter(|quota| quota.scopes.is_empty()) {
            for (resource, hard) in &quota.hard {
                limits
                    .entry(resource)
                    .or_default()
                    .push(QuotaLimit { quota: quota.name.clone(), hard: *hard });
            }
        }
        let several = limits.into_iter().filter(|(_, limits)| limits.len() > 1);
        several
            .map(|(resource, mut limits)| {
                limits.sort_by_key(|limit| limit.hard);
                AuditFinding::SeveralLimits { resource: resource.clone(), limits }
            })
            .collect()
    }

    fn exceeded(&self) -> impl Iterator<Item = AuditFinding> + '_ {
        self.quotas.iter().flat_map(|quota| {
            let exceeded = quota.hard.iter().filter(|(resource, hard)| quota.used(resource) > **hard);
            exceeded.map(|(resource, hard)| AuditFinding::Exceeded {
                quota: quota.name.clone(),
                resource: resource.clone(),
                hard: *hard,
                used: quota.used(resource),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Amounts, profiles};

    fn amounts(cpu: &str, memory: &str) -> Amounts {
        Amounts::new(cpu.parse().ok(), memory.parse().ok())
    }

    fn lines(limits: &Limits, workloads: &[AuditedWorkload]) -> Vec<String> {
        let line = |finding: &AuditFinding| format!("{} {}: {finding}", finding.level(), finding.as_str());
        limits.audit(workloads).iter().map(line).collect()
    }

    fn profile(name: &str) -> Limits {
        profiles::by_name(name).unwrap().into()
    }

    #[test]
    fn profiles_have_no_findings() {
        for name in profiles::NAMES {
            assert_eq!(lines(&profile(name), &[]), [""; 0], "{name}");
        }
    }

    #[test]
    fn maximum_above_the_quota_has_no_effect() {
        // An override of only the container maximum.
        let mut limits = profile("toolforge-2023");
        limits.limit_ranges[0].container.max = amounts("1", "9Gi");
        assert_eq!(
            lines(&limits, &[]),
            [
                "warning unusable-maximum: LimitRange toolforge-2023 allows each container 9Gi of memory, but quota \
              toolforge-2023 allows only 8Gi of limits.memory in total"
            ]
        );
    }

    #[test]
    fn audit_finds_missing_defaults() {
        let limits = Limits { limit_ranges: Vec::new(), ..profile("toolforge-2023") };
        assert_eq!(
            lines(&limits, &[]),
            [
                "error no-default: quota toolforge-2023 requires each container to state requests.cpu, requests.memory, \
              limits.cpu, limits.memory, and no LimitRange has a default for it"
            ]
        );
        let limits = Limits { quotas: Vec::new(), ..profile("toolforge-2023") };
        assert_eq!(lines(&limits, &[]).len(), 1);
    }

    #[test]
    fn changed_quota_strands_existing_objects() {
        let mut limits = profile("toolforge-2023");
        limits.quotas[0].used = [(Resource::Pods, 12)].into();
        let big = ContainerResources { limits: amounts("2", "1Gi"), ..ContainerResources::default() };
        let workload = PodDemand {
            object: Some(ObjectName::new("Deployment", "bot\u{1b}")),
            containers: vec![big],
            ..PodDemand::default()
        };
        let found =
            lines(&limits, &[AuditedWorkload { pod: workload, count: 1, ..AuditedWorkload::default() }]);
        assert_eq!(
            found[0],
            "error quota-exceeded: pods: 12 of 10 are used (quota toolforge-2023); what is deleted cannot be created again"
        );
        assert!(
            found[1].starts_with("error stranded: Deployment bot\\u{1b} cannot be created again: "),
            "{found:?}"
        );
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn audit_finds_contradicting_ranges() {
        let mut limits = profile("toolforge-2023");
        let container = Bounds { min: amounts("2", "-"), ..Bounds::default() };
        limits.limit_ranges.push(LimitRange { name: "other".to_owned(), container, ..LimitRange::default() });
        let found = lines(&limits, &[]);
        assert!(
            found.contains(
                &"error unusable-minimum: LimitRange other requires each container to request at least 2 of cpu, \
                  but only 1 is allowed"
                    .to_owned()
            ),
            "{found:?}"
        );
        assert!(found[0].starts_with("error unusable-defaults: "), "{found:?}");
    }

    #[test]
    fn one_pod_fits_a_quota_of_one_pod() {
        let mut limits = profile("seed-2020");
        limits.quotas[0].hard.insert(Resource::Pods, 1);
        let workload = PodDemand {
            object: Some(ObjectName::new("Deployment", "bot")),
            containers: vec![ContainerResources::default()],
            ..PodDemand::default()
        };
        let found =
            limits.audit(&[AuditedWorkload { pod: workload, count: 1, ..AuditedWorkload::default() }]);
        assert!(found.iter().all(|finding| finding.level() != AuditLevel::Error), "{found:?}");
    }

    #[test]
    fn smaller_of_two_quotas_is_named() {
        let mut limits = profile("seed-2020");
        let mut second = limits.quotas[0].clone();
        second.name = "second".to_owned();
        second.hard = [(Resource::Pods, 3)].into();
        limits.quotas.push(second);
        assert_eq!(
            lines(&limits, &[]),
            [
                "warning several-limits: several quotas limit pods: 3 in second, 4 in seed-2020; only the smallest has \
              an effect"
            ]
        );
    }

    #[test]
    fn all_pods_of_an_object_are_checked() {
        let limits = profile("seed-2020");
        let pod = PodDemand {
            object: Some(ObjectName::new("Deployment", "bot")),
            containers: vec![ContainerResources::default()],
            ..PodDemand::default()
        };
        let found = lines(&limits, &[AuditedWorkload { pod, count: 20, ..AuditedWorkload::default() }]);
        assert!(
            found[0].starts_with("error stranded: Deployment bot cannot be created again: pods: 20 of 4"),
            "{found:?}"
        );
    }
}
