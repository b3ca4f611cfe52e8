//! How long the last successful run of a scheduled job took.

use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::jiff::{Timestamp, tz::TimeZone};
use toolforge_model::CronExpression;

use crate::job::{JobObjects, LiveJobs, RunOutcome, runs_of_job};
use crate::pod::event_time;

/// The annotation with which the CronJob controller notes for when a run was due (Kubernetes 1.33).
const SCHEDULED_AT: &str = "batch.kubernetes.io/cronjob-scheduled-timestamp";

/// Returns the seconds from the time for which the last successful run was scheduled to its end.
///
/// While another run is under way or after one that failed, the status of the CronJob has the end of that run, but no longer
/// its start. It is then taken from the run's Job or its event, which are kept for a short time, and otherwise from the
/// schedule.
pub(super) fn last_duration(
    job: &JobObjects,
    cron_job: &CronJob,
    expression: &CronExpression,
    live: &LiveJobs,
) -> Option<u32> {
    let status = cron_job.status.as_ref()?;
    let due = status.last_schedule_time.as_ref().map(|time| time.0);
    let ended = status.last_successful_time.as_ref()?.0;
    if let Some(due) = due.filter(|due| *due < ended) {
        return seconds(due, ended);
    }
    let of_run = || {
        let runs = runs_of_job(job, live);
        runs.into_iter().find_map(|run| match RunOutcome::of(run, live) {
            RunOutcome::Succeeded { at: Some(at) } => seconds(due_time(run)?, at),
            _ => None,
        })
    };
    let of_schedule = || {
        let due = expression.previous_before(ended, &TimeZone::UTC)?;
        // Before its creation, it had no runs.
        job.workload.created().is_none_or(|created| created <= due).then_some(())?;
        seconds(due, ended)
    };
    of_run().or_else(|| of_event(job, live)).or_else(of_schedule)
}

fn seconds(from: Timestamp, until: Timestamp) -> Option<u32> {
    u32::try_from(until.as_second().checked_sub(from.as_second())?).ok()
}

/// Returns when a run of a schedule was due; `None` for one that was started by hand.
fn due_time(run: &Job) -> Option<Timestamp> {
    let mut owners = run.metadata.owner_references.iter().flatten();
    owners.any(|owner| owner.controller == Some(true)).then_some(())?;
    let noted = run.metadata.annotations.as_ref().and_then(|annotations| annotations.get(SCHEDULED_AT));
    let noted = noted.and_then(|text| text.parse().ok());
    noted.or(run.metadata.creation_timestamp.as_ref().map(|time| time.0))
}

/// Returns the duration by the newest event about the end of a run, whose Job is named after the minute for which it was
/// scheduled (Kubernetes 1.33, `getJobName` of the CronJob controller).
fn of_event(job: &JobObjects, live: &LiveJobs) -> Option<u32> {
    let ended = live.events.iter().filter_map(|event| {
        let run = &event.involved_object;
        (run.kind.as_deref() == Some("Job") && event.reason.as_deref() == Some("Completed")).then_some(())?;
        let minute = run.name.as_deref()?.strip_prefix(job.name.as_str())?.strip_prefix('-')?;
        let due = Timestamp::from_second(minute.parse::<i64>().ok()?.checked_mul(60)?).ok()?;
        Some((event_time(event)?, due))
    });
    let (ended, due) = ended.filter(|(ended, due)| due <= ended).max()?;
    seconds(due, ended)
}
