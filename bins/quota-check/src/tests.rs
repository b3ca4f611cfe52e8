//! The requests to a cluster, and the output for the responses.

use clap::Parser as _;
use serde_json::{Value, json};
use toolforge_cli::Source;
use toolforge_client::scripted::{Answer, Script};
use toolforge_render::namespace::Platform;

use super::*;

const CORE: &str = "GET /api/v1/namespaces/tool-x";
const APPS: &str = "GET /apis/apps/v1/namespaces/tool-x";
const BATCH: &str = "GET /apis/batch/v1/namespaces/tool-x";
const ROUTES: &str = "GET /apis/gateway.networking.k8s.io/v1/namespaces/tool-x/httproutes";
const METRICS: &str = "GET /apis/metrics.k8s.io/v1beta1/namespaces/tool-x/pods";

fn list(items: &[Value]) -> Answer {
    Answer::json(200, &json!({"metadata": {"resourceVersion": "7"}, "items": items}))
}

/// Returns the answers of a namespace with these objects and without others, except where `instead` answers.
fn namespace(pods: &[Value], instead: &[(String, Answer)]) -> Script {
    let hard = json!({"limits.cpu": "2", "limits.memory": "8Gi", "pods": "4"});
    let quota = json!({
        "metadata": {"name": "tool-x"}, "spec": {"hard": hard},
        "status": {"hard": hard, "used": {"limits.cpu": "500m", "limits.memory": "6Gi", "pods": "1"}},
    });
    let mut answers = vec![
        (format!("{CORE}/resourcequotas"), list(&[quota])),
        (format!("{CORE}/limitranges"), list(&[])),
        (format!("{CORE}/pods"), list(pods)),
        (format!("{CORE}/events"), list(&[])),
        (format!("{CORE}/services"), list(&[])),
        (format!("{APPS}/deployments"), list(&[])),
        (format!("{BATCH}/cronjobs"), list(&[])),
        (format!("{BATCH}/jobs"), list(&[])),
        (ROUTES.to_owned(), Answer::not_found("", "")),
        (METRICS.to_owned(), Answer::not_found("", "")),
    ];
    answers.retain(|(request, _)| !instead.iter().any(|(other, _)| other == request));
    answers.extend_from_slice(instead);
    answers.into_iter().fold(Script::new(), |script, (request, answer)| script.answer(&request, answer))
}

/// Runs a command line against a script; returns the exit code, the sorted requests, and the output.
fn run(script: Script, words: &[&str]) -> (u8, String, String) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (client, requests) = {
        let _inside = runtime.enter();
        script.client()
    };
    let source = Source::Cluster { runtime, client };
    let session =
        Session { tool: "x".parse().unwrap(), platform: Platform::default(), uid: None, home: None, source };
    let arguments = Arguments::parse_from(["quota-check"].iter().chain(words));
    let (ended, stdout) = toolforge_cli::capture(|| check_in(&session, &arguments));
    let (code, failure) = match ended {
        Ok(code) => (code.code(), String::new()),
        Err(failure) => (failure.exit_code().code(), failure.to_string()),
    };
    let requests = requests.to_string();
    let mut lines: Vec<&str> = requests.lines().collect();
    lines.sort_unstable();
    (code, lines.join("\n"), format!("{stdout}{failure}"))
}

fn pod(name: &str) -> Value {
    let resources = json!({"limits": {"cpu": "500m", "memory": "6Gi"}});
    json!({
        "metadata": {"name": name, "uid": name},
        "spec": {"containers": [{"name": "main", "resources": resources}]},
        "status": {"phase": "Running"},
    })
}

#[test]
fn answer_without_one_kind_is_partial() {
    for (unread, exit_code) in [("resourcequotas", 6), ("limitranges", 6), ("", 0)] {
        let refused = (format!("{CORE}/{unread}"), Answer::refusal(403, "Forbidden", "no"));
        let instead: Vec<_> = Some(refused).filter(|_| !unread.is_empty()).into_iter().collect();
        let (code, _, output) = run(namespace(&[], &instead), &[]);
        assert_eq!(code, exit_code, "{output}");
    }
}

