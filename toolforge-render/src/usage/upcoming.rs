//! The next runs of scheduled jobs, and whether they fit in addition to current usage.

use k8s_openapi::jiff::Timestamp;
use toolforge_model::JobName;
use toolforge_quota::Demand;

use crate::change::ChangeSet;
use crate::job::{JobFacts, ScheduledJobLoad, trigger_job};

/// The next run of a scheduled job.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct UpcomingRun {
    /// The job.
    pub name: JobName,
    /// When it is due.
    pub due: Timestamp,
    /// What it requests, including its Job.
    pub demand: Demand,
    /// What creating it now would do to the quotas.
    pub now: ChangeSet,
}

/// Returns the next run of each scheduled job that is not suspended, the soonest first, including those that no tool manages.
#[must_use]
pub fn upcoming_runs(facts: &JobFacts, now: Timestamp) -> Vec<UpcomingRun> {
    let jobs = facts.live.all_scheduled(&facts.namespace.tool);
    let mut runs: Vec<UpcomingRun> = jobs
        .iter()
        .filter_map(|job| {
            let load = ScheduledJobLoad::of(job, facts)?;
            let due = load.schedule.next_after(now)?;
            let set = trigger_job(job, facts, now).ok()?;
            Some(UpcomingRun { name: job.name.clone(), due, demand: load.each, now: set })
        })
        .collect();
    runs.sort_by_key(|run| run.due);
    runs
}
