//! Why something does not run, read from the statuses of its objects and from events.

use std::fmt;

use k8s_openapi::api::core::v1::{ContainerStatus, Event, Pod, Probe};
use k8s_openapi::jiff::Timestamp;
use toolforge_model::Untrusted;

use crate::pod::AdmissionRefusal;

/// Why the pods of a web service or a job do not run or do not become ready.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The container used more memory than its limit and was killed.
    OutOfMemory,
    /// The container terminates again and again with this exit code.
    CrashLoop {
        /// The exit code of the last termination.
        exit_code: i32,
    },
    /// The image cannot be pulled.
    ImagePull {
        /// The image's reference.
        image: Untrusted,
    },
    /// The container cannot be created or started: a command that does not exist, a missing key.
    ContainerStart,
    /// No pod can be created: a quota is full.
    QuotaExceeded,
    /// No pod can be created: the pod exceeds a limit of the LimitRange.
    LimitRange,
    /// No pod can be created: an admission webhook or a policy refuses it.
    Refused,
    /// No pod could be created for a transient reason: the cluster tries again.
    RefusedForNow,
    /// The container is restarted again and again because its startup or liveness probe fails.
    HealthCheckFails,
    /// The container runs, and its health check has failed so far.
    NotHealthy,
    /// No node has enough free resources, or none matches.
    Unschedulable,
    /// The container runs, but does not listen on its port.
    NotListening,
    /// The rollout took longer than the Deployment allows.
    DeadlineExceeded,
}

/// A cause, the object that shows it, and the message of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The cause.
    pub cause: Cause,
    /// The kind and name of the object that shows it.
    pub object: Untrusted,
    /// The cluster's message.
    pub message: Untrusted,
}

impl Cause {
    /// Returns whether waiting cannot help because something has to be changed first.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        match self {
            Self::OutOfMemory
            | Self::CrashLoop { .. }
            | Self::ImagePull { .. }
            | Self::ContainerStart
            | Self::QuotaExceeded
            | Self::LimitRange
            | Self::Refused
            | Self::HealthCheckFails
            | Self::DeadlineExceeded => true,
            Self::RefusedForNow | Self::Unschedulable | Self::NotListening | Self::NotHealthy => false,
        }
    }

    /// Returns the code, in kebab-case.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::OutOfMemory => "out-of-memory",
            Self::CrashLoop { .. } => "crash-loop",
            Self::ImagePull { .. } => "image-pull",
            Self::ContainerStart => "container-start",
            Self::QuotaExceeded => "quota-exceeded",
            Self::LimitRange => "limit-range",
            Self::Refused => "refused",
            Self::RefusedForNow => "refused-for-now",
            Self::HealthCheckFails => "health-check-fails",
            Self::NotHealthy => "not-healthy",
            Self::Unschedulable => "unschedulable",
            Self::NotListening => "not-listening",
            Self::DeadlineExceeded => "deadline-exceeded",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfMemory => f.write_str("the container needs more memory than its limit and is killed"),
            Self::CrashLoop { exit_code: 0 } => {
                f.write_str("the command exits at once, without an error, and is restarted again and again")
            }
            Self::CrashLoop { exit_code } => {
                write!(f, "the command exits with code {exit_code} and is restarted again and again")
            }
            Self::ImagePull { image } => write!(f, "image {} cannot be pulled", image.quoted()),
            Self::ContainerStart => f.write_str("the container cannot be started"),
            Self::QuotaExceeded => f.write_str("no pod can be created: the namespace's quota is full"),
            Self::LimitRange => f.write_str("no pod can be created: it exceeds the namespace's limits"),
            Self::Refused => f.write_str("no pod can be created: the cluster refuses it"),
            Self::RefusedForNow => f.write_str("no pod could be created just now; the cluster tries again"),
            Self::HealthCheckFails => {
                f.write_str("the health check fails, so the container is restarted again and again")
            }
            Self::NotHealthy => f.write_str("the container runs, but its health check has not succeeded yet"),
            Self::Unschedulable => f.write_str("no node has enough free resources for the pod now"),
            Self::NotListening => f.write_str("the container runs, but nothing listens on its port yet"),
            Self::DeadlineExceeded => f.write_str("the rollout took longer than the Deployment allows"),
        }
    }
}

/// Returns why a pod does not run or is not ready, by its status and by the events about it.
pub(crate) fn of_pod(pod: &Pod, events: &[Event]) -> Vec<Evidence> {
    let object = Untrusted::new(format!("Pod {}", pod.metadata.name.as_deref().unwrap_or_default()));
    let Some(status) = &pod.status else { return Vec::new() };
    let mut found = Vec::new();
    for container in status.container_statuses.iter().flatten() {
        if let Some((cause, message)) = of_container(pod, container, events) {
            found.push(Evidence { cause, object: object.clone(), message });
        }
    }
    let unschedulable = status.conditions.iter().flatten().find(|condition| {
        condition.type_ == "PodScheduled" && condition.reason.as_deref() == Some("Unschedulable")
    });
    if let Some(condition) = unschedulable {
        let message = Untrusted::new(condition.message.clone().unwrap_or_default());
        found.push(Evidence { cause: Cause::Unschedulable, object, message });
    }
    found
}