#[test]
fn overview_reads_each_kind_once() {
    let metrics = json!({
        "metadata": {"name": "bot-1"}, "containers": [{"name": "main", "usage": {"cpu": "99m", "memory": "700Mi"}}],
    });
    let script = namespace(&[pod("bot-1")], &[(METRICS.to_owned(), list(&[metrics]))]);
    let (_, requests, output) = run(script, &[]);
    insta::assert_snapshot!(requests, @"
    GET   /api/v1/namespaces/tool-x/events?limit=500
    GET   /api/v1/namespaces/tool-x/limitranges?limit=500
    GET   /api/v1/namespaces/tool-x/pods?limit=500
    GET   /api/v1/namespaces/tool-x/resourcequotas?limit=500
    GET   /apis/apps/v1/namespaces/tool-x/deployments?limit=500
    GET   /apis/batch/v1/namespaces/tool-x/cronjobs?limit=500
    GET   /apis/batch/v1/namespaces/tool-x/jobs?limit=500
    GET   /apis/metrics.k8s.io/v1beta1/namespaces/tool-x/pods?limit=500
    ");
    insta::assert_snapshot!(output, @"
    RESOURCE       USED  LIMIT  STATE
    pods           1     4
    limits.cpu     500m  2
    limits.memory  6Gi   8Gi

    the namespace has no limits for containers

    WORKLOAD   PODS  CPU   MEMORY  SHARE                  CPU USED  MEMORY USED
    pod bot-1  1     500m  6Gi     75 % of limits.memory  99m       700Mi
    ");
}

#[test]
fn missing_measurements_are_one_line() {
    for answer in [Answer::not_found("", ""), Answer::refusal(403, "Forbidden", "no")] {
        let (code, _, output) = run(namespace(&[pod("bot-1")], &[(METRICS.to_owned(), answer)]), &[]);
        assert_eq!(code, 0);
        assert_eq!(output.matches("no usage metrics").count(), 1, "{output}");
    }
}

#[test]
fn quotas_are_shown_if_only_they_are_readable() {
    let refused = (format!("{CORE}/pods"), Answer::refusal(403, "Forbidden", "no"));
    let (code, _, output) = run(namespace(&[], &[refused]), &[]);
    assert_eq!(code, 6);
    assert!(output.contains("limits.memory") && !output.contains("WORKLOAD"), "{output}");
    // Whether anything is blocked is unknown.
    let refused = (format!("{CORE}/pods"), Answer::refusal(403, "Forbidden", "no"));
    let (code, _, output) = run(namespace(&[], &[refused]), &["request"]);
    assert_eq!(code, 4);
    assert!(!output.contains("Nothing is blocked"), "{output}");
}

#[test]
fn one_unreadable_kind_hides_only_its_sections() {
    for (path, kind, sections) in [
        (CORE, "pods", [false, false, false]),
        (BATCH, "cronjobs", [true, false, false]),
        (CORE, "events", [true, false, true]),
    ] {
        let refused = (format!("{path}/{kind}"), Answer::refusal(403, "Forbidden", "no"));
        let (code, _, output) = run(namespace(&[pod("bot-1")], &[refused]), &["--output", "json"]);
        assert_eq!(code, 6, "{output}");
        let report: Value = serde_json::from_str(&output).unwrap();
        assert_eq!(report["unread"], json!([kind]));
        let is_shown = ["workloads", "blocked", "runs"].map(|section| !report[section].is_null());
        assert_eq!(is_shown, sections, "{kind}");
    }
}

#[test]
fn tool_that_does_not_exist_is_an_error() {
    let none = || (format!("{CORE}/resourcequotas"), list(&[]));
    let missing = (CORE.to_owned(), Answer::not_found("namespaces", "tool-x"));
    let (code, _, output) = run(namespace(&[], &[none(), missing]), &[]);
    assert_eq!(code, 1);
    assert!(output.contains("tool x does not exist"), "{output}");
    // A tool may not read its own namespace.
    let refused = (CORE.to_owned(), Answer::refusal(403, "Forbidden", "no"));
    let (code, _, output) = run(namespace(&[], &[none(), refused]), &[]);
    assert_eq!(code, 0);
    assert!(output.contains("the namespace has no quota"), "{output}");
}

#[test]
fn blocked_objects_have_a_duration() {
    let message = "Error creating: pods \"bot-1-x\" is forbidden: exceeded quota: tool-x, requested: limits.memory=4Gi, \
                   used: limits.memory=6Gi, limited: limits.memory=8Gi";
    let seconds = |ago: i64| {
        let time = k8s_openapi::jiff::Timestamp::now() - k8s_openapi::jiff::SignedDuration::from_secs(ago);
        time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    };
    let event = json!({
        "metadata": {}, "reason": "FailedCreate", "message": message, "count": 9,
        "involvedObject": {"kind": "StatefulSet", "name": "bot"},
        "firstTimestamp": seconds(7300), "lastTimestamp": seconds(60),
    });
    let events = || (format!("{CORE}/events"), list(std::slice::from_ref(&event)));
    let sets = format!("{APPS}/statefulsets");
    let refused = || (sets.clone(), Answer::refusal(403, "Forbidden", "no"));
    let (_, _, output) = run(namespace(&[pod("bot-1")], &[events(), refused()]), &[]);
    assert!(output.contains("blocked now:\n  StatefulSet bot for 2 h, 9 times: Error creating"), "{output}");
    let (_, _, output) = run(namespace(&[pod("bot-1")], &[events(), refused()]), &["request"]);
    assert!(output.contains("- limits.memory: 10Gi") && output.contains("      memory: 10\n"), "{output}");
    // The object says how many pods are missing.
    let container =
        json!({"name": "a", "resources": {"limits": {"memory": "4Gi"}, "requests": {"memory": "1Mi"}}});
    let template = json!({"spec": {"containers": [container]}});
    let spec = json!({"replicas": 3, "selector": {}, "serviceName": "", "template": template});
    let set = json!({"metadata": {"name": "bot"}, "spec": spec, "status": {"replicas": 1}});
    let sets = (sets.clone(), list(&[set]));
    let (_, _, output) = run(namespace(&[pod("bot-1")], &[events(), sets]), &["request"]);
    assert!(output.contains("- limits.memory: 14Gi"), "{output}");
}

#[test]
fn live_objects_of_manifests_are_fetched_by_name() {
    let path = toolforge_fixtures::path("facts/manifests.yaml");
    let secret = json!({"metadata": {"name": "a"}, "data": {"password": "c2VjcmV0"}});
    let instead = [
        (format!("{CORE}/secrets/a"), Answer::json(200, &secret)),
        (format!("{CORE}/configmaps/b"), Answer::not_found("configmaps", "b")),
    ];
    let (code, requests, output) = run(namespace(&[], &instead), &[path.to_str().unwrap()]);
    assert_eq!(code, 0, "{output}");
    insta::assert_snapshot!(requests, @"
    GET   /api/v1/namespaces/tool-x/configmaps/b
    GET   /api/v1/namespaces/tool-x/limitranges?limit=500
    GET   /api/v1/namespaces/tool-x/pods?limit=500
    GET   /api/v1/namespaces/tool-x/resourcequotas?limit=500
    GET   /api/v1/namespaces/tool-x/secrets/a
    GET   /api/v1/namespaces/tool-x/services?limit=500
    GET   /apis/apps/v1/namespaces/tool-x/deployments?limit=500
    GET   /apis/batch/v1/namespaces/tool-x/cronjobs?limit=500
    GET   /apis/batch/v1/namespaces/tool-x/jobs?limit=500
    GET   /apis/gateway.networking.k8s.io/v1/namespaces/tool-x/httproutes?limit=500
    ");
    insta::assert_snapshot!(output, @"
    update Secret a
    create ConfigMap b
    create Pony c
    create Service d

    it fits; it needs no quota now
    ");
    assert!(!output.contains("c2VjcmV0"));
}

#[test]
fn quota_reads_replica_sets() {
    let hard = json!({"count/replicasets.apps": "3"});
    let used = json!({"count/replicasets.apps": "3"});
    let quota =
        json!({"metadata": {"name": "q"}, "spec": {"hard": hard}, "status": {"hard": hard, "used": used}});
    let pod = |image: &str| json!({"spec": {"containers": [{"name": "main", "image": image}]}});
    let deployment = |image: &str| {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "bot", "uid": "d"},
            "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "bot"}}, "template": pod(image)},
        })
    };
    let owner = json!([{"apiVersion": "apps/v1", "kind": "Deployment", "name": "bot", "uid": "d"}]);
    let set = |name: &str| json!({"metadata": {"name": name, "ownerReferences": owner}});
    let instead = [
        (format!("{CORE}/resourcequotas"), list(&[quota])),
        (format!("{APPS}/deployments"), list(&[deployment("old")])),
        (format!("{APPS}/replicasets"), list(&[set("bot-1"), set("bot-2"), set("bot-3")])),
    ];
    let path = std::env::temp_dir().join(format!("quota-check-{}.json", std::process::id()));
    std::fs::write(&path, deployment("new").to_string()).unwrap();
    let (code, requests, output) = run(namespace(&[], &instead), &[path.to_str().unwrap()]);
    std::fs::remove_file(path).unwrap();
    assert_eq!(code, 3, "{output}");
    assert!(
        requests.contains("replicasets") && output.contains("count/replicasets.apps  3      3     4      4"),
        "{output}"
    );
}
