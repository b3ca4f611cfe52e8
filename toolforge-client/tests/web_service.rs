//! Facts of a web service, and waiting for one, with scripts.
#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

use std::ops::ControlFlow;
use std::time::Duration;

use insta::assert_snapshot;
use serde_json::{Value, json};
use tokio::time::Instant;
use toolforge_client::scripted::{Answer, Script};
use toolforge_client::{
    Error, NamespaceFetchOptions, PageError, WaitOptions, WaitOutcome, WebServiceFetchOptions,
};
use toolforge_images::Catalog;
use toolforge_model::ToolName;
use toolforge_render::namespace::Namespace;

const REVIEW: &str = "POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
const ROUTE: &str = "GET /apis/gateway.networking.k8s.io/v1/namespaces/tool-x/httproutes/x";
const INGRESS: &str = "GET /apis/networking.k8s.io/v1/namespaces/tool-x/ingresses/x-subdomain";
const DEPLOYMENTS: &str = "GET /apis/apps/v1/namespaces/tool-x/deployments";
const REPLICA_SETS: &str = "GET /apis/apps/v1/namespaces/tool-x/replicasets";
const PODS: &str = "GET /api/v1/namespaces/tool-x/pods";

fn tool() -> ToolName {
    "x".parse().unwrap()
}

fn empty() -> Answer {
    list(&[])
}

fn list(items: &[Value]) -> Answer {
    Answer::json(200, &json!({"metadata": {"resourceVersion": "10"}, "items": items}))
}

/// The answers of a cluster in which the tool has no objects.
fn fresh() -> Script {
    let php = json!({"image": "docker-registry.svc.toolforge.org/toolforge-php82-sssd-web", "extra": {"wstype": "lighttpd"}});
    let types = json!({"php8.2": {"state": "stable", "aliases": [], "variants": {"webservice": php}}});
    let catalog = json!({"data": {"images-v1.yaml": types.to_string()}});
    Script::new()
        .answer("GET /api/v1/namespaces/tf-public/configmaps/image-config", Answer::json(200, &catalog))
        .answer("GET /api/v1/namespaces/tool-x/limitranges", empty())
        .answer("GET /api/v1/namespaces/tool-x/resourcequotas", empty())
        .answer("GET /apis/apps/v1/namespaces/tool-x/deployments/x", Answer::not_found("deployments", "x"))
        .answer("GET /api/v1/namespaces/tool-x/services/x", Answer::not_found("services", "x"))
        .answer(INGRESS, Answer::not_found("ingresses", "x-subdomain"))
        .answer(PODS, empty())
}

fn review(allowed: bool) -> Answer {
    Answer::json(201, &json!({"status": {"allowed": allowed}}))
}

