//! The runs of a pod's container whose logs can be read: the current and the previous one.

use k8s_openapi::api::core::v1::{ContainerState, ContainerStateTerminated, Pod};
use toolforge_model::platform;

use crate::pod::containers::container_statuses;
use crate::pod::last_termination::{self, LastTermination};

/// One run of a pod's main container. The kubelet keeps the logs of the newest and the previous one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerRun {
    /// The container's id, which differs in each run.
    pub id: String,
    /// Whether another run follows: its log is then requested with `previous`.
    pub is_previous: bool,
    /// How it terminated; `None` while it runs.
    pub termination: Option<LastTermination>,
}

/// Returns the main container of a pod: that of a web service, that of a job, otherwise the first.
#[must_use]
pub fn main_container(pod: &Pod) -> Option<&str> {
    let containers = pod.spec.as_ref()?.containers.as_slice();
    let named = |name: &str| containers.iter().find(|container| container.name == name);
    let main = named(platform::CONTAINER_WEBSERVICE)
        .or_else(|| named(platform::CONTAINER_JOB))
        .or(containers.first());
    main.map(|container| container.name.as_str())
}

/// Returns the runs in a pod's status, oldest first: two, one, or none.
#[must_use]
pub fn container_runs(pod: &Pod) -> Vec<ContainerRun> {
    let statuses = pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
    let main = main_container(pod);
    let Some(status) = statuses.into_iter().find(|status| Some(status.name.as_str()) == main) else {
        return Vec::new();
    };
    let ContainerState { running, terminated, waiting: _ } = status.state.clone().unwrap_or_default();
    let before = status.last_state.as_ref().and_then(|last| last.terminated.as_ref());
    let mut runs: Vec<ContainerRun> =
        before.and_then(|state| terminated_run(pod, state, true)).into_iter().collect();
    let newest = match (running, terminated) {
        (Some(_), _) => {
            let id = status.container_id.clone().filter(|id| !id.is_empty());
            id.map(|id| ContainerRun { id, is_previous: false, termination: None })
        }
        (None, Some(state)) => terminated_run(pod, &state, false),
        (None, None) => None,
    };
    runs.retain(|run| newest.as_ref().is_none_or(|newest| newest.id != run.id));
    runs.extend(newest);
    runs
}

fn terminated_run(pod: &Pod, state: &ContainerStateTerminated, is_previous: bool) -> Option<ContainerRun> {
    // A run without an id never started, and has no log.
    let id = state.container_id.clone().filter(|id| !id.is_empty())?;
    Some(ContainerRun { id, is_previous, termination: Some(last_termination::of(pod, state)) })
}

/// Returns the number of restarts of a pod's containers, including init containers.
pub(crate) fn restarts(pod: &Pod) -> u32 {
    container_statuses(pod).map(|status| u32::try_from(status.restart_count).unwrap_or(0)).sum()
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

    /// Returns the runs as text: `previous`, id, reason.
    fn shown(status: &Value) -> Vec<String> {
        let text = |run: ContainerRun| {
            let prefix = if run.is_previous { "previous " } else { "" };
            let end = run.termination.map(|end| format!(": {end}")).unwrap_or_default();
            format!("{prefix}{}{end}", run.id)
        };
        container_runs(&pod(status)).into_iter().map(text).collect()
    }

    #[test]
    fn runs_are_the_current_and_previous_one() {
        let running = json!({"running": {"startedAt": "2026-11-25T10:00:01Z"}});
        let backing_off = json!({"waiting": {"reason": "CrashLoopBackOff"}});
        for (state, last, expected) in [
            (running.clone(), json!({}), vec!["c1"]),
            (running, terminated("c0", 3, "Error"), vec!["previous c0: terminated with exit code 3", "c1"]),
            (
                backing_off.clone(),
                terminated("c0", 0, "Completed"),
                vec!["previous c0: terminated with exit code 0"],
            ),
            (
                terminated("c1", 137, "OOMKilled"),
                terminated("c0", 137, "Error"),
                vec![
                    "previous c0: terminated by signal 9",
                    "c1: killed for using more memory than its limit",
                ],
            ),
            (backing_off.clone(), json!({}), vec![]),
            (backing_off, terminated("", 128, "StartError"), vec![]),
        ] {
            let status = json!({"containerID": "c1", "state": state, "lastState": last});
            assert_eq!(shown(&status), expected, "{status}");
        }
    }

    #[test]
    fn run_in_both_states_is_listed_once() {
        let status = json!({
            "containerID": "c1", "state": terminated("c1", 1, "Error"), "lastState": terminated("c1", 1, "Error"),
        });
        assert_eq!(shown(&status), ["c1: terminated with exit code 1"]);
    }

    #[test]
    fn main_container_is_found_by_name() {
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
