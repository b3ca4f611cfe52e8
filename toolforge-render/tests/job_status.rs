//! The status of jobs.

#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};
use toolforge_model::ToolName;
use toolforge_render::job::{JobStatus, LiveJobs, job_status};

const NOW: &str = "2026-11-25T12:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn labels(component: &str) -> Value {
    json!({
        "toolforge": "tool",
        "app.kubernetes.io/managed-by": "toolforge-jobs-framework",
        "app.kubernetes.io/created-by": "x",
        "app.kubernetes.io/component": component,
        "app.kubernetes.io/name": "job",
        "app.kubernetes.io/version": "2",
    })
}

/// Returns a pod of the object with the uid `owner`, created at a minute past eleven.
fn pod(
    name: &str,
    owner: &str,
    minute: u8,
    phase: &str,
    state: &Value,
    last: &Value,
    restarts: u32,
) -> Value {
    let moment = format!("2026-11-25T11:{minute:02}:00Z");
    json!({
        "metadata": {
            "name": name, "uid": name, "labels": labels("jobs"), "creationTimestamp": moment,
            "ownerReferences": [{"apiVersion": "x", "kind": "x", "name": "x", "uid": owner}],
        },
        "spec": {"containers": [{"name": "job", "livenessProbe": {"exec": {"command": ["./check"]}}}]},
        "status": {"phase": phase, "startTime": moment, "containerStatuses": [{
            "name": "job", "image": "i", "imageID": "", "ready": phase == "Running", "restartCount": restarts,
            "state": state, "lastState": last, "containerID": name,
        }]},
    })
}

fn running() -> Value {
    json!({"running": {"startedAt": "2026-11-25T11:30:00Z"}})
}

fn ended(code: i32, reason: &str) -> Value {
    json!({"terminated": {
        "exitCode": code, "reason": reason, "containerID": "c", "finishedAt": "2026-11-25T11:40:00Z",
    }})
}

fn event(uid: &str, reason: &str, minute: u8, message: &str) -> Value {
    json!({
        "metadata": {"name": format!("{uid}-{minute}")},
        "involvedObject": {"kind": "Job", "name": "job", "uid": uid},
        "reason": reason, "message": message, "lastTimestamp": format!("2026-11-25T11:{minute:02}:00Z"),
    })
}

/// The objects of a namespace.
#[derive(Default)]
struct Cluster {
    deployments: Vec<Value>,
    cron_jobs: Vec<Value>,
    jobs: Vec<Value>,
    pods: Vec<Value>,
    events: Vec<Value>,
}

impl Cluster {
    fn status(self) -> JobStatus {
        fn read<T: serde::de::DeserializeOwned>(values: Vec<Value>) -> Vec<T> {
            values.into_iter().map(|value| serde_json::from_value(value).unwrap()).collect()
        }
        let mut live = LiveJobs::default();
        live.deployments = read(self.deployments);
        live.cron_jobs = read(self.cron_jobs);
        live.jobs = read(self.jobs);
        live.pods = read(self.pods);
        live.events = read(self.events);
        let tool: ToolName = "x".parse().unwrap();
        let jobs = live.jobs_of(&tool);
        assert_eq!(jobs.len(), 1);
        job_status(&jobs[0], &live, at(NOW))
    }

    /// Returns the state, the code of the first cause, and the last termination.
    fn shown(self) -> String {
        let status = self.status();
        let cause = status.evidence.first().map(|evidence| format!(" ({})", evidence.cause.code()));
        let end = status.last_termination.map(|end| format!(", {end}")).unwrap_or_default();
        format!("{}{}{end}", status.state.as_str(), cause.unwrap_or_default())
    }
}

fn one_off(retry: u32, status: &Value) -> Value {
    json!({
        "metadata": {"name": "job", "uid": "run", "labels": labels("jobs"), "creationTimestamp": "2026-11-25T11:00:00Z"},
        "spec": {"backoffLimit": retry, "template": {"spec": {"containers": [{"name": "job"}]}}},
        "status": status,
    })
}

