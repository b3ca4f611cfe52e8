use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use toolforge_model::QuantityError;

use crate::container_resources::ComputeResource;
use crate::unit::{Rounding, Unit};

/// A resource that a quota counts, by the API server's own keys.
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
    /// The sum of requests of ephemeral storage; also written `ephemeral-storage`.
    RequestsEphemeralStorage,
    /// The sum of limits of ephemeral storage.
    LimitsEphemeralStorage,
    /// The sum of requests of huge pages of a size, here without `requests.hugepages-`; also written `hugepages-SIZE`.
    HugePages(String),
    /// The sum of requests of an extended resource, here without `requests.`, such as `nvidia.com/gpu`.
    Extended(String),
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
    /// A resource that this library does not know; it is printed, but it is not part of any demand.
    Other(String),
}

impl Resource {
    /// Parses a Kubernetes quantity as an amount of the resource's smallest unit (millis, bytes or objects), rounded up. An
    /// amount above 2⁶³ − 1 counts as that, as in the API server.
    ///
    /// # Errors
    /// When the text is not a Kubernetes quantity or is negative.
    pub fn parse_amount(&self, text: &str) -> Result<u64, QuantityError> {
        self.unit().parse_amount(text)
    }

    /// Parses the upper bound of a quota, rounded down: any amount within it is also within the exact one.
    ///
    /// # Errors
    /// Same as for [`parse_amount`](Self::parse_amount).
    pub fn parse_bound(&self, text: &str) -> Result<u64, QuantityError> {
        self.unit().parse_bound(text)
    }

    /// Returns an amount of the resource's smallest unit as a Kubernetes quantity.
    #[must_use]
    pub fn amount(&self, amount: u64) -> String {
        self.unit().amount(amount)
    }

    /// Returns a limit and amounts that are compared with it, for people: as short as `3.18Gi`, the limit rounded down and the
    /// amounts up. If rounding would change whether one is within the limit, all are exact.
    #[must_use]
    pub fn short_amounts<const N: usize>(&self, hard: u64, amounts: [u64; N]) -> (String, [String; N]) {
        let unit = self.unit();
        let short =
            (unit.short(hard, Rounding::Down), amounts.map(|amount| unit.short(amount, Rounding::Up)));
        let parsed = |text: &str| unit.parse_amount(text).unwrap_or(u64::MAX);
        let limit = parsed(&short.0);
        let is_kept = |(amount, text): (u64, &String)| (amount <= hard) == (parsed(text) <= limit);
        if amounts.into_iter().zip(&short.1).all(is_kept) {
            return short;
        }
        (unit.amount(hard), amounts.map(|amount| unit.amount(amount)))
    }

    /// Returns an amount for people, rounded up if it would be long.
    #[must_use]
    pub fn short_amount(&self, amount: u64) -> String {
        self.unit().short(amount, Rounding::Up)
    }

    /// Returns an upper bound for people, rounded down if it would be long.
    #[must_use]
    pub fn short_bound(&self, bound: u64) -> String {
        self.unit().short(bound, Rounding::Down)
    }

    /// Returns two upper bounds for people.
    pub(crate) fn short_bounds(&self, one: u64, other: u64) -> (String, String) {
        self.unit().compared((one, Rounding::Down), (other, Rounding::Down))
    }

    /// Returns an amount for people as [`short_amount`](Self::short_amount) does, with its unit: `1 pod`, `500m CPU`, `1 byte`,
    /// `128Mi`.
    pub(crate) fn amount_with_unit(&self, amount: u64) -> String {
        let short = self.short_amount(amount);
        let (one, several) = match self {
            // Larger amounts have a suffix.
            _ if self.unit() == Unit::Bytes && !short.bytes().all(|byte| byte.is_ascii_digit()) => {
                return short;
            }
            _ if self.unit() == Unit::Bytes => ("byte", "bytes"),
            Self::RequestsCpu | Self::LimitsCpu => ("CPU", "CPU"),
            Self::Pods => ("pod", "pods"),
            Self::Count(counted) if counted == "pods" => ("pod", "pods"),
            Self::Services => ("service", "services"),
            Self::ServicesNodeports => ("node port", "node ports"),
            Self::ServicesLoadbalancers => ("load balancer", "load balancers"),
            Self::ReplicationControllers => ("replication controller", "replication controllers"),
            Self::Secrets => ("secret", "secrets"),
            Self::ConfigMaps => ("config map", "config maps"),
            Self::PersistentVolumeClaims => ("volume claim", "volume claims"),
            Self::Extended(_) => ("device", "devices"),
            _ => ("object", "objects"),
        };
        format!("{short} {}", if amount == 1 { one } else { several })
    }

