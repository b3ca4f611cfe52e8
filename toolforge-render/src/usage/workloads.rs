//! The workloads whose pods use the quota.

use k8s_openapi::api::core::v1::Pod;
use toolforge_quota::{Demand, LimitRange, Resource, ResourceQuota};

use crate::pod::{has_ended, pod_demand};
use crate::usage::consumer::{QuotaConsumer, consumer_of};
use crate::usage::measured::{MeasuredUse, PodMetrics, add_use};

/// A workload with running pods, and what these use of the quota.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct WorkloadUsage {
    /// The workload.
    pub consumer: QuotaConsumer,
    /// How many of its pods run or terminate.
    pub pods: u64,
    /// What the quotas count of them.
    pub demand: Demand,
    /// What they used when it was measured last; `None` if that is not known.
    pub measured: Option<MeasuredUse>,
}

/// How much of a quota something uses.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QuotaShare {
    /// The resource of the quota.
    pub resource: Resource,
    /// How much of it is used, in percent rounded up.
    pub percent: u64,
}

impl WorkloadUsage {
    /// Returns the largest share of a quota's CPU, memory or pods that the workload uses; `None` if no quota limits these.
    #[must_use]
    pub fn share(&self, quotas: &[ResourceQuota]) -> Option<QuotaShare> {
        let shares = quotas.iter().flat_map(|quota| &quota.hard).filter_map(|(resource, hard)| {
            let is_limited = matches!(
                resource,
                Resource::Pods
                    | Resource::LimitsCpu
                    | Resource::LimitsMemory
                    | Resource::RequestsCpu
                    | Resource::RequestsMemory
            );
            let used = u128::from(self.demand.get(resource)) * 100;
            let share = used.div_ceil(u128::from(*hard).max(1));
            let percent = u64::try_from(share).unwrap_or(u64::MAX);
            is_limited.then(|| QuotaShare { resource: resource.clone(), percent })
        });
        // If shares are equal, the first resource in the order of the keys.
        shares.fold(None, |largest: Option<QuotaShare>, found| match largest {
            Some(largest) if largest.percent >= found.percent => Some(largest),
            _ => Some(found),
        })
    }
}

/// Returns the workloads of a namespace that have running pods, those with the largest share of the quotas first.
#[must_use]
pub fn workload_usage(
    pods: &[Pod],
    quotas: &[ResourceQuota],
    limit_ranges: &[LimitRange],
    metrics: &[PodMetrics],
) -> Vec<WorkloadUsage> {
    let mut found: Vec<WorkloadUsage> = Vec::new();
    for pod in pods.iter().filter(|pod| !has_ended(pod)) {
        let Some(spec) = &pod.spec else { continue };
        let consumer = consumer_of(pod);
        let index = found.iter().position(|known| known.consumer.is_same(&consumer)).unwrap_or_else(|| {
            let (pods, demand) = (0, Demand::default());
            found.push(WorkloadUsage { consumer, pods, demand, measured: None });
            found.len() - 1
        });
        let usage = &mut found[index];
        usage.pods += 1;
        usage.demand.add_all(&pod_demand(spec, limit_ranges));
        if let Some(metrics) = metrics.iter().find(|metrics| metrics.metadata.name == pod.metadata.name) {
            add_use(usage.measured.get_or_insert_default(), metrics);
        }
    }
    found.sort_by_key(|usage| {
        let share = usage.share(quotas).map(|share| share.percent);
        std::cmp::Reverse((share, usage.demand.get(&Resource::LimitsMemory), usage.pods))
    });
    found
}
