use std::collections::BTreeMap;
use std::fmt;

use toolforge_model::{Cpu, Memory, QuantityError};

use crate::unit::{Rounding, Unit};

/// A resource in the `resources` of a container, or in a LimitRange.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ComputeResource {
    /// CPU, counted in millis.
    Cpu,
    /// Memory, counted in bytes.
    Memory,
    /// `ephemeral-storage`: files that a container writes on its node, counted in bytes.
    EphemeralStorage,
    /// Huge pages of a size, here without `hugepages-`, counted in bytes.
    HugePages(String),
    /// `storage` of a PersistentVolumeClaim, counted in bytes.
    Storage,
    /// A resource of a node's devices, such as `nvidia.com/gpu`, counted in devices.
    Extended(String),
    /// Another resource, which no quota counts.
    Other(String),
}

impl ComputeResource {
    /// Parses a Kubernetes quantity as millis, bytes or devices, rounded up.
    ///
    /// # Errors
    /// When the text is not a Kubernetes quantity or is negative.
    pub fn parse_amount(&self, text: &str) -> Result<u64, QuantityError> {
        self.unit().parse_amount(text)
    }

    /// Parses an upper bound, rounded down.
    ///
    /// # Errors
    /// Same as for [`parse_amount`](Self::parse_amount).
    pub fn parse_bound(&self, text: &str) -> Result<u64, QuantityError> {
        self.unit().parse_bound(text)
    }

    /// Returns an amount of millis, bytes or devices as a Kubernetes quantity.
    #[must_use]
    pub fn amount(&self, amount: u64) -> String {
        self.unit().amount(amount)
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

    /// Returns an amount and the smaller one that is allowed, for people.
    pub(crate) fn above(&self, amount: u64, allowed: u64) -> (String, String) {
        self.unit().compared((amount, Rounding::Up), (allowed, Rounding::Down))
    }

    /// Returns two amounts that are requested or required, for people.
    pub(crate) fn compared(&self, one: u64, other: u64) -> (String, String) {
        self.unit().compared((one, Rounding::Up), (other, Rounding::Up))
    }

    /// Returns Kubernetes' key of the resource, such as `cpu`.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Cpu => "cpu".to_owned(),
            Self::Memory => "memory".to_owned(),
            Self::EphemeralStorage => "ephemeral-storage".to_owned(),
            Self::HugePages(size) => format!("hugepages-{size}"),
            Self::Storage => "storage".to_owned(),
            Self::Extended(key) | Self::Other(key) => key.clone(),
        }
    }

    /// Returns whether a container's limit may be larger than its request. Devices and huge pages cannot be shared.
    pub(crate) fn is_overcommitted(&self) -> bool {
        !matches!(self, Self::HugePages(_) | Self::Extended(_))
    }

    fn unit(&self) -> Unit {
        match self {
            Self::Cpu => Unit::Millis,
            Self::Memory | Self::EphemeralStorage | Self::HugePages(_) | Self::Storage => Unit::Bytes,
            Self::Extended(_) | Self::Other(_) => Unit::Objects,
        }
    }
}

impl From<&str> for ComputeResource {
    fn from(key: &str) -> Self {
        match key {
            "cpu" => Self::Cpu,
            "memory" => Self::Memory,
            "ephemeral-storage" => Self::EphemeralStorage,
            "storage" => Self::Storage,
            other => match other.strip_prefix("hugepages-") {
                Some(size) => Self::HugePages(size.to_owned()),
                // As in the API server: only names of other domains are extended resources.
                None if other.contains('/')
                    && !other.contains("kubernetes.io/")
                    && !other.starts_with("requests.") =>
                {
                    Self::Extended(other.to_owned())
                }
                None => Self::Other(other.to_owned()),
            },
        }
    }
}

impl fmt::Display for ComputeResource {
    /// Writes the resource as it is called in a sentence: `CPU`, `memory` or `ephemeral storage`, else its key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.pad("CPU"),
            Self::EphemeralStorage => f.pad("ephemeral storage"),
            other => f.pad(&other.key()),
        }
    }
}

/// One value for CPU and one for memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PerResource<C, M = C> {
    /// The value for CPU.
    pub cpu: C,
    /// The value for memory.
    pub memory: M,
}

