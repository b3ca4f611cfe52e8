//! The end of the wait for a run of a job, and for a web service that was stopped.
#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;
use toolforge_client::scripted::{Answer, Script};
use toolforge_client::{JobRun, RunWaitOutcome, StopOutcome, WaitOptions};
use toolforge_model::{JobName, ToolName};
use toolforge_render::change::ChangeSet;
use toolforge_render::web_service::{LiveWebService, web_service_deletion};

const JOBS: &str = "GET /apis/batch/v1/namespaces/tool-x/jobs";
const DEPLOYMENTS: &str = "GET /apis/apps/v1/namespaces/tool-x/deployments";
const REPLICA_SETS: &str = "GET /apis/apps/v1/namespaces/tool-x/replicasets";
const PODS: &str = "GET /api/v1/namespaces/tool-x/pods";
const EVENTS: &str = "GET /api/v1/namespaces/tool-x/events";

fn tool() -> ToolName {
    "x".parse().unwrap()
}

fn list(items: &[Value]) -> Answer {
    Answer::json(200, &json!({"metadata": {"resourceVersion": "10"}, "items": items}))
}

fn watch(collection: &str, selector: &str) -> String {
    format!(
        "{collection}?allowWatchBookmarks=true{selector}&resourceVersion=10&timeoutSeconds=290&watch=true"
    )
}

/// Returns a run of the job `bot`, and its pod, whose container waits for a reason.
fn run_that_waits(reason: &str) -> [Value; 2] {
    let owner =
        json!([{"apiVersion": "batch/v1", "kind": "Job", "name": "bot", "uid": "j1", "controller": true}]);
    let run = json!({
        "metadata": {"name": "bot", "uid": "j1", "resourceVersion": "10"}, "spec": {"template": {}},
        "status": {"active": 1},
    });
    let pod = json!({
        "metadata": {"name": "bot-1", "uid": "p1", "resourceVersion": "10", "ownerReferences": owner},
        "spec": {"containers": [{"name": "job"}]},
        "status": {"phase": "Pending", "containerStatuses": [{
            "name": "job", "image": "i", "imageID": "", "ready": false, "restartCount": 0,
            "state": {"waiting": {"reason": reason, "message": "m"}},
        }]},
    });
    [run, pod]
}

/// Waits for the run; returns the end, and after how many seconds.
async fn wait_run(runs: &[Value], pods: &[Value]) -> (RunWaitOutcome, u64) {
    let open = || Answer::frames(&[]).and_stays_open();
    let labels = "&labelSelector=toolforge%3Dtool%2Capp.kubernetes.io%2Fmanaged-by%3Dtoolforge-jobs-framework%2C\
                  app.kubernetes.io%2Fcreated-by%3Dx%2Capp.kubernetes.io%2Fname%3Dbot";
    let (client, _) = Script::new()
        .answer(JOBS, list(runs))
        .answer(PODS, list(pods))
        .answer(EVENTS, list(&[]))
        .answer(&watch(JOBS, "&fieldSelector=metadata.name%3Dbot"), open())
        .answer(&watch(PODS, labels), open())
        .answer(&watch(EVENTS, ""), open())
        .client();
    let job: JobName = "bot".parse().unwrap();
    let options = WaitOptions::new(Duration::from_secs(60)).with_events();
    let start = Instant::now();
    let run = JobRun { tool: &tool(), job: &job, run: "bot", is_managed: true };
    let end = client.wait_run_finished(run, options, |_| ()).await;
    (end.unwrap(), start.elapsed().as_secs())
}

#[tokio::test(start_paused = true)]
async fn run_that_cannot_start_is_blocked() {
    for (reason, seconds) in [("ImagePullBackOff", 8), ("CreateContainerConfigError", 0)] {
        let [run, pod] = run_that_waits(reason);
        let (end, elapsed) = wait_run(&[run], &[pod]).await;
        assert!(matches!(end, RunWaitOutcome::Blocked(_)), "{reason}: {end:?}");
        assert_eq!(elapsed, seconds, "{reason}");
    }
}