fn of_container(pod: &Pod, status: &ContainerStatus, events: &[Event]) -> Option<(Cause, Untrusted)> {
    let state = status.state.clone().unwrap_or_default();
    if status.ready {
        return None;
    }
    // A running container may still become ready, whatever terminated it before.
    if state.running.is_some() {
        return of_running(pod, status, events);
    }
    let waiting = state.waiting.unwrap_or_default();
    let message = Untrusted::new(waiting.message.unwrap_or_default());
    match waiting.reason.as_deref().unwrap_or_default() {
        "ErrImagePull"
        | "ImagePullBackOff"
        | "InvalidImageName"
        | "ErrImageNeverPull"
        | "RegistryUnavailable" => {
            return Some((Cause::ImagePull { image: Untrusted::new(status.image.clone()) }, message));
        }
        "CreateContainerConfigError"
        | "CreateContainerError"
        | "RunContainerError"
        | "PostStartHookError" => {
            return Some((Cause::ContainerStart, message));
        }
        _ => {}
    }
    let is_backing_off = waiting.reason.as_deref() == Some("CrashLoopBackOff");
    let between_runs = state.terminated.is_some();
    let last = state.terminated.or_else(|| status.last_state.as_ref()?.terminated.clone())?;
    let message = Untrusted::new(last.message.unwrap_or_default());
    match last.reason.as_deref() {
        Some("OOMKilled") => Some((Cause::OutOfMemory, message)),
        Some("StartError" | "ContainerCannotRun") => Some((Cause::ContainerStart, message)),
        // The reason that containerd reports if the node restarted: the exit code of the command is unknown.
        Some("Unknown" | "ContainerStatusUnknown") => None,
        // One termination may be an exception; the kubelet's back-off or a second termination shows a loop.
        _ if is_backing_off || (between_runs && status.restart_count > 0) => {
            // The kubelet terminates the container with a signal; any other exit is the command's own.
            let failed = matches!(last.exit_code, 137 | 143).then(|| failed_probe(pod, events)).flatten();
            Some(failed.map_or((Cause::CrashLoop { exit_code: last.exit_code }, message), |answer| {
                (Cause::HealthCheckFails, answer)
            }))
        }
        _ => None,
    }
}

/// Returns why a container that runs is not ready: by its startup probe as long as that has not succeeded, else by its
/// readiness probe.
fn of_running(pod: &Pod, status: &ContainerStatus, events: &[Event]) -> Option<(Cause, Untrusted)> {
    let mut containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    let container = containers.find(|container| container.name == status.name)?;
    let startup = container.startup_probe.as_ref().filter(|_| status.started != Some(true));
    let probe = startup.or(container.readiness_probe.as_ref())?;
    let answer = failed_probe(pod, events);
    match probe {
        Probe { tcp_socket: Some(_), .. } => {
            Some((Cause::NotListening, answer.unwrap_or_else(|| Untrusted::new(""))))
        }
        _ => answer.map(|answer| (Cause::NotHealthy, answer)),
    }
}

/// Returns the message of the newest event about a failed probe of a pod.
fn failed_probe(pod: &Pod, events: &[Event]) -> Option<Untrusted> {
    let uid = pod.metadata.uid.as_deref()?;
    let failed = events.iter().filter(|event| {
        event.involved_object.uid.as_deref() == Some(uid) && event.reason.as_deref() == Some("Unhealthy")
    });
    let newest = failed.max_by_key(|event| event_time(event))?;
    Some(Untrusted::new(newest.message.clone().unwrap_or_default()))
}

/// Returns the time of the last occurrence of an event; older reporters use other fields.
pub(crate) fn event_time(event: &Event) -> Option<Timestamp> {
    let series = event.series.as_ref().and_then(|series| series.last_observed_time.as_ref());
    series
        .map(|time| time.0)
        .or_else(|| event.last_timestamp.as_ref().map(|time| time.0))
        .or_else(|| event.event_time.as_ref().map(|time| time.0))
}

/// Returns the cause of the API server's refusal of a pod.
pub(crate) fn of_refusal(message: &str) -> Cause {
    match AdmissionRefusal::parse(message) {
        Some(AdmissionRefusal::Quota { .. } | AdmissionRefusal::QuotaIncomplete { .. }) => {
            Cause::QuotaExceeded
        }
        Some(AdmissionRefusal::LimitRange { .. }) => Cause::LimitRange,
        // A webhook was away, or a new quota is not counted yet.
        Some(AdmissionRefusal::WebhookUnreachable { .. } | AdmissionRefusal::QuotaUnknown { .. }) => {
            Cause::RefusedForNow
        }
        // Two requests updated one quota at the same moment.
        None if message.contains("Operation cannot be fulfilled on") => Cause::RefusedForNow,
        Some(AdmissionRefusal::Webhook { .. } | AdmissionRefusal::Policy { .. }) | None => Cause::Refused,
    }
}
