//! The numbers of a request for more quota, from the real program, without a cluster.
#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

use std::io::Write as _;
use std::process::{Command, Stdio};

use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

/// Returns the numbers that are requested, with a file of the cluster's objects and the files to apply on standard input.
fn requested(line: &str, live: &[Value], input: &str) -> String {
    let request = request(line, live, input);
    let (_, text) = request.split_once("## Requested\n\n").unwrap();
    text.split("\n\nFor the platform's admins").next().unwrap().to_owned()
}

fn request(line: &str, live: &[Value], input: &str) -> String {
    let name = format!("quota-check-request-{}-{:?}.json", std::process::id(), std::thread::current().id());
    let file = std::env::temp_dir().join(name);
    std::fs::write(&file, json!({"apiVersion": "v1", "kind": "List", "items": live}).to_string()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_quota-check"));
    command.env_clear().env("HOME", "/nonexistent").args(["--tool", "x"]).args(line.split_whitespace());
    if !live.is_empty() {
        command.arg("--from").arg(&file);
    }
    let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pipes.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A program without a file does not read standard input.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    std::fs::remove_file(&file).unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    String::from_utf8(output.stdout).unwrap()
}

fn quota(hard: &Value, used: &Value) -> Value {
    let metadata = json!({"name": "tool-x", "namespace": "tool-x"});
    json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "status": {"hard": hard, "used": used}})
}

/// A Deployment of three pods of 1Gi without any, and the refusal of one of them.
fn blocked_deployment(name: &str) -> [Value; 2] {
    let labels = json!({"app": name});
    let container = json!({"name": "a", "image": "x", "resources": {"limits": {"memory": "1Gi"}, "requests": {"memory": "1Gi"}}});
    let template = json!({"metadata": {"labels": labels}, "spec": {"containers": [container]}});
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "tool-x", "uid": name},
        "spec": {"replicas": 3, "selector": {"matchLabels": labels}, "template": template},
        "status": {"observedGeneration": 1, "unavailableReplicas": 3},
    });
    [deployment, refusal("ReplicaSet", &format!("{name}-1"))]
}

fn refusal(kind: &str, name: &str) -> Value {
    refusal_at(kind, name, Timestamp::now())
}

fn refusal_at(kind: &str, name: &str, time: Timestamp) -> Value {
    let now = time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let message = format!(
        "Error creating: pods \"{name}-x\" is forbidden: exceeded quota: tool-x, requested: pods=1, used: pods=4, limited: \
         pods=4"
    );
    json!({
        "apiVersion": "v1", "kind": "Event", "metadata": {"name": format!("{name}.1"), "namespace": "tool-x"},
        "involvedObject": {"kind": kind, "name": name, "namespace": "tool-x"}, "reason": "FailedCreate",
        "message": message, "count": 3, "firstTimestamp": now, "lastTimestamp": now,
    })
}

/// Two blocked Deployments that need three pods each, in addition to four pods.
fn two_blocked() -> Vec<Value> {
    let hard = json!({"pods": "4", "limits.memory": "8Gi"});
    let quota = quota(&hard, &json!({"pods": "4", "limits.memory": "3Gi"}));
    [vec![quota], blocked_deployment("a").to_vec(), blocked_deployment("b").to_vec()].concat()
}

const SMALLEST: &str = "The smallest limits that admit everything below:\n\n";

fn manifest(name: &str, replicas: u64) -> String {
    format!(
        "{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: {name}}}, spec: {{replicas: {replicas}, selector: \
         {{matchLabels: {{app: {name}}}}}, template: {{metadata: {{labels: {{app: {name}}}}}, spec: {{containers: [{{name: a, \
         image: i, resources: {{limits: {{memory: 1Gi}}}}}}]}}}}}}}}"
    )
}

#[test]
fn missing_pods_of_all_blocked_objects_are_summed() {
    assert_eq!(
        requested("request", &two_blocked(), ""),
        format!("{SMALLEST}- pods: 10\n- limits.memory: 9Gi")
    );
}