#[tokio::test]
async fn plan_facts_take_one_request_each() {
    let script = fresh().answer(ROUTE, Answer::not_found("httproutes", "x")).answer(REVIEW, review(true));
    let (client, requests) = script.client();
    let objects = client.fetch_web_service(&tool(), WebServiceFetchOptions::for_plan()).await.unwrap();
    assert!(objects.http_routes && objects.live.is_absent());
    assert_snapshot!(requests, @r"
    GET   /api/v1/namespaces/tf-public/configmaps/image-config
    GET   /api/v1/namespaces/tool-x/limitranges?limit=500
    GET   /api/v1/namespaces/tool-x/resourcequotas?limit=500
    GET   /apis/apps/v1/namespaces/tool-x/deployments/x
    GET   /api/v1/namespaces/tool-x/services/x
    GET   /apis/networking.k8s.io/v1/namespaces/tool-x/ingresses/x-subdomain
    GET   /apis/gateway.networking.k8s.io/v1/namespaces/tool-x/httproutes/x
    GET   /api/v1/namespaces/tool-x/pods?labelSelector=name%3Dx&limit=500
    POST  /apis/authorization.k8s.io/v1/selfsubjectaccessreviews
    ");
    let namespace = Namespace::new(&tool(), objects.namespace.catalog().unwrap());
    let facts = objects.facts(namespace);
    assert!(facts.http_routes && facts.namespace.limits.quotas.is_empty());
}

#[tokio::test]
async fn forbidden_limits_leave_the_quotas() {
    let forbidden = || Answer::refusal(403, "Forbidden", "limitranges is forbidden");
    let quota =
        json!({"metadata": {"name": "tool-x"}, "status": {"hard": {"pods": "4"}, "used": {"pods": "1"}}});
    let (ranges, quotas) =
        ("GET /api/v1/namespaces/tool-x/limitranges", "GET /api/v1/namespaces/tool-x/resourcequotas");
    let script = Script::new().answer(ranges, forbidden()).answer(quotas, list(&[quota]));
    let (client, _) = script.client();
    let objects = client.fetch_namespace(&tool(), NamespaceFetchOptions::limits()).await.unwrap();
    let limits = objects.facts(Namespace::new(&tool(), Catalog::default())).limits;
    let unread: Vec<&str> = limits.unread.iter().map(|kind| kind.as_str()).collect();
    assert_eq!((limits.quotas.len(), unread), (1, vec!["LimitRange"]));

    let script = Script::new().answer(ranges, forbidden()).answer(quotas, forbidden());
    let (client, _) = script.client();
    let refused = client.fetch_namespace(&tool(), NamespaceFetchOptions::limits()).await;
    assert_eq!(refused.unwrap_err().api_status().map(toolforge_client::ApiStatus::code), Some(403));
}

#[tokio::test]
async fn route_permission_is_requested_only_if_needed() {
    let route =
        json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": "x"}});
    let no_such_group = Answer::text(404, "404 page not found\n");
    let not_found = Answer::not_found("httproutes", "x");
    let forbidden =
        Answer::refusal(403, "Forbidden", "httproutes is forbidden: User \"x\" cannot get resource");
    for (answer, may, expected, count) in [
        (not_found.clone(), true, true, 9),
        (not_found, false, false, 9),
        (no_such_group, true, false, 8),
        (forbidden, true, false, 8),
        (Answer::json(200, &route), false, true, 9),
    ] {
        let (client, requests) = fresh().answer(ROUTE, answer).answer(REVIEW, review(may)).client();
        let objects = client.fetch_web_service(&tool(), WebServiceFetchOptions::for_plan()).await.unwrap();
        assert_eq!((objects.http_routes, requests.count()), (expected, count), "{requests}");
    }
}

#[tokio::test]
async fn starting_web_service_has_no_remains() {
    let path = "GET /apis/apps/v1/namespaces/tool-x/deployments/x";
    let deployment = json!({"metadata": {"name": "x", "uid": "1"}});
    let service = json!({"metadata": {"name": "x"}});
    let script = Script::new()
        .answer(path, Answer::not_found("deployments", "x"))
        .answer(path, Answer::json(200, &deployment))
        .answer("GET /api/v1/namespaces/tool-x/services/x", Answer::json(200, &service))
        .answer(INGRESS, Answer::not_found("ingresses", "x-subdomain"))
        .answer(ROUTE, Answer::not_found("httproutes", "x"));
    let (client, _) = script.client();
    let mut wanted = WebServiceFetchOptions::default();
    (wanted.deployment, wanted.service, wanted.routes) = (true, true, true);
    let live = client.fetch_web_service(&tool(), wanted).await.unwrap().live;
    let found = live.deployment.and_then(|found| found.metadata.uid);
    assert_eq!((found.as_deref(), live.service.is_some()), (Some("1"), true));
}

#[tokio::test]
async fn fetch_sends_only_selected_requests() {
    let (client, requests) = fresh().client();
    client.fetch_namespace(&tool(), NamespaceFetchOptions::limits()).await.unwrap();
    assert_snapshot!(requests, @r"
    GET   /api/v1/namespaces/tool-x/limitranges?limit=500
    GET   /api/v1/namespaces/tool-x/resourcequotas?limit=500
    ");
}

#[tokio::test]
async fn missing_catalog_is_an_error_if_needed() {
    let path = "GET /api/v1/namespaces/tf-public/configmaps/image-config";
    for (answer, expected) in [
        (
            Answer::not_found("configmaps", "image-config"),
            "the cluster has no ConfigMap image-config in the namespace tf-public, so its image types are not known",
        ),
        (
            Answer::json(200, &json!({"data": {}})),
            "the cluster's ConfigMap image-config has no key `images-v1.yaml`",
        ),
        (
            Answer::json(200, &json!({"data": {"images-v1.yaml": "[1"}})),
            "the cluster's image catalog cannot be read",
        ),
    ] {
        let (client, _) = Script::new().answer(path, answer).client();
        let fetched = client.fetch_namespace(&tool(), NamespaceFetchOptions::catalog()).await.unwrap();
        let error = fetched.catalog().unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}

fn pod(name: &str, phase: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "resourceVersion": "11"}, "status": {"phase": phase}})
}

