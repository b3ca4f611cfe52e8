//! Causes from recorded statuses: one fixture with one signal changed in each case.
#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

use k8s_openapi::api::apps::v1::DeploymentSpec;
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};
use toolforge_model::ToolName;
use toolforge_render::namespace::Documents;
use toolforge_render::pod::RolloutProgress;
use toolforge_render::web_service::{
    WebServiceFacts, WebServiceState, observe_web_service, web_service_causes, web_service_progress,
};

fn now() -> Timestamp {
    "2026-11-25T12:00:00Z".parse().unwrap()
}

/// Returns the facts of a pod whose container has a status, and of a ReplicaSet with a condition's message.
fn facts(container: &Value, replica_failure: Option<&str>) -> WebServiceFacts {
    let mut list: Value =
        serde_json::from_str(&toolforge_fixtures::read("facts/out-of-memory.json")).unwrap();
    let items = list["items"].as_array_mut().unwrap();
    for item in items.iter_mut().filter(|item| item["kind"] == "Pod") {
        item["metadata"]["ownerReferences"] =
            json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "r", "uid": "r1"}]);
        let status = &mut item["status"]["containerStatuses"][0];
        for (field, value) in container.as_object().unwrap() {
            status[field] = value.clone();
        }
    }
    let conditions = replica_failure.map(|message| {
        json!([{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message}])
    });
    items.push(json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {
            "name": "r", "namespace": "tool-stashbot", "uid": "r1",
            "annotations": {"deployment.kubernetes.io/revision": "2"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "stashbot", "uid": "d1"}],
        },
        "status": {"replicas": 1, "conditions": conditions},
    }));
    let mut documents = Documents::default();
    documents.read("changed", &list.to_string()).unwrap();
    documents.web_service_facts(documents.namespace(&"stashbot".parse().unwrap()).unwrap()).unwrap()
}

fn code(container: &Value, replica_failure: Option<&str>) -> String {
    let found = web_service_causes(&facts(container, replica_failure).live, now());
    found.iter().map(|evidence| evidence.cause.code()).collect::<Vec<_>>().join(" ")
}

#[test]
fn signals_have_their_causes() {
    let running = json!({"ready": false, "restartCount": 0, "state": {"running": {}}, "lastState": {}});
    let waiting =
        |reason: &str| json!({"restartCount": 0, "state": {"waiting": {"reason": reason}}, "lastState": {}});
    let ended = |reason: &str, exit_code: i32| {
        json!({
            "restartCount": 3,
            "state": {"waiting": {"reason": "CrashLoopBackOff"}},
            "lastState": {"terminated": {"reason": reason, "exitCode": exit_code}},
        })
    };
    let after = |reason: &str, exit_code: i32, state: &Value, ready: bool| {
        json!({
            "ready": ready,
            "restartCount": 3,
            "state": state,
            "lastState": {"terminated": {"reason": reason, "exitCode": exit_code}},
        })
    };
    for (container, replica_failure, expected) in [
        (ended("OOMKilled", 137), None, "out-of-memory"),
        (ended("Error", 1), None, "crash-loop"),
        (ended("Completed", 0), None, "crash-loop"),
        (ended("StartError", 128), None, "container-start"),
        (waiting("ErrImagePull"), None, "image-pull"),
        (waiting("ImagePullBackOff"), None, "image-pull"),
        (waiting("InvalidImageName"), None, "image-pull"),
        (waiting("CreateContainerConfigError"), None, "container-start"),
        (waiting("ContainerCreating"), None, ""),
        (running.clone(), None, ""),
        // After a restart of the node: the container runs again and is not ready yet.
        (after("Unknown", 255, &json!({"running": {}}), false), None, ""),
        (after("Error", 1, &json!({"running": {}}), false), None, ""),
        // Before it runs again: its exit code is unknown, so the command is not the cause.
        (after("Error", 1, &json!({"terminated": {"reason": "Unknown", "exitCode": 255}}), false), None, ""),
        (ended("Unknown", 255), None, ""),
        // A container that was killed once and starts again may become ready.
        (after("OOMKilled", 137, &json!({"running": {}}), false), None, ""),
        (after("OOMKilled", 137, &json!({"running": {}}), true), None, ""),
        // Between two runs, before the kubelet reports the back-off.
        (
            json!({"ready": false, "restartCount": 3, "lastState": {}, "state": {"terminated": {"reason": "OOMKilled", "exitCode": 137}}}),
            None,
            "out-of-memory",
        ),
        (
            json!({"ready": false, "restartCount": 3, "lastState": {}, "state": {"terminated": {"reason": "Error", "exitCode": 2}}}),
            None,
            "crash-loop",
        ),
        (
            running.clone(),
            Some(
                "pods \"r-x\" is forbidden: exceeded quota: tool-stashbot, requested: pods=1, used: pods=4, limited: pods=4",
            ),
            "quota-exceeded",
        ),
        (
            running.clone(),
            Some("pods \"r-x\" is forbidden: maximum memory usage per Container is 4Gi, but limit is 5Gi"),
            "limit-range",
        ),
        (
            running.clone(),
            Some("admission webhook \"validate.kyverno.svc-fail\" denied the request: no"),
            "refused",
        ),
    ] {
        assert_eq!(code(&container, replica_failure), expected, "{container} {replica_failure:?}");
    }
}

