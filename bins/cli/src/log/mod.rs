//! What `logs` of every program takes, reads and prints.

mod last;
mod options;
mod print;
mod printer;
mod style;

pub use options::LogsOptions;
pub use print::{FollowEnd, LogStop, while_read};
pub use printer::LogPrinter;
pub use style::{LogOrigin, LogStyle};
