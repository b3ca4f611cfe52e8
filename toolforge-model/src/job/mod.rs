//! Jobs: a tool owner's request for one, and the file that lists several.

mod environment;
mod field;
mod file_log;
mod image;
mod quoting;
mod values;

#[cfg(all(feature = "schedule", feature = "yaml"))]
mod file;
#[cfg(feature = "schedule")]
mod options;
#[cfg(feature = "schedule")]
mod request;

pub use environment::{Environment, EnvironmentError};
pub use field::{JobDiagnostic, JobDiagnostics, JobField};
pub use file_log::{FileLog, LogPath};
pub use image::{JobImage, reference_host, reference_path};
pub use quoting::{QuotingError, join_words, quote_word, split_words};
pub use values::{Emails, JobHealthCheck, JobPort, JobValueError, Retry};

#[cfg(all(feature = "schedule", feature = "yaml"))]
pub use file::{DocumentKind, ExpectedDocument, FileJob, ImageCheck, JobsFile, JobsFileFindings, write_jobs};
#[cfg(feature = "schedule")]
pub use options::JobOptions;
#[cfg(feature = "schedule")]
pub use request::{JobKind, JobRequest};
