//! `logs` of every program: its options and how it prints.

mod options;
mod print;
mod printer;

pub use options::LogsOptions;
pub use print::{FollowEnd, LogStop, until_stdout_closes};
pub use printer::{LogOrigin, LogPrinter, LogStyle};
