//! Jobs: what a tool's owner asks of one, and the file in which several are written down.

mod environment;
mod file;
mod file_log;
mod image;
mod key;
mod kind;
mod name;
mod options;
mod port;
mod request;
mod value;
mod words;

pub use environment::{Environment, EnvironmentError};
pub use file::{DEFAULT_WAIT_SECONDS, FileJob, JobsFile, JobsFileMistakes, write_jobs};
pub use file_log::{FileLog, LogPath};
pub use image::{JobImage, without_host};
pub use key::JobKey;
pub use kind::{Emails, JobHealthCheck, JobKind, Retry, job_replicas, job_timeout};
pub use name::{JobName, JobNameError};
pub use options::{JobMistake, JobOptions};
pub use port::JobPort;
pub use request::JobRequest;
pub use value::JobValueError;
pub use words::{QuotingError, join_words, quote_word, split_words};
