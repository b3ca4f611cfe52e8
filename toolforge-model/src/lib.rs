//! The requests of a tool's owner on Wikimedia Toolforge, as types that cannot hold invalid values.
//!
//! Everything is parsed once, at the edge: a name, an amount of CPU or memory, a web service, a job with its schedule,
//! or a whole `jobs.yaml`. The crate also has the platform's label names, domains and registries ([`platform`]), and
//! the type for text that must be escaped before it is printed ([`Untrusted`]).
//!
//! It does not know Kubernetes objects, image catalogs or quotas, and it does no I/O: no clock, no environment, no
//! file, no network.
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
//! // Half a byte is an error, not an amount of memory.
//! assert!("500m".parse::<Memory>().is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Features
//! Both are on by default; without them the crate links only serde, strsim and thiserror.
//! - `yaml`: reads and writes YAML files: `service.template`, `service.manifest`, and with `schedule` `jobs.yaml`.
//! - `schedule`: cron expressions and their runs, and with them job requests. Moments are those of `jiff` 0.2, which
//!   is re-exported; a new major version of it is a breaking change of this crate.

#[macro_use]
mod string_newtype;

mod build_service_image;
mod diagnostic;
mod encoding;
mod health_check_path;
mod job;
mod job_name;
mod mount_storage;
mod quantity;
mod replicas;
#[cfg(feature = "schedule")]
mod schedule;
mod suggest;
mod tool_name;
mod type_name;
mod untrusted;
mod web_service;

#[cfg(feature = "yaml")]
pub mod crontab;
pub mod platform;
#[cfg(feature = "yaml")]
pub mod yaml;

pub use build_service_image::{BuildServiceImage, BuildServiceImageError};
pub use diagnostic::{Diagnostic, DiagnosticKind, Diagnostics, Location, Remedy};
pub use encoding::decode_utf8;
pub use health_check_path::{HealthCheckPath, HealthCheckPathError};
pub use job::{
    Emails, Environment, EnvironmentError, FileLog, JobDiagnostic, JobDiagnostics, JobField, JobHealthCheck,
    JobImage, JobPort, JobValueError, LogPath, QuotingError, Retry, join_words, quote_word, reference_host,
    reference_path, split_words,
};
pub use job_name::{JobName, JobNameError};
pub use mount_storage::{MountStorage, MountStorageError};
pub use quantity::{Cpu, ImprobableAmount, Memory, QuantityError, parse_count, parse_count_bound};
pub use replicas::{Replicas, ReplicasError};
pub use suggest::suggest;
pub use tool_name::{ToolName, ToolNameError};
pub use type_name::{TypeName, TypeNameError};
pub use untrusted::{Colors, Untrusted};
pub use web_service::{
    HealthCheck, WebServiceImage, WebServiceOptions, WebServiceOptionsError, WebServiceRequest,
};

#[cfg(feature = "schedule")]
pub use jiff;
#[cfg(feature = "schedule")]
pub use job::{JobKind, JobOptions, JobRequest};
#[cfg(feature = "schedule")]
pub use schedule::{CronExpression, RunInterval, Schedule, ScheduleError, ScheduleField, ScheduleWarning};

#[cfg(all(feature = "schedule", feature = "yaml"))]
pub use job::{DocumentKind, ExpectedDocument, FileJob, ImageCheck, JobsFile, JobsFileFindings, write_jobs};
#[cfg(feature = "yaml")]
pub use web_service::{Backend, GridIsGone, ServiceManifest, ServiceTemplate};
