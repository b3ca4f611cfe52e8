//! The API server's response to the creation of one pod.

use crate::demand::Demand;
use crate::limit_check::{own_violations, range_violations};
use crate::limit_range::{LimitRange, orders};
use crate::limit_violation::{LimitViolation, Unspecified};
use crate::pod_demand::PodDemand;
use crate::quota_check::Limits;
use crate::resource::Resource;
use crate::resource_check::ResourceCheck;

/// The API server's response to the creation of a pod, as far as it depends on limits and quotas (Kubernetes 1.33).
///
/// The API server checks in the order of these variants, and returns the first that applies. For several LimitRanges or quotas
/// that refuse a pod, it names one, in no fixed order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// The pod is created.
    Admitted,
    /// A container's own limits do not allow its requests.
    Invalid(Vec<LimitViolation>),
    /// LimitRanges do not allow its amounts.
    OutsideLimits(Vec<LimitViolation>),
    /// Quotas require amounts that a container does not state.
    Unspecified(Vec<Unspecified>),
    /// Quotas whose usage is not counted yet: their names.
    NotCounted(Vec<String>),
    /// Quotas are exceeded: the resources that do not fit.
    ExceedsQuota(Vec<ResourceCheck>),
}

impl Limits {
    /// Returns the possible responses of the API server to the creation of a pod as it is written, now and in addition to the
    /// pods that are counted. There are several only if LimitRanges have different defaults for the same resource: the API
    /// server applies them in no fixed order.
    #[must_use]
    pub fn admissions(&self, pod: &PodDemand) -> Vec<Admission> {
        let mut answers = Vec::new();
        for ranges in self.default_orders() {
            let answer = self.admission(&pod.clone().with_defaults(&ranges));
            if !answers.contains(&answer) {
                answers.push(answer);
            }
        }
        answers
    }

    /// Returns the LimitRanges in each order in which pods can get different defaults, their own order first. There is only one
    /// order if no two have different defaults for the same resource, or if too many have: the API server applies them in no
    /// fixed order.
    #[must_use]
    pub fn default_orders(&self) -> Vec<Vec<LimitRange>> {
        orders(&self.limit_ranges).into_iter().map(|order| order.into_iter().cloned().collect()).collect()
    }

    /// Returns the response for a pod whose defaults are set.
    fn admission(&self, pod: &PodDemand) -> Admission {
        let invalid = own_violations(pod);
        if !invalid.is_empty() {
            return Admission::Invalid(invalid);
        }
        let sums = pod.sums();
        let outside: Vec<_> =
            self.limit_ranges.iter().flat_map(|range| range_violations(range, pod, &sums)).collect();
        if !outside.is_empty() {
            return Admission::OutsideLimits(outside);
        }
        let unspecified = self.unspecified(pod);
        if !unspecified.is_empty() {
            return Admission::Unspecified(unspecified);
        }
        let traits = pod.traits();
        let uncounted = self.quotas.iter().filter(|quota| {
            let mut counted = quota.hard.keys().filter(|resource| quota.counts(resource, &traits));
            counted.any(|resource| resource.is_of_pods() && !quota.used.contains(resource))
        });
        let uncounted: Vec<String> = uncounted.map(|quota| quota.name.clone()).collect();
        if !uncounted.is_empty() {
            return Admission::NotCounted(uncounted);
        }
        let demand: Demand = pod.demand();
        let exceeded: Vec<ResourceCheck> = self
            .evaluate(&Demand::default(), &demand, std::slice::from_ref(pod))
            .shortfalls()
            .cloned()
            .collect();
        if exceeded.is_empty() { Admission::Admitted } else { Admission::ExceedsQuota(exceeded) }
    }
}

impl Admission {
    /// Returns the resources of one quota that the response names.
    #[must_use]
    pub fn resources_of_quota(&self, quota: &str) -> Vec<Resource> {
        match self {
            Self::Unspecified(found) => {
                let of = found.iter().filter(|found| found.quota == quota);
                of.flat_map(|found| found.resources.iter().cloned()).collect()
            }
            Self::ExceedsQuota(found) => {
                let of = found.iter().filter(|found| found.quota == quota);
                of.map(|found| found.resource.clone()).collect()
            }
            Self::Admitted | Self::Invalid(_) | Self::OutsideLimits(_) | Self::NotCounted(_) => Vec::new(),
        }
    }
}
