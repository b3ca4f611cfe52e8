//! The jobs and their states.

mod cells;
mod hints;
mod json;
mod text;

#[cfg(test)]
mod tests;

pub(super) use hints::hints;
pub(crate) use json::ListedJob;
pub(super) use json::status_report;
pub(crate) use text::{list, show};
