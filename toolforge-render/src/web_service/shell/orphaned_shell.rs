use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::Timestamp;
use toolforge_model::platform;

use crate::object::is_shell;
use crate::web_service::shell::{ShellOwner, ShellProcess};

/// The pod of a shell whose process no longer runs, or whose deadline has passed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct OrphanedShell {
    /// The pod's name.
    pub name: String,
    /// The pod's uid.
    pub uid: String,
    /// The pod.
    pub pod: Pod,
}

/// Returns the orphaned shells: those whose deadline has passed, and those of the same user on the same host whose
/// process no longer runs, for example because it was killed. `is_running` returns whether a process of this host runs.
///
/// A shell without an owner is never orphaned.
#[must_use]
pub fn orphaned_shells(
    pods: &[Pod],
    mine: &ShellOwner,
    now: &Timestamp,
    is_running: impl Fn(ShellProcess) -> bool,
) -> Vec<OrphanedShell> {
    let is_orphaned = |pod: &&Pod| {
        let owner = owner(pod);
        owner.is_some_and(|owner| {
            is_past(pod, now) || (owner.is_same_host(mine) && !is_running(owner.process()))
        })
    };
    let named = |pod: &Pod| {
        let (name, uid) = (pod.metadata.name.clone()?, pod.metadata.uid.clone()?);
        Some(OrphanedShell { name, uid, pod: pod.clone() })
    };
    pods.iter().filter(is_orphaned).filter_map(named).collect()
}

/// Returns the owner of a pod, if it is one of our shells and not terminating.
fn owner(pod: &Pod) -> Option<ShellOwner> {
    if !is_shell(pod.metadata.labels.as_ref()) || pod.metadata.deletion_timestamp.is_some() {
        return None;
    }
    pod.metadata.annotations.as_ref()?.get(platform::ANNOTATION_SHELL_OWNER)?.parse().ok()
}

fn is_past(pod: &Pod, now: &Timestamp) -> bool {
    let deadline = pod.spec.as_ref().and_then(|spec| spec.active_deadline_seconds);
    // The kubelet counts from the moment it accepted the pod; nothing runs before.
    let start = pod.status.as_ref().and_then(|status| status.start_time.as_ref());
    let (Some(deadline), Some(start)) = (deadline, start) else { return false };
    start.0.as_second().saturating_add(deadline) < now.as_second()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::web_service::shell::ShellHost;

    fn pod(name: &str, labels: (&str, &str), owner: Option<&ShellOwner>, is_terminating: bool) -> Pod {
        let annotations = owner.map(|owner| json!({platform::ANNOTATION_SHELL_OWNER: owner.to_string()}));
        serde_json::from_value(json!({
            "metadata": {
                "name": name, "uid": format!("uid-{name}"), "annotations": annotations,
                "labels": {"app.kubernetes.io/component": labels.0, "app.kubernetes.io/managed-by": labels.1},
                "deletionTimestamp": is_terminating.then_some("1970-01-01T00:16:40Z"),
            },
            "spec": {"containers": [], "activeDeadlineSeconds": 100},
            "status": {"startTime": "1970-01-01T00:15:00Z"},
        }))
        .unwrap()
    }

    fn owner_on(host: &str, process: ShellProcess) -> ShellOwner {
        let host =
            ShellHost { name: host.to_owned(), boot_id: "b".to_owned(), pid_namespace: "n".to_owned() };
        ShellOwner::new("u", &host, process)
    }

    fn found(now: i64, pods: &[Pod]) -> Vec<String> {
        // Only the process 1 runs, and it started at 1.
        let running = ShellProcess { pid: 1, start_time: 1 };
        let mine = owner_on("h", running);
        let left =
            orphaned_shells(pods, &mine, &Timestamp::from_second(now).unwrap(), |process| process == running);
        left.into_iter().map(|left| left.name).collect()
    }

    #[test]
    fn orphaned_shells_are_found() {
        let ours = ("webservice-interactive", "webservice");
        let owner = |host, (pid, start_time)| owner_on(host, ShellProcess { pid, start_time });
        let pods = [
            pod("mine-runs", ours, Some(&owner("h", (1, 1))), false),
            pod("mine-has-exited", ours, Some(&owner("h", (2, 1))), false),
            pod("pid-reused", ours, Some(&owner("h", (1, 2))), false),
            pod("elsewhere", ours, Some(&owner("i", (2, 1))), false),
            pod("terminating", ours, Some(&owner("h", (2, 1))), true),
            pod("without-owner", ours, None, false),
            pod("a-job", ("jobs", "toolforge-jobs-framework"), Some(&owner("h", (2, 1))), false),
            pod("the-web-service", ("web", "webservice"), Some(&owner("h", (2, 1))), false),
        ];
        // The pods started at second 900 and may last for 100.
        assert_eq!(found(1000, &pods), ["mine-has-exited", "pid-reused"]);
        assert_eq!(found(1001, &pods), ["mine-runs", "mine-has-exited", "pid-reused", "elsewhere"]);
    }
}
