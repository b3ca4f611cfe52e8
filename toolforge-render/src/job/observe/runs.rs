//! The outcome of one run of a job, which is a Job of Kubernetes.

use std::fmt;

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::Timestamp;
use toolforge_model::Untrusted;
use toolforge_quota::ObjectName;

use crate::job::LiveJobs;
use crate::job::observe::pods::pods_of_run;
use crate::object::{end_of, is_suspended};
use crate::pod::{
    Cause, Evidence, LastTermination, cause_of_refusal, causes_of_pod, event_time, first_event_time,
    last_termination, sort_evidence,
};

/// The outcome of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RunOutcome {
    /// It succeeded.
    Succeeded {
        /// The completion time.
        at: Option<Timestamp>,
    },
    /// It failed, and is not retried.
    Failed {
        /// The completion time.
        at: Option<Timestamp>,
        /// The reason that the cluster reports.
        reason: FailureReason,
        /// The termination of the last try, if its pod still exists.
        end: Option<LastTermination>,
    },
    /// Its pod runs.
    Running {
        /// The start time.
        since: Option<Timestamp>,
        /// The number of earlier failed tries.
        failures: u32,
    },
    /// A try has failed, and another one follows.
    Retrying {
        /// The number of failed tries.
        failures: u32,
        /// The termination of the last try.
        end: Option<LastTermination>,
    },
    /// Its pod does not run yet, or its containers crash again and again.
    Starting {
        /// The start time.
        since: Option<Timestamp>,
        /// The cause, if the objects show one.
        evidence: Option<Evidence>,
    },
    /// It is suspended.
    Suspended,
}

/// Why a Job failed, as its controller reports it (Kubernetes 1.33).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FailureReason {
    /// Its pods failed more often than it allows.
    BackoffLimitExceeded,
    /// It took longer than its timeout.
    DeadlineExceeded,
    /// Another reason; empty if none is reported.
    Other(Untrusted),
}

impl FailureReason {
    pub(super) fn new(reason: &str) -> Self {
        match reason {
            "BackoffLimitExceeded" => Self::BackoffLimitExceeded,
            "DeadlineExceeded" => Self::DeadlineExceeded,
            other => Self::Other(Untrusted::new(other)),
        }
    }
}

impl fmt::Display for FailureReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BackoffLimitExceeded => f.write_str("BackoffLimitExceeded"),
            Self::DeadlineExceeded => f.write_str("DeadlineExceeded"),
            Self::Other(reason) => write!(f, "{}", reason.escaped()),
        }
    }
}

impl RunOutcome {
    /// Returns the outcome of a run.
    #[must_use]
    pub fn of(run: &Job, live: &LiveJobs) -> Self {
        let pods = pods_of_run(run, live);
        let status = run.status.clone().unwrap_or_default();
        let end = || last_termination(pods.iter().copied());
        // The outcome is certain some seconds before it is final: the pods are terminated first.
        if let Some((job_end, condition)) = end_of(run) {
            let at = condition.last_transition_time.as_ref().map(|time| time.0);
            if job_end.is_success() {
                let at = status.completion_time.as_ref().map(|time| time.0).or(at);
                return Self::Succeeded { at };
            }
            let reason = FailureReason::new(condition.reason.as_deref().unwrap_or_default());
            return Self::Failed { at, reason, end: end() };
        }
        if is_suspended(run) {
            return Self::Suspended;
        }
        let failures = u32::try_from(status.failed.unwrap_or(0)).unwrap_or(0).max(failed_pods(&pods));
        let begin =
            || status.start_time.as_ref().or(run.metadata.creation_timestamp.as_ref()).map(|time| time.0);
        // The phase does not change while a container is restarted in its pod.
        let failing = |pod: &Pod| {
            let mut causes = causes_of_pod(pod, &live.events);
            sort_evidence(&mut causes);
            causes.into_iter().next().filter(|found| found.cause.is_terminal())
        };
        let running = pods.iter().filter(|pod| phase(pod) == Some("Running") && is_staying(pod));
        let mut running: Vec<_> = running.map(|pod| (pod, failing(pod))).collect();
        running.sort_by_key(|(_, evidence)| evidence.is_some());
        if let Some((pod, evidence)) = running.into_iter().next() {
            if evidence.is_some() {
                return Self::Starting { since: begin(), evidence };
            }
            let since = pod.status.as_ref().and_then(|status| status.start_time.as_ref()).map(|time| time.0);
            return Self::Running { since, failures };
        }
        // The controller is about to update the Job.
        if pods.iter().any(|pod| phase(pod) == Some("Succeeded")) {
            return Self::Succeeded { at: end().and_then(|end| end.finished) };
        }
        // The same; without a retry left, nothing follows.
        let retries = run.spec.as_ref().and_then(|spec| spec.backoff_limit).unwrap_or(i32::MAX);
        if failures > u32::try_from(retries).unwrap_or(0) {
            let end = end();
            let at = end.as_ref().and_then(|end| end.finished);
            return Self::Failed { at, reason: FailureReason::BackoffLimitExceeded, end };
        }
        let waiting = pods.iter().filter(|pod| phase(pod) == Some("Pending") && is_staying(pod));
        let evidence = waiting.clone().flat_map(|pod| causes_of_pod(pod, &live.events)).next();
        let evidence = evidence.or_else(|| {
            // A refusal before the creation of the newest pod no longer matters.
            let since = pods
                .iter()
                .filter_map(|pod| pod.metadata.creation_timestamp.as_ref())
                .map(|time| time.0)
                .max();
            let refused = waiting.count() == 0;
            refused.then(|| refusal(run.metadata.uid.as_deref(), since, live)).flatten()
        });
        if failures > 0 && evidence.is_none() {
            return Self::Retrying { failures, end: end() };
        }
        Self::Starting { since: begin(), evidence }
    }

    /// Returns whether the run has finished.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Succeeded { .. } | Self::Failed { .. })
    }
}

fn failed_pods(pods: &[&Pod]) -> u32 {
    u32::try_from(pods.iter().filter(|pod| phase(pod) == Some("Failed")).count()).unwrap_or(u32::MAX)
}

fn phase(pod: &Pod) -> Option<&str> {
    pod.status.as_ref()?.phase.as_deref()
}

fn is_staying(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_none()
}

/// Returns why no pod of an object can be created, by the newest event about it.
fn refusal(uid: Option<&str>, since: Option<Timestamp>, live: &LiveJobs) -> Option<Evidence> {
    let uid = uid?;
    let events = live.events.iter().filter(|event| {
        event.involved_object.uid.as_deref() == Some(uid) && event.reason.as_deref() == Some("FailedCreate")
    });
    let event = events.max_by_key(|event| event_time(event)).filter(|event| event_time(event) > since)?;
    let message = event.message.clone().unwrap_or_default();
    let kind = event.involved_object.kind.as_deref().unwrap_or_default();
    let name = event.involved_object.name.as_deref().unwrap_or_default();
    Some(Evidence {
        cause: cause_of_refusal(&message),
        object: ObjectName::new(kind, name),
        message: Untrusted::new(message),
        since: first_event_time(event).max(since),
    })
}

/// Returns whether a cause is an exceeded quota.
pub(super) fn is_quota(evidence: &Evidence) -> bool {
    evidence.cause == Cause::QuotaExceeded
}
