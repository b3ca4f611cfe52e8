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
/// The status of a CronJob has the end of that run, and when the last run was due. These are different runs while another run is
/// under way or after one that failed, and where runs overlap. So the run's Job or its event come first, which are kept for a
/// short time.
pub(super) fn last_duration(
    job: &JobObjects,
    cron_job: &CronJob,
    expression: &CronExpression,
    live: &LiveJobs,
) -> Option<u32> {
    let status = cron_job.status.as_ref()?;
    let last_due = status.last_schedule_time.as_ref().map(|time| time.0);
    let ended = status.last_successful_time.as_ref()?.0;
    let runs = runs_of_job(job, live);
    let success = |run: &Job| match RunOutcome::of(run, live) {
        RunOutcome::Succeeded { at } => at,
        _ => None,
    };
    let of_run = runs.iter().filter_map(|run| Some((success(run)?, due_time(run)?)));
    let known = of_run.chain(ends_by_events(job, live)).filter(|(at, due)| *at >= ended && due <= at);
    if let Some((ended, due)) = known.max() {
        return seconds(due, ended);
    }
    let is_active = |due: Timestamp| {
        let name = format!("{}-{}", job.name, due.as_second() / 60);
        status.active.iter().flatten().any(|run| run.name.as_deref() == Some(name.as_str()))
    };
    let has_failed =
        |due: Timestamp| runs.iter().any(|run| due_time(run) == Some(due) && success(run).is_none());
    if let Some(due) = last_due.filter(|due| *due < ended && !is_active(*due) && !has_failed(*due)) {
        return seconds(due, ended);
    }
    // It was due before the last one, and the schedule may say when.
    let before = last_due.map_or(ended, |due| due.min(ended));
    let due = expression.previous_before(before, &TimeZone::UTC)?;
    // Before its creation, it had no runs.
    job.workload.created().is_none_or(|created| created <= due).then_some(())?;
    seconds(due, ended)
}

fn seconds(from: Timestamp, until: Timestamp) -> Option<u32> {
    u32::try_from(until.as_second().checked_sub(from.as_second())?).ok()
}

/// Returns when a run of a schedule was due; `None` for one that was started by hand.
pub(super) fn due_time(run: &Job) -> Option<Timestamp> {
    let mut owners = run.metadata.owner_references.iter().flatten();
    owners.any(|owner| owner.controller == Some(true)).then_some(())?;
    let noted = run.metadata.annotations.as_ref().and_then(|annotations| annotations.get(SCHEDULED_AT));
    let noted = noted.and_then(|text| text.parse().ok());
    noted.or(run.metadata.creation_timestamp.as_ref().map(|time| time.0))
}

/// Returns the ends of runs by their events, and when these runs were due: a run's Job is named after the minute (Kubernetes
/// 1.33, `getJobName` of the CronJob controller).
fn ends_by_events(job: &JobObjects, live: &LiveJobs) -> impl Iterator<Item = (Timestamp, Timestamp)> {
    live.events.iter().filter_map(|event| {
        let run = &event.involved_object;
        (run.kind.as_deref() == Some("Job") && event.reason.as_deref() == Some("Completed")).then_some(())?;
        let minute = run.name.as_deref()?.strip_prefix(job.name.as_str())?.strip_prefix('-')?;
        let due = Timestamp::from_second(minute.parse::<i64>().ok()?.checked_mul(60)?).ok()?;
        Some((event_time(event)?, due))
    })
}