fn run_with(retry: u32, status: &Value, pods: Vec<Value>, events: Vec<Value>) -> String {
    Cluster { jobs: vec![one_off(retry, status)], pods, events, ..Cluster::default() }.shown()
}

const QUOTA: &str =
    "pods \"job\" is forbidden: exceeded quota: tool-x, requested: pods=1, used: pods=4, limited: pods=4";

#[test]
fn run_status_comes_from_the_newest_pod() {
    let none = json!({});
    let failed = |minute, code, reason| {
        pod(&format!("p{minute}"), "run", minute, "Failed", &ended(code, reason), &json!({}), 0)
    };
    let up = pod("up", "run", 50, "Running", &running(), &none, 0);
    let succeeded = pod("done", "run", 50, "Succeeded", &ended(0, "Completed"), &none, 0);
    let quota = |minute| event("run", "FailedCreate", minute, QUOTA);
    let tried = json!({"failed": 1});
    for (shown, expected) in [
        (run_with(0, &none, vec![up.clone()], vec![]), "running"),
        // A current retry is not a failure.
        (
            run_with(3, &tried, vec![failed(10, 1, "Error"), up], vec![]),
            "running, terminated with exit code 1",
        ),
        (run_with(3, &tried, vec![failed(10, 1, "Error")], vec![]), "retrying, terminated with exit code 1"),
        (run_with(0, &tried, vec![failed(10, 1, "Error")], vec![]), "failed, terminated with exit code 1"),
        // The same code with two causes.
        (
            run_with(0, &tried, vec![failed(10, 137, "OOMKilled")], vec![]),
            "failed, killed for using more memory than its limit",
        ),
        (run_with(0, &tried, vec![failed(10, 137, "Error")], vec![]), "failed, terminated by signal 9"),
        // No pod can be created: a pending pod is another case, and so is a quota that has been freed.
        (run_with(0, &none, vec![], vec![quota(30)]), "blocked (quota-exceeded)"),
        (run_with(0, &none, vec![], vec![]), "starting"),
        (
            run_with(3, &tried, vec![failed(10, 1, "Error")], vec![quota(5)]),
            "retrying, terminated with exit code 1",
        ),
        (
            run_with(3, &tried, vec![failed(10, 1, "Error")], vec![quota(30)]),
            "blocked (quota-exceeded), terminated with exit code 1",
        ),
        (
            run_with(
                0,
                &none,
                vec![],
                vec![event("run", "FailedCreate", 30, "failed calling webhook \"x\": connection refused")],
            ),
            "starting (refused-for-now)",
        ),
        // The controller updates the Job a moment after the pod has terminated.
        (
            run_with(3, &tried, vec![failed(10, 1, "Error"), succeeded], vec![quota(5)]),
            "succeeded, terminated with exit code 0",
        ),
        (
            run_with(
                0,
                &json!({"conditions": [{"type": "Failed", "status": "True", "reason": "DeadlineExceeded"}]}),
                vec![],
                vec![],
            ),
            "failed",
        ),
    ] {
        assert_eq!(shown, expected);
    }
}

fn continuous(replicas: u32, status: Value, pods: Vec<Value>, events: Vec<Value>) -> String {
    let mut status = status;
    status["observedGeneration"] = json!(1);
    let deployment = json!({
        "metadata": {
            "name": "job", "uid": "d", "generation": 1, "labels": labels("deployments"),
            "creationTimestamp": "2026-11-25T11:00:00Z",
        },
        "spec": {"replicas": replicas, "selector": {}, "template": {"spec": {"containers": [{"name": "job"}]}}},
        "status": status,
    });
    Cluster { deployments: vec![deployment], pods, events, ..Cluster::default() }.shown()
}