#[test]
fn blocked_objects_are_shown_without_pods() {
    let text = request("", &two_blocked(), "");
    assert!(text.contains("\nblocked now:\n  ReplicaSet ") && text.contains("exceeded quota"), "{text}");
    let json: Value = serde_json::from_str(&request("--output json", &two_blocked(), "")).unwrap();
    assert_eq!((&json["blocked"][0]["current"], &json["workloads"]), (&true.into(), &Value::Null), "{json}");
}

#[test]
fn plan_is_added_to_what_is_blocked() {
    let numbers = requested("request -", &two_blocked(), &manifest("c", 2));
    assert_eq!(numbers, format!("{SMALLEST}- pods: 12\n- limits.memory: 11Gi"));
    // All pods of a changed Deployment belong to the plan. A file without pods does not show which ones are missing.
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "other", "namespace": "tool-x"},
        "spec": {"containers": [{"name": "a", "image": "i"}]}, "status": {"phase": "Running"},
    });
    let numbers = requested("request -", &[two_blocked(), vec![pod]].concat(), &manifest("b", 2));
    assert!(numbers.starts_with(&format!("{SMALLEST}- pods: 9")), "{numbers}");
}

#[test]
fn missing_pods_of_sets_are_counted_by_their_status() {
    let hard = json!({"pods": "1"});
    for kind in ["StatefulSet", "ReplicaSet"] {
        let set = json!({
            "apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "s", "namespace": "tool-x"},
            "spec": {"replicas": 3, "template": {"spec": {"containers": [{"name": "a", "image": "i"}]}}},
            "status": {"replicas": 1},
        });
        let numbers = requested("request", &[quota(&hard, &hard), set, refusal(kind, "s")], "");
        assert_eq!(numbers, format!("{SMALLEST}- pods: 3"), "{kind}");
    }
}

#[test]
fn reports_unknown_number_of_missing_pods() {
    let hard = json!({"pods": "4"});
    let live = [quota(&hard, &hard), refusal("StatefulSet", "a"), refusal("StatefulSet", "b")];
    let numbers = requested("request", &live, "");
    assert!(numbers.starts_with("At least these limits are needed."), "{numbers}");
    assert!(
        numbers.contains("of StatefulSet a, StatefulSet b is not known, so")
            && numbers.ends_with("- pods: 6"),
        "{numbers}"
    );
}

/// A pod of 1Gi that terminates.
fn terminating_pod(name: &str) -> Value {
    let container = json!({"name": "a", "image": "x", "resources": {"limits": {"memory": "1Gi"}}});
    json!({
        "apiVersion": "v1", "kind": "Pod", "spec": {"containers": [container]}, "status": {"phase": "Running"},
        "metadata": {"name": name, "namespace": "tool-x", "deletionTimestamp": "2999-01-01T00:00:00Z", "deletionGracePeriodSeconds": 30},
    })
}

#[test]
fn terminating_pods_are_not_requested() {
    let blocked = || [two_blocked(), vec![terminating_pod("old-1"), terminating_pod("old-2")]].concat();
    assert_eq!(requested("request", &blocked(), ""), format!("{SMALLEST}- pods: 8"));
    let text = request("request", &blocked(), "");
    assert!(text.contains("not counted for the request: Pod old-1, Pod old-2.\n"), "{text}");
    // The plan is added to the existing workloads.
    let numbers = requested("request -", &blocked(), &manifest("c", 2));
    assert_eq!(numbers, format!("{SMALLEST}- pods: 10\n- limits.memory: 9Gi"));
}

#[test]
fn waiting_for_terminating_pods_needs_no_quota() {
    let quota = quota(&json!({"pods": "4"}), &json!({"pods": "4"}));
    let mut live = vec![quota];
    live.extend(blocked_deployment("a"));
    live.extend(["x", "y", "z"].map(terminating_pod));
    let numbers = requested("request", &live, "");
    assert!(
        numbers.starts_with(
            "No larger quota is needed: what is blocked fits once the terminating pods are gone.\n"
        ),
        "{numbers}"
    );
}

