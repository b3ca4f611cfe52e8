//! The scheduled jobs and their last runs.

use k8s_openapi::api::batch::v1::{CronJob, CronJobSpec, Job};
use k8s_openapi::jiff::Timestamp;
use toolforge_model::{Schedule, Untrusted, platform};
use toolforge_render::job::{
    JobFacts, JobObjects, JobState, JobStatus, JobWorkload, RunOutcome, ScheduledJobLoad, job_status,
    observe_job, runs_of_job,
};
use toolforge_render::object::CronJobSchedule;
use toolforge_report::RunResult;

/// A scheduled job.
pub(super) struct ScheduledJob {
    pub(super) job: JobObjects,
    pub(super) cron_job: CronJob,
    /// The schedule; `None` if the cluster's cron expression is invalid.
    pub(super) schedule: Option<Schedule>,
    pub(super) load: Option<ScheduledJobLoad>,
}

/// Returns the scheduled jobs and the CronJobs that no tool manages, by name.
pub(super) fn scheduled_jobs(facts: &JobFacts) -> Vec<ScheduledJob> {
    let of_live = |job: JobObjects| {
        let JobWorkload::Scheduled(cron_job) = &job.workload else { return None };
        Some(ScheduledJob {
            cron_job: (**cron_job).clone(),
            schedule: observe_job(&job, facts).kind.schedule().cloned(),
            load: ScheduledJobLoad::of(&job, facts),
            job,
        })
    };
    let mut jobs: Vec<_> =
        facts.live.all_scheduled(&facts.namespace.tool).into_iter().filter_map(of_live).collect();
    jobs.sort_by(|one, other| one.job.name.cmp(&other.job.name));
    jobs
}

impl ScheduledJob {
    pub(super) fn spec(&self) -> Option<&CronJobSpec> {
        self.cron_job.spec.as_ref()
    }

    pub(super) fn is_suspended(&self) -> bool {
        self.spec().and_then(|spec| spec.suspend) == Some(true)
    }

    /// Returns its time zone, if it is not UTC; neither this program nor the platform's sets one.
    pub(super) fn time_zone(&self) -> Option<Untrusted> {
        let zone = self.spec()?.time_zone.as_deref()?;
        (!matches!(zone, "UTC" | "Etc/UTC")).then(|| Untrusted::new(zone))
    }

    /// Returns the first run after another one.
    pub(super) fn next_after(&self, run: Timestamp) -> Option<Timestamp> {
        CronJobSchedule::of(&self.cron_job)?.next_after(run)
    }

    /// Returns the schedule as it was written.
    pub(super) fn written(&self) -> Untrusted {
        let written = self.schedule.as_ref().map(Schedule::written);
        Untrusted::new(written.or(self.spec().map(|spec| spec.schedule.as_str())).unwrap_or_default())
    }

    /// Returns the cron expression in the cluster.
    pub(super) fn expression(&self) -> Untrusted {
        Untrusted::new(self.spec().map(|spec| spec.schedule.as_str()).unwrap_or_default())
    }

    /// Returns the schedule as it was written, and for a macro its cron expression.
    pub(super) fn schedule_text(&self) -> String {
        let written = self.written();
        let text = written.escaped();
        if written.as_raw().starts_with('@') && written != self.expression() {
            format!("{text} ({})", self.expression().escaped())
        } else {
            text.to_string()
        }
    }
}

/// The last run of a scheduled job.
pub(super) struct LastRun {
    pub(super) at: Option<Timestamp>,
    pub(super) result: RunResult,
    pub(super) is_by_hand: bool,
}

impl LastRun {
    pub(super) fn of(scheduled: &ScheduledJob, status: &JobStatus, facts: &JobFacts) -> Self {
        let live = scheduled.cron_job.status.as_ref();
        let started = live.and_then(|live| live.last_schedule_time.as_ref()).map(|time| time.0);
        let succeeded = live.and_then(|live| live.last_successful_time.as_ref()).map(|time| time.0);
        // A run that was started by hand is not in the status of the CronJob.
        let newest = runs_of_job(&scheduled.job, &facts.live).into_iter().next();
        let by_hand = newest.filter(|run| {
            let annotations = run.metadata.annotations.as_ref();
            annotations.is_some_and(|annotations| annotations.contains_key(platform::ANNOTATION_INSTANTIATE))
        });
        let created = |run: &Job| run.metadata.creation_timestamp.as_ref().map(|time| time.0);
        let by_hand = by_hand.filter(|run| started.is_none_or(|started| created(run) > Some(started)));
        let by_hand_outcome = by_hand.map(|run| RunOutcome::of(run, &facts.live));
        let by_hand = by_hand.and_then(created);
        // Its Job is deleted soon after it finishes.
        let noted = scheduled.job.annotation(platform::ANNOTATION_RUN_BY_HAND);
        let noted: Option<Timestamp> = noted.and_then(|time| time.parse().ok());
        if by_hand.is_none()
            && let Some(at) = noted.filter(|at| started.is_none_or(|started| *at > started))
        {
            return Self { at: Some(at), result: RunResult::Unknown, is_by_hand: true };
        }
        let result = match &status.state {
            // Another run may be in progress.
            _ if matches!(by_hand_outcome, Some(RunOutcome::Succeeded { .. })) => RunResult::Succeeded,
            _ if matches!(by_hand_outcome, Some(RunOutcome::Failed { .. })) => RunResult::Failed,
            JobState::Succeeded | JobState::Waiting { last_succeeded: Some(true) } => RunResult::Succeeded,
            JobState::Failed { .. } | JobState::Waiting { last_succeeded: Some(false) } => RunResult::Failed,
            JobState::Waiting { last_succeeded: None } => RunResult::Never,
            JobState::Suspended | JobState::Stopping => match (by_hand_outcome, started, succeeded) {
                (Some(_), ..) => RunResult::Running,
                (None, None, _) => RunResult::Never,
                (None, Some(started), Some(succeeded)) if succeeded >= started => RunResult::Succeeded,
                (None, Some(_), _) => RunResult::Failed,
            },
            running => RunResult::from_code(running.as_str()),
        };
        Self { at: by_hand.or(started), result, is_by_hand: by_hand.is_some() }
    }

    pub(super) fn text(&self) -> String {
        let at = self.at.map(|at| format!("{} ", minute(at))).unwrap_or_default();
        let by_hand = if self.is_by_hand { " (started by hand)" } else { "" };
        let result = match self.result {
            // In a narrow column.
            RunResult::Succeeded => "ok",
            other => other.as_str(),
        };
        format!("{at}{result}{by_hand}")
    }
}

/// Returns the state of a scheduled job, and its last run.
pub(super) fn status_of(scheduled: &ScheduledJob, facts: &JobFacts, now: Timestamp) -> (JobStatus, LastRun) {
    let status = job_status(&scheduled.job, &facts.live, now);
    let last_run = LastRun::of(scheduled, &status, facts);
    (status, last_run)
}

/// Returns a time in UTC, to the minute.
pub(super) fn minute(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%d %H:%M").to_string()
}