#[test]
fn continuous_status_ignores_failed_pods() {
    let none = json!({});
    let all =
        |replicas: u32| json!({"replicas": replicas, "updatedReplicas": replicas, "readyReplicas": replicas});
    let up = || pod("up", "d", 30, "Running", &running(), &json!({}), 0);
    let back_off = json!({"waiting": {"reason": "CrashLoopBackOff"}});
    let crashing = |code, reason| {
        let mut crashing = pod("bad", "d", 30, "Running", &back_off, &ended(code, reason), 4);
        crashing["status"]["containerStatuses"][0]["ready"] = json!(false);
        crashing
    };
    let down = || json!({"replicas": 1, "updatedReplicas": 1});
    let unhealthy = event("bad", "Unhealthy", 41, "Liveness probe failed: connection refused");
    for (shown, expected) in [
        (continuous(1, all(1), vec![up()], vec![]), "running"),
        (
            continuous(1, down(), vec![crashing(3, "Error")], vec![]),
            "failing (crash-loop), terminated with exit code 3",
        ),
        (
            continuous(1, down(), vec![crashing(137, "OOMKilled")], vec![]),
            "failing (out-of-memory), killed for using more memory than its limit",
        ),
        (
            continuous(1, down(), vec![crashing(137, "Error")], vec![unhealthy]),
            "failing (health-check-fails), terminated by signal 9",
        ),
        // An evicted pod exists alongside the running one.
        (
            continuous(
                1,
                all(1),
                vec![up(), pod("old", "d", 10, "Failed", &ended(137, "Error"), &none, 3)],
                vec![],
            ),
            "running",
        ),
        // A rollout is none of these.
        (
            continuous(
                2,
                json!({"replicas": 3, "updatedReplicas": 2, "readyReplicas": 2}),
                vec![up()],
                vec![],
            ),
            "updating",
        ),
        (
            continuous(
                2,
                json!({"replicas": 2, "updatedReplicas": 2, "readyReplicas": 1}),
                vec![up()],
                vec![],
            ),
            "degraded",
        ),
        (continuous(0, json!({}), vec![], vec![]), "scaled-to-zero"),
        (
            continuous(
                1,
                json!({"conditions": [{"type": "ReplicaFailure", "status": "True", "message": QUOTA}]}),
                vec![],
                vec![],
            ),
            "blocked (quota-exceeded)",
        ),
    ] {
        assert_eq!(shown, expected);
    }
}

#[test]
fn crash_loop_has_failed_since_its_first_pause() {
    let back_off = json!({"waiting": {"reason": "CrashLoopBackOff"}});
    let mut crashing = pod("bad", "d", 30, "Running", &back_off, &ended(1, "Error"), 4);
    crashing["status"]["containerStatuses"][0]["ready"] = json!(false);
    let deployment = json!({
        "metadata": {"name": "job", "uid": "d", "generation": 1, "labels": labels("deployments"),
            "creationTimestamp": "2026-11-25T11:00:00Z"},
        "spec": {"replicas": 1, "selector": {}, "template": {"spec": {"containers": [{"name": "job"}]}}},
        "status": {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1},
    });
    let status = |events: Vec<Value>| {
        let pods = vec![crashing.clone()];
        Cluster { deployments: vec![deployment.clone()], pods, events, ..Cluster::default() }.status()
    };
    let mut pause = event("bad", "BackOff", 55, "Back-off restarting failed container job in pod bad");
    pause["firstTimestamp"] = json!("2026-11-25T11:31:00Z");
    assert_eq!(status(vec![pause]).since, Some(at("2026-11-25T11:31:00Z")));
    // Without the event, since the last termination.
    assert_eq!(status(vec![]).since, Some(at("2026-11-25T11:40:00Z")));
}

/// Returns the status of a job whose Deployment is weeks old, with pods of the template hashes and creation minutes.
fn old_job(status: Value, pods: &[(&str, u8, Value)]) -> JobStatus {
    let mut status = status;
    status["observedGeneration"] = json!(1);
    let deployment = json!({
        "metadata": {"name": "job", "uid": "d", "generation": 1, "labels": labels("deployments"),
            "creationTimestamp": "2026-10-01T00:00:00Z"},
        "spec": {"replicas": 1, "selector": {}, "template": {"spec": {"containers": [{"name": "job"}]}}},
        "status": status,
    });
    let pods = pods.iter().map(|(hash, minute, container)| {
        let mut pod = pod(hash, "d", *minute, "Running", &json!({}), &json!({}), 0);
        pod["metadata"]["labels"]["pod-template-hash"] = json!(hash);
        for (key, value) in container.as_object().unwrap() {
            pod["status"]["containerStatuses"][0][key] = value.clone();
        }
        pod["spec"]["containers"][0]["image"] = container["image"].clone();
        pod
    });
    let pods = pods.collect();
    Cluster { deployments: vec![deployment], pods, ..Cluster::default() }.status()
}