#[tokio::test(start_paused = true)]
async fn waits_for_a_run_to_start() {
    let [run, pod] = run_that_waits("ContainerCreating");
    let (end, elapsed) = wait_run(&[run], &[pod]).await;
    assert!(matches!(end, RunWaitOutcome::TimedOut { outcome: Some(_) }), "{end:?}");
    assert_eq!(elapsed, 60);
}

#[tokio::test(start_paused = true)]
async fn deleted_run_ends_the_wait() {
    let (end, elapsed) = wait_run(&[], &[]).await;
    assert!(matches!(end, RunWaitOutcome::Deleted), "{end:?}");
    assert_eq!(elapsed, 0);
}

/// Waits for a stopped web service with these remaining objects.
async fn wait_stopped(
    deletion: &ChangeSet,
    deployments: &[Value],
    pods: &[Value],
) -> (StopOutcome, u64, String) {
    let open = || Answer::frames(&[]).and_stays_open();
    let one = deployments.first().cloned();
    let missing = |kind| Answer::not_found(kind, "x");
    let (client, _) = Script::new()
        .answer(DEPLOYMENTS, list(deployments))
        .answer(REPLICA_SETS, list(&[]))
        .answer(PODS, list(pods))
        .answer(&watch(DEPLOYMENTS, "&fieldSelector=metadata.name%3Dx"), open())
        .answer(&watch(REPLICA_SETS, "&labelSelector=name%3Dx"), open())
        .answer(&watch(PODS, "&labelSelector=name%3Dx"), open())
        .answer(
            &format!("{DEPLOYMENTS}/x"),
            one.map_or(missing("deployments"), |one| Answer::json(200, &one)),
        )
        .answer("GET /api/v1/namespaces/tool-x/services/x", missing("services"))
        .answer(
            "GET /apis/networking.k8s.io/v1/namespaces/tool-x/ingresses/x-subdomain",
            missing("ingresses"),
        )
        .answer(
            "GET /apis/gateway.networking.k8s.io/v1/namespaces/tool-x/httproutes/x",
            missing("httproutes"),
        )
        .client();
    let (start, mut left) = (Instant::now(), Vec::new());
    let stopped =
        client.wait_stopped(&tool(), deletion, Duration::from_secs(60), |count| left.push(count)).await;
    left.dedup();
    (stopped.unwrap(), start.elapsed().as_secs(), format!("{left:?}"))
}

fn deployment(uid: &str) -> Value {
    let labels = json!({"toolforge": "tool", "name": "x", "app.kubernetes.io/component": "web",
        "app.kubernetes.io/managed-by": "webservice"});
    json!({"metadata": {"name": "x", "uid": uid, "resourceVersion": "10", "labels": labels},
        "spec": {"selector": {}, "template": {}}})
}

#[tokio::test(start_paused = true)]
async fn stop_waits_for_pods_and_notices_another_start() {
    let mut live = LiveWebService::default();
    live.deployment = serde_json::from_value(deployment("d1")).unwrap();
    let deletion = web_service_deletion(&tool(), &live);
    let pod = json!({"metadata": {"name": "x-1", "uid": "p1", "resourceVersion": "10",
        "labels": deployment("d1")["metadata"]["labels"]}, "spec": {"containers": [{"name": "webservice"}]}});
    for (deployments, pods, expected) in [
        (vec![], vec![], (StopOutcome::Gone, 0, "[]")),
        (vec![], vec![pod.clone()], (StopOutcome::PodsRemain, 60, "[1]")),
        (vec![deployment("d2")], vec![pod], (StopOutcome::StartedAgain, 0, "[]")),
    ] {
        let (stopped, seconds, left) = wait_stopped(&deletion, &deployments, &pods).await;
        assert_eq!((stopped, seconds, left.as_str()), expected);
    }
}
