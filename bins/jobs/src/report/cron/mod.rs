//! The runs of scheduled jobs, their quota usage, and suggestions for other minutes.

mod calendar;
mod list;
mod scheduled_job;
mod suggestions;

#[cfg(test)]
mod tests;

pub(crate) use calendar::calendar;
pub(crate) use list::{cron, missed_runs};
pub(crate) use suggestions::suggestions;