fn crashing() -> Value {
    let back_off = json!({"waiting": {"reason": "CrashLoopBackOff"}});
    json!({"state": back_off, "lastState": ended(3, "Error"), "restartCount": 9, "ready": false})
}

#[test]
fn pods_of_old_revisions_are_not_causes() {
    let up = json!({"state": running(), "ready": false});
    let rolling = json!({"replicas": 2, "updatedReplicas": 1, "unavailableReplicas": 2});
    let shown = |status: JobStatus| {
        let code = status.evidence.first().map_or("", |evidence| evidence.cause.code());
        (status.state.as_str(), code, status.restarts, status.last_termination.is_some())
    };
    let pods = [("old", 10, crashing()), ("new", 50, up.clone())];
    assert_eq!(shown(old_job(rolling.clone(), &pods)), ("starting", "", 0, false));
    let pods = [("old", 10, up.clone()), ("new", 50, crashing())];
    assert_eq!(shown(old_job(rolling, &pods)), ("failing", "crash-loop", 9, true));
    // A pod of the previous revision is newer, because it replaces one that a node lost.
    let replaced = json!({"state": running(), "ready": true, "image": "former"});
    let stuck = json!({"replicas": 2, "updatedReplicas": 1, "readyReplicas": 1});
    let pods = [("new", 10, crashing()), ("old", 50, replaced)];
    assert_eq!(shown(old_job(stuck, &pods)), ("degraded", "crash-loop", 9, true));
    // No pod of the new revision can be created.
    let refused = json!([{"type": "ReplicaFailure", "status": "True", "message": QUOTA}]);
    let status = json!({"replicas": 1, "conditions": refused});
    assert_eq!(shown(old_job(status, &[("old", 10, crashing())])), ("blocked", "quota-exceeded", 0, false));
}

#[test]
fn age_is_not_that_of_the_deployment() {
    let refused = json!([{
        "type": "ReplicaFailure", "status": "True", "message": QUOTA, "lastTransitionTime": "2026-11-25T11:45:00Z",
    }]);
    let blocked = old_job(json!({"conditions": refused}), &[]);
    assert_eq!((blocked.state.as_str(), blocked.since), ("blocked", Some(at("2026-11-25T11:45:00Z"))));
    let one = json!({"replicas": 1, "updatedReplicas": 1});
    let starting = old_job(one, &[("new", 48, json!({"ready": false}))]);
    assert_eq!((starting.state.as_str(), starting.since), ("starting", Some(at("2026-11-25T11:48:00Z"))));
}

#[test]
fn old_pod_terminates_since_it_was_deleted() {
    let mut old = pod("old", "d", 10, "Running", &running(), &json!({}), 0);
    old["metadata"]["deletionTimestamp"] = json!("2026-11-25T11:59:30Z");
    old["metadata"]["deletionGracePeriodSeconds"] = json!(30);
    let deployment = json!({
        "metadata": {"name": "job", "uid": "d", "labels": labels("deployments"), "creationTimestamp": "2026-10-01T00:00:00Z"},
        "spec": {"selector": {}, "strategy": {"type": "Recreate"}, "template": {"spec": {"containers": [{"name": "job"}]}}},
        "status": {},
    });
    let status = Cluster { deployments: vec![deployment], pods: vec![old], ..Cluster::default() }.status();
    assert_eq!(status.evidence[0].cause.code(), "terminating");
    assert_eq!(status.since, Some(at("2026-11-25T11:59:00Z")));
}

