//! The output of the verbs, for people and for programs.

mod cron;
mod images;
mod list;
mod plan;
mod quota;
mod status;
mod tabulate;
mod unmanaged;

pub(crate) use cron::{calendar, cron, missed_runs, suggestions};
pub(crate) use images::images;
pub(crate) use list::{ListedJob, list, show};
pub(crate) use plan::LoadRestarts;
pub(crate) use plan::{
    fit_hint, more_quota, plan, print_warnings, problem_location, verdict_failure, wait_hint,
    warn_of_retries, with_planned, with_what_does_not_fit,
};
pub(crate) use quota::{quota, quota_warnings};
pub(crate) use status::{awaited, status_sentence};
pub(crate) use tabulate::{grid, pretty, simple};
pub(crate) use unmanaged::{UnmanagedObject, note_of_unmanaged, show_unmanaged, unmanaged_table};
