//! The jobs and their states.

mod cells;
mod hints;
mod json;
mod listed_job;
mod text;

#[cfg(test)]
mod tests;

pub(super) use hints::hints;
pub(super) use json::status_report;
pub(crate) use listed_job::ListedJob;
pub(crate) use text::{list, show};
