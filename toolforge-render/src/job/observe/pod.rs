//! The state of a single pod, which no workload replaces.

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::Timestamp;

use crate::job::observe::runs::{FailureReason, is_quota};
use crate::job::observe::state::running_since;
use crate::job::{JobState, JobStatus, LiveJobs};
use crate::pod::{causes_of_pod, causes_of_probes, last_termination, restarts, sort_evidence};

/// Returns the status of a pod at `now`, in the states of jobs.
#[must_use]
pub fn pod_status(pod: &Pod, live: &LiveJobs, now: Timestamp) -> JobStatus {
    let metadata = &pod.metadata;
    let status = pod.status.as_ref();
    let mut evidence = causes_of_pod(pod, &live.events);
    evidence.extend(causes_of_probes(pod, &live.events, now));
    sort_evidence(&mut evidence);
    let last_termination = last_termination([pod]);
    let created = metadata.creation_timestamp.as_ref().map(|time| time.0);
    let deleted = metadata.deletion_timestamp.as_ref().map(|time| time.0);
    let ended = last_termination.as_ref().and_then(|end| end.finished);
    let is_failing = evidence.iter().any(|evidence| evidence.cause.is_terminal());
    let (state, since) = match status.and_then(|status| status.phase.as_deref()) {
        _ if deleted.is_some() => (JobState::Stopping, deleted),
        Some("Succeeded") => (JobState::Succeeded, ended),
        Some("Failed") => {
            let reason = status.and_then(|status| status.reason.as_deref()).unwrap_or_default();
            (JobState::Failed { reason: FailureReason::new(reason) }, ended)
        }
        _ if evidence.iter().any(is_quota) => (JobState::Blocked, created),
        _ if is_failing => {
            (JobState::Failing, evidence.first().and_then(|evidence| evidence.since).or(ended))
        }
        Some("Running") => (JobState::Running, running_since(pod)),
        _ => (JobState::Starting, created),
    };
    JobStatus {
        state,
        since: since.or(created),
        replicas: None,
        restarts: restarts(pod),
        last_termination,
        evidence,
        previous_run: None,
        next_run: None,
        missed: None,
    }
}
