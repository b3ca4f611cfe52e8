//! The limits and requests of a pod.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ResourceRequirements;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use toolforge_model::{Cpu, Memory};
use toolforge_quota::PerResource;

/// The resources of a pod with one container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PodResources {
    /// The most that the pod may use.
    pub limits: PerResource<Cpu, Memory>,
    /// What the scheduler reserves for the pod.
    pub requests: PerResource<Cpu, Memory>,
}

impl PodResources {
    /// The limits of a web service whose type sets none (webservice 0.82: `0.5` and `512Mi`).
    pub(crate) const DEFAULT_LIMITS: PerResource<Cpu, Memory> =
        PerResource { cpu: Cpu::from_millis(500), memory: Memory::from_bytes(512 << 20) };

    /// The requests of a web service that sets no limit, regardless of the type's limit (webservice 0.82: `0.125` and `256Mi`).
    pub(crate) const DEFAULT_REQUESTS: PerResource<Cpu, Memory> =
        PerResource { cpu: Cpu::from_millis(125), memory: Memory::from_bytes(256 << 20) };

    /// Limits below these are requested in full; half of other limits is requested (webservice 0.98).
    pub(crate) const HALF_FROM: PerResource<Cpu, Memory> =
        PerResource { cpu: Cpu::from_millis(250), memory: Memory::from_bytes(256 << 20) };

    /// Returns the platform's resources for the limits of a request; `defaults` are the limits if it sets none.
    pub(crate) fn new(cpu: Option<Cpu>, memory: Option<Memory>, defaults: PerResource<Cpu, Memory>) -> Self {
        let cpu_request = match cpu {
            None => Self::DEFAULT_REQUESTS.cpu,
            Some(limit) if limit < Self::HALF_FROM.cpu => limit,
            Some(limit) => limit.half(),
        };
        let memory_request = match memory {
            None => Self::DEFAULT_REQUESTS.memory,
            Some(limit) if limit < Self::HALF_FROM.memory => limit,
            Some(limit) => limit.half(),
        };
        Self {
            limits: PerResource {
                cpu: cpu.unwrap_or(defaults.cpu),
                memory: memory.unwrap_or(defaults.memory),
            },
            requests: PerResource { cpu: cpu_request, memory: memory_request },
        }
    }
}

/// Returns the CPU of a container's limits or requests; an invalid quantity counts as absent.
pub(crate) fn cpu_of(amounts: Option<&BTreeMap<String, Quantity>>) -> Option<Cpu> {
    Cpu::parse_quantity(&amounts?.get("cpu")?.0).ok()
}

/// Returns the memory of a container's limits or requests; an invalid quantity counts as absent.
pub(crate) fn memory_of(amounts: Option<&BTreeMap<String, Quantity>>) -> Option<Memory> {
    Memory::parse_quantity(&amounts?.get("memory")?.0).ok()
}

/// Returns the resources in the form of a container.
pub(crate) fn resources(resources: PodResources) -> ResourceRequirements {
    let PodResources { limits, requests } = resources;
    let amounts = |PerResource { cpu, memory }: PerResource<Cpu, Memory>| {
        let quantities = [("cpu", Quantity(cpu.to_string())), ("memory", Quantity(memory.to_string()))];
        Some(quantities.map(|(resource, quantity)| (resource.to_owned(), quantity)).into())
    };
    ResourceRequirements {
        limits: amounts(limits),
        requests: amounts(requests),
        ..ResourceRequirements::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resources(cpu: Option<&str>, memory: Option<&str>) -> [String; 4] {
        let cpu = cpu.map(|text| text.parse().unwrap());
        let memory = memory.map(|text| text.parse().unwrap());
        let resources = PodResources::new(cpu, memory, PodResources::DEFAULT_LIMITS);
        let PodResources { limits, requests } = resources;
        [
            limits.cpu.to_string(),
            requests.cpu.to_string(),
            limits.memory.to_string(),
            requests.memory.to_string(),
        ]
    }

    #[test]
    fn requests_are_half_of_large_limits() {
        assert_eq!(resources(None, None), ["500m", "125m", "512Mi", "256Mi"]);
        assert_eq!(resources(Some("249m"), Some("255Mi")), ["249m", "249m", "255Mi", "255Mi"]);
        assert_eq!(resources(Some("250m"), Some("256Mi")), ["250m", "125m", "256Mi", "128Mi"]);
        assert_eq!(resources(Some("333m"), Some("268435457")), ["333m", "167m", "268435457", "134217729"]);
        assert_eq!(resources(Some("0.5"), None), ["500m", "250m", "512Mi", "256Mi"]);
    }
}
