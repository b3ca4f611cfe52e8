//! The causes of both kinds of workload: an object that shows each of them.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::Event;
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

use crate::job::{LiveJobs, job_status};
use crate::pod::{Cause, Evidence};
use crate::web_service::{LiveWebService, web_service_causes};

fn now() -> Timestamp {
    "2026-11-25T12:00:00Z".parse().unwrap()
}

/// The codes of all causes. A new cause breaks the match in [`code`], and then needs its code here and an object below.
const CODES: [&str; 19] = [
    "out-of-memory",
    "crash-loop",
    "image-pull",
    "container-start",
    "quota-exceeded",
    "limit-range",
    "refused",
    "refused-for-now",
    "health-check-fails",
    "not-healthy",
    "unschedulable",
    "not-listening",
    "deadline-exceeded",
    "paused",
    "terminating",
    "former-definition",
    "volume-mount",
    "init-crash-loop",
    "pod-sandbox",
];

fn code(cause: &Cause) -> &'static str {
    match cause {
        Cause::OutOfMemory => CODES[0],
        Cause::CrashLoop { .. } => CODES[1],
        Cause::ImagePull { .. } => CODES[2],
        Cause::ContainerStart { .. } => CODES[3],
        Cause::QuotaExceeded => CODES[4],
        Cause::LimitRange => CODES[5],
        Cause::Refused => CODES[6],
        Cause::RefusedForNow => CODES[7],
        Cause::HealthCheckFails { .. } => CODES[8],
        Cause::NotHealthy { .. } => CODES[9],
        Cause::Unschedulable => CODES[10],
        Cause::NotListening { .. } => CODES[11],
        Cause::DeadlineExceeded => CODES[12],
        Cause::Paused => CODES[13],
        Cause::Terminating { .. } => CODES[14],
        Cause::FormerDefinition => CODES[15],
        Cause::VolumeMount => CODES[16],
        Cause::InitCrashLoop { .. } => CODES[17],
        Cause::PodSandbox => CODES[18],
    }
}

fn pod(spec: &Value, container: &Value, conditions: &Value) -> Value {
    let mut status = container.clone();
    for (key, value) in [("name", json!("webservice")), ("image", json!("i")), ("imageID", json!(""))] {
        status[key] = value;
    }
    for (key, value) in [("ready", json!(false)), ("restartCount", json!(3))] {
        if status.get(key).is_none() {
            status[key] = value;
        }
    }
    let mut container = spec.clone();
    container["name"] = json!("webservice");
    json!({
        "metadata": {"name": "p", "uid": "p1"},
        "spec": {"containers": [container]},
        "status": {"containerStatuses": [status], "conditions": conditions},
    })
}

fn unhealthy(message: &str) -> Event {
    serde_json::from_value(json!({
        "metadata": {}, "reason": "Unhealthy", "message": message,
        "involvedObject": {"kind": "Pod", "name": "p", "uid": "p1"},
    }))
    .unwrap()
}

/// Returns an event of the kubelet about the pod, some seconds after its creation.
fn kubelet(reason: &str, second: u8) -> Event {
    serde_json::from_value(json!({
        "metadata": {}, "reason": reason, "message": "no", "lastTimestamp": format!("2026-11-25T11:59:{second:02}Z"),
        "involvedObject": {"kind": "Pod", "name": "p", "uid": "p1"},
    }))
    .unwrap()
}

/// Returns a pod whose init container has a status, and whose container waits for it.
fn initializing(container: &Value, policy: &str) -> Value {
    let mut pod = pod(&json!({}), &waiting("PodInitializing"), &none_list());
    let mut status = container.clone();
    for (key, value) in [("name", "setup"), ("image", "i"), ("imageID", "")] {
        status[key] = json!(value);
    }
    (status["ready"], status["restartCount"]) = (json!(false), json!(3));
    pod["spec"]["initContainers"] = json!([{"name": "setup", "restartPolicy": policy}]);
    pod["status"]["initContainerStatuses"] = json!([status]);
    pod
}

