//! Schedules of jobs: cron expressions as the API server reads them, and the macros that stand for one.

mod cron;
mod cron_field;
mod draw;
mod error;
mod macros;
mod search;
mod warning;
mod written;

pub use cron::CronExpression;
pub use error::{ScheduleError, ScheduleField};
pub use warning::{RunInterval, ScheduleWarning};
pub use written::Schedule;
