//! What `logs` of every program takes, reads and prints.

mod last;
mod options;
mod print;
mod printer;
mod style;

pub use options::LogsOptions;
pub use print::{FollowEnd, LogStop, until_stdout_closes};
pub use printer::LogPrinter;
pub use style::{LogOrigin, LogStyle};
