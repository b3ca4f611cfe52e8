//! The workloads whose pods use the quota.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ContainerState, Pod};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::jiff::Timestamp;
use serde::Deserialize;
use toolforge_model::{Cpu, Memory, Untrusted};
use toolforge_quota::{Demand, LimitRange, PerResource, Resource, ResourceQuota};

use crate::pod::{OUT_OF_MEMORY, container, container_statuses, cpu_of, has_ended, memory_of, pod_demand};
use crate::usage::consumer::{QuotaConsumer, consumer_of};

/// A workload with running pods, and their usage of the quota.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct WorkloadUsage {
    /// The workload.
    pub consumer: QuotaConsumer,
    /// How many of its pods run or terminate.
    pub pods: u64,
    /// What the quotas count of them.
    pub demand: Demand,
    /// What they used when last measured; `None` if that is not known.
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

/// The last kill of a container that used more memory than its limit.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OutOfMemoryKill {
    /// The workload.
    pub consumer: QuotaConsumer,
    /// The pod.
    pub pod: Untrusted,
    /// The container's memory limit.
    pub limit: Option<toolforge_model::Memory>,
    /// When it was killed.
    pub at: Option<Timestamp>,
    /// How often the container was restarted since its pod was created, for any reason.
    pub restarts: u64,
}

/// Returns the last kill of each container, including sidecars and init containers, newest first, as far as the pods' statuses
/// show them.
#[must_use]
pub fn out_of_memory_kills(pods: &[Pod]) -> Vec<OutOfMemoryKill> {
    let mut found = Vec::new();
    for pod in pods {
        for status in container_statuses(pod) {
            let states = [status.state.as_ref(), status.last_state.as_ref()];
            let killed = |state: &ContainerState| {
                let end = state.terminated.clone()?;
                (end.reason.as_deref() == Some(OUT_OF_MEMORY)).then_some(end)
            };
            let Some(end) = states.into_iter().flatten().find_map(killed) else { continue };
            let limits =
                container(pod, &status.name).and_then(|found| found.resources.as_ref()?.limits.as_ref());
            found.push(OutOfMemoryKill {
                consumer: consumer_of(pod),
                pod: Untrusted::new(pod.metadata.name.clone().unwrap_or_default()),
                limit: memory_of(limits),
                at: end.finished_at.as_ref().map(|time| time.0),
                restarts: u64::try_from(status.restart_count).unwrap_or(0),
            });
        }
    }
    found.sort_by_key(|kill| std::cmp::Reverse(kill.at));
    found
}

/// The measurement of one pod.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct PodMetrics {
    /// The pod's name and namespace.
    #[serde(default)]
    pub metadata: ObjectMeta,
    /// The measurements of its containers.
    #[serde(default)]
    pub containers: Vec<ContainerMetrics>,
}

/// The measurement of one container.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct ContainerMetrics {
    /// The container's name.
    #[serde(default)]
    pub name: String,
    /// What it used of `cpu` and `memory`.
    #[serde(default)]
    pub usage: BTreeMap<String, Quantity>,
}

/// What pods used when last measured: CPU on average over the last half minute or so, and memory.
pub type MeasuredUse = PerResource<Cpu, Memory>;

/// Adds the usage of a pod.
pub(super) fn add_use(total: &mut MeasuredUse, metrics: &PodMetrics) {
    for container in &metrics.containers {
        let cpu = cpu_of(Some(&container.usage)).unwrap_or_default();
        let memory = memory_of(Some(&container.usage)).unwrap_or_default();
        total.cpu = Cpu::from_millis(total.cpu.millis().saturating_add(cpu.millis()));
        total.memory = Memory::from_bytes(total.memory.bytes().saturating_add(memory.bytes()));
    }
}
