use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use toolforge_model::{Cpu, Memory, QuantityError, parse_count, parse_count_bound};

/// What a quota counts, by the API server's own keys.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Resource {
    /// Pods that have not terminated.
    Pods,
    /// The sum of CPU requests; also written `cpu`.
    RequestsCpu,
    /// The sum of memory requests; also written `memory`.
    RequestsMemory,
    /// The sum of CPU limits.
    LimitsCpu,
    /// The sum of memory limits.
    LimitsMemory,
    /// Services.
    Services,
    /// Services of type NodePort or LoadBalancer, counted by ports.
    ServicesNodeports,
    /// Services of type LoadBalancer.
    ServicesLoadbalancers,
    /// ReplicationControllers.
    ReplicationControllers,
    /// Secrets.
    Secrets,
    /// ConfigMaps.
    ConfigMaps,
    /// PersistentVolumeClaims.
    PersistentVolumeClaims,
    /// Objects of any kind: `count/RESOURCE[.GROUP]`, here without `count/`.
    Count(String),
    /// A resource that this library does not know; it is printed, but no demand has it.
    Other(String),
}

impl Resource {
    /// Parses a Kubernetes quantity as an amount of the resource's smallest unit (millis, bytes or objects), rounded up. An
    /// amount above 2⁶³ − 1 counts as that, as in the API server.
    ///
    /// # Errors
    /// When the text is not a Kubernetes quantity or is negative.
    pub fn parse_amount(&self, text: &str) -> Result<u64, QuantityError> {
        match self.unit() {
            Unit::Millis => Cpu::parse_quantity(text).map(Cpu::millis),
            Unit::Bytes => Memory::parse_quantity(text).map(Memory::bytes),
            Unit::Objects => parse_count(text),
        }
    }

    /// Parses the upper bound of a quota, rounded down: what is within it is within the exact one.
    ///
    /// # Errors
    /// As [`parse_amount`](Self::parse_amount).
    pub fn parse_bound(&self, text: &str) -> Result<u64, QuantityError> {
        match self.unit() {
            Unit::Millis => Cpu::parse_bound(text).map(Cpu::millis),
            Unit::Bytes => Memory::parse_bound(text).map(Memory::bytes),
            Unit::Objects => parse_count_bound(text),
        }
    }

    /// Returns an amount of the resource's smallest unit as a Kubernetes quantity.
    #[must_use]
    pub fn amount(&self, amount: u64) -> String {
        match self.unit() {
            Unit::Millis => Cpu::from_millis(amount).to_string(),
            Unit::Bytes => Memory::from_bytes(amount).to_string(),
            Unit::Objects => amount.to_string(),
        }
    }

    /// Returns whether the resource is measured, like memory, and not counted: there is too much of it, not too many.
    #[must_use]
    pub fn is_measured(&self) -> bool {
        matches!(self.unit(), Unit::Millis | Unit::Bytes)
    }

    /// Returns whether its amounts are thousandths of a CPU.
    #[must_use]
    pub fn is_cpu(&self) -> bool {
        self.unit() == Unit::Millis
    }

    fn unit(&self) -> Unit {
        match self {
            Self::RequestsCpu | Self::LimitsCpu => Unit::Millis,
            Self::RequestsMemory | Self::LimitsMemory => Unit::Bytes,
            // Storage and huge pages are memory under other names: `requests.storage`, `hugepages-2Mi`.
            Self::Other(key) if key.ends_with("storage") || key.contains("hugepages-") => Unit::Bytes,
            Self::Pods
            | Self::Services
            | Self::ServicesNodeports
            | Self::ServicesLoadbalancers
            | Self::ReplicationControllers
            | Self::Secrets
            | Self::ConfigMaps
            | Self::PersistentVolumeClaims
            | Self::Count(_)
            | Self::Other(_) => Unit::Objects,
        }
    }
}

/// What a resource is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Millis,
    Bytes,
    Objects,
}