/// Amounts of a container's resources, in millis, bytes or devices; only those that are stated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Amounts(BTreeMap<ComputeResource, u64>);

impl Amounts {
    /// Returns amounts of CPU and memory, if they are set.
    #[must_use]
    pub fn new(cpu: Option<Cpu>, memory: Option<Memory>) -> Self {
        let cpu = cpu.map(|cpu| (ComputeResource::Cpu, cpu.millis()));
        let memory = memory.map(|memory| (ComputeResource::Memory, memory.bytes()));
        cpu.into_iter().chain(memory).collect()
    }

    /// Returns the amount of CPU.
    #[must_use]
    pub fn cpu(&self) -> Option<Cpu> {
        self.get(&ComputeResource::Cpu).map(Cpu::from_millis)
    }

    /// Returns the amount of memory.
    #[must_use]
    pub fn memory(&self) -> Option<Memory> {
        self.get(&ComputeResource::Memory).map(Memory::from_bytes)
    }

    /// Returns the amount of a resource.
    #[must_use]
    pub fn get(&self, resource: &ComputeResource) -> Option<u64> {
        self.0.get(resource).copied()
    }

    /// Returns the resources that are stated, and their amounts.
    pub fn iter(&self) -> impl Iterator<Item = (&ComputeResource, u64)> {
        self.0.iter().map(|(resource, amount)| (resource, *amount))
    }

    /// Returns these amounts, with missing ones taken from others.
    #[must_use]
    pub fn or(mut self, other: &Self) -> Self {
        for (resource, amount) in other.iter() {
            self.0.entry(resource.clone()).or_insert(amount);
        }
        self
    }

    /// Adds amounts; sums saturate.
    pub(crate) fn add_all(&mut self, other: &Self) {
        for (resource, amount) in other.iter() {
            let sum = self.0.entry(resource.clone()).or_default();
            *sum = sum.saturating_add(amount);
        }
    }

    /// Raises amounts to those of another.
    pub(crate) fn raise_to(&mut self, other: &Self) {
        for (resource, amount) in other.iter() {
            let larger = self.0.entry(resource.clone()).or_default();
            *larger = (*larger).max(amount);
        }
    }
}

impl FromIterator<(ComputeResource, u64)> for Amounts {
    fn from_iter<I: IntoIterator<Item = (ComputeResource, u64)>>(amounts: I) -> Self {
        Self(amounts.into_iter().collect())
    }
}

impl Extend<(ComputeResource, u64)> for Amounts {
    fn extend<I: IntoIterator<Item = (ComputeResource, u64)>>(&mut self, amounts: I) {
        self.0.extend(amounts);
    }
}

/// The `resources` of one container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ContainerResources {
    /// The maximum that it may use.
    pub limits: Amounts,
    /// The amounts that are reserved for it.
    pub requests: Amounts,
}

impl ContainerResources {
    /// Returns the resources with a request for each resource that has only a limit, as the API server completes a pod.
    pub(crate) fn with_requests(self) -> Self {
        let Self { limits, requests } = self;
        Self { requests: requests.or(&limits), limits }
    }

    /// Returns the resources, with missing amounts taken from others.
    pub(crate) fn or(self, other: &Self) -> Self {
        Self { limits: self.limits.or(&other.limits), requests: self.requests.or(&other.requests) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_round_trip() {
        for (key, resource) in [
            ("cpu", ComputeResource::Cpu),
            ("memory", ComputeResource::Memory),
            ("ephemeral-storage", ComputeResource::EphemeralStorage),
            ("hugepages-2Mi", ComputeResource::HugePages("2Mi".to_owned())),
            ("storage", ComputeResource::Storage),
            ("nvidia.com/gpu", ComputeResource::Extended("nvidia.com/gpu".to_owned())),
            ("kubernetes.io/batteries", ComputeResource::Other("kubernetes.io/batteries".to_owned())),
            ("pets", ComputeResource::Other("pets".to_owned())),
        ] {
            assert_eq!(ComputeResource::from(key), resource);
            assert_eq!(resource.key(), key);
        }
    }
}
