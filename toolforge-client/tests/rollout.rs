//! The wait for a rollout continues while it is slow, and ends when it is blocked.
#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;
use toolforge_client::scripted::{Answer, Script};
use toolforge_client::{RolloutEvent, RolloutOutcome, RolloutTarget, WaitOptions};
use toolforge_model::ToolName;

const DEPLOYMENTS: &str = "GET /apis/apps/v1/namespaces/tool-x/deployments";
const REPLICA_SETS: &str = "GET /apis/apps/v1/namespaces/tool-x/replicasets";
const PODS: &str = "GET /api/v1/namespaces/tool-x/pods";

const FULL: &str =
    "pods \"x-2\" is forbidden: exceeded quota: q, requested: pods=1, used: pods=4, limited: pods=4";

fn tool() -> ToolName {
    "x".parse().unwrap()
}

fn list(items: &[Value]) -> Answer {
    Answer::json(200, &json!({"metadata": {"resourceVersion": "10"}, "items": items}))
}

fn watch(collection: &str, selector: &str) -> String {
    format!(
        "{collection}?allowWatchBookmarks=true&{selector}&resourceVersion=10&timeoutSeconds=290&watch=true"
    )
}

/// Returns a Deployment of the first generation with conditions; none of its pods is ready.
fn deployment(conditions: &Value) -> Value {
    json!({
        "metadata": {"name": "x", "uid": "d1", "generation": 1, "resourceVersion": "10"},
        "spec": {"replicas": 1, "selector": {}, "template": {}},
        "status": {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 0, "conditions": conditions},
    })
}

/// Returns the ReplicaSet of the Deployment, for which the API server refuses pods.
fn refused(message: &str) -> Value {
    json!({
        "metadata": {"name": "x-2", "uid": "r2", "resourceVersion": "10", "ownerReferences": [
            {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x", "uid": "d1"},
        ]},
        "status": {"replicas": 0, "conditions": [{"type": "ReplicaFailure", "status": "True", "message": message}]},
    })
}

/// Returns a pod of an older ReplicaSet.
fn old_pod(is_terminating: bool) -> Value {
    let mut pod = json!({"metadata": {"name": "x-1", "uid": "p1", "resourceVersion": "10", "ownerReferences": [
        {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "x-1", "uid": "r1"},
    ]}});
    if is_terminating {
        pod["metadata"]["deletionTimestamp"] = json!("2026-11-25T10:00:00Z");
    }
    pod
}

struct Cluster {
    deployments: Vec<Value>,
    replica_sets: Vec<Value>,
    pods: Vec<Value>,
    frames: Vec<Value>,
}

/// The time before the watch reports the frames of pods.
const POD_FRAMES: Duration = Duration::from_secs(3);

/// Waits for the first generation of the Deployment `d1`; returns the outcome, the seconds, and the events.
async fn wait(cluster: Cluster) -> (RolloutOutcome, u64, Vec<RolloutEvent>) {
    wait_with(cluster, &[]).await
}

/// Does the same with frames of pods.
async fn wait_with(cluster: Cluster, pods: &[Value]) -> (RolloutOutcome, u64, Vec<RolloutEvent>) {
    let open = || Answer::frames(&[]).and_stays_open();
    let (client, _) = Script::new()
        .answer(DEPLOYMENTS, list(&cluster.deployments))
        .answer(REPLICA_SETS, list(&cluster.replica_sets))
        .answer(PODS, list(&cluster.pods))
        .answer(
            &watch(DEPLOYMENTS, "fieldSelector=metadata.name%3Dx"),
            Answer::frames(&cluster.frames).and_stays_open(),
        )
        .answer(&watch(REPLICA_SETS, "labelSelector=name%3Dx"), open())
        .answer(
            &watch(PODS, "labelSelector=name%3Dx"),
            Answer::frames(pods).and_stays_open().after(POD_FRAMES),
        )
        .client();
    let target = RolloutTarget { uid: Some("d1".to_owned()), generation: Some(1) };
    let options = WaitOptions::new(Duration::from_secs(300));
    let (start, mut events) = (Instant::now(), Vec::new());
    let outcome = client.wait_rollout(&tool(), &target, options, |event| events.push(event)).await.unwrap();
    events.dedup();
    (outcome, start.elapsed().as_secs(), events)
}

fn codes(outcome: &RolloutOutcome) -> Vec<&'static str> {
    match outcome {
        RolloutOutcome::Failed { causes, .. } => {
            causes.iter().map(|evidence| evidence.cause.code()).collect()
        }
        _ => vec!["not failed"],
    }
}

