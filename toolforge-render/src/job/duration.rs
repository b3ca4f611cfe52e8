//! How long the last successful run of a scheduled job took.

use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::Event;
use k8s_openapi::jiff::Timestamp;

use crate::job::{JobObjects, LiveJobs, RunOutcome, runs_of_job};
use crate::object::{CronJobSchedule, controller_of};
use crate::pod::{event_time, first_event_time};

/// The annotation in which the CronJob controller records when a run was due (Kubernetes 1.33).
const SCHEDULED_AT: &str = "batch.kubernetes.io/cronjob-scheduled-timestamp";

/// Seconds from when a run is due to when its timeout begins: the time until its pod runs, and the delay of its controller.
const LATE: i64 = 60;

/// Where the duration of a scheduled job's runs comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DurationSource {
    /// The last successful run took this long.
    Measured,
    /// The last successful run took this long or less: the times of the CronJob's status do not say which run it was. The longest
    /// is assumed.
    UpperBound,
    /// No successful run is known. Five minutes are assumed, or the timeout if that is shorter.
    Assumed,
}

/// The duration of the last successful run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LastDuration {
    pub(super) seconds: u32,
    pub(super) source: DurationSource,
}

/// Returns the seconds from the time for which the last successful run was scheduled until it finished.
///
/// The status of a CronJob has the completion time of that run, and when the last run was due. These are different runs while
/// another run is running or after one that failed, if runs overlap, and after `kubectl create job --from`, whose Job counts as
/// a success of the CronJob. So the run's Job or its events, which are kept for 30 seconds and an hour, come first. The status
/// gives an upper bound, which is not used if it exceeds the timeout of a run.
pub(super) fn last_duration(
    job: &JobObjects,
    cron_job: &CronJob,
    schedule: &CronJobSchedule,
    live: &LiveJobs,
) -> Option<LastDuration> {
    let ended = cron_job.status.as_ref()?.last_successful_time.as_ref()?.0;
    let runs = runs_of_job(job, live);
    let of_run = runs.iter().filter_map(|run| Some((success(run, live)?, due_time(run)?)));
    let known = of_run.chain(ends_by_events(job, live)).filter(|(at, due)| *at >= ended && due <= at);
    if let Some((ended, due)) = known.max() {
        return seconds(due, ended).map(|seconds| LastDuration { seconds, source: DurationSource::Measured });
    }
    let timeout = job.workload.job_spec().and_then(|spec| spec.active_deadline_seconds);
    let seconds = duration_by_status(job, cron_job, schedule, &runs, live)?;
    let is_possible = timeout.is_none_or(|timeout| i64::from(seconds) <= timeout.saturating_add(LATE));
    is_possible.then_some(LastDuration { seconds, source: DurationSource::UpperBound })
}

/// Returns the seconds from when the last successful run was due until it finished, by the times of the CronJob's status.
fn duration_by_status(
    job: &JobObjects,
    cron_job: &CronJob,
    schedule: &CronJobSchedule,
    runs: &[&Job],
    live: &LiveJobs,
) -> Option<u32> {
    let status = cron_job.status.as_ref()?;
    let last_due = status.last_schedule_time.as_ref().map(|time| time.0);
    let ended = status.last_successful_time.as_ref()?.0;
    let is_active = |due: Timestamp| {
        let name = format!("{}-{}", job.name, due.as_second() / 60);
        status.active.iter().flatten().any(|run| run.name.as_deref() == Some(name.as_str()))
    };
    let has_failed =
        |due: Timestamp| runs.iter().any(|run| due_time(run) == Some(due) && success(run, live).is_none());
    if let Some(due) = last_due.filter(|due| *due < ended && !is_active(*due) && !has_failed(*due)) {
        return seconds(due, ended);
    }
    // It was due before the last one, and the schedule may say when.
    let before = last_due.map_or(ended, |due| due.min(ended));
    let due = schedule.previous_before(before)?;
    // Before its creation, it had no runs.
    job.workload.created().is_none_or(|created| created <= due).then_some(())?;
    seconds(due, ended)
}

fn success(run: &Job, live: &LiveJobs) -> Option<Timestamp> {
    match RunOutcome::of(run, live) {
        RunOutcome::Succeeded { at } => at,
        _ => None,
    }
}

fn seconds(from: Timestamp, until: Timestamp) -> Option<u32> {
    u32::try_from(until.as_second().checked_sub(from.as_second())?).ok()
}

/// Returns when a run of a schedule was due; `None` for one that was started by hand.
pub(super) fn due_time(run: &Job) -> Option<Timestamp> {
    controller_of(&run.metadata)?;
    let noted = run.metadata.annotations.as_ref().and_then(|annotations| annotations.get(SCHEDULED_AT));
    let noted = noted.and_then(|text| text.parse().ok());
    noted.or(run.metadata.creation_timestamp.as_ref().map(|time| time.0))
}

/// Returns when runs finished by their events, and when these runs were due: a run's Job is named after the minute (Kubernetes
/// 1.33, `getJobName` of the CronJob controller). A run that was started by hand was due when its first pod was created.
fn ends_by_events(job: &JobObjects, live: &LiveJobs) -> impl Iterator<Item = (Timestamp, Timestamp)> {
    job_events(live, "Completed").filter_map(|(name, event)| {
        let due = due_by_name(job, name).or_else(|| started_by_hand(job, name, live))?;
        Some((event_time(event)?, due))
    })
}

/// Returns the events of Jobs with a reason, with the Job's name.
fn job_events<'a>(live: &'a LiveJobs, reason: &'a str) -> impl Iterator<Item = (&'a str, &'a Event)> {
    live.events.iter().filter_map(move |event| {
        let object = &event.involved_object;
        let is_of_job = object.kind.as_deref() == Some("Job") && event.reason.as_deref() == Some(reason);
        Some((object.name.as_deref().filter(|_| is_of_job)?, event))
    })
}

fn due_by_name(job: &JobObjects, run: &str) -> Option<Timestamp> {
    let minute = run.strip_prefix(job.name.as_str())?.strip_prefix('-')?;
    Timestamp::from_second(minute.parse::<i64>().ok()?.checked_mul(60)?).ok()
}

/// Returns when a run that the CronJob controller has not created itself was started; it reports this as "Saw a job that the
/// controller did not create or forgot: NAME" (Kubernetes 1.33, `syncCronJob`).
fn started_by_hand(job: &JobObjects, run: &str, live: &LiveJobs) -> Option<Timestamp> {
    let is_of_job = live.events.iter().any(|event| {
        let object = &event.involved_object;
        let named = event.message.as_deref().and_then(|message| message.rsplit_once(": "));
        object.kind.as_deref() == Some("CronJob")
            && object.name.as_deref() == Some(job.name.as_str())
            && event.reason.as_deref() == Some("UnexpectedJob")
            && named.is_some_and(|(_, name)| name == run)
    });
    let created = job_events(live, "SuccessfulCreate").filter(|(name, _)| is_of_job && *name == run);
    created.filter_map(|(_, event)| first_event_time(event)).min()
}
