//! Scheduled jobs of which no run can ever start.

use toolforge_quota::ResourceCheck;

/// A scheduled job or CronJob whose runs can never start beside what stays.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BlockedRun {
    /// Name of the job or the CronJob.
    pub name: String,
    /// Name of its change.
    pub(crate) change: String,
    /// What one pod of a run exceeds together with what stays.
    pub shortfalls: Vec<ResourceCheck>,
}
