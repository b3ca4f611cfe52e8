use std::fmt;

use k8s_openapi::api::core::v1::{ContainerStateTerminated, ContainerStatus, Pod};
use k8s_openapi::jiff::Timestamp;
use toolforge_model::Untrusted;

use crate::pod::containers::{ContainerRole, container_statuses, role};
use crate::pod::start_error;

/// The last termination of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LastTermination {
    /// The pod.
    pub pod: Untrusted,
    /// The exit code; from 129 on, 128 plus the number of a signal.
    pub exit_code: i32,
    /// The reason that the kubelet reports, such as `OOMKilled` or `Error`.
    pub reason: Untrusted,
    /// The message of the kubelet: if the container was not started, that of the container runtime.
    pub message: Untrusted,
    /// The time of the termination.
    pub finished: Option<Timestamp>,
}

/// How a container terminated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TerminationKind {
    /// It was killed for using more memory than its limit.
    OutOfMemory,
    /// It was not started; the exit code is the container runtime's.
    NotStarted,
    /// A signal terminated it.
    Signal {
        /// The number of the signal.
        number: i32,
    },
    /// It exited.
    ExitCode {
        /// The exit code.
        code: i32,
    },
}

impl TerminationKind {
    /// Returns the code: `out-of-memory`, `not-started`, `signal` or `exit-code`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::OutOfMemory => "out-of-memory",
            Self::NotStarted => "not-started",
            Self::Signal { .. } => "signal",
            Self::ExitCode { .. } => "exit-code",
        }
    }
}

/// The reason of the kubelet for a container that was killed for using more memory than its limit.
pub(crate) const OUT_OF_MEMORY: &str = "OOMKilled";

/// The reasons of containerd and of Docker for a container that could not be started.
pub(super) const NOT_STARTED: [&str; 2] = ["StartError", "ContainerCannotRun"];

impl LastTermination {
    /// Returns a termination of a pod's container.
    #[must_use]
    pub fn new(
        pod: impl Into<Untrusted>,
        exit_code: i32,
        reason: impl Into<Untrusted>,
        finished: Option<Timestamp>,
    ) -> Self {
        Self { pod: pod.into(), exit_code, reason: reason.into(), message: Untrusted::default(), finished }
    }

    /// Returns the termination with a message of the kubelet.
    #[must_use]
    pub fn with_message(self, message: impl Into<Untrusted>) -> Self {
        Self { message: message.into(), ..self }
    }

    /// Returns how the container terminated.
    #[must_use]
    pub fn kind(&self) -> TerminationKind {
        match self.exit_code {
            _ if self.reason.as_raw() == OUT_OF_MEMORY => TerminationKind::OutOfMemory,
            _ if NOT_STARTED.contains(&self.reason.as_raw()) => TerminationKind::NotStarted,
            // The kubelet reports a signal as 128 plus its number, as a shell does.
            code @ 129..=192 => TerminationKind::Signal { number: code - 128 },
            code => TerminationKind::ExitCode { code },
        }
    }
}

impl fmt::Display for LastTermination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind() {
            TerminationKind::OutOfMemory => f.write_str("killed for using more memory than its limit"),
            TerminationKind::NotStarted if self.message.is_empty() => f.write_str("could not be started"),
            TerminationKind::NotStarted => {
                write!(f, "could not be started: {}", start_error::reason(self.message.as_raw()).escaped())
            }
            TerminationKind::Signal { number } => write!(f, "terminated by signal {number}"),
            TerminationKind::ExitCode { code } => write!(f, "terminated with exit code {code}"),
        }
    }
}

/// Returns the latest termination in the status of pods that are not terminating, including previous runs of containers.
pub(crate) fn last_termination<'a>(pods: impl IntoIterator<Item = &'a Pod>) -> Option<LastTermination> {
    let present = pods.into_iter().filter(|pod| pod.metadata.deletion_timestamp.is_none());
    present.flat_map(ends).max_by_key(|end| end.finished)
}

fn ends(pod: &Pod) -> Vec<LastTermination> {
    let ended =
        container_statuses(pod).filter_map(|status| Some((role(pod, &status.name), terminated(status)?)));
    // A completed init container says nothing about the others.
    let counted = ended.filter(|(role, end)| *role != ContainerRole::Init || end.exit_code != 0);
    counted.map(|(_, end)| of(pod, end)).collect()
}

fn terminated(status: &ContainerStatus) -> Option<&ContainerStateTerminated> {
    let of = |state: &k8s_openapi::api::core::v1::ContainerState| state.terminated.is_some();
    let state = status.state.as_ref().filter(|state| of(state)).or(status.last_state.as_ref());
    state?.terminated.as_ref()
}

/// Returns the termination of a pod's container.
pub(super) fn of(pod: &Pod, end: &ContainerStateTerminated) -> LastTermination {
    LastTermination {
        pod: Untrusted::new(pod.metadata.name.clone().unwrap_or_default()),
        exit_code: end.exit_code,
        reason: Untrusted::new(end.reason.clone().unwrap_or_default()),
        message: Untrusted::new(end.message.clone().unwrap_or_default()),
        finished: end.finished_at.as_ref().map(|time| time.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(state: &serde_json::Value, last: &serde_json::Value) -> Pod {
        serde_json::from_value(serde_json::json!({
            "metadata": {"name": "x-1"},
            "status": {"containerStatuses": [{
                "name": "webservice", "image": "i", "imageID": "", "ready": false, "restartCount": 1,
                "state": state, "lastState": last,
            }]},
        }))
        .unwrap()
    }

    fn ended(code: i32, reason: &str, minute: u32) -> serde_json::Value {
        let moment = format!("2026-01-01T00:{minute:02}:00Z");
        serde_json::json!({"terminated": {"exitCode": code, "reason": reason, "finishedAt": moment}})
    }

    #[test]
    fn last_termination_shows_code_or_signal() {
        let running = serde_json::json!({"running": {}});
        for (state, last, expected) in [
            (running.clone(), serde_json::json!({}), None),
            (running.clone(), ended(1, "Error", 1), Some("terminated with exit code 1")),
            (
                running.clone(),
                ended(137, "OOMKilled", 1),
                Some("killed for using more memory than its limit"),
            ),
            (running, ended(137, "Error", 1), Some("terminated by signal 9")),
            (ended(3, "Error", 2), ended(1, "Error", 1), Some("terminated with exit code 3")),
        ] {
            let found = last_termination(&[pod(&state, &last)]).map(|end| end.to_string());
            assert_eq!(found.as_deref(), expected);
        }
        let two = [
            pod(&ended(1, "Error", 1), &serde_json::json!({})),
            pod(&ended(2, "Error", 2), &serde_json::json!({})),
        ];
        assert_eq!(last_termination(&two).unwrap().exit_code, 2);
    }
}
