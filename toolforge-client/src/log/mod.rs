//! Logs as the API gives them out: lines with their moments.

mod lines;
mod reading;
mod seen;

pub use reading::LogSince;
pub(crate) use reading::{Question, Reading, Told};
pub(crate) use seen::Seen;
