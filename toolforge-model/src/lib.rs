//! What the owner of a tool on Wikimedia Toolforge asks for, as types that cannot be wrong.
//!
//! This crate is for parsing: a name, an amount of CPU or memory, a web service, a job with its schedule, or a whole
//! `jobs.yaml` becomes a value here once, at the edge, and every other crate of the workspace trusts it afterwards.
//! It holds the platform's own words ([`platform`]) and the type for text that a terminal must not
//! obey ([`Untrusted`]).
//!
//! It does not know Kubernetes objects, image catalogues or quotas, and it does no I/O: no clock, no
//! environment, no file, no network.
//!
//! ```
//! use toolforge_model::{Cpu, Memory, ToolName};
//!
//! let tool: ToolName = "stashbot".parse()?;
//! assert_eq!(tool.namespace(), "tool-stashbot");
//!
//! let memory: Memory = "1.5Gi".parse()?;
//! assert_eq!(memory.bytes(), 1_610_612_736);
//! assert_eq!(memory.to_string(), "1536Mi");
//!
//! let cpu: Cpu = "0.5".parse()?;
//! assert_eq!(cpu.millis(), 500);
//!
//! // Half a byte is a spelling mistake, not an amount of memory.
//! assert!("500m".parse::<Memory>().is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod job;
mod quantity;
mod replicas;
mod schedule;
mod state_files;
mod tool_name;
mod type_name;
mod untrusted;
mod web_service;

pub mod platform;
pub mod yaml;

pub use job::{
    DEFAULT_WAIT_SECONDS, Emails, Environment, EnvironmentError, FileJob, FileLog, JobHealthCheck, JobImage,
    JobKey, JobKind, JobMistake, JobName, JobNameError, JobOptions, JobPort, JobRequest, JobValueError,
    JobsFile, JobsFileMistakes, LogPath, QuotingError, Retry, job_replicas, job_timeout, join_words,
    quote_word, split_words, without_host, write_jobs,
};
pub use quantity::{Cpu, Memory, QuantityError, count_from_cluster};
pub use replicas::{Replicas, ReplicasError};
pub use schedule::{CronExpression, Schedule, ScheduleError, ScheduleField, ScheduleWarning};
pub use state_files::{Backend, ServiceManifest, ServiceTemplate, TemplateMistakes};
pub use tool_name::{ToolName, ToolNameError};
pub use type_name::{TypeName, TypeNameError};
pub use untrusted::{Colors, Untrusted};
pub use web_service::{
    BuildServiceImage, BuildServiceImageError, HealthCheck, HealthCheckPath, HealthCheckPathError,
    MountNeeded, MountStorage, MountStorageError, WebServiceImage, WebServiceOptions, WebServiceRequest,
};