fn backing_off(reason: &str, exit_code: i32) -> Value {
    json!({
        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": {"terminated": {"reason": reason, "exitCode": exit_code}},
    })
}

fn waiting(reason: &str) -> Value {
    json!({"state": {"waiting": {"reason": reason}}})
}

/// Returns live objects, one for each cause that a pod shows.
fn pods() -> Vec<(&'static str, Value, Vec<Event>)> {
    let (none, http) = (json!({}), json!({"livenessProbe": {"httpGet": {"path": "/healthz", "port": 8000}}}));
    let running = json!({"state": {"running": {}}});
    let readiness = |probe: Value| json!({ "readinessProbe": probe });
    let refused = || unhealthy("Liveness probe failed: HTTP probe failed with statuscode: 500");
    let unschedulable =
        json!([{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no"}]);
    vec![
        ("out-of-memory", pod(&none, &backing_off("OOMKilled", 137), &none_list()), vec![]),
        ("crash-loop", pod(&none, &backing_off("Error", 1), &none_list()), vec![]),
        // A command that exits by itself is a crash, regardless of what its probe reported before.
        ("crash-loop", pod(&http, &backing_off("Error", 1), &none_list()), vec![refused()]),
        ("image-pull", pod(&none, &waiting("ImagePullBackOff"), &none_list()), vec![]),
        ("container-start", pod(&none, &waiting("CreateContainerError"), &none_list()), vec![]),
        ("health-check-fails", pod(&http, &backing_off("Error", 137), &none_list()), vec![refused()]),
        ("health-check-fails", pod(&http, &backing_off("Error", 143), &none_list()), vec![refused()]),
        (
            "not-healthy",
            pod(&readiness(json!({"httpGet": {"port": 8000}})), &running, &none_list()),
            vec![unhealthy("Readiness probe failed: HTTP probe failed with statuscode: 503")],
        ),
        (
            "not-listening",
            pod(&readiness(json!({"tcpSocket": {"port": 8000}})), &running, &none_list()),
            vec![],
        ),
        ("unschedulable", pod(&none, &waiting("ContainerCreating"), &unschedulable), vec![]),
        (
            "volume-mount",
            pod(&none, &waiting("ContainerCreating"), &none_list()),
            vec![kubelet("FailedMount", 9), kubelet("FailedCreatePodSandBox", 8)],
        ),
        (
            "pod-sandbox",
            pod(&none, &waiting("ContainerCreating"), &none_list()),
            vec![kubelet("FailedMount", 8), kubelet("FailedCreatePodSandBox", 9)],
        ),
        // An init container, and a sidecar.
        ("init-crash-loop", initializing(&backing_off("Error", 1), "OnFailure"), vec![]),
        ("init-crash-loop", initializing(&backing_off("Completed", 0), "Always"), vec![]),
        ("image-pull", initializing(&waiting("ErrImagePull"), "OnFailure"), vec![]),
        ("container-start", initializing(&waiting("CreateContainerConfigError"), "OnFailure"), vec![]),
        ("out-of-memory", initializing(&backing_off("OOMKilled", 137), "OnFailure"), vec![]),
    ]
}

fn none_list() -> Value {
    json!([])
}

fn live_pod(pod: &Value, events: &[Event]) -> LiveWebService {
    LiveWebService {
        pods: vec![serde_json::from_value(pod.clone()).unwrap()],
        events: events.to_vec(),
        ..LiveWebService::default()
    }
}

/// Returns the objects of a ReplicaSet that cannot create pods.
fn refused(message: &str) -> LiveWebService {
    let condition = json!({"type": "ReplicaFailure", "status": "True", "message": message});
    let owner = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "x", "uid": "d1"});
    let set = json!({"metadata": {"ownerReferences": [owner]}, "status": {"replicas": 0, "conditions": [condition]}});
    LiveWebService {
        deployment: serde_json::from_value(json!({"metadata": {"uid": "d1"}})).unwrap(),
        replica_sets: vec![serde_json::from_value(set).unwrap()],
        ..LiveWebService::default()
    }
}

/// Returns why a scheduled job does not run: an earlier run, of another image, cannot start.
fn run_of_a_former_definition() -> Vec<Evidence> {
    let labels = json!({
        "toolforge": "tool", "app.kubernetes.io/managed-by": "toolforge-jobs-framework",
        "app.kubernetes.io/created-by": "x", "app.kubernetes.io/component": "cronjobs",
        "app.kubernetes.io/name": "job",
    });
    let template = |image: &str| json!({"spec": {"containers": [{"name": "webservice", "image": image}]}});
    let owner =
        |kind: &str, uid: &str| json!([{"apiVersion": "batch/v1", "kind": kind, "name": "job", "uid": uid}]);
    let cron_jobs = vec![from_json(&json!({
        "metadata": {"name": "job", "uid": "c", "labels": labels},
        "spec": {"schedule": "0 * * * *", "concurrencyPolicy": "Forbid",
            "jobTemplate": {"spec": {"template": template("new")}}},
    }))];
    let jobs = vec![from_json(&json!({
        "metadata": {"name": "job-1", "uid": "j", "labels": labels, "ownerReferences": owner("CronJob", "c")},
        "spec": {"template": template("old")}, "status": {"active": 1},
    }))];
    let mut pod = pod(&json!({}), &waiting("ImagePullBackOff"), &none_list());
    pod["metadata"]["labels"] = labels.clone();
    pod["metadata"]["ownerReferences"] = owner("Job", "j");
    pod["status"]["phase"] = json!("Pending");
    let live = LiveJobs { cron_jobs, jobs, pods: vec![from_json(&pod)], ..LiveJobs::default() };
    let job = live.jobs_of(&"x".parse().unwrap()).remove(0);
    job_status(&job, &live, now()).evidence
}

fn from_json<T: serde::de::DeserializeOwned>(object: &Value) -> T {
    serde_json::from_value(object.clone()).unwrap()
}

#[test]
fn every_cause_has_an_object_that_shows_it() {
    let mut found = Vec::new();
    for (code, pod, events) in pods() {
        let evidence = web_service_causes(&live_pod(&pod, &events), now());
        assert_eq!(evidence.iter().map(|found| found.cause.code()).collect::<Vec<_>>(), [code], "{pod}");
        found.extend(evidence);
    }
    for (code, message) in [
        (
            "quota-exceeded",
            "pods \"p\" is forbidden: exceeded quota: q, requested: pods=1, used: pods=4, limited: pods=4",
        ),
        (
            "limit-range",
            "pods \"p\" is forbidden: maximum memory usage per Container is 4Gi, but limit is 5Gi",
        ),
        ("refused", "admission webhook \"w\" denied the request: no"),
        ("refused-for-now", "Internal error occurred: failed calling webhook \"w\": refused"),
    ] {
        let evidence = web_service_causes(&refused(message), now());
        assert_eq!(evidence.iter().map(|found| found.cause.code()).collect::<Vec<_>>(), [code]);
        found.extend(evidence);
    }
    let condition = json!({"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"});
    let late = json!({"metadata": {}, "status": {"conditions": [condition]}});
    let late =
        LiveWebService { deployment: serde_json::from_value(late).unwrap(), ..LiveWebService::default() };
    found.extend(web_service_causes(&late, now()));
    let paused = json!({"metadata": {}, "spec": {"paused": true, "selector": {}, "template": {}}});
    let paused =
        LiveWebService { deployment: serde_json::from_value(paused).unwrap(), ..LiveWebService::default() };
    found.extend(web_service_causes(&paused, now()));
    let recreated =
        json!({"metadata": {}, "spec": {"strategy": {"type": "Recreate"}, "selector": {}, "template": {}}});
    let old = json!({"metadata": {"name": "x-1", "deletionTimestamp": "2026-11-25T12:00:15Z"}});
    let terminating = LiveWebService {
        deployment: serde_json::from_value(recreated).unwrap(),
        pods: vec![serde_json::from_value(old).unwrap()],
        ..LiveWebService::default()
    };
    let evidence = web_service_causes(&terminating, now());
    assert_eq!(
        (evidence[0].object.to_string().as_str(), evidence[0].cause.to_string().as_str()),
        (
            "Pod x-1",
            "the old pod is terminating, until 12:00:15 UTC at the latest; the new one starts after it",
        )
    );
    found.extend(evidence);
    found.extend(run_of_a_former_definition());
    assert!(found.iter().all(|evidence| evidence.cause.code() == code(&evidence.cause)));
    let seen: BTreeSet<&str> = found.iter().map(|evidence| code(&evidence.cause)).collect();
    assert_eq!(seen, BTreeSet::from(CODES));
}

#[test]
fn message_is_the_response_to_the_probe() {
    for (code, pod, events) in pods() {
        let answer = events.last().and_then(|event| event.message.clone());
        if let (Some(answer), "health-check-fails" | "not-healthy") = (answer, code) {
            assert_eq!(web_service_causes(&live_pod(&pod, &events), now())[0].message.as_raw(), answer);
        }
    }
}

#[test]
fn finished_failures_are_not_causes() {
    let creating = pod(&json!({}), &waiting("ContainerCreating"), &none_list());
    let ended = |code: i32, minutes: u8| {
        json!({"state": {"terminated": {"reason": "Error", "exitCode": code,
            "startedAt": "2026-11-25T11:00:00Z", "finishedAt": format!("2026-11-25T11:{minutes:02}:00Z")}}})
    };
    let codes = |pod: &Value, events: &[Event]| {
        let found = web_service_causes(&live_pod(pod, events), now());
        found.iter().map(|found| found.cause.code()).collect::<Vec<_>>()
    };
    // The image is pulled after the volumes are mounted and the pod's network exists.
    for reason in ["FailedMount", "FailedCreatePodSandBox"] {
        assert_eq!(codes(&creating, &[kubelet(reason, 8), kubelet("Pulling", 9)]), [""; 0], "{reason}");
        assert_eq!(codes(&creating, &[kubelet(reason, 8), kubelet("Pulling", 7)]).len(), 1, "{reason}");
    }
    // A completed init container, and one whose last attempt failed.
    assert_eq!(codes(&initializing(&ended(0, 5), "OnFailure"), &[]), [""; 0]);
    assert_eq!(codes(&initializing(&ended(1, 5), "OnFailure"), &[]), ["init-crash-loop"]);
    // The kubelet no longer counts the restarts before a run of ten minutes.
    let main = |minutes| pod(&json!({}), &ended(1, minutes), &none_list());
    assert_eq!(codes(&main(9), &[]), ["crash-loop"]);
    assert_eq!(codes(&main(10), &[]), [""; 0]);
    assert_eq!(codes(&main(59), &[]), [""; 0]);
}

#[test]
fn events_of_other_containers_are_not_causes() {
    let http = json!({"livenessProbe": {"httpGet": {"path": "/healthz", "port": 8000}}});
    let crashing = pod(&http, &backing_off("Error", 1), &none_list());
    let killed = |container: &str| {
        let mut event = kubelet("Killing", 9);
        event.message = Some(format!("Container {container} failed liveness probe, will be restarted"));
        event.involved_object.field_path = Some(format!("spec.containers{{{container}}}"));
        let found = web_service_causes(&live_pod(&crashing, &[event]), now());
        found[0].cause.code()
    };
    assert_eq!((killed("webservice"), killed("sidecar")), ("health-check-fails", "crash-loop"));
}
