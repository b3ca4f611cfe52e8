//! The jobs and their states.

mod cells;
mod document;
mod hints;
mod listed_job;
mod text;

#[cfg(test)]
mod tests;

pub(super) use document::status_report;
pub(super) use hints::hints;
pub(crate) use listed_job::ListedJob;
pub(crate) use text::{list, show};