#[test]
fn refused_surge_is_one_pod() {
    let hard = json!({"pods": "4"});
    let mut live = vec![quota(&hard, &hard)];
    live.extend(blocked_deployment("a"));
    live[1]["status"] = json!({
        "replicas": 3, "updatedReplicas": 0, "readyReplicas": 3, "availableReplicas": 3,
        "conditions": [{"type": "ReplicaFailure", "status": "True"}],
    });
    let pod = |name: &str| {
        let container = json!({"name": "a", "image": "x", "resources": {"limits": {"memory": "1Gi"}}});
        let metadata = json!({"name": name, "namespace": "tool-x", "labels": {"app": "a"}});
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container]}, "status": {"phase": "Running"}})
    };
    live.extend(["a-1", "a-2", "a-3"].map(pod));
    assert_eq!(requested("request", &live, ""), format!("{SMALLEST}- pods: 5"));
    // All pods exist, and none is refused anymore.
    live[1]["status"] =
        json!({"observedGeneration": 1, "replicas": 3, "updatedReplicas": 3, "unavailableReplicas": 1});
    let text = request("request", &live, "");
    assert!(text.contains("The quota blocks nothing,"), "{text}");
    assert!(
        text.contains("## Blocked\n\nNothing is blocked now.\n\n## Refused within the last hour\n\n| object"),
        "{text}"
    );
}

#[test]
fn past_refusals_are_not_listed_as_blocked() {
    let hard = json!({"pods": "4"});
    let past = Timestamp::now() - k8s_openapi::jiff::SignedDuration::from_mins(40);
    let live = [quota(&hard, &hard), refusal("StatefulSet", "new"), refusal_at("StatefulSet", "old", past)];
    let text = request("request", &live, "");
    let (_, text) = text.split_once("## Blocked\n\n").unwrap();
    let (now, past) = text.split_once("\n## Refused within the last hour\n\n").unwrap();
    assert!(now.contains("| StatefulSet new |") && !now.contains("old"), "{now}");
    assert!(past.contains("| StatefulSet old |") && !past.contains("new"), "{past}");
}

#[test]
fn runs_that_wait_for_each_other_are_requested_once() {
    let job = |name: &str| {
        format!(
            "---\n{{apiVersion: batch/v1, kind: Job, metadata: {{name: {name}}}, spec: {{backoffLimit: 0, template: {{spec: \
             {{restartPolicy: Never, containers: [{{name: a, image: x, resources: {{limits: {{memory: 1Gi}}}}}}]}}}}}}}}\n"
        )
    };
    let both = [format!("---\n{}\n", manifest("bot", 9)), job("a"), job("b"), job("c")].concat();
    let numbers = requested("--quota toolforge-2023 request -", &[], &both);
    // Nine pods of the Deployment and one run, each of 1Gi.
    assert!(numbers.contains("- limits.memory: 10Gi"), "{numbers}");
    let run_after_run =
        request("--quota toolforge-2023 request -", &[], &[job("a"), job("b"), job("c")].concat());
    assert!(run_after_run.contains("nothing that was checked needs more"), "{run_after_run}");
}

#[test]
fn run_that_never_fits_is_requested() {
    let run = "{apiVersion: batch/v1, kind: CronJob, metadata: {name: big}, spec: {schedule: '@daily', jobTemplate: {spec: \
               {activeDeadlineSeconds: 60, parallelism: 12, completions: 12, template: {spec: {containers: [{name: a, image: x, resources: {limits: \
               {memory: 1Gi}}}]}}}}}}";
    let numbers = requested("--quota toolforge-2023 request -", &[], run);
    assert!(numbers.starts_with(SMALLEST), "{numbers}");
    assert!(numbers.contains("- pods: 12\n") && numbers.contains("- limits.memory: 12Gi"), "{numbers}");
    let request = request("--quota toolforge-2023 request -", &[], run);
    assert!(request.contains("a run of CronJob big never fits: pods: 12 of 10"), "{request}");
    assert!(request.contains("- big alone, "), "{request}");
}

