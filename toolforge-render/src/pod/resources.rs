//! What a pod requests and may use.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ResourceRequirements;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use toolforge_model::{Cpu, Memory};

/// What each pod of a web service asks for and may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PodResources {
    /// The most CPU.
    pub cpu_limit: Cpu,
    /// The CPU that the scheduler reserves.
    pub cpu_request: Cpu,
    /// The most memory.
    pub memory_limit: Memory,
    /// The memory that the scheduler reserves.
    pub memory_request: Memory,
}

impl PodResources {
    /// The limits of a type that names none of its own (webservice 0.82: `0.5` and `512Mi`).
    pub const DEFAULT_LIMITS: (Cpu, Memory) = (Cpu::from_millis(500), Memory::from_bytes(512 << 20));

    /// The CPU that is reserved where none was asked for (webservice 0.82: `0.125`).
    pub const DEFAULT_CPU_REQUEST: Cpu = Cpu::from_millis(125);

    /// The memory that is reserved where none was asked for, whatever the type's limit (webservice 0.82: `256Mi`).
    pub const DEFAULT_MEMORY_REQUEST: Memory = Memory::from_bytes(256 << 20);

    /// Below this limit, all of the CPU is reserved; from it on, half (webservice 0.98).
    const HALF_FROM_CPU: Cpu = Cpu::from_millis(250);

    /// Below this limit, all of the memory is reserved; from it on, half (webservice 0.98).
    const HALF_FROM_MEMORY: Memory = Memory::from_bytes(256 << 20);

    /// Returns the platform's resources for what was asked, dimension by dimension.
    pub(crate) fn new(cpu: Option<Cpu>, memory: Option<Memory>, defaults: (Cpu, Memory)) -> Self {
        let (cpu_limit, cpu_request) = match cpu {
            None => (defaults.0, Self::DEFAULT_CPU_REQUEST),
            Some(asked) if asked < Self::HALF_FROM_CPU => (asked, asked),
            Some(asked) => (asked, asked.half()),
        };
        let (memory_limit, memory_request) = match memory {
            None => (defaults.1, Self::DEFAULT_MEMORY_REQUEST),
            Some(asked) if asked < Self::HALF_FROM_MEMORY => (asked, asked),
            Some(asked) => (asked, asked.half()),
        };
        Self { cpu_limit, cpu_request, memory_limit, memory_request }
    }
}

/// Returns the CPU of a container's limits or requests; an amount that cannot be read counts as not stated.
pub(crate) fn cpu_of(amounts: Option<&BTreeMap<String, Quantity>>) -> Option<Cpu> {
    Cpu::parse_quantity(&amounts?.get("cpu")?.0).ok()
}

/// Returns the memory of a container's limits or requests; an amount that cannot be read counts as not stated.
pub(crate) fn memory_of(amounts: Option<&BTreeMap<String, Quantity>>) -> Option<Memory> {
    Memory::parse_quantity(&amounts?.get("memory")?.0).ok()
}

/// Returns what a container asks for and may use.
pub(crate) fn resources(resources: PodResources) -> ResourceRequirements {
    let PodResources { cpu_limit, cpu_request, memory_limit, memory_request } = resources;
    let amounts = |cpu: String, memory: String| {
        Some([("cpu".to_owned(), Quantity(cpu)), ("memory".to_owned(), Quantity(memory))].into())
    };
    ResourceRequirements {
        limits: amounts(cpu_limit.to_string(), memory_limit.to_string()),
        requests: amounts(cpu_request.to_string(), memory_request.to_string()),
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
        let PodResources { cpu_limit, cpu_request, memory_limit, memory_request } = resources;
        [cpu_limit.to_string(), cpu_request.to_string(), memory_limit.to_string(), memory_request.to_string()]
    }

    #[test]
    fn half_of_the_limit_is_requested_from_the_platforms_thresholds_on() {
        assert_eq!(resources(None, None), ["500m", "125m", "512Mi", "256Mi"]);
        assert_eq!(resources(Some("249m"), Some("255Mi")), ["249m", "249m", "255Mi", "255Mi"]);
        assert_eq!(resources(Some("250m"), Some("256Mi")), ["250m", "125m", "256Mi", "128Mi"]);
        assert_eq!(resources(Some("333m"), Some("268435457")), ["333m", "167m", "268435457", "134217729"]);
        assert_eq!(resources(Some("0.5"), None), ["500m", "250m", "512Mi", "256Mi"]);
    }
}
