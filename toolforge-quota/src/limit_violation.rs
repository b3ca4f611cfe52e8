use std::fmt;

use toolforge_model::Untrusted;

use crate::container_resources::ComputeResource;
use crate::object_name::ObjectName;
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
    /// The object whose container it is, as the [`PodDemand`](crate::PodDemand) names it.
    pub object: Option<ObjectName>,
    /// The name of the container, as the [`PodDemand`](crate::PodDemand) names it; `None` for sums and claims.
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
    /// The object whose pod it is, as the [`PodDemand`](crate::PodDemand) names it.
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
