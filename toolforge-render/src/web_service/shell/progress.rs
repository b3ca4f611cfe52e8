use k8s_openapi::api::core::v1::Pod;
use toolforge_model::Untrusted;

use crate::pod::{Evidence, causes_of_pod};

/// The progress of a shell's pod.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShellProgress {
    /// Commands can be run in it.
    Running,
    /// It does not run yet; with the cause, if the pod shows one.
    Waiting(Option<Evidence>),
    /// It cannot run.
    Failed(Evidence),
    /// It has terminated or is being deleted; with the message of the cluster.
    Terminated(Untrusted),
}

/// Returns the progress of a shell's pod.
#[must_use]
pub fn shell_progress(pod: &Pod) -> ShellProgress {
    let status = pod.status.clone().unwrap_or_default();
    if pod.metadata.deletion_timestamp.is_some() {
        return ShellProgress::Terminated(Untrusted::new("the pod is being deleted"));
    }
    let mut causes = causes_of_pod(pod, &[]);
    causes.sort_by_key(|evidence| !evidence.cause.is_terminal());
    let first = causes.into_iter().next();
    if let Some(evidence) = first.clone().filter(|evidence| evidence.cause.is_terminal()) {
        return ShellProgress::Failed(evidence);
    }
    match status.phase.as_deref() {
        Some("Succeeded" | "Failed") => {
            let message =
                [status.reason, status.message].into_iter().flatten().collect::<Vec<_>>().join(": ");
            ShellProgress::Terminated(Untrusted::new(message))
        }
        _ => {
            let mut containers = status.container_statuses.iter().flatten();
            let runs = containers
                .any(|container| container.state.as_ref().is_some_and(|state| state.running.is_some()));
            if runs { ShellProgress::Running } else { ShellProgress::Waiting(first) }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::pod::Cause;

    fn progress(status: &Value) -> ShellProgress {
        let pod = json!({"metadata": {"name": "shell-1-x"}, "status": status});
        shell_progress(&serde_json::from_value(pod).unwrap())
    }

    fn container(state: &Value) -> Value {
        let status = json!({
            "name": "c", "image": "i", "imageID": "", "ready": false, "restartCount": 0, "state": state,
        });
        json!({"phase": "Pending", "containerStatuses": [status]})
    }

    #[test]
    fn pod_waits_until_its_container_runs() {
        assert_eq!(progress(&json!({})), ShellProgress::Waiting(None));
        let waiting = container(&json!({"waiting": {"reason": "ContainerCreating"}}));
        assert_eq!(progress(&waiting), ShellProgress::Waiting(None));
        let running = container(&json!({"running": {"startedAt": "2026-01-01T00:00:00Z"}}));
        assert_eq!(progress(&running), ShellProgress::Running);
    }

    #[test]
    fn pod_that_cannot_run_has_failed() {
        let words = json!({"waiting": {"reason": "ErrImagePull", "message": "not found"}});
        let ShellProgress::Failed(evidence) = progress(&container(&words)) else { panic!("it waits") };
        assert_eq!(evidence.cause.code(), "image-pull");
        let words = json!({"terminated": {"reason": "StartError", "exitCode": 128, "message": "no /bin/sh"}});
        let ShellProgress::Failed(evidence) = progress(&container(&words)) else { panic!("it waits") };
        assert_eq!(evidence.cause, Cause::ContainerStart { reason: Untrusted::new("no /bin/sh") });
        let evicted = json!({"phase": "Failed", "reason": "Evicted", "message": "low on memory"});
        assert_eq!(progress(&evicted), ShellProgress::Terminated(Untrusted::new("Evicted: low on memory")));
    }

    #[test]
    fn unschedulable_pod_waits() {
        let status = json!({"phase": "Pending", "conditions": [
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"},
        ]});
        let ShellProgress::Waiting(Some(evidence)) = progress(&status) else { panic!("it does not wait") };
        assert_eq!(evidence.cause, Cause::Unschedulable);
    }
}
