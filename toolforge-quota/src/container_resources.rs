use std::fmt;

use toolforge_model::{Cpu, Memory};

/// A resource that a container requests and is limited in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ComputeResource {
    /// CPU, counted in millis.
    Cpu,
    /// Memory, counted in bytes.
    Memory,
}

impl ComputeResource {
    /// Both resources, CPU first.
    pub const ALL: &'static [Self] = &[Self::Cpu, Self::Memory];

    /// Returns Kubernetes' name of the resource: `cpu` or `memory`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Memory => "memory",
        }
    }

    /// Returns an amount of millis or bytes as a Kubernetes quantity.
    #[must_use]
    pub fn amount(self, amount: u64) -> String {
        match self {
            Self::Cpu => Cpu::from_millis(amount).to_string(),
            Self::Memory => Memory::from_bytes(amount).to_string(),
        }
    }
}

impl fmt::Display for ComputeResource {
    /// Writes the resource as it is called in a sentence: `CPU` or `memory`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Cpu => "CPU",
            Self::Memory => "memory",
        })
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

impl<T> PerResource<T> {
    /// Returns the value for one of the resources.
    #[must_use]
    pub fn get(&self, resource: ComputeResource) -> &T {
        match resource {
            ComputeResource::Cpu => &self.cpu,
            ComputeResource::Memory => &self.memory,
        }
    }
}

/// An amount of CPU and one of memory; `None` where none is stated.
pub type Amounts = PerResource<Option<Cpu>, Option<Memory>>;

impl Amounts {
    /// Returns these amounts, with others where none is stated.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self { cpu: self.cpu.or(other.cpu), memory: self.memory.or(other.memory) }
    }

    /// Returns the amounts as plain numbers: millis and bytes.
    #[must_use]
    pub fn numbers(self) -> PerResource<Option<u64>> {
        PerResource { cpu: self.cpu.map(Cpu::millis), memory: self.memory.map(Memory::bytes) }
    }
}

/// The `resources` of one container.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ContainerResources {
    /// The most that it may use.
    pub limits: Amounts,
    /// What is reserved for it.
    pub requests: Amounts,
}

/// A container of a change, and the object that it belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContainerDemand {
    /// The object, such as `job/daily`; `None` where nobody would ask which one it is.
    pub object: Option<String>,
    /// Its resources, with the namespace's defaults already applied.
    pub resources: ContainerResources,
}

impl ContainerDemand {
    /// Returns a container of an object.
    #[must_use]
    pub fn new(object: impl Into<String>, resources: ContainerResources) -> Self {
        Self { object: Some(object.into()), resources }
    }
}

impl From<ContainerResources> for ContainerDemand {
    fn from(resources: ContainerResources) -> Self {
        Self { object: None, resources }
    }
}
