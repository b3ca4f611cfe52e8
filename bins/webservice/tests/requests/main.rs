//! The requests that the verbs make, from recorded answers: an extra round trip, or a write that need not be, shows here.
#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

mod apply;
mod config_files;
mod documents;
mod logs;
mod unread;

use std::path::Path;

use insta::assert_snapshot;
use serde_json::{Value, json};
use toolforge_cli::{ExitCode, Failure, Session, Source};
use toolforge_client::ToolHome;
use toolforge_client::scripted::{Answer, Requests, Script};
use toolforge_render::namespace::Platform;

const NAMESPACE: &str = "/api/v1/namespaces/tool-stashbot";
const CATALOG: &str = "GET /api/v1/namespaces/tf-public/configmaps/image-config";
const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/tool-stashbot/deployments/stashbot";
const SERVICE: &str = "/api/v1/namespaces/tool-stashbot/services/stashbot";
const HTTP_ROUTE: &str = "/apis/gateway.networking.k8s.io/v1/namespaces/tool-stashbot/httproutes/stashbot";

/// Returns the objects of a file below `fixtures/facts`, by kind.
fn objects(file: &str, kind: &str) -> Vec<Value> {
    let list: Value = serde_json::from_str(&toolforge_fixtures::read(&format!("facts/{file}"))).unwrap();
    list["items"].as_array().unwrap().iter().filter(|object| object["kind"] == kind).cloned().collect()
}

/// Returns the answers of a cluster in which the objects of a file exist, except where `instead` answers.
fn cluster(file: Option<&str>, instead: &[(String, Answer)]) -> Script {
    let catalog =
        "php8.2: {state: stable, image: docker-registry.svc.toolforge.org/toolforge-php82-sssd-web}\n";
    let catalog = json!({"metadata": {"name": "image-config"}, "data": {"images-v1.yaml": catalog}});
    let list =
        |items: Vec<Value>| Answer::json(200, &json!({"metadata": {"resourceVersion": "7"}, "items": items}));
    let of = |kind: &str| file.map(|file| objects(file, kind)).unwrap_or_default();
    let mut answers = vec![
        (CATALOG.to_owned(), Answer::json(200, &catalog)),
        (format!("GET {NAMESPACE}/resourcequotas"), list(vec![])),
        (format!("GET {NAMESPACE}/limitranges"), list(vec![])),
        (format!("GET {NAMESPACE}/pods"), list(of("Pod"))),
        (format!("GET {NAMESPACE}/events"), list(vec![])),
        ("GET /apis/apps/v1/namespaces/tool-stashbot/replicasets".to_owned(), list(vec![])),
        (
            "POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews".to_owned(),
            Answer::json(201, &json!({"status": {"allowed": true}})),
        ),
    ];
    for (kind, resource, path) in [
        ("Deployment", "deployments", DEPLOYMENT),
        ("Service", "services", SERVICE),
        (
            "Ingress",
            "ingresses",
            "/apis/networking.k8s.io/v1/namespaces/tool-stashbot/ingresses/stashbot-subdomain",
        ),
        ("HTTPRoute", "httproutes", HTTP_ROUTE),
    ] {
        let answer = of(kind)
            .first()
            .map_or_else(|| Answer::not_found(resource, "stashbot"), |found| Answer::json(200, found));
        answers.push((format!("GET {path}"), answer));
    }
    answers.retain(|(request, _)| !instead.iter().any(|(other, _)| other == request));
    answers.extend_from_slice(instead);
    answers.into_iter().fold(Script::new(), |script, (request, answer)| script.answer(&request, answer))
}

/// Runs a command line against a script and returns how it ended and the requests that it made, sorted by what was
/// asked side by side.
fn run(script: Script, line: &str) -> String {
    run_at(script, line, None)
}

/// Runs a command line against a script, with a directory as the tool's home.
fn run_at(script: Script, line: &str, home: Option<&Path>) -> String {
    run_recorded(script, line, home).0
}

/// Runs a command line against a script and returns its outcome.
fn outcome(script: Script, line: &str) -> Result<ExitCode, Failure> {
    run_with(script, line, None).0
}

