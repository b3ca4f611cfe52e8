//! Jobs: what a tool's owner asks of one, and the file in which several are written down.

mod environment;
mod file;
mod file_log;
mod image;
mod key;
mod kind;
mod name;
mod options;
mod request;
mod words;

pub use environment::{Environment, EnvironmentError};
pub use file::{DEFAULT_WAIT_SECONDS, FileJob, JobsFile, JobsFileMistakes, write_jobs};
pub use file_log::{FileLog, LogPath};
pub use image::{JobImage, without_host};
pub use key::JobKey;
pub use kind::{Emails, JobHealthCheck, JobKind, JobPort, JobValueError, Retry, job_replicas, job_timeout};
pub use name::{JobName, JobNameError};
pub use options::{JobMistake, JobOptions};
pub use request::JobRequest;
pub use words::{QuotingError, join_words, quote_word, split_words};