fn watch(collection: &str, selector: &str) -> String {
    format!(
        "{collection}?allowWatchBookmarks=true&{selector}&resourceVersion=10&timeoutSeconds=290&watch=true"
    )
}

fn waiting(pod_frames: Answer) -> Script {
    Script::new()
        .answer(DEPLOYMENTS, empty())
        .answer(REPLICA_SETS, empty())
        .answer(PODS, list(&[pod("x-1", "Pending")]))
        .answer(&watch(DEPLOYMENTS, "fieldSelector=metadata.name%3Dx"), Answer::frames(&[]).and_stays_open())
        .answer(&watch(REPLICA_SETS, "labelSelector=name%3Dx"), Answer::frames(&[]).and_stays_open())
        .answer(&watch(PODS, "labelSelector=name%3Dx"), pod_frames)
}

#[tokio::test(start_paused = true)]
async fn wait_decides_after_every_change() {
    let frames = Answer::frames(&[
        json!({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "12"}}}),
        json!({"type": "ADDED", "object": pod("x-2", "Pending")}),
        json!({"type": "MODIFIED", "object": pod("x-1", "Running")}),
        json!({"type": "DELETED", "object": pod("x-2", "Pending")}),
    ]);
    let (client, requests) = waiting(frames.and_stays_open()).client();
    let mut seen = Vec::new();
    let options = WaitOptions::new(Duration::from_secs(60));
    let waited = client
        .wait_web_service(&tool(), options, |live| {
            let phase = |pod: &k8s_openapi::api::core::v1::Pod| pod.status.clone()?.phase;
            seen.push(live.pods.iter().filter_map(phase).collect::<Vec<_>>().join(" "));
            if seen.len() == 4 { ControlFlow::Break("enough") } else { ControlFlow::Continue(()) }
        })
        .await;
    assert!(matches!(waited, Ok(WaitOutcome::Done("enough"))), "{waited:?}");
    assert_eq!(seen, ["Pending", "Pending Pending", "Running Pending", "Running"]);
    assert_eq!(requests.count(), 6);
}

#[tokio::test(start_paused = true)]
async fn wait_returns_objects_at_the_deadline() {
    let (client, _) = waiting(Answer::frames(&[]).and_stays_open()).client();
    let start = Instant::now();
    let options = WaitOptions::new(Duration::from_secs(42));
    let waited =
        client.wait_web_service(&tool(), options, |_| ControlFlow::<()>::Continue(())).await.unwrap();
    assert_eq!(start.elapsed().as_secs(), 42);
    let WaitOutcome::DeadlineExceeded(live) = waited else { panic!("{waited:?}") };
    assert_eq!(live.pods.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn wait_fails_if_the_cluster_goes_away() {
    let script = Script::new()
        .answer(DEPLOYMENTS, empty())
        .answer(DEPLOYMENTS, Answer::lost())
        .answer(REPLICA_SETS, empty())
        .answer(REPLICA_SETS, Answer::lost())
        .answer(PODS, empty())
        .answer(PODS, Answer::lost());
    let (client, _) = script.client();
    let start = Instant::now();
    let options = WaitOptions::new(Duration::from_secs(300));
    let waited = client.wait_web_service(&tool(), options, |_| ControlFlow::<()>::Continue(())).await;
    assert!(matches!(waited, Err(Error::Transport(_))), "{waited:?}");
    assert!((15..30).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn page_error_is_that_of_the_web_service() {
    let unreached = "error trying to reach service: dial tcp 10.244.0.7:8000: connect: connection refused";
    for (answer, expected) in [
        (Answer::text(500, "<h1>Internal Server Error</h1>"), Some(PageError::Status(500))),
        (Answer::text(503, ""), Some(PageError::Status(503))),
        (Answer::json(500, &json!({"error": "no database"})), Some(PageError::Status(500))),
        (Answer::text(404, "not found"), None),
        (Answer::text(200, "here"), None),
        (Answer::refusal(503, "ServiceUnavailable", unreached), None),
        (Answer::refusal(503, "ServiceUnavailable", "no endpoints available for service \"x\""), None),
        (Answer::refusal(403, "Forbidden", "no"), None),
        (Answer::silent(), Some(PageError::NoAnswer)),
    ] {
        let (client, _) = Script::new()
            .answer("GET /api/v1/namespaces/tool-x/services/x:8000/proxy/", answer.clone())
            .client();
        assert_eq!(client.page_error(&tool()).await, expected, "{answer:?}");
    }
}
