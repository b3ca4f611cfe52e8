//! A job for the JSON output.

use k8s_openapi::jiff::Timestamp;
use toolforge_cli::cause;
use toolforge_images::State;
use toolforge_model::{JobHealthCheck, JobKind, JobRequest, LogPath};
use toolforge_render::job::{JobFacts, JobObjects, JobStatus, job_status, observe_job};
use toolforge_report::{FileLog, HealthCheck, ImageState, Job, JobState, Mount, ShortState, WorkloadType};

use crate::report::missed_runs;

impl ListedJob {
    /// Returns the job for the JSON output.
    pub(crate) fn report(&self) -> Job {
        job_report(self)
    }
}

/// Returns a job for the JSON output; what it does not request is `null`.
pub(super) fn job_report(job: &ListedJob) -> Job {
    let ListedJob { request, status, image_state, public_url } = job;
    let JobRequest { tool: _, name, image, command, kind, cpu, memory, mount, file_log, emails, environment } =
        request;
    let (timeout, replicas, health_check) = match kind {
        JobKind::OneOff { .. } => (None, None, None),
        JobKind::Scheduled { timeout, .. } => (*timeout, None, None),
        JobKind::Continuous { replicas, health_check, .. } => {
            (None, Some(replicas.count()), health_check.as_ref())
        }
    };
    let (stdout, stderr) = (file_log.stdout(), file_log.stderr());
    let path = |path: Option<&LogPath>| path.map(|path| path.as_str().to_owned());
    Job {
        managed: true,
        r#type: WorkloadType::from_code(kind.as_str()),
        name: name.clone(),
        schedule: kind.schedule().map(|schedule| schedule.written().to_owned()),
        cron_expression: kind.schedule().map(|schedule| schedule.expression().to_string()),
        image: image.as_str().to_owned(),
        image_state: image_state
            .map_or(ImageState::Unknown, |state: State| ImageState::from_code(state.as_str())),
        command: command.clone(),
        cpu: cpu.map(|cpu| cpu.to_string()),
        memory: memory.map(|memory| memory.to_string()),
        replicas,
        port: kind.port().map(ToString::to_string),
        public_url: public_url.clone(),
        mount: Mount::from_code(mount.as_str()),
        emails: emails.as_str().to_owned(),
        retry: kind.retry().map(toolforge_model::Retry::count),
        timeout: timeout.map(std::num::NonZeroU32::get),
        file_log: FileLog { enabled: file_log.is_on(), stdout: path(stdout), stderr: path(stderr) },
        environment: environment.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect(),
        health_check: health_check.map(health_check_report),
        status: status_report(status),
    }
}

fn health_check_report(health_check: &JobHealthCheck) -> HealthCheck {
    match health_check {
        JobHealthCheck::Script(script) => HealthCheck { script: Some(script.clone()), http: None },
        JobHealthCheck::Http(path) => HealthCheck { script: None, http: Some(path.as_str().to_owned()) },
    }
}

pub(in crate::report) fn status_report(status: &JobStatus) -> toolforge_report::JobStatus {
    let JobStatus {
        state,
        since,
        replicas,
        restarts,
        last_termination,
        evidence,
        previous_run,
        next_run,
        missed,
        ..
    } = status;
    let time = |time: &Option<Timestamp>| time.map(|time| time.to_string());
    toolforge_report::JobStatus {
        state: JobState::from_code(state.as_str()),
        short: ShortState::from_code(state.short()),
        since: time(since),
        ready: replicas.map(|replicas| replicas.ready),
        restarts: *restarts,
        last_termination: last_termination.as_ref().map(toolforge_cli::last_termination),
        causes: evidence.iter().map(cause).collect(),
        previous_run: time(previous_run),
        next_run: time(next_run),
        missed: missed.as_ref().map(missed_runs),
    }
}

/// A job with everything that is printed about it.
#[derive(Clone, Debug)]
pub(crate) struct ListedJob {
    /// Its request.
    pub(super) request: JobRequest,
    /// Its state.
    pub(super) status: JobStatus,
    /// The state of its image; `None` if the catalog does not have it.
    pub(super) image_state: Option<State>,
    /// Its URL outside the cluster.
    pub(super) public_url: Option<String>,
}

impl ListedJob {
    /// Returns a live job at a time.
    pub(crate) fn of(job: &JobObjects, facts: &JobFacts, now: Timestamp) -> Self {
        let request = observe_job(job, facts);
        let image = facts
            .namespace
            .catalog
            .job_image(&request.image, &facts.namespace.platform.build_service_repository);
        let is_public = request.kind.port().is_some_and(|port| port.is_public());
        Self {
            status: job_status(job, &facts.live, now),
            image_state: image.ok().map(|image| image.state),
            public_url: is_public
                .then(|| facts.namespace.platform.url(facts.namespace.platform.host(&facts.namespace.tool))),
            request,
        }
    }

    /// Returns all jobs of the tool: continuous ones, scheduled ones, one-off ones.
    pub(crate) fn all(facts: &JobFacts, now: Timestamp) -> Vec<Self> {
        facts.live.jobs_of(&facts.namespace.tool).iter().map(|job| Self::of(job, facts, now)).collect()
    }
}

#[cfg(test)]
mod tests {
    use toolforge_render::job;

    use super::*;

    #[test]
    fn every_state_has_a_code() {
        let states = [
            job::JobState::Running,
            job::JobState::Updating,
            job::JobState::Degraded,
            job::JobState::Starting,
            job::JobState::Retrying { failures: 1 },
            job::JobState::Waiting { last_succeeded: None },
            job::JobState::Failing,
            job::JobState::Blocked,
            job::JobState::Succeeded,
            job::JobState::Failed { reason: job::FailureReason::DeadlineExceeded },
            job::JobState::Suspended,
            job::JobState::ScaledToZero,
            job::JobState::Stopping,
        ];
        for state in states {
            assert_eq!(JobState::from_code(state.as_str()).as_str(), state.as_str());
            assert_eq!(ShortState::from_code(state.short()).as_str(), state.short());
        }
    }
}
