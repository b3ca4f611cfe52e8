//! The jobs and their states.

mod cells;
mod document;
mod hints;
mod listed_job;
mod text;

#[cfg(test)]
mod tests;

pub(crate) use listed_job::ListedJob;
pub(crate) use text::{list, show};