    /// Returns whether the resource is measured, like memory, and not counted: messages say "too much", not "too many".
    #[must_use]
    pub fn is_measured(&self) -> bool {
        matches!(self.unit(), Unit::Millis | Unit::Bytes)
    }

    /// Returns whether its amounts are thousandths of a CPU.
    #[must_use]
    pub fn is_cpu(&self) -> bool {
        self.unit() == Unit::Millis
    }

    /// Returns whether pods use the resource, so a quota with scopes counts it. Other objects match no scope.
    #[must_use]
    pub fn is_of_pods(&self) -> bool {
        match self {
            Self::Pods
            | Self::RequestsCpu
            | Self::RequestsMemory
            | Self::LimitsCpu
            | Self::LimitsMemory
            | Self::RequestsEphemeralStorage
            | Self::LimitsEphemeralStorage
            | Self::HugePages(_)
            | Self::Extended(_) => true,
            Self::Count(counted) => counted == "pods",
            Self::Services
            | Self::ServicesNodeports
            | Self::ServicesLoadbalancers
            | Self::ReplicationControllers
            | Self::Secrets
            | Self::ConfigMaps
            | Self::PersistentVolumeClaims
            | Self::Other(_) => false,
        }
    }

    /// Returns whether each container must state the resource if a quota limits it (`must specify`).
    pub(crate) fn must_be_specified(&self) -> bool {
        matches!(self, Self::RequestsCpu | Self::RequestsMemory | Self::LimitsCpu | Self::LimitsMemory)
    }

    /// Returns the resource that counts containers' requests; `None` if no quota counts them.
    pub(crate) fn of_requests(resource: &ComputeResource) -> Option<Self> {
        match resource {
            ComputeResource::Cpu => Some(Self::RequestsCpu),
            ComputeResource::Memory => Some(Self::RequestsMemory),
            ComputeResource::EphemeralStorage => Some(Self::RequestsEphemeralStorage),
            ComputeResource::HugePages(size) => Some(Self::HugePages(size.clone())),
            ComputeResource::Extended(key) => Some(Self::Extended(key.clone())),
            ComputeResource::Storage | ComputeResource::Other(_) => None,
        }
    }

    /// Returns the resource that counts containers' limits; `None` if no quota counts them.
    pub(crate) fn of_limits(resource: &ComputeResource) -> Option<Self> {
        match resource {
            ComputeResource::Cpu => Some(Self::LimitsCpu),
            ComputeResource::Memory => Some(Self::LimitsMemory),
            ComputeResource::EphemeralStorage => Some(Self::LimitsEphemeralStorage),
            ComputeResource::HugePages(_)
            | ComputeResource::Extended(_)
            | ComputeResource::Storage
            | ComputeResource::Other(_) => None,
        }
    }

    fn unit(&self) -> Unit {
        match self {
            Self::RequestsCpu | Self::LimitsCpu => Unit::Millis,
            Self::RequestsMemory
            | Self::LimitsMemory
            | Self::RequestsEphemeralStorage
            | Self::LimitsEphemeralStorage
            | Self::HugePages(_) => Unit::Bytes,
            // `requests.storage`, and the same for a storage class.
            Self::Other(key) if key.ends_with("storage") => Unit::Bytes,
            Self::Pods
            | Self::Services
            | Self::ServicesNodeports
            | Self::ServicesLoadbalancers
            | Self::ReplicationControllers
            | Self::Secrets
            | Self::ConfigMaps
            | Self::PersistentVolumeClaims
            | Self::Extended(_)
            | Self::Count(_)
            | Self::Other(_) => Unit::Objects,
        }
    }
}