#[tokio::test(start_paused = true)]
async fn full_quota_is_blocked_after_a_while() {
    let webhook = "Internal error occurred: failed calling webhook \"w\": connection refused";
    for (message, pods, code, seconds) in [
        (FULL, vec![old_pod(false)], "quota-exceeded", 30),
        // A terminating pod may free quota.
        (FULL, vec![old_pod(true)], "quota-exceeded", 60),
        (webhook, vec![old_pod(false)], "refused-for-now", 30),
        ("admission webhook \"w\" denied the request: no", vec![], "refused", 0),
    ] {
        let cluster = Cluster {
            deployments: vec![deployment(&json!([]))],
            replica_sets: vec![refused(message)],
            pods,
            frames: vec![],
        };
        let (outcome, waited, _) = wait(cluster).await;
        assert_eq!((codes(&outcome), waited), (vec![code], seconds), "{message}");
    }
}

#[tokio::test(start_paused = true)]
async fn pod_without_a_node_is_blocked_after_a_while() {
    let mut set = refused("");
    set["status"] = json!({"replicas": 1});
    let pod = json!({
        "metadata": {"name": "x-2-a", "uid": "p2", "resourceVersion": "10", "ownerReferences": [
            {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "x-2", "uid": "r2"},
        ]},
        "status": {"conditions": [
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes are available"},
        ]},
    });
    let cluster = Cluster {
        deployments: vec![deployment(&json!([]))],
        replica_sets: vec![set],
        pods: vec![pod],
        frames: vec![],
    };
    let (outcome, waited, _) = wait(cluster).await;
    assert_eq!((codes(&outcome), waited), (vec!["unschedulable"], 60));
}

#[tokio::test(start_paused = true)]
async fn refused_replica_set_is_blocked() {
    let full = "replicasets.apps \"x\" is forbidden: exceeded quota: q, requested: count/replicasets.apps=1, used: count/replicasets.apps=2, limited: count/replicasets.apps=2";
    let condition = json!([{
        "type": "Progressing", "status": "False", "reason": "ReplicaSetCreateError", "message": full,
    }]);
    let cluster = Cluster {
        deployments: vec![deployment(&condition)],
        replica_sets: vec![],
        pods: vec![],
        frames: vec![],
    };
    let (outcome, waited, events) = wait(cluster).await;
    assert_eq!((codes(&outcome), waited), (vec!["quota-exceeded"], 30));
    assert_eq!(events, [RolloutEvent::WaitingForQuota { terminating: 0 }]);
}

