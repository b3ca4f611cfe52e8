//! The quotas of many tools: read one page or object at a time, selected, and written in one of many formats.

mod baseline;
mod format;
mod held;
mod row;
mod run;
mod select;

pub(crate) use run::{failure_of_all, run};