#[test]
fn request_has_kills_and_no_secrets() {
    let container = json!({
        "name": "main", "image": "x", "env": [{"name": "PASSWORD", "value": "hunter2"}],
        "command": ["sh", "-c", "curl -u me:hunter2 x"],
        "resources": {"limits": {"memory": "512Mi"}},
    });
    let status = json!({"phase": "Running", "containerStatuses": [{
        "name": "main", "image": "", "imageID": "", "ready": true, "restartCount": 3,
        "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled", "finishedAt": "2026-11-29T11:00:00Z",
            "message": "hunter2"}},
    }]});
    let annotations =
        json!({"kubectl.kubernetes.io/last-applied-configuration": "hunter2", "note": "hunter2"});
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "bot-1", "namespace": "tool-x", "annotations": annotations},
        "spec": {"containers": [container]}, "status": status,
    });
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "tool-x"},
        "stringData": {"password": "hunter2"}, "data": {"password": "aHVudGVyMg=="},
    });
    let input = "apiVersion: v1\nkind: Secret\nmetadata: {name: t}\nstringData: {password: hunter2}\n---\n\
                 - {name: job, command: ./x hunter2, image: bookworm, env: {PASSWORD: hunter2}}\n";
    let text = request("--quota toolforge-2023 request -", &[pod, secret], input);
    assert!(!text.contains("hunter2") && !text.contains("aHVudGVyMg"), "{text}");
    assert!(text.contains("| the pod bot-1 | 512Mi | 2026-11-29 11:00 UTC | 3 |"), "{text}");
}

#[test]
fn runs_at_the_same_time_are_requested() {
    let hour = toolforge_fixtures::hours_from_now(2);
    let job = |name: &str, minute: u64| {
        format!(
            "- {{name: {name}, command: x, image: bookworm, mem: 3Gi, schedule: '{minute} {hour} * * *'}}\n"
        )
    };
    let jobs = format!("{}{}{}", job("a", 0), job("b", 1), job("c", 1));
    let numbers = requested("--quota toolforge-2023 request -", &[], &jobs);
    assert_eq!(numbers, format!("{SMALLEST}- limits.cpu: 3\n- limits.memory: 9Gi"));
    let request = request("--quota toolforge-2023 request -", &[], &jobs);
    assert!(
        request.contains("These runs exceed the quota within the next 24 hours:\n\n- a, b, c, "),
        "{request}"
    );
    let (_, schedules) = request.split_once("\nIt would fit with one of these instead:\n\n").unwrap();
    assert!(schedules.starts_with("- job a: schedule "), "{schedules}");
}

#[test]
fn runs_in_other_time_zones_are_left_out() {
    let cron_job = |zone: &str| {
        format!(
            "{{apiVersion: batch/v1, kind: CronJob, metadata: {{name: big}}, spec: {{schedule: '7 3 * * *', timeZone: {zone}, \
             jobTemplate: {{spec: {{template: {{spec: {{restartPolicy: Never, containers: [{{name: a, image: i, resources: \
             {{limits: {{memory: 7Gi}}}}}}]}}}}}}}}}}}}"
        )
    };
    let live = [quota(&json!({"limits.memory": "8Gi"}), &json!({"limits.memory": "2Gi"}))];
    let left_out = "Not included: runs of big, scheduled in a time zone other than UTC.";
    let text = request("request -", &live, &cron_job("Europe/Berlin"));
    assert!(text.contains(left_out), "{text}");
    let text = request("request -", &live, &cron_job("UTC"));
    assert!(
        !text.contains("Not included")
            && text.contains("- limits.memory: 9Gi\n")
            && text.contains("- big: limits.memory: 9Gi of 8Gi"),
        "{text}"
    );
}

