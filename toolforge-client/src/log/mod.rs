//! Logs of the pods of a web service or a job: read up to now, then followed.
//!
//! `reader` merges the logs of the pods that exist, `tail` follows them and new ones. Both read a `pod_log`, run after
//! run; `reading` is one response of the server, continued if the connection breaks, with the help of `resume`.

mod item;
mod pod_log;
mod reader;
mod reading;
mod resume;
mod source;
mod split_lines;
mod tail;

pub use item::{LogItem, LogOptions, LogSince};
pub use reader::LogReader;
pub use source::{LogOwner, LogTarget};
pub use tail::LogTail;
