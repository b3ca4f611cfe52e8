//! What pods use as it is measured: the objects of `metrics.k8s.io/v1beta1`.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;
use toolforge_model::{Cpu, Memory};
use toolforge_quota::PerResource;

use crate::pod::{cpu_of, memory_of};

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

/// What pods used when it was measured last: CPU on average over the last half minute or so, and memory.
pub type MeasuredUse = PerResource<Cpu, Memory>;

/// Adds the use of a pod.
pub(super) fn add_use(total: &mut MeasuredUse, metrics: &PodMetrics) {
    for container in &metrics.containers {
        let cpu = cpu_of(Some(&container.usage)).unwrap_or_default();
        let memory = memory_of(Some(&container.usage)).unwrap_or_default();
        total.cpu = Cpu::from_millis(total.cpu.millis().saturating_add(cpu.millis()));
        total.memory = Memory::from_bytes(total.memory.bytes().saturating_add(memory.bytes()));
    }
}