fn run_with(script: Script, line: &str, home: Option<&Path>) -> (Result<ExitCode, Failure>, Requests) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let tool: toolforge_model::ToolName = "stashbot".parse().unwrap();
    let (client, requests) = {
        let _inside = runtime.enter();
        script.client()
    };
    let session = Session {
        tool,
        platform: Platform::default(),
        uid: None,
        home: home.map(ToolHome::at),
        source: Source::Cluster { runtime, client },
    };
    let words = ["webservice"].into_iter().chain(line.split_whitespace());
    let ended = webservice::run_in(&session, words);
    if let Err(failure) = &ended {
        // A verb that only reads does not suggest itself.
        let action =
            ["status", "logs", "plan", "render", "types"].into_iter().find(|word| line.contains(word));
        let advised = action.map(|action| format!("webservice {action}"));
        let is_own = |hint: &String| advised.as_ref().is_some_and(|advised| hint.contains(advised.as_str()));
        assert!(!failure.hints().iter().any(is_own), "{line}: {failure}");
    }
    (ended, requests)
}

/// Runs a command line as [`run_at`] does, and returns also the requests that write, with their bodies.
fn run_recorded(script: Script, line: &str, home: Option<&Path>) -> (String, String) {
    let (ended, requests) = run_with(script, line, home);
    let ended = match ended {
        Ok(kind) => format!("[exit {}]", kind.code()),
        Err(failure) => format!("[exit {}]\n{failure}", failure.exit_code().code()),
    };
    let (requests, writes) = (requests.to_string(), requests.writes());
    let mut lines: Vec<&str> = requests.lines().collect();
    let reads = lines.iter().take_while(|line| line.starts_with("GET")).count();
    lines[..reads].sort_unstable();
    (format!("{ended}\n{}", lines.join("\n")), writes)
}