#[tokio::test(start_paused = true)]
async fn deleted_and_replaced_deployments_end_the_wait() {
    let mut terminating = deployment(&json!([]));
    terminating["metadata"]["deletionTimestamp"] = json!("2026-11-25T10:00:00Z");
    let mut other = deployment(&json!([]));
    other["metadata"]["uid"] = json!("d2");
    for (found, frame, expected) in [
        (vec![], None, "Deleted"),
        (vec![terminating], None, "Deleted"),
        (vec![other], None, "Replaced"),
        (
            vec![deployment(&json!([]))],
            Some(json!({"type": "DELETED", "object": deployment(&json!([]))})),
            "Deleted",
        ),
    ] {
        let frames = frame.into_iter().collect();
        let cluster = Cluster { deployments: found, replica_sets: vec![], pods: vec![], frames };
        let (outcome, waited, _) = wait(cluster).await;
        assert_eq!((format!("{outcome:?}").as_str(), waited), (expected, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn change_of_somebody_else_is_reported_once() {
    let mut changed = deployment(&json!([]));
    changed["metadata"]["generation"] = json!(2);
    let frame = json!({"type": "MODIFIED", "object": changed});
    let cluster = Cluster {
        deployments: vec![deployment(&json!([]))],
        replica_sets: vec![],
        pods: vec![],
        frames: vec![frame.clone(), frame],
    };
    let (outcome, waited, events) = wait(cluster).await;
    assert!(matches!(outcome, RolloutOutcome::TimedOut { .. }));
    assert_eq!(waited, 300);
    let reported = events.iter().filter(|event| **event == RolloutEvent::ChangedMeanwhile);
    assert_eq!(reported.count(), 1);
}

/// Returns a Deployment whose only pod is ready; its container has a probe or not.
fn ready(probe: &str) -> Value {
    let mut deployment = deployment(&json!([]));
    let mut container = json!({"name": "job"});
    if !probe.is_empty() {
        container[probe] = json!({"tcpSocket": {"port": 8000}});
    }
    deployment["spec"]["template"] = json!({"spec": {"containers": [container]}});
    deployment["status"] =
        json!({"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1});
    deployment
}

/// Returns the only pod in a state of its container.
fn pod(restarts: i32, state: &Value) -> Value {
    let is_running = state["running"].is_object();
    json!({
        "metadata": {"name": "x-1", "uid": "p1", "resourceVersion": "11"},
        "spec": {"containers": [{"name": "job"}]},
        "status": {"phase": "Running", "containerStatuses": [{
            "name": "job", "image": "", "imageID": "", "containerID": "c", "ready": is_running,
            "restartCount": restarts, "state": state,
            "lastState": {"terminated": {"exitCode": 3, "reason": "Error"}},
        }]},
    })
}

#[tokio::test(start_paused = true)]
async fn pods_without_a_probe_must_keep_running() {
    let running = json!({"running": {}});
    let cluster = |probe: &str| Cluster {
        deployments: vec![ready(probe)],
        replica_sets: vec![],
        pods: vec![pod(0, &running)],
        frames: vec![],
    };
    for (probe, seconds) in [("", 5), ("readinessProbe", 0), ("startupProbe", 0), ("livenessProbe", 5)] {
        let (outcome, waited, _) = wait(cluster(probe)).await;
        assert_eq!((format!("{outcome:?}").as_str(), waited), ("Ready", seconds), "{probe}");
    }
    let frame = |restarts, state: &Value| json!({"type": "MODIFIED", "object": pod(restarts, state)});
    let restarted = frame(1, &running);
    let (outcome, waited, _) = wait_with(cluster(""), std::slice::from_ref(&restarted)).await;
    assert_eq!((format!("{outcome:?}").as_str(), waited), ("Ready", 8));
    let waiting = frame(1, &json!({"waiting": {"reason": "CrashLoopBackOff"}}));
    let (outcome, waited, _) = wait_with(cluster(""), &[restarted, waiting]).await;
    assert_eq!((codes(&outcome), waited), (vec!["crash-loop"], 3));
}

#[tokio::test]
async fn last_lines_are_those_of_a_failed_program() {
    let pod = |name: &str, created: &str, status: &Value| {
        let mut status = status.clone();
        status["name"] = json!("webservice");
        for field in ["image", "imageID"] {
            status[field] = json!("");
        }
        serde_json::from_value(json!({
            "metadata": {"name": name, "creationTimestamp": created},
            "spec": {"containers": [{"name": "webservice"}]},
            "status": {"containerStatuses": [status]},
        }))
        .unwrap()
    };
    let waiting =
        json!({"ready": false, "restartCount": 2, "containerID": "c://1", "state": {"waiting": {}}});
    let never_started = json!({"ready": false, "restartCount": 0, "state": {"waiting": {}}});
    let ready = json!({"ready": true, "restartCount": 0, "containerID": "c://2", "state": {"running": {}}});
    let pods = [
        pod("x-1", "2026-11-25T10:00:00Z", &waiting),
        pod("x-2", "2026-11-25T11:00:00Z", &never_started),
        pod("x-3", "2026-11-25T12:00:00Z", &ready),
    ];
    let (client, requests) =
        Script::new().answer(&format!("{PODS}/x-1/log"), Answer::text(200, "one\ntwo\n\n")).client();
    let lines = client.last_lines(&tool(), &pods).await;
    assert_eq!(lines.unwrap().as_raw(), "one\ntwo");
    assert_eq!(
        requests.to_string().trim_end(),
        "GET   /api/v1/namespaces/tool-x/pods/x-1/log?container=webservice&previous=true&tailLines=20"
    );
    assert_eq!(client.last_lines(&tool(), &pods[1..]).await, None);
}
