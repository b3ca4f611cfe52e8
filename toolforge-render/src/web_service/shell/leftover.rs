use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::Timestamp;
use toolforge_model::platform;

use crate::web_service::shell::{ShellOwner, is_shell};

/// The pod of a shell that nobody is in any more.
#[derive(Clone, Debug)]
pub struct Leftover {
    /// The pod's name.
    pub name: String,
    /// The pod's uid.
    pub uid: String,
    /// The pod.
    pub pod: Pod,
}

/// Returns the shells that were left behind: those whose deadline has passed, and those of the same user on the same
/// machine whose process is gone, as a kill leaves them. `runs` tells whether a process that started at a moment runs.
///
/// Whatever does not say whose it is, is somebody's.
#[must_use]
pub fn leftovers(
    pods: &[Pod],
    mine: &ShellOwner,
    now: &Timestamp,
    runs: impl Fn((u32, u64)) -> bool,
) -> Vec<Leftover> {
    let is_left = |pod: &&Pod| {
        let owner = owner(pod);
        owner.is_some_and(|owner| is_past(pod, now) || (owner.is_beside(mine) && !runs(owner.process())))
    };
    let named = |pod: &Pod| {
        let (name, uid) = (pod.metadata.name.clone()?, pod.metadata.uid.clone()?);
        Some(Leftover { name, uid, pod: pod.clone() })
    };
    pods.iter().filter(is_left).filter_map(named).collect()
}

/// Returns whose shell a pod is, where it is one of ours and not on its way out already.
fn owner(pod: &Pod) -> Option<ShellOwner> {
    if !is_shell(pod.metadata.labels.as_ref()) || pod.metadata.deletion_timestamp.is_some() {
        return None;
    }
    pod.metadata.annotations.as_ref()?.get(platform::ANNOTATION_SHELL_OWNER)?.parse().ok()
}

fn is_past(pod: &Pod, now: &Timestamp) -> bool {
    let deadline = pod.spec.as_ref().and_then(|spec| spec.active_deadline_seconds);
    // The kubelet counts from when it took the pod; before that, nothing has run.
    let start = pod.status.as_ref().and_then(|status| status.start_time.as_ref());
    let (Some(deadline), Some(start)) = (deadline, start) else { return false };
    start.0.as_second().saturating_add(deadline) < now.as_second()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(name: &str, labels: (&str, &str), owner: Option<&ShellOwner>, leaves: bool) -> Pod {
        let annotations = owner.map(|owner| json!({platform::ANNOTATION_SHELL_OWNER: owner.to_string()}));
        serde_json::from_value(json!({
            "metadata": {
                "name": name, "uid": format!("uid-{name}"), "annotations": annotations,
                "labels": {"app.kubernetes.io/component": labels.0, "app.kubernetes.io/managed-by": labels.1},
                "deletionTimestamp": leaves.then_some("1970-01-01T00:16:40Z"),
            },
            "spec": {"containers": [], "activeDeadlineSeconds": 100},
            "status": {"startTime": "1970-01-01T00:15:00Z"},
        }))
        .unwrap()
    }

    fn found(now: i64, pods: &[Pod]) -> Vec<String> {
        let mine = ShellOwner::new(("u", "h"), (1, 1), "b", "n");
        // Process 1 runs since moment 1, and nothing else does.
        let left = leftovers(pods, &mine, &Timestamp::from_second(now).unwrap(), |process| process == (1, 1));
        left.into_iter().map(|left| left.name).collect()
    }

    #[test]
    fn only_own_shells_without_a_process_and_those_past_their_deadline_are_left_behind() {
        let ours = ("webservice-interactive", "webservice");
        let owner = |host, process| ShellOwner::new(("u", host), process, "b", "n");
        let pods = [
            pod("mine-runs", ours, Some(&owner("h", (1, 1))), false),
            pod("mine-is-gone", ours, Some(&owner("h", (2, 1))), false),
            pod("number-came-again", ours, Some(&owner("h", (1, 2))), false),
            pod("elsewhere", ours, Some(&owner("i", (2, 1))), false),
            pod("leaves", ours, Some(&owner("h", (2, 1))), true),
            pod("nobodys", ours, None, false),
            pod("a-job", ("jobs", "toolforge-jobs-framework"), Some(&owner("h", (2, 1))), false),
            pod("the-web-service", ("web", "webservice"), Some(&owner("h", (2, 1))), false),
        ];
        // The pods started at second 900 and may last for 100.
        assert_eq!(found(1000, &pods), ["mine-is-gone", "number-came-again"]);
        assert_eq!(found(1001, &pods), ["mine-runs", "mine-is-gone", "number-came-again", "elsewhere"]);
    }
}