#[test]
fn one_of_several_containers_may_complete_after_a_retry() {
    let mut pod = pod("p", "run", 30, "Running", &ended(0, "Completed"), &ended(1, "Error"), 1);
    pod["spec"]["restartPolicy"] = json!("OnFailure");
    pod["spec"]["containers"].as_array_mut().unwrap().push(json!({"name": "other"}));
    let statuses = pod["status"]["containerStatuses"].as_array_mut().unwrap();
    statuses[0]["ready"] = json!(false);
    let mut other = statuses[0].clone();
    for (key, value) in [("name", json!("other")), ("state", running()), ("ready", json!(true))] {
        other[key] = value;
    }
    statuses.push(other);
    let shown = run_with(6, &json!({"active": 1}), vec![pod], vec![]);
    assert!(shown.starts_with("running"), "{shown}");
}

#[test]
fn pod_whose_init_container_started_has_its_network() {
    let waiting = json!({"waiting": {"reason": "PodInitializing"}});
    let mut pod = pod("p", "run", 30, "Pending", &waiting, &json!({}), 0);
    pod["spec"]["initContainers"] = json!([{"name": "setup"}]);
    let failed = event("p", "FailedCreatePodSandBox", 31, "no network");
    let mut started = event("p", "Started", 35, "Started container setup");
    started["involvedObject"]["fieldPath"] = json!("spec.initContainers{setup}");
    let active = json!({"active": 1});
    let shown = |events: Vec<Value>| run_with(6, &active, vec![pod.clone()], events);
    assert!(shown(vec![failed.clone()]).contains("pod-sandbox"));
    assert!(!shown(vec![failed, started]).contains("pod-sandbox"));
}

#[test]
fn run_that_is_restarted_in_its_pod_fails() {
    let back_off = json!({"waiting": {"reason": "CrashLoopBackOff"}});
    let mut crashing = pod("p", "run", 30, "Running", &back_off, &ended(127, "Error"), 6);
    crashing["status"]["containerStatuses"][0]["ready"] = json!(false);
    let active = json!({"active": 1});
    assert_eq!(
        run_with(6, &active, vec![crashing.clone()], vec![]),
        "failing (crash-loop), terminated with exit code 127"
    );
    // Another pod of the same run works.
    let up = pod("up", "run", 20, "Running", &running(), &json!({}), 0);
    assert!(run_with(6, &active, vec![crashing, up], vec![]).starts_with("running"));
}

fn scheduled(spec: &Value, status: &Value, runs: Vec<Value>, events: Vec<Value>) -> JobStatus {
    let mut cron_job = json!({
        "metadata": {
            "name": "job", "uid": "c", "labels": labels("cronjobs"), "creationTimestamp": "2026-11-25T10:00:00Z",
        },
        "spec": {"schedule": "0 * * * *", "jobTemplate": {"spec": {"template": {"spec": {"containers": [{"name": "job"}]}}}}},
        "status": status,
    });
    for (key, value) in spec.as_object().unwrap() {
        cron_job[if key == "managedFields" { "metadata" } else { "spec" }][key] = value.clone();
    }
    Cluster { cron_jobs: vec![cron_job], jobs: runs, events, ..Cluster::default() }.status()
}

