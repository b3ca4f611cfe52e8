//! Failing health checks of web services and jobs, from statuses and events as the kubelet of Kubernetes 1.33 writes them.
#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use toolforge_model::ToolName;
use toolforge_render::job::{JobStatus, LiveJobs, job_status};
use toolforge_render::pod::Evidence;
use toolforge_render::pod::RolloutProgress;
use toolforge_render::web_service::{LiveWebService, web_service_causes, web_service_progress};

/// The moment at which the container of every case began to run.
const STARTED: &str = "2026-11-25T12:00:00Z";

/// Returns the time some seconds after [`STARTED`].
fn after(seconds: i64) -> Timestamp {
    STARTED.parse::<Timestamp>().unwrap().checked_add(SignedDuration::from_secs(seconds)).unwrap()
}

/// Returns an event about the pod; `first` and `last` are seconds after [`STARTED`].
fn event(reason: &str, message: &str, first: i64, last: i64) -> Value {
    json!({
        "metadata": {}, "reason": reason, "message": message,
        "involvedObject": {"kind": "Pod", "name": "p", "uid": "p1"},
        "firstTimestamp": after(first).to_string(), "lastTimestamp": after(last).to_string(),
    })
}

fn unhealthy(message: &str, first: i64, last: i64) -> Value {
    event("Unhealthy", message, first, last)
}

fn killing(kind: &str, at: i64) -> Value {
    event("Killing", &format!("Container job failed {kind} probe, will be restarted"), at, at)
}