#[test]
fn refusals_of_files_are_listed_without_a_time() {
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "other", "namespace": "tool-x"},
        "spec": {"containers": [{"name": "a", "image": "i"}]}, "status": {"phase": "Running"},
    });
    let hard = json!({"pods": "4"});
    let text = request("request", &[quota(&hard, &hard), refusal("Job", "once"), pod], "");
    assert!(text.contains("| Job once | ") && !text.contains("As of"), "{text}");
}

#[test]
fn each_quota_has_its_own_table() {
    let named = |name: &str, hard: Value, scopes: Value| {
        let mut quota = quota(&hard, &json!({}));
        quota["metadata"]["name"] = json!(name);
        quota["spec"] = json!({"hard": hard, "scopes": scopes});
        quota
    };
    let live = [
        named("all", json!({"limits.memory": "8Gi", "pods": "4"}), json!([])),
        named("runs", json!({"pods": "2"}), json!(["Terminating"])),
    ];
    let text =
        request("request -", &live, "- {name: job, command: ./x, image: bookworm, continuous: true}\n");
    let (_, section) = text.split_once("## Quota and use\n\n").unwrap();
    insta::assert_snapshot!(section.split_once("\n- ").unwrap().0, @"
    ### Quota all

    | resource | used | limit |
    | --- | --- | --- |
    | pods | not known | 4 |
    | limits.memory | not known | 8Gi |

    ### Quota runs, which counts only pods with Terminating

    | resource | used | limit |
    | --- | --- | --- |
    | pods | not known | 2 |

    ## Blocked

    No refusals are known; events were not read from the cluster.

    ## The plan (-)
    ");
    let (_, plan) = section.split_once("create").unwrap();
    insta::assert_snapshot!(plan.trim(), @"
    job job

    ### Quota all

    | resource | limit | used | after | at the peak |
    | --- | --- | --- | --- | --- |
    | pods | 4 | not known | 1 | 1 |
    | limits.memory | 8Gi | not known | 512Mi | 512Mi |
    ");
}

#[test]
fn growing_rollouts_request_no_excess() {
    let amount = |memory: &str| json!({"limits.memory": memory});
    let deployment = |image: &str, replicas: u64| {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "a", "namespace": "tool-x", "uid": "a"},
            "spec": {
                "replicas": replicas, "selector": {"matchLabels": {"app": "a"}},
                "strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 1}},
                "template": {
                    "metadata": {"labels": {"app": "a"}},
                    "spec": {"containers": [{"name": "a", "image": image, "resources": {"limits": {"memory": "1Gi"}}}]},
                },
            },
        })
    };
    let live = [quota(&amount("2Gi"), &amount("2Gi")), deployment("old", 2)];
    let numbers = requested("request -", &live, &deployment("new", 4).to_string());
    assert_eq!(numbers, format!("{SMALLEST}- limits.memory: 4Gi"));
}

#[test]
fn reports_unknown_usage() {
    let said = "The quota's usage is not known.";
    let offline = request("--quota toolforge-2023 request -", &[], &manifest("a", 20));
    assert!(offline.contains(said) && offline.contains("| pods | not known | "), "{offline}");
    let mut new = quota(&json!({"pods": "4"}), &json!({}));
    new["spec"] = json!({"hard": {"pods": "4"}});
    new.as_object_mut().unwrap().remove("status");
    let text = request("request -", &[new], &manifest("a", 5));
    assert!(text.contains(said) && text.contains("| pods | not known | 4 |"), "{text}");
    let hard = json!({"pods": "4"});
    let text = request("request -", &[quota(&hard, &json!({"pods": "0"}))], &manifest("a", 5));
    assert!(!text.contains(said) && text.contains("| pods | 0 | 4 |"), "{text}");
}