#[test]
fn start_error_of_a_container_is_named() {
    let runc = "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: \"./x\": stat ./x: no such file or directory: unknown";
    let terminated = json!({"reason": "StartError", "exitCode": 128, "message": runc});
    let container = json!({
        "restartCount": 3,
        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": {"terminated": terminated},
    });
    let facts = facts(&container, None);
    assert_eq!(
        web_service_causes(&facts.live, now())[0].cause.to_string(),
        "the container cannot be started: exec: \"./x\": stat ./x: no such file or directory"
    );
    let last = observe_web_service(&facts, now()).status.last_termination.unwrap();
    assert_eq!(last.to_string(), "could not be started: exec: \"./x\": stat ./x: no such file or directory");
}

#[test]
fn stalled_deployment_has_a_cause() {
    let full = "replicasets.apps \"x\" is forbidden: exceeded quota: q, requested: count/replicasets.apps=1, used: count/replicasets.apps=2, limited: count/replicasets.apps=2";
    let policy = "admission webhook \"validate.kyverno.svc-fail\" denied the request: no";
    for (reason, message, expected) in [
        ("ReplicaSetCreateError", full, "quota-exceeded"),
        ("ReplicaSetCreateError", policy, "refused"),
        ("ProgressDeadlineExceeded", "ReplicaSet \"x\" has timed out progressing.", "deadline-exceeded"),
    ] {
        let condition =
            json!({"type": "Progressing", "status": "False", "reason": reason, "message": message});
        let deployment = json!({"metadata": {"generation": 1}, "status": {"conditions": [condition]}});
        let mut live = toolforge_render::web_service::LiveWebService::default();
        live.deployment = serde_json::from_value(deployment).unwrap();
        let found = web_service_causes(&live, now());
        assert_eq!(found[0].cause.code(), expected, "{reason}");
        assert_eq!(found[0].message.as_raw(), message);
    }
}

#[test]
fn quota_is_not_final_while_a_pod_terminates() {
    let full =
        "pods \"r-x\" is forbidden: exceeded quota: q, requested: pods=1, used: pods=4, limited: pods=4";
    let mut facts = facts(&json!({"state": {"running": {}}, "lastState": {}, "restartCount": 0}), Some(full));
    assert!(matches!(web_service_progress(&facts.live, None, now()), RolloutProgress::Failed(_)));
    let moment = serde_json::from_value(json!("2026-11-24T10:00:00Z")).unwrap();
    facts.live.pods[0].metadata.deletion_timestamp = Some(moment);
    assert!(matches!(web_service_progress(&facts.live, None, now()), RolloutProgress::Waiting { .. }));
}

#[test]
fn unobserved_generation_is_not_ready() {
    let mut documents = Documents::default();
    documents.read("running", &toolforge_fixtures::read("facts/running.json")).unwrap();
    let tool: ToolName = "stashbot".parse().unwrap();
    let facts = documents.web_service_facts(documents.namespace(&tool).unwrap()).unwrap();
    assert_eq!(web_service_progress(&facts.live, Some(1), now()), RolloutProgress::Ready);
    assert!(matches!(web_service_progress(&facts.live, Some(2), now()), RolloutProgress::Waiting { .. }));
}

fn set_replicas(facts: &mut WebServiceFacts, replicas: i32) {
    let spec: Option<&mut DeploymentSpec> = (&mut facts.live.deployment.as_mut().unwrap().spec).into();
    spec.unwrap().replicas = Some(replicas);
}

#[test]
fn status_counts_pods_of_the_newest_revision() {
    let running = json!({"restartCount": 0, "state": {"running": {}}, "lastState": {}});
    let mut found = facts(&running, None);
    let mut old = found.live.pods[0].clone();
    old.metadata.owner_references.as_mut().unwrap()[0].uid = "r0".to_owned();
    let status = &mut old.status.as_mut().unwrap().container_statuses.as_mut().unwrap()[0];
    status.restart_count = 9;
    status.last_state =
        serde_json::from_value(json!({"terminated": {"reason": "Error", "exitCode": 3}})).unwrap();
    found.live.pods.push(old);
    let shown = |found: &WebServiceFacts| {
        let status = observe_web_service(found, now()).status;
        (status.restarts, status.last_termination.is_some())
    };
    assert_eq!(shown(&found), (0, false));
    // Without ReplicaSets, the hash of the newest pod says so.
    found.live.replica_sets.clear();
    for (pod, (hash, created)) in found.live.pods.iter_mut().zip([("b", "12:00:00"), ("a", "11:00:00")]) {
        let labels = pod.metadata.labels.as_mut().unwrap();
        labels.insert("pod-template-hash".to_owned(), hash.to_owned());
        let created = json!(format!("2026-11-25T{created}Z"));
        pod.metadata.creation_timestamp = Some(serde_json::from_value(created).unwrap());
    }
    assert_eq!(shown(&found), (0, false));
}

#[test]
fn state_depends_on_ready_pods() {
    let tool: ToolName = "stashbot".parse().unwrap();
    let read = || {
        let mut documents = Documents::default();
        documents.read("running", &toolforge_fixtures::read("facts/running.json")).unwrap();
        documents.web_service_facts(documents.namespace(&tool).unwrap()).unwrap()
    };
    let state = |facts: &WebServiceFacts| observe_web_service(facts, now()).status.state;
    assert_eq!(state(&read()), WebServiceState::Running);
    let mut facts = read();
    facts.live.service = None;
    assert_eq!(state(&facts), WebServiceState::Unreachable);
    let mut facts = read();
    set_replicas(&mut facts, 0);
    assert_eq!(state(&facts), WebServiceState::ScaledToZero);
    let mut facts = read();
    set_replicas(&mut facts, 2);
    assert_eq!(state(&facts), WebServiceState::Degraded);
    let mut facts = read();
    let mut live = toolforge_render::web_service::LiveWebService::default();
    live.pods = facts.live.pods;
    facts.live = live;
    assert_eq!(state(&facts), WebServiceState::Stopped);
}