fn pod(container: &str, probes: &Value, status: &Value) -> Value {
    let mut spec = probes.clone();
    spec["name"] = json!(container);
    let mut status = status.clone();
    for (key, value) in [("name", json!(container)), ("image", json!("i")), ("imageID", json!(""))] {
        status[key] = value;
    }
    json!({
        "metadata": {"name": "p", "uid": "p1", "labels": {
            "toolforge": "tool",
            "app.kubernetes.io/managed-by": "toolforge-jobs-framework",
            "app.kubernetes.io/created-by": "x",
            "app.kubernetes.io/component": "deployments",
            "app.kubernetes.io/name": "job",
            "app.kubernetes.io/version": "2",
        }},
        "spec": {"containers": [spec]},
        "status": {"phase": "Running", "containerStatuses": [status]},
    })
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

/// Returns a web service with this pod.
fn web_service(probes: &Value, status: &Value, events: &[Value]) -> LiveWebService {
    let mut live = LiveWebService::default();
    live.deployment = Some(read(json!({
        "metadata": {"generation": 1}, "spec": {"replicas": 1, "selector": {}, "template": {}},
        "status": {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1},
    })));
    live.pods = vec![read(pod("webservice", probes, status))];
    live.events = events.iter().cloned().map(read).collect();
    live
}

/// Returns the status of a continuous job with this pod.
fn job(probes: &Value, status: &Value, events: &[Value], now: Timestamp) -> JobStatus {
    let pod = pod("job", probes, status);
    let ready = i32::from(status["ready"] == true);
    let deployment = json!({
        "metadata": {
            "name": "job", "uid": "d", "generation": 1, "labels": pod["metadata"]["labels"],
            "creationTimestamp": STARTED,
        },
        "spec": {"replicas": 1, "selector": {}, "template": {"spec": {"containers": [{"name": "job"}]}}},
        "status": {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": ready},
    });
    let mut live = LiveJobs::default();
    live.deployments = vec![read(deployment)];
    live.pods = vec![read(pod)];
    live.events = events.iter().cloned().map(read).collect();
    let tool: ToolName = "x".parse().unwrap();
    job_status(&live.jobs_of(&tool)[0], &live, now)
}

fn shown(found: &[Evidence]) -> Vec<String> {
    found.iter().map(|evidence| format!("{}: {}", evidence.cause, evidence.message.as_raw())).collect()
}

fn page() -> Value {
    let get = |period: u32| json!({"httpGet": {"path": "/healthz", "port": 8000}, "periodSeconds": period});
    json!({"startupProbe": get(1), "readinessProbe": get(10), "livenessProbe": get(10)})
}

fn script() -> Value {
    let run =
        |period: u32| json!({"exec": {"command": ["/bin/sh", "-c", "test -e /ok"]}, "periodSeconds": period});
    json!({"startupProbe": run(1), "livenessProbe": run(10)})
}

fn port() -> Value {
    let tcp = |period: u32| json!({"tcpSocket": {"port": 8000}, "periodSeconds": period});
    json!({"startupProbe": tcp(1), "livenessProbe": tcp(10)})
}

/// Returns the status of a container that runs and has not passed its startup probe.
fn starting() -> Value {
    json!({"state": {"running": {"startedAt": STARTED}}, "started": false, "ready": false, "restartCount": 0})
}

/// Returns the status of a container that runs and has passed its startup probe.
fn up(ready: bool) -> Value {
    json!({"state": {"running": {"startedAt": STARTED}}, "started": true, "ready": ready, "restartCount": 0})
}

/// Returns the status of a container whose run was terminated, 40 seconds long, just before [`STARTED`].
fn again(state: &Value, exit_code: i32) -> Value {
    let end = json!({"exitCode": exit_code, "reason": "Error",
        "startedAt": after(-41).to_string(), "finishedAt": after(-1).to_string()});
    json!({"state": state, "started": false, "ready": false, "restartCount": 2, "lastState": {"terminated": end}})
}

const NOT_FOUND: &str = "Startup probe failed: HTTP probe failed with statuscode: 404";
const REFUSED: &str = "Startup probe failed: Get \"http://10.0.0.1:8000/healthz\": dial tcp 10.0.0.1:8000: connect: connection refused";

#[test]
fn first_failure_is_reported_with_its_answer() {
    let readiness = "Readiness probe failed: HTTP probe failed with statuscode: 503";
    let liveness = "Liveness probe failed: unlink: cannot unlink '/ok'";
    let tcp = "Startup probe failed: dial tcp 10.0.0.1:8000: connect: connection refused";
    for (probes, status, events, now, expected) in [
        (
            page(),
            starting(),
            vec![unhealthy(NOT_FOUND, 1, 1)],
            2,
            vec![format!("your program runs, but its health check /healthz fails: {NOT_FOUND}")],
        ),
        (
            script(),
            starting(),
            vec![unhealthy("Startup probe failed: ", 1, 9)],
            10,
            vec![
                "your program runs, but its health check \"test -e /ok\" fails: Startup probe failed: "
                    .to_owned(),
            ],
        ),
        (
            page(),
            up(false),
            vec![unhealthy(readiness, 12, 22)],
            23,
            vec![format!("your program runs, but its health check /healthz fails: {readiness}")],
        ),
        // Failures before the startup probe succeeded no longer matter.
        (page(), up(false), vec![unhealthy(NOT_FOUND, 1, 9)], 10, vec![]),
        (
            script(),
            up(true),
            vec![unhealthy(liveness, 20, 30)],
            32,
            vec![format!("your program runs, but its health check \"test -e /ok\" fails: {liveness}")],
        ),
        // The next two checks succeeded: a success has no event.
        (script(), up(true), vec![unhealthy(liveness, 20, 30)], 60, vec![]),
        // A failure of an earlier run.
        (script(), starting(), vec![unhealthy("Startup probe failed: ", -20, -10)], 3, vec![]),
        (
            port(),
            starting(),
            vec![unhealthy(tcp, 1, 14)],
            14,
            vec![format!(
                "your program runs, but nothing answers on port 8000: listen on 0.0.0.0 and on $PORT: {tcp}"
            )],
        ),
        // A server needs a moment before it listens.
        (port(), starting(), vec![unhealthy(tcp, 1, 3)], 4, vec![]),
        (page(), starting(), vec![unhealthy(REFUSED, 1, 3)], 4, vec![]),
        (
            page(),
            starting(),
            vec![unhealthy(REFUSED, 1, 14)],
            14,
            vec![format!(
                "your program runs, but nothing answers on port 8000: listen on 0.0.0.0 and on $PORT: {REFUSED}"
            )],
        ),
        (page(), up(true), vec![], 100, vec![]),
    ] {
        let live = web_service(&probes, &status, &events);
        assert_eq!(shown(&web_service_causes(&live, after(now))), expected, "web service: {events:?}");
        assert_eq!(shown(&job(&probes, &status, &events, after(now)).evidence), expected, "job: {events:?}");
    }
}

#[test]
fn check_restart_has_any_exit_code() {
    let back_off = json!({"waiting": {"reason": "CrashLoopBackOff"}});
    let running = json!({"running": {"startedAt": STARTED}});
    let expected = format!("the health check /healthz fails, so the container is restarted: {NOT_FOUND}");
    for exit_code in [0, 1, 3, 137, 143] {
        for state in [&back_off, &running] {
            let status = again(state, exit_code);
            let events = [unhealthy(NOT_FOUND, -40, -2), killing("startup", -2)];
            let live = web_service(&page(), &status, &events);
            assert_eq!(shown(&web_service_causes(&live, after(3))), [expected.as_str()], "{status}");
            let job = job(&page(), &status, &events, after(3));
            assert_eq!(shown(&job.evidence), [expected.as_str()], "{status}");
            assert_eq!((job.state.as_str(), job.since), ("failing", Some(after(-40))), "{status}");
        }
        // Without an event about it, the command terminated by itself.
        let live = web_service(&page(), &again(&back_off, exit_code), &[]);
        assert_eq!(web_service_causes(&live, after(3))[0].cause.code(), "crash-loop");
    }
}

#[test]
fn kill_of_an_earlier_run_is_not_a_cause() {
    let back_off = json!({"waiting": {"reason": "CrashLoopBackOff"}});
    let code = |probes: &Value, exit_code: i32, seconds: i64, killed: i64| {
        let mut status = again(&back_off, exit_code);
        status["lastState"]["terminated"]["startedAt"] = json!(after(-1 - seconds).to_string());
        let events =
            [unhealthy("Liveness probe failed: no", killed - 9, killed), killing("liveness", killed)];
        let web = web_service_causes(&web_service(probes, &status, &events), after(3));
        let job = job(probes, &status, &events, after(3)).evidence;
        assert_eq!(web[0].cause.code(), job[0].cause.code());
        web[0].cause.code()
    };
    // The program now exits two seconds after each start, and long before any check can fail often enough.
    assert_eq!(code(&script(), 1, 2, -600), "crash-loop");
    assert_eq!(code(&page(), 0, 2, -3000), "crash-loop");
    // It exits after an hour.
    assert_eq!(code(&script(), 1, 3600, -3700), "crash-loop");
    // The run was as long as one that three failures end, and no check failed in it.
    assert_eq!(code(&script(), 1, 30, -600), "crash-loop");
    assert_eq!(code(&page(), 0, 62, -1140), "crash-loop");
    // The kubelet sends these signals.
    assert_eq!(code(&script(), 137, 2, -600), "health-check-fails");
}

#[test]
fn kill_whose_event_is_missing_is_known_by_failures() {
    let back_off = json!({"waiting": {"reason": "CrashLoopBackOff"}});
    let code = |seconds: i64, first: i64, last: i64| {
        let mut status = again(&back_off, 1);
        status["lastState"]["terminated"]["startedAt"] = json!(after(-1 - seconds).to_string());
        let events = [unhealthy("Liveness probe failed: no", first, last), killing("liveness", -600)];
        let found = job(&script(), &status, &events, after(3)).evidence;
        found[0].cause.code()
    };
    // The checks failed in this run, in earlier ones, too, or since.
    assert_eq!(code(30, -22, -2), "health-check-fails");
    assert_eq!(code(30, -620, -2), "health-check-fails");
    assert_eq!(code(30, -620, 20), "health-check-fails");
    // They failed before it or after it alone, or the run was too short.
    assert_eq!(code(30, -620, -600), "crash-loop");
    assert_eq!(code(30, 10, 20), "crash-loop");
    assert_eq!(code(2, -2, -2), "crash-loop");
}

#[test]
fn check_restart_shows_while_running() {
    let mut status = again(&json!({"running": {"startedAt": STARTED}}), 137);
    status["started"] = json!(true);
    status["ready"] = json!(true);
    let events = [unhealthy("Liveness probe failed: no", -30, -2), killing("liveness", -2)];
    let expected =
        "the health check \"test -e /ok\" fails, so the container is restarted: Liveness probe failed: no";
    let now = job(&script(), &status, &events, after(20));
    assert_eq!((now.state.as_str(), shown(&now.evidence)), ("degraded", vec![expected.to_owned()]));
    assert_eq!(now.last_termination.unwrap().to_string(), "terminated by signal 9");
    // After ten minutes without a failure, it is healthy.
    assert!(job(&script(), &status, &events, after(600)).evidence.is_empty());
}

#[test]
fn wait_ends_after_repeated_check_failures() {
    let is_failed = |live: &LiveWebService, seconds| {
        matches!(web_service_progress(live, None, after(seconds)), RolloutProgress::Failed(_))
    };
    let unhealthy = |message: &str| vec![unhealthy(message, 1, 1)];
    // A page that answers wrongly has 15 seconds, a program that does not listen has 30.
    let wrong = web_service(&page(), &starting(), &unhealthy(NOT_FOUND));
    assert_eq!([15, 16].map(|seconds| is_failed(&wrong, seconds)), [false, true]);
    let silent = web_service(&port(), &starting(), &unhealthy(REFUSED));
    assert_eq!([29, 30].map(|seconds| is_failed(&silent, seconds)), [false, true]);
}
