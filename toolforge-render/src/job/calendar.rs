//! What the scheduled jobs of a tool take over a day.

use k8s_openapi::jiff::{Timestamp, tz::TimeZone};
use toolforge_model::{CronExpression, JobName};
use toolforge_quota::{Demand, Stretch, TimedRuns, calendar};

use crate::demand::of_pod;
use crate::job::{JobFacts, LiveJob, LiveWorkload, pods_of_job, runs_of};

/// How long a run of which nothing is known is thought to take.
const ASSUMED_SECONDS: u32 = 300;

/// What is known of a scheduled job's runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobLoad {
    /// The job's name.
    pub name: JobName,
    /// When it runs.
    pub expression: CronExpression,
    /// What a run takes.
    pub each: Demand,
    /// How long a run takes, in seconds.
    pub seconds: u32,
    /// Whether that was measured, and not assumed.
    pub is_measured: bool,
}

impl JobLoad {
    /// Returns what is known of a scheduled job; `None` for any other job, and where the schedule is suspended or in a
    /// time zone of its own.
    #[must_use]
    pub fn of(job: &LiveJob, facts: &JobFacts) -> Option<Self> {
        let LiveWorkload::Scheduled(cron_job) = &job.workload else { return None };
        let spec = cron_job.spec.as_ref()?;
        if spec.suspend == Some(true) || spec.time_zone.as_deref().is_some_and(|zone| zone != "UTC") {
            return None;
        }
        let pod = job.workload.template()?.spec.as_ref()?;
        let status = cron_job.status.as_ref();
        let began = status.and_then(|status| status.last_schedule_time.as_ref()).map(|time| time.0);
        let ended = status.and_then(|status| status.last_successful_time.as_ref()).map(|time| time.0);
        let measured = match (began, ended) {
            (Some(began), Some(ended)) if ended > began => {
                u32::try_from(ended.as_second() - began.as_second()).ok()
            }
            _ => None,
        };
        let timeout = job.workload.job_spec().and_then(|spec| spec.active_deadline_seconds);
        let timeout = timeout.and_then(|seconds| u32::try_from(seconds).ok());
        let assumed = timeout.map_or(ASSUMED_SECONDS, |timeout| timeout.min(ASSUMED_SECONDS));
        Some(Self {
            name: job.name.clone(),
            expression: spec.schedule.parse().ok()?,
            each: of_pod(pod, &facts.limit_ranges),
            seconds: measured.unwrap_or(assumed).max(1),
            is_measured: measured.is_some(),
        })
    }
}

/// Returns what runs at the same time between two moments, held against the quotas. What the jobs' present runs hold is
/// not counted twice.
#[must_use]
pub fn calendar_of(
    loads: &[JobLoad],
    facts: &JobFacts,
    (from, until): (Timestamp, Timestamp),
) -> Vec<Stretch> {
    let mut releases = Demand::default();
    for job in facts.live.jobs_of(&facts.tool) {
        if matches!(job.workload, LiveWorkload::Scheduled(_)) && !runs_of(&job, &facts.live).is_empty() {
            for pod in pods_of_job(&job, &facts.live) {
                let has_ended = pod.status.as_ref().and_then(|status| status.phase.as_deref());
                if let (Some(spec), false) = (&pod.spec, matches!(has_ended, Some("Succeeded" | "Failed"))) {
                    releases.add_all(&of_pod(spec, &facts.limit_ranges));
                }
            }
        }
    }
    let zone = TimeZone::UTC;
    let runs = |load: &JobLoad| {
        // A run that has begun before may still be under way.
        let early = from.checked_sub(k8s_openapi::jiff::SignedDuration::from_secs(i64::from(load.seconds)));
        let starts = load.expression.runs_between(early.unwrap_or(from), until, &zone);
        TimedRuns {
            name: load.name.to_string(),
            each: load.each.clone(),
            starts: starts.map(Timestamp::as_second).collect(),
            seconds: load.seconds,
        }
    };
    let runs: Vec<TimedRuns> = loads.iter().map(runs).collect();
    calendar(&facts.quotas, &releases, &runs, (from.as_second(), until.as_second()))
}