impl From<&str> for Resource {
    fn from(key: &str) -> Self {
        match key {
            "pods" => Self::Pods,
            "requests.cpu" | "cpu" => Self::RequestsCpu,
            "requests.memory" | "memory" => Self::RequestsMemory,
            "limits.cpu" => Self::LimitsCpu,
            "limits.memory" => Self::LimitsMemory,
            "requests.ephemeral-storage" | "ephemeral-storage" => Self::RequestsEphemeralStorage,
            "limits.ephemeral-storage" => Self::LimitsEphemeralStorage,
            "services" => Self::Services,
            "services.nodeports" => Self::ServicesNodeports,
            "services.loadbalancers" => Self::ServicesLoadbalancers,
            "replicationcontrollers" => Self::ReplicationControllers,
            "secrets" => Self::Secrets,
            "configmaps" => Self::ConfigMaps,
            "persistentvolumeclaims" => Self::PersistentVolumeClaims,
            other => Self::with_prefix(other),
        }
    }
}

impl Resource {
    fn with_prefix(key: &str) -> Self {
        if let Some(counted) = key.strip_prefix("count/") {
            return Self::Count(counted.to_owned());
        }
        let requested = key.strip_prefix("requests.");
        match ComputeResource::from(requested.unwrap_or(key)) {
            ComputeResource::HugePages(size) => Self::HugePages(size),
            ComputeResource::Extended(name) if requested.is_some() => Self::Extended(name),
            _ => Self::Other(key.to_owned()),
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
            Self::RequestsEphemeralStorage => "requests.ephemeral-storage",
            Self::LimitsEphemeralStorage => "limits.ephemeral-storage",
            Self::HugePages(size) => return f.pad(&format!("requests.hugepages-{size}")),
            Self::Extended(key) => return f.pad(&format!("requests.{key}")),
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
    fn amounts_name_their_unit() {
        for (key, amount, expected) in [
            ("pods", 1, "1 pod"),
            ("count/pods", 12, "12 pods"),
            ("limits.cpu", 1, "1m CPU"),
            ("requests.cpu", 1500, "1500m CPU"),
            ("limits.cpu", 3000, "3 CPU"),
            ("limits.memory", 1, "1 byte"),
            ("limits.memory", 1000, "1k"),
            ("limits.memory", 999, "999 bytes"),
            ("limits.memory", 1 << 20, "1Mi"),
            ("services.nodeports", 2, "2 node ports"),
            ("count/jobs.batch", 1, "1 object"),
            ("requests.nvidia.com/gpu", 1, "1 device"),
            ("requests.storage", 1 << 30, "1Gi"),
        ] {
            assert_eq!(Resource::from(key).amount_with_unit(amount), expected, "{key}");
        }
    }

    #[test]
    fn short_names_are_requests() {
        assert_eq!(Resource::from("cpu"), Resource::RequestsCpu);
        assert_eq!(Resource::from("memory").to_string(), "requests.memory");
        assert_eq!(Resource::from("ephemeral-storage"), Resource::RequestsEphemeralStorage);
        assert_eq!(Resource::from("hugepages-2Mi"), Resource::from("requests.hugepages-2Mi"));
    }

    #[test]
    fn resources_of_pods_are_known() {
        for (key, expected) in [
            ("pods", true),
            ("count/pods", true),
            ("count/jobs.batch", false),
            ("services", false),
            ("cpu", true),
            ("limits.ephemeral-storage", true),
            ("hugepages-2Mi", true),
            ("requests.nvidia.com/gpu", true),
            // The API server counts extended resources by their requests only.
            ("limits.nvidia.com/gpu", false),
            ("nvidia.com/gpu", false),
            ("requests.storage", false),
            ("gold.storageclass.storage.k8s.io/requests.storage", false),
            ("requests.kubernetes.io/batteries", false),
        ] {
            assert_eq!(Resource::from(key).is_of_pods(), expected, "{key}");
        }
    }
}
