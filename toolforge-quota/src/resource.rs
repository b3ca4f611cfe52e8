use std::fmt;

use toolforge_model::{Cpu, Memory, QuantityError, count_from_cluster};

/// What a quota counts, by the API server's own keys.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    /// Pods that have not ended.
    Pods,
    /// The CPU that is reserved; also written `cpu`.
    RequestsCpu,
    /// The memory that is reserved; also written `memory`.
    RequestsMemory,
    /// The CPU limits together.
    LimitsCpu,
    /// The memory limits together.
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
    /// A resource that this library does not know; it is shown, never predicted.
    Other(String),
}

impl Resource {
    /// Returns a live amount in the resource's smallest unit: millis, bytes or objects, rounded up.
    ///
    /// # Errors
    /// When the text is not a Kubernetes quantity, is negative or too large.
    pub fn parse_amount(&self, text: &str) -> Result<u64, QuantityError> {
        match self.unit() {
            Unit::Millis => Cpu::from_cluster(text).map(Cpu::millis),
            Unit::Bytes => Memory::from_cluster(text).map(Memory::bytes),
            Unit::Objects => count_from_cluster(text),
        }
    }

    /// Returns an amount of the resource as people write it.
    #[must_use]
    pub fn amount(&self, amount: u64) -> String {
        match self.unit() {
            Unit::Millis => Cpu::from_millis(amount).to_string(),
            Unit::Bytes => Memory::from_bytes(amount).to_string(),
            Unit::Objects => amount.to_string(),
        }
    }

    /// Returns whether the amount is one of CPU or memory, of which there is too much and not too many.
    pub(crate) fn is_measured(&self) -> bool {
        matches!(self.unit(), Unit::Millis | Unit::Bytes)
    }

    fn unit(&self) -> Unit {
        match self {
            Self::RequestsCpu | Self::LimitsCpu => Unit::Millis,
            Self::RequestsMemory | Self::LimitsMemory => Unit::Bytes,
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
