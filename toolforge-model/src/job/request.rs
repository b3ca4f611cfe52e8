use crate::job::{Environment, FileLog, JobImage, JobKind, JobName};
use crate::{Cpu, Emails, Memory, MountStorage, ToolName};

/// What a tool's owner asks of one job.
///
/// A dimension that was not asked for is `None`: the platform's default then holds. An amount that is the default is
/// the same as none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRequest {
    /// The tool whose job it is.
    pub tool: ToolName,
    /// The job's name, one of its kind or of any other in the tool.
    pub name: JobName,
    /// What runs it.
    pub image: JobImage,
    /// What it runs: a line for a shell, or, in an image of the build service without log files, words.
    pub command: String,
    /// When it runs.
    pub kind: JobKind,
    /// The CPU of each pod, all of it reserved.
    pub cpu: Option<Cpu>,
    /// The memory limit of each pod.
    pub memory: Option<Memory>,
    /// Which shared storage the pods see.
    pub mount: MountStorage,
    /// Into which files it writes.
    pub file_log: FileLog,
    /// Which mails are sent.
    pub emails: Emails,
    /// The variables that it is given.
    pub environment: Environment,
}

impl JobRequest {
    /// The CPU that is reserved where none is asked for (jobs-api, 2026: `100m`).
    pub const DEFAULT_CPU: Cpu = Cpu::from_millis(100);

    /// The memory limit where none is asked for (jobs-api, 2026: `512Mi`).
    pub const DEFAULT_MEMORY: Memory = Memory::from_bytes(512 << 20);

    /// Returns the memory limit of each pod.
    #[must_use]
    pub fn memory_limit(&self) -> Memory {
        self.memory.unwrap_or(Self::DEFAULT_MEMORY)
    }
}
