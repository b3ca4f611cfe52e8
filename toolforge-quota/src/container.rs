use toolforge_model::{Cpu, Memory};

/// What one container asks for and may use; `None` where it states nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ContainerResources {
    /// The most CPU.
    pub cpu_limit: Option<Cpu>,
    /// The CPU that is reserved.
    pub cpu_request: Option<Cpu>,
    /// The most memory.
    pub memory_limit: Option<Memory>,
    /// The memory that is reserved.
    pub memory_request: Option<Memory>,
}
