//! When a scheduled job ran, when it runs next, and which runs were missed.

use k8s_openapi::api::batch::v1::CronJob;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use toolforge_model::Untrusted;

use crate::job::observe::runs::RunOutcome;
use crate::job::{JobObjects, LiveJobs, runs_of_job};
use crate::object::{CronJobSchedule, controller_of, cron_job_spec};
use crate::pod::{Cause, cause_of_refusal, event_time};

/// How late a run may still start: the platform's deadline, and the interval of the controller (jobs-api, 2026:
/// 30 s; the CronJob controller checks every 10 s).
const LATE: SignedDuration = SignedDuration::from_secs(45);

/// How far from a missed run an event may be to explain it.
const AROUND: SignedDuration = SignedDuration::from_secs(120);

/// The maximum number of missed runs that are counted.
const MOST: usize = 1000;

/// Scheduled runs that did not start since the last one that did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MissedRuns {
    /// The number of missed runs; 1000 also means more.
    pub count: usize,
    /// The time of the last missed run.
    pub last: Timestamp,
    /// The reason.
    pub reason: MissedReason,
}

/// Why runs were missed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MissedReason {
    /// An earlier run was still running, and runs never overlap.
    StillRunning,
    /// No Job could be created: it exceeded the quota.
    QuotaExceeded {
        /// The message of the cluster.
        message: Untrusted,
    },
    /// No Job could be created for another reason.
    Refused {
        /// The message of the cluster.
        message: Untrusted,
    },
    /// The controller missed the starting deadline of 30 seconds.
    TooLate,
    /// No event explains it; events are kept for an hour.
    Unknown,
}

impl MissedReason {
    /// Returns the reason without the message of the cluster.
    #[must_use]
    pub fn short(&self) -> &'static str {
        match self {
            Self::StillRunning => "an earlier run was still running",
            Self::QuotaExceeded { .. } => "the quota was reached",
            Self::Refused { .. } => "the cluster refused the run",
            Self::TooLate => "the cluster missed the deadline",
            Self::Unknown => "the reason is unknown",
        }
    }
}

impl std::fmt::Display for MissedReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::StillRunning => f.write_str("an earlier run was still running"),
            Self::QuotaExceeded { message } => {
                write!(f, "a run exceeded the quota: {}", message.escaped())
            }
            Self::Refused { message } => write!(f, "the cluster refused the run: {}", message.escaped()),
            Self::TooLate => f.write_str("the cluster did not start it within 30 seconds"),
            Self::Unknown => f.write_str("the reason is unknown; the cluster keeps events for an hour"),
        }
    }
}

/// The runs of a schedule around a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) previous: Option<Timestamp>,
    pub(super) next: Option<Timestamp>,
    pub(super) missed: Option<MissedRuns>,
}

/// Returns the times of a scheduled job. Nothing is predicted in a time zone other than UTC, which these programs never
/// set.
pub(super) fn times(job: &JobObjects, cron_job: &CronJob, live: &LiveJobs, now: Timestamp) -> Times {
    let spec = cron_job_spec(cron_job);
    let status = cron_job.status.as_ref();
    let previous = status.and_then(|status| status.last_schedule_time.as_ref()).map(|time| time.0);
    let is_suspended = spec.and_then(|spec| spec.suspend).unwrap_or(false);
    let zone = spec.and_then(|spec| spec.time_zone.as_deref());
    let schedule = CronJobSchedule::of(cron_job);
    let (Some(schedule), false, None | Some("UTC" | "Etc/UTC")) = (schedule, is_suspended, zone) else {
        return Times { previous, ..Times::default() };
    };
    let since = previous.max(job.workload.created()).max(last_change(cron_job));
    let missed = since.and_then(|since| missed(job, &schedule, live, (since, now)));
    Times { previous, next: schedule.next_after(now), missed }
}

/// Returns the time of the last change of the spec: before it, another schedule may have applied.
fn last_change(cron_job: &CronJob) -> Option<Timestamp> {
    let entries = cron_job.metadata.managed_fields.iter().flatten();
    let wanted = entries.filter(|entry| entry.subresource.as_deref().unwrap_or_default().is_empty());
    wanted.filter_map(|entry| entry.time.as_ref()).map(|time| time.0).max()
}

fn missed(
    job: &JobObjects,
    schedule: &CronJobSchedule,
    live: &LiveJobs,
    (since, now): (Timestamp, Timestamp),
) -> Option<MissedRuns> {
    let until = now.checked_sub(LATE).ok()?;
    let count = schedule.runs_between(since, until).take(MOST).count();
    let after = until.checked_add(SignedDuration::from_nanos(1)).ok()?;
    let last = schedule.previous_before(after).filter(|_| count > 0)?;
    Some(MissedRuns { count, last, reason: reason(job, live, last) })
}

fn reason(job: &JobObjects, live: &LiveJobs, last: Timestamp) -> MissedReason {
    let uid = job.workload.metadata().uid.as_deref();
    let own = live.events.iter().filter(|event| uid.is_some() && event.involved_object.uid.as_deref() == uid);
    let near = own.filter(|event| {
        event_time(event).is_some_and(|moment| moment.checked_add(AROUND).is_ok_and(|end| end >= last))
    });
    let mut newest: Vec<_> = near.collect();
    newest.sort_by_key(|event| std::cmp::Reverse(event_time(event)));
    for event in newest {
        let message = event.message.clone().unwrap_or_default();
        match event.reason.as_deref() {
            Some("JobAlreadyActive") => return MissedReason::StillRunning,
            Some("FailedCreate") if cause_of_refusal(&message) == Cause::QuotaExceeded => {
                return MissedReason::QuotaExceeded { message: Untrusted::new(message) };
            }
            Some("FailedCreate") => return MissedReason::Refused { message: Untrusted::new(message) },
            Some("MissSchedule" | "TooManyMissedTimes") => return MissedReason::TooLate,
            _ => {}
        }
    }
    let is_under_way = |run: &&k8s_openapi::api::batch::v1::Job| {
        let began = run.metadata.creation_timestamp.as_ref().is_some_and(|time| time.0 <= last);
        // A run that was started manually does not count for the schedule.
        let is_of_schedule = controller_of(&run.metadata).is_some();
        began && is_of_schedule && !RunOutcome::of(run, live).is_over()
    };
    if runs_of_job(job, live).iter().any(is_under_way) {
        MissedReason::StillRunning
    } else {
        MissedReason::Unknown
    }
}