#[test]
fn missed_runs_are_counted_with_reason() {
    let last =
        json!({"lastScheduleTime": "2026-11-25T10:00:00Z", "lastSuccessfulTime": "2026-11-25T10:01:00Z"});
    let missed = |spec: &Value, status: &Value, runs: Vec<Value>, events: Vec<Value>| {
        let status = scheduled(spec, status, runs, events);
        status.missed.map(|missed| format!("{} {} {}", missed.count, missed.last, missed.reason.short()))
    };
    let none = json!({});
    let every_ten = json!({"schedule": "*/10 * * * *"});
    let under_way = |controller: bool| {
        let mut run = one_off(0, &json!({"active": 1}));
        run["metadata"]["labels"] = labels("cronjobs");
        run["metadata"]["creationTimestamp"] = json!("2026-11-25T10:00:00Z");
        run["metadata"]["ownerReferences"] = json!([{"apiVersion": "batch/v1", "kind": "CronJob", "name": "job", "uid": "c", "controller": controller}]);
        run
    };
    let resumed = json!({"schedule": "*/10 * * * *", "managedFields": [{"time": "2026-11-25T11:45:00Z"}]});
    for (found, expected) in [
        (missed(&none, &json!({"lastScheduleTime": "2026-11-25T11:00:00Z"}), vec![], vec![]), None),
        (missed(&every_ten, &last, vec![], vec![]), Some("11 2026-11-25T11:50:00Z the reason is unknown")),
        // Before that the schedule was another one, or suspended.
        (missed(&resumed, &last, vec![], vec![]), Some("1 2026-11-25T11:50:00Z the reason is unknown")),
        (missed(&json!({"suspend": true, "schedule": "*/10 * * * *"}), &last, vec![], vec![]), None),
        (
            missed(&every_ten, &last, vec![under_way(true)], vec![]),
            Some("11 2026-11-25T11:50:00Z an earlier run was still running"),
        ),
        // A manual run does not prevent a run of the schedule.
        (
            missed(&every_ten, &last, vec![under_way(false)], vec![]),
            Some("11 2026-11-25T11:50:00Z the reason is unknown"),
        ),
        (
            missed(&every_ten, &last, vec![], vec![event("c", "FailedCreate", 50, QUOTA)]),
            Some("11 2026-11-25T11:50:00Z the quota was reached"),
        ),
        (
            missed(
                &every_ten,
                &last,
                vec![],
                vec![event(
                    "c",
                    "JobAlreadyActive",
                    50,
                    "Not starting job because prior execution is running",
                )],
            ),
            Some("11 2026-11-25T11:50:00Z an earlier run was still running"),
        ),
    ] {
        assert_eq!(found.as_deref(), expected);
    }
    let suspended = scheduled(&json!({"suspend": true}), &last, vec![], vec![]);
    assert_eq!((suspended.state.as_str(), suspended.next_run), ("suspended", None));
    assert_eq!(scheduled(&none, &last, vec![], vec![]).next_run, Some(at("2026-11-25T13:00:00Z")));
}

#[test]
fn run_of_previous_definition_is_a_cause() {
    let status = |image: &str, policy: &str, newer: Option<Value>| {
        let mut run = one_off(0, &json!({"active": 1}));
        run["metadata"]["labels"] = labels("cronjobs");
        run["metadata"]["ownerReferences"] =
            json!([{"apiVersion": "batch/v1", "kind": "CronJob", "name": "job", "uid": "c"}]);
        run["spec"]["template"]["spec"]["containers"][0]["image"] = json!(image);
        let cron_job = json!({
            "metadata": {"name": "job", "uid": "c", "labels": labels("cronjobs")},
            "spec": {"schedule": "0 * * * *", "concurrencyPolicy": policy, "jobTemplate": {"spec": {"template": {"spec": {
                "containers": [{"name": "job", "image": "present"}],
            }}}}},
        });
        let waiting = json!({"waiting": {"reason": "ImagePullBackOff"}});
        let pods = vec![pod("p", "run", 30, "Pending", &waiting, &json!({}), 0)];
        let newer = newer.map(|status| {
            let mut newer = run.clone();
            newer["metadata"]["name"] = json!("newer");
            newer["metadata"]["uid"] = json!("newer");
            newer["metadata"]["creationTimestamp"] = json!("2026-11-25T11:59:50Z");
            newer["status"] = status;
            newer
        });
        let jobs = [run].into_iter().chain(newer).collect();
        let status = Cluster { cron_jobs: vec![cron_job], jobs, pods, ..Cluster::default() }.status();
        let codes = status.evidence.iter().map(|evidence| evidence.cause.code()).collect::<Vec<_>>();
        format!("{} {}", status.state.as_str(), codes.join(" "))
    };
    assert_eq!(status("former", "Forbid", None), "failing former-definition image-pull");
    assert_eq!(status("present", "Forbid", None), "failing image-pull");
    // The next run does not wait for it.
    assert_eq!(status("former", "Allow", None), "failing image-pull");
    let done = json!({"conditions": [{"type": "Complete", "status": "True"}], "succeeded": 1});
    assert_eq!(status("former", "Allow", Some(done)), "waiting ");
}
