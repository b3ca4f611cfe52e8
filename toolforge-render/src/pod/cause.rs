//! Why something does not run, read from the objects' own statuses.

use std::fmt;

use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use toolforge_model::Untrusted;

/// Why a web service's pods do not run or do not become ready.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The container used more memory than its limit and was killed.
    OutOfMemory,
    /// The container ends again and again with this exit code.
    CrashLoop {
        /// The exit code of the last end.
        exit_code: i32,
    },
    /// The image cannot be pulled.
    ImagePull {
        /// The image's reference.
        image: Untrusted,
    },
    /// The container cannot be created or started: a command that does not exist, a missing key.
    ContainerStart,
    /// No pod can be made: a quota is full.
    QuotaExceeded,
    /// No pod can be made: the pod breaks a limit of the LimitRange.
    LimitRange,
    /// No pod can be made: an admission webhook or a policy refuses it.
    Refused,
    /// No pod could be made just now, for a reason that passes: the cluster tries again.
    RefusedForNow,
    /// The container is ended again and again because its health check fails.
    HealthCheckFails,
    /// No node has room or fits.
    Unschedulable,
    /// The container runs, but does not listen on the port.
    NotListening,
    /// The rollout took longer than the Deployment allows.
    DeadlineExceeded,
}

/// A cause with where it was seen and what the cluster says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The cause.
    pub cause: Cause,
    /// The object in which it was seen, kind and name.
    pub object: Untrusted,
    /// The cluster's own words.
    pub message: Untrusted,
}

impl Cause {
    /// Returns whether waiting cannot help: something has to be changed first.
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
            Self::RefusedForNow | Self::Unschedulable | Self::NotListening => false,
        }
    }

    /// Returns the stable word for the cause, for programs that read the output.
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
                f.write_str("the command ends at once, without an error, and is started again and again")
            }
            Self::CrashLoop { exit_code } => {
                write!(f, "the command ends with exit code {exit_code} and is started again and again")
            }
            Self::ImagePull { image } => write!(f, "image {} cannot be pulled", image.quoted()),
            Self::ContainerStart => f.write_str("the container cannot be started"),
            Self::QuotaExceeded => f.write_str("no pod can be made: the namespace's quota is full"),
            Self::LimitRange => f.write_str("no pod can be made: it breaks the namespace's limits"),
            Self::Refused => f.write_str("no pod can be made: the cluster refuses it"),
            Self::RefusedForNow => f.write_str("no pod could be made just now; the cluster tries again"),
            Self::HealthCheckFails => {
                f.write_str("the health check fails, so the container is ended and started again and again")
            }
            Self::Unschedulable => f.write_str("no node has room for the pod now"),
            Self::NotListening => f.write_str("the container runs, but nothing listens on port 8000 yet"),
            Self::DeadlineExceeded => f.write_str("the rollout took longer than the Deployment allows"),
        }
    }
}

/// Returns why a pod does not run.
pub(crate) fn of_pod(pod: &Pod) -> Vec<Evidence> {
    let object = Untrusted::new(format!("Pod {}", pod.metadata.name.as_deref().unwrap_or_default()));
    let Some(status) = &pod.status else { return Vec::new() };
    let mut found = Vec::new();
    for container in status.container_statuses.iter().flatten() {
        if let Some((cause, message)) = of_container(container) {
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

fn of_container(status: &ContainerStatus) -> Option<(Cause, Untrusted)> {
    let state = status.state.clone().unwrap_or_default();
    // A container that runs may still come up, whatever ended it before: its own fault, or a restart of the node.
    if status.ready || state.running.is_some() {
        return None;
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
        // What containerd says of a container that went away with its node: nobody knows how the command ended.
        Some("Unknown" | "ContainerStatusUnknown") => None,
        // One end may be bad luck; the kubelet's own back-off, or the second end, says that it goes on.
        _ if is_backing_off || (between_runs && status.restart_count > 0) => {
            Some((Cause::CrashLoop { exit_code: last.exit_code }, message))
        }
        _ => None,
    }
}

/// Returns what the API server's refusal of a pod means, by the words of its admission plugins
/// (`exceeded quota` of ResourceQuota; `usage per Container` of LimitRanger; all else a webhook or a policy).
pub(crate) fn of_refusal(message: &str) -> Cause {
    if message.contains("exceeded quota:") || message.contains("failed quota:") {
        Cause::QuotaExceeded
    } else if message.contains(" usage per ") || message.contains("limit to request ratio") {
        Cause::LimitRange
    } else if message.contains("Operation cannot be fulfilled on")
        || message.contains("failed calling webhook")
    {
        // Two requests counted on one quota at the same moment, or a webhook was away.
        Cause::RefusedForNow
    } else {
        Cause::Refused
    }
}
