//! The requests that the verbs make, from recorded answers: an extra round trip, or a write that need not be, shows here.
#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

use insta::assert_snapshot;
use serde_json::{Value, json};
use toolforge_cli::{Session, Source};
use toolforge_client::scripted::Script;
use toolforge_client::{Connection, Project};
use toolforge_render::facts::Platform;

const NAMESPACE: &str = "/api/v1/namespaces/tool-stashbot";

/// Returns the objects of a file below `fixtures/facts`, by kind.
fn objects(file: &str, kind: &str) -> Vec<Value> {
    let list: Value = serde_json::from_str(&toolforge_fixtures::read(&format!("facts/{file}"))).unwrap();
    list["items"].as_array().unwrap().iter().filter(|object| object["kind"] == kind).cloned().collect()
}

/// Returns the answers of a cluster in which the objects of a file stand.
fn cluster(file: Option<&str>) -> Script {
    let catalog =
        "php8.2: {state: stable, image: docker-registry.svc.toolforge.org/toolforge-php82-sssd-web}\n";
    let catalog =
        json!({"metadata": {"name": "image-config"}, "data": {"images-v1.yaml": catalog}}).to_string();
    let list = |items: Vec<Value>| json!({"metadata": {"resourceVersion": "7"}, "items": items}).to_string();
    let absent = |name: &str| {
        let message = format!("{name} \"stashbot\" not found");
        json!({"kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404, "message": message})
            .to_string()
    };
    let of = |kind: &str| file.map(|file| objects(file, kind)).unwrap_or_default();
    let mut script = Script::default()
        .answer("GET /api/v1/namespaces/tf-public/configmaps/image-config", 200, &catalog)
        .answer(&format!("GET {NAMESPACE}/resourcequotas"), 200, &list(vec![]))
        .answer(&format!("GET {NAMESPACE}/limitranges"), 200, &list(vec![]))
        .answer(&format!("GET {NAMESPACE}/pods"), 200, &list(of("Pod")))
        .answer("GET /apis/apps/v1/namespaces/tool-stashbot/replicasets", 200, &list(vec![]))
        .answer("GET /apis/apps/v1/namespaces/tool-stashbot/deployments", 200, &list(of("Deployment")));
    for (kind, path) in [
        ("Deployment", "/apis/apps/v1/namespaces/tool-stashbot/deployments/stashbot"),
        ("Service", "/api/v1/namespaces/tool-stashbot/services/stashbot"),
        ("Ingress", "/apis/networking.k8s.io/v1/namespaces/tool-stashbot/ingresses/stashbot-subdomain"),
        ("HTTPRoute", "/apis/gateway.networking.k8s.io/v1/namespaces/tool-stashbot/httproutes/stashbot"),
    ] {
        script = match of(kind).first() {
            Some(object) => script.answer(&format!("GET {path}"), 200, &object.to_string()),
            None => script.answer(&format!("GET {path}"), 404, &absent(kind)),
        };
    }
    script
}

/// Runs a command line against a script and returns how it ended and the requests that it made, sorted by what was
/// asked side by side.
fn run(script: &Script, line: &str) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let tool: toolforge_model::ToolName = "stashbot".parse().unwrap();
    let connection = {
        let _inside = runtime.enter();
        Connection::with_client(script.client(), tool.clone())
    };
    let project = Project { name: "tools".to_owned(), platform: Platform::default() };
    let session = Session { tool, project, source: Source::Cluster { runtime, connection } };
    let ended = match webservice::run_in(&session, ["webservice"].into_iter().chain(line.split_whitespace()))
    {
        Ok(kind) => format!("[exit {}]", kind.code()),
        Err(failure) => format!("[exit {}]\n{failure}", failure.kind().code()),
    };
    let requests = script.requests();
    let mut lines: Vec<&str> = requests.lines().collect();
    let reads = lines.iter().take_while(|line| line.starts_with("GET")).count();
    lines[..reads].sort_unstable();
    format!("{ended}\n{}", lines.join("\n"))
}

#[test]
fn a_second_start_only_reads() {
    assert_snapshot!(run(&cluster(Some("running.json")), "php8.2 start"), @"
    [exit 0]
    GET    /api/v1/namespaces/tf-public/configmaps/image-config
    GET    /api/v1/namespaces/tool-stashbot/limitranges?limit=500
    GET    /api/v1/namespaces/tool-stashbot/pods?limit=500&labelSelector=name%3Dstashbot
    GET    /api/v1/namespaces/tool-stashbot/resourcequotas?limit=500
    GET    /api/v1/namespaces/tool-stashbot/services/stashbot
    GET    /apis/apps/v1/namespaces/tool-stashbot/deployments/stashbot
    GET    /apis/apps/v1/namespaces/tool-stashbot/replicasets?limit=500&labelSelector=name%3Dstashbot
    GET    /apis/gateway.networking.k8s.io/v1/namespaces/tool-stashbot/httproutes/stashbot
    GET    /apis/networking.k8s.io/v1/namespaces/tool-stashbot/ingresses/stashbot-subdomain
    ");
}

#[test]
fn status_reads_what_it_shows_and_no_more() {
    assert_snapshot!(run(&cluster(Some("running.json")), "status"), @"
    [exit 0]
    GET    /api/v1/namespaces/tf-public/configmaps/image-config
    GET    /api/v1/namespaces/tool-stashbot/pods?limit=500&labelSelector=name%3Dstashbot
    GET    /api/v1/namespaces/tool-stashbot/services/stashbot
    GET    /apis/apps/v1/namespaces/tool-stashbot/deployments/stashbot
    GET    /apis/apps/v1/namespaces/tool-stashbot/replicasets?limit=500&labelSelector=name%3Dstashbot
    GET    /apis/gateway.networking.k8s.io/v1/namespaces/tool-stashbot/httproutes/stashbot
    GET    /apis/networking.k8s.io/v1/namespaces/tool-stashbot/ingresses/stashbot-subdomain
    ");
}

#[test]
fn a_refused_deployment_is_said_and_nothing_else_is_sent() {
    let refusal = json!({"kind": "Status", "status": "Failure", "code": 400,
        "message": "admission webhook \"registry-admission.tools.wmcloud.org\" denied the request: Only WMCS-approved docker registry allowed"});
    let script = cluster(None)
        .answer(
            "POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
            201,
            r#"{"status": {"allowed": true}}"#,
        )
        .answer(
            "PATCH /apis/apps/v1/namespaces/tool-stashbot/deployments/stashbot",
            400,
            &refusal.to_string(),
        );
    assert_snapshot!(run(&script, "php8.2 start"), @"
    [exit 4]
    error: the cluster's registry-admission.tools.wmcloud.org refused: Only WMCS-approved docker registry allowed
      Deployment stashbot: not done
      nothing was changed

    GET    /api/v1/namespaces/tf-public/configmaps/image-config
    GET    /api/v1/namespaces/tool-stashbot/limitranges?limit=500
    GET    /api/v1/namespaces/tool-stashbot/pods?limit=500&labelSelector=name%3Dstashbot
    GET    /api/v1/namespaces/tool-stashbot/resourcequotas?limit=500
    GET    /api/v1/namespaces/tool-stashbot/services/stashbot
    GET    /apis/apps/v1/namespaces/tool-stashbot/deployments/stashbot
    GET    /apis/apps/v1/namespaces/tool-stashbot/replicasets?limit=500&labelSelector=name%3Dstashbot
    GET    /apis/gateway.networking.k8s.io/v1/namespaces/tool-stashbot/httproutes/stashbot
    GET    /apis/networking.k8s.io/v1/namespaces/tool-stashbot/ingresses/stashbot-subdomain
    POST   /apis/authorization.k8s.io/v1/selfsubjectaccessreviews
    PATCH  /apis/apps/v1/namespaces/tool-stashbot/deployments/stashbot?fieldManager=toolforge-cli&force=true
    ");
}

#[test]
fn stop_deletes_route_then_service_then_deployment_by_their_uids() {
    let ok = r#"{"kind": "Status", "status": "Success"}"#;
    let script = cluster(Some("running.json"))
        .answer(
            "DELETE /apis/gateway.networking.k8s.io/v1/namespaces/tool-stashbot/httproutes/stashbot",
            200,
            ok,
        )
        .answer(
            "DELETE /api/v1/namespaces/tool-stashbot/services/stashbot",
            500,
            r#"{"message": "etcdserver: request timed out"}"#,
        );
    assert_snapshot!(run(&script, "stop"), @"
    [exit 6]
    error: the cluster refused
      etcdserver: request timed out
      deleted HTTPRoute stashbot
      Service stashbot: not known whether it was done

    hint: The same command again goes on from here.

    GET    /api/v1/namespaces/tf-public/configmaps/image-config
    GET    /api/v1/namespaces/tool-stashbot/pods?limit=500&labelSelector=name%3Dstashbot
    GET    /api/v1/namespaces/tool-stashbot/services/stashbot
    GET    /apis/apps/v1/namespaces/tool-stashbot/deployments/stashbot
    GET    /apis/apps/v1/namespaces/tool-stashbot/replicasets?limit=500&labelSelector=name%3Dstashbot
    GET    /apis/gateway.networking.k8s.io/v1/namespaces/tool-stashbot/httproutes/stashbot
    GET    /apis/networking.k8s.io/v1/namespaces/tool-stashbot/ingresses/stashbot-subdomain
    DELETE /apis/gateway.networking.k8s.io/v1/namespaces/tool-stashbot/httproutes/stashbot
    DELETE /api/v1/namespaces/tool-stashbot/services/stashbot
    ");
}

#[test]
fn a_catalogue_that_is_missing_empty_or_not_yaml_does_not_block_status_and_stop() {
    for body in
        [r#"{"data": {}}"#, r#"{"data": {"images-v1.yaml": ""}}"#, r#"{"data": {"images-v1.yaml": "a: [1"}}"#]
    {
        let path = "GET /api/v1/namespaces/tf-public/configmaps/image-config";
        let script = || Script::default().answer(path, 200, body).and(&cluster(None));
        assert!(run(&script(), "status").starts_with("[exit 0]"), "{body}");
        assert!(run(&script(), "stop").starts_with("[exit 0]"), "{body}");
        let started = run(&script(), "php8.2 start");
        assert!(started.starts_with("[exit 4]\nerror: the cluster's"), "{started}");
    }
}

#[test]
fn an_unknown_user_is_told_who_to_ask() {
    let refusal = r#"{"kind": "Status", "status": "Failure", "reason": "Unauthorized", "code": 401, "message": "Unauthorized"}"#;
    let script = Script::default()
        .answer("GET /apis/apps/v1/namespaces/tool-stashbot/deployments/stashbot", 401, refusal)
        .and(&cluster(None));
    assert!(run(&script, "status").starts_with("[exit 4]\nerror: the cluster does not know who you are"));
}