impl From<&str> for Resource {
    fn from(key: &str) -> Self {
        match key {
            "pods" => Self::Pods,
            "requests.cpu" | "cpu" => Self::RequestsCpu,
            "requests.memory" | "memory" => Self::RequestsMemory,
            "limits.cpu" => Self::LimitsCpu,
            "limits.memory" => Self::LimitsMemory,
            "services" => Self::Services,
            "services.nodeports" => Self::ServicesNodeports,
            "services.loadbalancers" => Self::ServicesLoadbalancers,
            "replicationcontrollers" => Self::ReplicationControllers,
            "secrets" => Self::Secrets,
            "configmaps" => Self::ConfigMaps,
            "persistentvolumeclaims" => Self::PersistentVolumeClaims,
            other => match other.strip_prefix("count/") {
                Some(counted) => Self::Count(counted.to_owned()),
                None => Self::Other(other.to_owned()),
            },
        }
    }
}

impl FromStr for Resource {
    type Err = Infallible;

    fn from_str(key: &str) -> Result<Self, Infallible> {
        Ok(Self::from(key))
    }
}

impl Serialize for Resource {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = match self {
            Self::Pods => "pods",
            Self::RequestsCpu => "requests.cpu",
            Self::RequestsMemory => "requests.memory",
            Self::LimitsCpu => "limits.cpu",
            Self::LimitsMemory => "limits.memory",
            Self::Services => "services",
            Self::ServicesNodeports => "services.nodeports",
            Self::ServicesLoadbalancers => "services.loadbalancers",
            Self::ReplicationControllers => "replicationcontrollers",
            Self::Secrets => "secrets",
            Self::ConfigMaps => "configmaps",
            Self::PersistentVolumeClaims => "persistentvolumeclaims",
            Self::Count(counted) => return f.pad(&format!("count/{counted}")),
            Self::Other(other) => other,
        };
        f.pad(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_the_unit_of_their_resource() {
        for (key, text, amount, printed) in [
            ("cpu", "0.1", 100, "100m"),
            ("requests.cpu", "1500u", 2, "2m"),
            ("limits.cpu", "2", 2000, "2"),
            ("memory", "6Gi", 6 << 30, "6Gi"),
            ("limits.memory", "134217727.5", 1 << 27, "128Mi"),
            ("pods", "10", 10, "10"),
            ("services.nodeports", "0", 0, "0"),
            ("count/deployments.apps", "3", 3, "3"),
            ("requests.storage", "10Gi", 10 << 30, "10Gi"),
            ("gold.storageclass.storage.k8s.io/requests.storage", "1Ti", 1 << 40, "1Ti"),
            ("limits.ephemeral-storage", "1G", 1_000_000_000, "1G"),
            ("requests.hugepages-2Mi", "4Mi", 4 << 20, "4Mi"),
            ("requests.nvidia.com/gpu", "1", 1, "1"),
        ] {
            let resource = Resource::from(key);
            assert_eq!(resource.parse_amount(text).unwrap(), amount, "{key}");
            assert_eq!(resource.amount(amount), printed, "{key}");
        }
        for (key, text, bound) in [
            ("limits.memory", "0.098Gi", 105_226_698),
            ("limits.cpu", "1500u", 1),
            ("limits.cpu", "9223372036854775807", i64::MAX.unsigned_abs()),
            ("pods", "1.5", 1),
        ] {
            assert_eq!(Resource::from(key).parse_bound(text), Ok(bound), "{key}");
        }
        assert!(Resource::from("pods").parse_amount("-1").is_err());
        assert!(Resource::from("limits.memory").parse_amount("many").is_err());
    }

    #[test]
    fn cpu_and_memory_are_requests() {
        assert_eq!(Resource::from("cpu"), Resource::RequestsCpu);
        assert_eq!(Resource::from("memory").to_string(), "requests.memory");
    }
}
