//! What the runs of CronJobs use.

use k8s_openapi::api::batch::v1::CronJob;
use toolforge_quota::Demand;

use crate::object::cron_job_spec;
use crate::pod::{least_run_demand, may_wait, retry_demand, run_demand};

/// What a run of a CronJob requests.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ScheduledRun {
    /// The minimum that it requests.
    pub(crate) least: Demand,
    /// What it requests while all of its parallel pods run.
    pub(crate) whole: Demand,
    /// What failed pods use in addition while it is retried.
    pub(crate) retries: Demand,
}

/// Returns what a run of a CronJob requests if each pod requests `each`; `None` for a suspended one.
pub(crate) fn scheduled_run(cron_job: &CronJob, each: &Demand) -> Option<ScheduledRun> {
    let spec = cron_job_spec(cron_job).filter(|spec| spec.suspend != Some(true))?;
    let job = spec.job_template.spec.as_ref()?;
    let least = least_run_demand(job, each);
    Some(ScheduledRun {
        whole: if may_wait(job) { run_demand(job, each) } else { least.clone() },
        least,
        retries: retry_demand(job),
    })
}