#[test]
fn second_start_only_reads() {
    assert_snapshot!(run(cluster(Some("running.json"), &[]), "php8.2 start"), @"
    [exit 0]
    GET   /api/v1/namespaces/tf-public/configmaps/image-config
    GET   /api/v1/namespaces/tool-stashbot/limitranges?limit=500
    GET   /api/v1/namespaces/tool-stashbot/pods?labelSelector=name%3Dstashbot&limit=500
    GET   /api/v1/namespaces/tool-stashbot/resourcequotas?limit=500
    GET   /api/v1/namespaces/tool-stashbot/services/stashbot
    GET   /api/v1/namespaces/tool-stashbot/services/stashbot:8000/proxy/
    GET   /apis/apps/v1/namespaces/tool-stashbot/deployments/stashbot
    GET   /apis/gateway.networking.k8s.io/v1/namespaces/tool-stashbot/httproutes/stashbot
    GET   /apis/networking.k8s.io/v1/namespaces/tool-stashbot/ingresses/stashbot-subdomain
    ");
}

#[test]
fn status_requests_only_what_it_shows() {
    assert_snapshot!(run(cluster(Some("running.json"), &[]), "status"), @"
    [exit 0]
    GET   /api/v1/namespaces/tf-public/configmaps/image-config
    GET   /api/v1/namespaces/tool-stashbot/pods?labelSelector=name%3Dstashbot&limit=500
    GET   /api/v1/namespaces/tool-stashbot/services/stashbot
    GET   /apis/apps/v1/namespaces/tool-stashbot/deployments/stashbot
    GET   /apis/gateway.networking.k8s.io/v1/namespaces/tool-stashbot/httproutes/stashbot
    GET   /apis/networking.k8s.io/v1/namespaces/tool-stashbot/ingresses/stashbot-subdomain
    ");
}

#[test]
fn rejected_deployment_stops_the_start() {
    let words = "admission webhook \"registry-admission.tools.wmcloud.org\" denied the request: Only WMCS-approved docker registry allowed";
    let instead = [(format!("PATCH {DEPLOYMENT}"), Answer::refusal(400, "", words))];
    assert_snapshot!(run(cluster(None, &instead), "php8.2 start"), @"
    [exit 4]
    error: the cluster's registry-admission.tools.wmcloud.org refused: Only WMCS-approved docker registry allowed
      Deployment stashbot: not done
      nothing was changed

    GET   /api/v1/namespaces/tf-public/configmaps/image-config
    GET   /api/v1/namespaces/tool-stashbot/limitranges?limit=500
    GET   /api/v1/namespaces/tool-stashbot/pods?labelSelector=name%3Dstashbot&limit=500
    GET   /api/v1/namespaces/tool-stashbot/resourcequotas?limit=500
    GET   /api/v1/namespaces/tool-stashbot/services/stashbot
    GET   /apis/apps/v1/namespaces/tool-stashbot/deployments/stashbot
    GET   /apis/gateway.networking.k8s.io/v1/namespaces/tool-stashbot/httproutes/stashbot
    GET   /apis/networking.k8s.io/v1/namespaces/tool-stashbot/ingresses/stashbot-subdomain
    POST  /apis/authorization.k8s.io/v1/selfsubjectaccessreviews
    PATCH /apis/apps/v1/namespaces/tool-stashbot/deployments/stashbot?fieldManager=toolforge-cli&force=true
    ");
}

#[test]
fn stop_deletes_objects_by_uid() {
    let instead = [
        (format!("DELETE {HTTP_ROUTE}"), Answer::json(200, &json!({"kind": "Status", "status": "Success"}))),
        (format!("DELETE {SERVICE}"), Answer::refusal(504, "Timeout", "request did not complete")),
    ];
    assert_snapshot!(run(cluster(Some("running.json"), &instead), "stop"), @"
    [exit 6]
    error: the cluster refused
      request did not complete
      deleted HTTPRoute stashbot
      Service stashbot: not known whether it was done

    hint: The last step may have been applied; check before you try again.

    hint: Run `webservice stop` again; it continues from here.

    GET   /api/v1/namespaces/tool-stashbot/pods?labelSelector=name%3Dstashbot&limit=500
    GET   /api/v1/namespaces/tool-stashbot/services/stashbot
    GET   /apis/apps/v1/namespaces/tool-stashbot/deployments/stashbot
    GET   /apis/gateway.networking.k8s.io/v1/namespaces/tool-stashbot/httproutes/stashbot
    GET   /apis/networking.k8s.io/v1/namespaces/tool-stashbot/ingresses/stashbot-subdomain
    DELETE /apis/gateway.networking.k8s.io/v1/namespaces/tool-stashbot/httproutes/stashbot
    DELETE /api/v1/namespaces/tool-stashbot/services/stashbot
    ");
}

#[test]
fn broken_catalog_does_not_block_status_and_stop() {
    for data in [json!({}), json!({"images-v1.yaml": ""}), json!({"images-v1.yaml": "a: [1"})] {
        let instead = [(CATALOG.to_owned(), Answer::json(200, &json!({"data": data})))];
        assert!(run(cluster(None, &instead), "status").starts_with("[exit 0]"), "{data}");
        assert!(run(cluster(None, &instead), "stop").starts_with("[exit 0]"), "{data}");
        let started = run(cluster(None, &instead), "php8.2 start");
        assert!(started.starts_with("[exit 4]\nerror: the cluster's"), "{started}");
    }
}

#[test]
fn rejected_certificate_has_exit_code_4() {
    let instead = [(format!("GET {DEPLOYMENT}"), Answer::refusal(401, "Unauthorized", "Unauthorized"))];
    let said = run(cluster(None, &instead), "status");
    assert!(said.starts_with("[exit 4]\nerror: the cluster rejected your certificate"), "{said}");
}

/// Returns the answer of a list of pods: that of a file, with the ids and states that a kubelet adds.
fn pods_that_ran(change: impl Fn(&mut Value)) -> (String, Answer) {
    let mut pods = objects("running.json", "Pod");
    for pod in &mut pods {
        pod["status"]["containerStatuses"][0]["containerID"] = json!("containerd://1");
        change(&mut pod["status"]["containerStatuses"][0]);
    }
    let list = json!({"metadata": {"resourceVersion": "7"}, "items": pods});
    (format!("GET {NAMESPACE}/pods"), Answer::json(200, &list))
}

const LOG: &str = "GET /api/v1/namespaces/tool-stashbot/pods/stashbot-7d5f-x2x/log";

#[test]
fn logs_requests_pods_and_the_log_of_each() {
    let log = (LOG.to_owned(), Answer::text(200, "2026-11-25T10:00:00.5Z hello\n"));
    let script = cluster(Some("running.json"), &[pods_that_ran(|_| ()), log]);
    assert_snapshot!(run(script, "logs --last 5 --since 10m"), @"
    [exit 0]
    GET   /api/v1/namespaces/tool-stashbot/pods/stashbot-7d5f-x2x/log?container=webservice&sinceSeconds=600&tailLines=5&timestamps=true
    GET   /api/v1/namespaces/tool-stashbot/pods?labelSelector=name%3Dstashbot&limit=500
    GET   /apis/apps/v1/namespaces/tool-stashbot/deployments/stashbot
    ");
}

#[test]
fn logs_request_filter_and_crashed_run() {
    let crashed = pods_that_ran(|status| {
        let finished = k8s_openapi::jiff::Timestamp::now().to_string();
        let end = json!({"containerID": "containerd://0", "exitCode": 1, "finishedAt": finished});
        status["lastState"] = json!({ "terminated": end });
    });
    let log = (LOG.to_owned(), Answer::text(200, "2026-11-25T10:00:00.5Z hello\n"));
    assert_snapshot!(run(cluster(Some("running.json"), &[crashed, log]), "logs -l 5 --grep hello"), @"
    [exit 0]
    GET   /api/v1/namespaces/tool-stashbot/pods/stashbot-7d5f-x2x/log?container=webservice&previous=true&timestamps=true
    GET   /api/v1/namespaces/tool-stashbot/pods/stashbot-7d5f-x2x/log?container=webservice&timestamps=true
    GET   /api/v1/namespaces/tool-stashbot/pods?labelSelector=name%3Dstashbot&limit=500
    GET   /apis/apps/v1/namespaces/tool-stashbot/deployments/stashbot
    ");
}

#[test]
fn logs_without_pods_show_events() {
    let none = (format!("GET {NAMESPACE}/pods"), Answer::json(200, &json!({"metadata": {}, "items": []})));
    assert_snapshot!(run(cluster(Some("running.json"), &[none]), "logs"), @"
    [exit 0]
    GET   /api/v1/namespaces/tool-stashbot/events?limit=500
    GET   /api/v1/namespaces/tool-stashbot/pods?labelSelector=name%3Dstashbot&limit=500
    GET   /apis/apps/v1/namespaces/tool-stashbot/deployments/stashbot
    GET   /apis/apps/v1/namespaces/tool-stashbot/replicasets?labelSelector=name%3Dstashbot&limit=500
    ");
    assert_snapshot!(run(cluster(None, &[]), "logs"), @"
    [exit 0]
    GET   /api/v1/namespaces/tool-stashbot/pods?labelSelector=name%3Dstashbot&limit=500
    GET   /apis/apps/v1/namespaces/tool-stashbot/deployments/stashbot
    ");
}

#[test]
fn followed_log_ends_with_the_web_service() {
    let gone = json!({"metadata": {"resourceVersion": "8"}, "items": []});
    let instead = [
        (format!("GET {NAMESPACE}/pods"), Answer::json(200, &gone)),
        ("GET /apis/apps/v1/namespaces/tool-stashbot/deployments".to_owned(), Answer::json(200, &gone)),
    ];
    assert_snapshot!(run(cluster(None, &instead), "logs -f"), @"
    [exit 0]
    GET   /api/v1/namespaces/tool-stashbot/pods?labelSelector=name%3Dstashbot&limit=500
    GET   /api/v1/namespaces/tool-stashbot/pods?labelSelector=name%3Dstashbot&limit=500
    GET   /apis/apps/v1/namespaces/tool-stashbot/deployments/stashbot
    GET   /apis/apps/v1/namespaces/tool-stashbot/deployments?fieldSelector=metadata.name%3Dstashbot&limit=500
    ");
}
