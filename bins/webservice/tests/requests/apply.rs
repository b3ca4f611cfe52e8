//! What is reported of changes that fail partway, and of those that a dry run only checks.

use insta::assert_snapshot;
use serde_json::json;
use toolforge_client::scripted::Answer;

use crate::{DEPLOYMENT, HTTP_ROUTE, SERVICE, cluster, objects, run};

const INGRESS: &str = "/apis/networking.k8s.io/v1/namespaces/tool-stashbot/ingresses/stashbot-subdomain";
const ROUTES: &str = "GET /apis/gateway.networking.k8s.io/v1/namespaces/tool-stashbot/httproutes";

/// Returns how a command line ended, without its requests.
fn ended(shown: &str) -> String {
    let is_request =
        |line: &&str| !["GET ", "POST ", "PATCH ", "DELETE "].iter().any(|verb| line.starts_with(verb));
    shown.lines().filter(is_request).collect::<Vec<_>>().join("\n")
}

#[test]
fn refused_dry_run_has_changed_nothing() {
    let instead = [
        (format!("PATCH {DEPLOYMENT}"), Answer::json(201, &json!({}))),
        (
            format!("PATCH {SERVICE}"),
            Answer::refusal(400, "", "admission webhook \"w\" denied the request: no"),
        ),
    ];
    assert_snapshot!(ended(&run(cluster(None, &instead), "php8.2 start --dry-run=server")), @"
    [exit 4]
    error: the cluster's w refused: no
      Service stashbot: not accepted
      nothing was stored (dry run)
    ");
}

#[test]
fn refused_route_names_what_still_serves() {
    let mut route = objects("running.json", "HTTPRoute").remove(0);
    let condition =
        json!({"type": "Accepted", "status": "False", "message": "no listener", "observedGeneration": 1});
    route["metadata"]["generation"] = json!(1);
    route["status"] = json!({"parents": [{"conditions": [condition]}]});
    let labels = route["metadata"]["labels"].clone();
    let ingress = json!({"metadata": {"name": "stashbot-subdomain", "uid": "i-1", "labels": labels}});
    let instead = [
        (format!("GET {HTTP_ROUTE}"), Answer::not_found("httproutes", "stashbot")),
        (format!("GET {INGRESS}"), Answer::json(200, &ingress)),
        (format!("PATCH {HTTP_ROUTE}"), Answer::json(201, &route)),
        (
            ROUTES.to_owned(),
            Answer::json(200, &json!({"metadata": {"resourceVersion": "7"}, "items": [route]})),
        ),
        (format!("DELETE {HTTP_ROUTE}"), Answer::json(200, &json!({}))),
    ];
    let shown = run(cluster(Some("running.json"), &instead), "php8.2 start --routing=httproute");
    assert_snapshot!(ended(&shown), @"
    [exit 4]
    error: the gateway refuses the new route, so the old one was kept: no listener
      nothing was changed

    hint: Requests still reach the web service through its Ingress; `webservice start` without `--routing` keeps it.
    ");
    assert!(
        shown.contains(&format!("DELETE {HTTP_ROUTE}")) && !shown.contains(&format!("DELETE {INGRESS}")),
        "{shown}"
    );
}
