//! The runs of a pod's container, whose logs can be read: the one that is, and the one before.

use k8s_openapi::api::core::v1::{ContainerState, ContainerStateTerminated, Pod};
use toolforge_model::platform;

use crate::pod::last_termination::{self, LastEnd};

/// One run of a pod's main container. The kubelet keeps the log of the newest, and of the one before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The container's id, which is another one for each run.
    pub id: String,
    /// Whether another run has followed, or is about to: its log is then asked for as the previous one's.
    pub is_previous: bool,
    /// How it ended; `None` where it has not.
    pub end: Option<LastEnd>,
}

/// Returns the container for which a pod is there: the one that serves, the job's, or else the first.
#[must_use]
pub fn main_container(pod: &Pod) -> Option<&str> {
    let containers = pod.spec.as_ref()?.containers.as_slice();
    let named = |name: &str| containers.iter().find(|container| container.name == name);
    let main = named(platform::CONTAINER_WEBSERVICE)
        .or_else(|| named(platform::CONTAINER_JOB))
        .or(containers.first());
    main.map(|container| container.name.as_str())
}

/// Returns the runs of which a pod's status tells, the older one first: two, one, or none.
#[must_use]
pub fn runs(pod: &Pod) -> Vec<Run> {
    let statuses = pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
    let main = main_container(pod);
    let Some(status) = statuses.into_iter().find(|status| Some(status.name.as_str()) == main) else {
        return Vec::new();
    };
    let ContainerState { running, terminated, waiting: _ } = status.state.clone().unwrap_or_default();
    let before = status.last_state.as_ref().and_then(|last| last.terminated.as_ref());
    let mut runs: Vec<Run> = before.and_then(|end| ended(pod, end, true)).into_iter().collect();
    let newest = match (running, terminated) {
        (Some(_), _) => {
            let id = status.container_id.clone().filter(|id| !id.is_empty());
            id.map(|id| Run { id, is_previous: false, end: None })
        }
        (None, Some(end)) => ended(pod, &end, false),
        (None, None) => None,
    };
    runs.retain(|run| newest.as_ref().is_none_or(|newest| newest.id != run.id));
    runs.extend(newest);
    runs
}

fn ended(pod: &Pod, end: &ContainerStateTerminated, is_previous: bool) -> Option<Run> {
    // A run without an id was never begun, and has no log.
    let id = end.container_id.clone().filter(|id| !id.is_empty())?;
    Some(Run { id, is_previous, end: Some(last_termination::of(pod, end)) })
}

/// Returns how often a pod's containers have been started again.
pub(crate) fn restarts(pod: &Pod) -> u32 {
    let statuses = pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
    statuses.map(|status| u32::try_from(status.restart_count).unwrap_or(0)).sum()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn pod(status: &Value) -> Pod {
        let mut status = status.clone();
        status["name"] = json!("webservice");
        for (key, value) in [("image", json!("")), ("imageID", json!("")), ("ready", json!(false))] {
            status[key] = value;
        }
        status["restartCount"] = json!(1);
        let spec = json!({"containers": [{"name": "webservice"}]});
        let status = json!({"containerStatuses": [status]});
        serde_json::from_value(json!({"metadata": {}, "spec": spec, "status": status})).unwrap()
    }

    fn terminated(id: &str, code: i32, reason: &str) -> Value {
        let finished = "2026-11-25T10:00:00Z";
        json!({"terminated": {"containerID": id, "exitCode": code, "reason": reason, "finishedAt": finished}})
    }

    /// Returns the runs in words: `previous`, id, reason.
    fn told(status: &Value) -> Vec<String> {
        let word = |run: Run| {
            let place = if run.is_previous { "previous " } else { "" };
            let end = run.end.map(|end| format!(": {end}")).unwrap_or_default();
            format!("{place}{}{end}", run.id)
        };
        runs(&pod(status)).into_iter().map(word).collect()
    }

    #[test]
    fn a_pod_tells_of_the_run_that_is_and_of_the_one_before() {
        let running = json!({"running": {"startedAt": "2026-11-25T10:00:01Z"}});
        let backing_off = json!({"waiting": {"reason": "CrashLoopBackOff"}});
        for (state, last, expected) in [
            (running.clone(), json!({}), vec!["c1"]),
            (running, terminated("c0", 3, "Error"), vec!["previous c0: ended with exit code 3", "c1"]),
            (
                backing_off.clone(),
                terminated("c0", 0, "Completed"),
                vec!["previous c0: ended with exit code 0"],
            ),
            (
                terminated("c1", 137, "OOMKilled"),
                terminated("c0", 137, "Error"),
                vec!["previous c0: ended by signal 9", "c1: killed for using more memory than its limit"],
            ),
            (backing_off.clone(), json!({}), vec![]),
            (backing_off, terminated("", 128, "StartError"), vec![]),
        ] {
            let status = json!({"containerID": "c1", "state": state, "lastState": last});
            assert_eq!(told(&status), expected, "{status}");
        }
    }

    #[test]
    fn a_run_is_told_once() {
        let status = json!({
            "containerID": "c1", "state": terminated("c1", 1, "Error"), "lastState": terminated("c1", 1, "Error"),
        });
        assert_eq!(told(&status), ["c1: ended with exit code 1"]);
    }

    #[test]
    fn a_pod_is_there_for_one_of_its_containers() {
        for (containers, main) in [
            (vec!["sidecar", "job", "webservice"], Some("webservice")),
            (vec!["sidecar", "job"], Some("job")),
            (vec!["update-list", "sidecar"], Some("update-list")),
            (vec![], None),
        ] {
            let containers: Vec<Value> = containers.into_iter().map(|name| json!({"name": name})).collect();
            let pod = json!({"metadata": {}, "spec": {"containers": containers}});
            assert_eq!(main_container(&serde_json::from_value(pod).unwrap()), main);
        }
        assert_eq!(main_container(&Pod::default()), None);
    }
}
