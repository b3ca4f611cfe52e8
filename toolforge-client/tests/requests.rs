//! Requests to the API server and the handling of its answers, with scripts.

use insta::assert_snapshot;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use serde_json::{Value, json};
use tokio::time::Instant;
use toolforge_client::kube::api::{DeleteParams, ListParams, LogParams, PatchParams, Preconditions};
use toolforge_client::scripted::{Answer, Script};
use toolforge_client::{
    Collection, Deleted, Error, ObjectPath, ResourceType, StatusKind, apply_params, post_params,
};

const PODS: &str = "GET /api/v1/namespaces/tool-x/pods";
const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/tool-x/deployments/x";

fn pods() -> Collection {
    ResourceType::of::<Pod>().in_namespace("tool-x")
}

fn deployment() -> ObjectPath {
    ResourceType::of::<Deployment>().in_namespace("tool-x").named("x")
}

fn page(names: &[&str], next: &str) -> Answer {
    let items: Vec<_> = names.iter().map(|name| json!({"metadata": {"name": name}})).collect();
    Answer::json(200, &json!({"metadata": {"continue": next, "resourceVersion": "7"}, "items": items}))
}

fn names(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["metadata"]["name"].as_str().unwrap_or_default()).collect()
}

#[tokio::test]
async fn list_is_fetched_in_pages() {
    let script = Script::new()
        .answer(
            "GET /api/v1/namespaces/tool-x/pods?labelSelector=name%3Dx&limit=500",
            page(&["a", "b"], "t=1"),
        )
        .answer(PODS, page(&["c"], ""));
    let (client, requests) = script.client();
    let list = client.list::<Value>(&pods(), &ListParams::default().labels("name=x")).await.unwrap();
    assert_eq!((names(&list.items), list.resource_version.as_str()), (vec!["a", "b", "c"], "7"));
    assert_snapshot!(requests, @r"
    GET   /api/v1/namespaces/tool-x/pods?labelSelector=name%3Dx&limit=500
    GET   /api/v1/namespaces/tool-x/pods?continue=t%3D1&labelSelector=name%3Dx&limit=500
    ");
}

#[tokio::test]
async fn list_restarts_after_410_gone() {
    let script = Script::new()
        .answer(PODS, page(&["a"], "t"))
        .answer(PODS, Answer::refusal(410, "Expired", "the continue token is too old"))
        .answer(PODS, page(&["b"], "u"))
        .answer(PODS, page(&["c"], ""));
    let (client, _) = script.client();
    let list = client.list::<Value>(&pods(), &ListParams::default()).await.unwrap();
    assert_eq!(names(&list.items), ["b", "c"]);
}

#[tokio::test]
async fn only_missing_objects_are_reported_as_none() {
    let script = Script::new()
        .answer(&format!("GET {DEPLOYMENT}"), Answer::not_found("deployments.apps", "x"))
        .answer(PODS, Answer::refusal(403, "Forbidden", "in new words"));
    let (client, _) = script.client();
    assert!(client.get_opt::<Value>(&deployment()).await.unwrap().is_none());
    assert!(client.get::<Value>(&deployment()).await.unwrap_err().is_not_found());
    let refused = client.list::<Value>(&pods(), &ListParams::default()).await.unwrap_err();
    assert_eq!(refused.to_string(), "the cluster refuses (Forbidden 403): in new words");
}

#[tokio::test]
async fn apply_forces_our_field_manager() {
    let script = Script::new().answer(&format!("PATCH {DEPLOYMENT}"), Answer::json(200, &json!({"spec": 1})));
    let (client, requests) = script.client();
    let object = json!({"apiVersion": "apps/v1", "kind": "Deployment"});
    client.apply::<Value>(&deployment(), &object, &apply_params()).await.unwrap();
    let dry_run = PatchParams { dry_run: true, ..apply_params() };
    client.apply::<Value>(&deployment(), &object, &dry_run).await.unwrap();
    assert_snapshot!(requests, @r"
    PATCH /apis/apps/v1/namespaces/tool-x/deployments/x?fieldManager=toolforge-cli&force=true
    PATCH /apis/apps/v1/namespaces/tool-x/deployments/x?dryRun=All&fieldManager=toolforge-cli&force=true
    ");
}

#[tokio::test]
async fn deletion_sends_preconditions() {
    let script = Script::new()
        .answer(&format!("DELETE {DEPLOYMENT}"), Answer::json(200, &json!({"kind": "Status"})))
        .answer(&format!("DELETE {DEPLOYMENT}"), Answer::not_found("deployments.apps", "x"))
        .answer(
            &format!("DELETE {DEPLOYMENT}"),
            Answer::refusal(409, "Conflict", "the UID in the precondition …"),
        );
    let (client, requests) = script.client();
    let preconditions = Preconditions { uid: Some("u-1".to_owned()), resource_version: Some("7".to_owned()) };
    let options = DeleteParams::foreground().preconditions(preconditions);
    assert_eq!(client.delete(&deployment(), &options).await.unwrap(), Deleted::Accepted);
    let plain = DeleteParams::default().dry_run();
    assert_eq!(client.delete(&deployment(), &plain).await.unwrap(), Deleted::AlreadyGone);
    assert_snapshot!(requests.writes(), @r#"
    DELETE /apis/apps/v1/namespaces/tool-x/deployments/x
    {
      "preconditions": {
        "resourceVersion": "7",
        "uid": "u-1"
      },
      "propagationPolicy": "Foreground"
    }
    DELETE /apis/apps/v1/namespaces/tool-x/deployments/x
    {
      "dryRun": [
        "All"
      ]
    }
    "#);
    let error = client.delete(&deployment(), &options).await.unwrap_err();
    assert_eq!(*error.api_status().unwrap().kind(), StatusKind::Conflict);
}

#[tokio::test(start_paused = true)]
async fn retry_waits_for_retry_after() {
    let busy = |code| Answer::refusal(code, "TooManyRequests", "later").header("retry-after", "3");
    let script = Script::new().answer(PODS, busy(429)).answer(PODS, busy(503)).answer(PODS, page(&[], ""));
    let (client, requests) = script.client();
    let start = Instant::now();
    client.list::<Value>(&pods(), &ListParams::default()).await.unwrap();
    assert_eq!((start.elapsed().as_secs(), requests.count()), (6, 3));
}

#[tokio::test(start_paused = true)]
async fn too_long_retry_after_fails_at_once() {
    let busy = Answer::refusal(429, "TooManyRequests", "later").header("retry-after", "600");
    let (client, requests) = Script::new().answer(PODS, busy).client();
    let start = Instant::now();
    let error = client.list::<Value>(&pods(), &ListParams::default()).await.unwrap_err();
    assert_eq!((start.elapsed().as_secs(), requests.count()), (0, 1));
    assert_eq!(error.api_status().unwrap().retry_after().unwrap().as_secs(), 600);
}

#[tokio::test(start_paused = true)]
async fn retries_stop_at_the_deadline() {
    let busy = Answer::refusal(429, "TooManyRequests", "later");
    let (client, requests) = Script::new().answer(PODS, busy).client();
    let start = Instant::now();
    client.list::<Value>(&pods(), &ListParams::default()).await.unwrap_err();
    assert!((10..=20).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    assert!((5..20).contains(&requests.count()), "{requests}");
}

#[tokio::test(start_paused = true)]
async fn creation_is_repeated_only_if_not_applied() {
    let request = "POST /api/v1/namespaces/tool-x/pods";
    let race =
        json!({"kind": "Status", "code": 409, "reason": "Conflict", "details": {"kind": "resourcequotas"}});
    let script = Script::new()
        .answer(request, Answer::json(409, &race))
        .answer(request, Answer::json(201, &json!({})))
        .answer(request, Answer::lost())
        .answer(request, Answer::refusal(503, "ServiceUnavailable", "down"));
    let (client, requests) = script.client();
    let (pods, pod, params) = (pods(), json!({}), post_params());
    let create = || client.create::<Value>(&pods, &pod, &params);
    create().await.unwrap();
    assert_eq!(requests.count(), 2);
    let lost = create().await.unwrap_err();
    assert!(lost.outcome_unknown());
    assert_eq!(requests.count(), 3);
    let down = create().await.unwrap_err();
    assert!(!down.outcome_unknown());
    assert_eq!(requests.count(), 4);
}

#[tokio::test(start_paused = true)]
async fn lost_answer_is_requested_once_more() {
    let request = format!("PATCH {DEPLOYMENT}");
    let script =
        Script::new().answer(&request, Answer::lost()).answer(&request, Answer::json(200, &json!({})));
    let (client, requests) = script.client();
    client.apply::<Value>(&deployment(), &json!({}), &apply_params()).await.unwrap();
    assert_eq!(requests.count(), 2);
    let (client, requests) = Script::new().answer(&request, Answer::lost()).client();
    client.apply::<Value>(&deployment(), &json!({}), &apply_params()).await.unwrap_err();
    assert_eq!(requests.count(), 2);
}

#[tokio::test]
async fn redirect_is_not_followed() {
    let answer = Answer::text(302, "").header("location", "https://elsewhere.example/");
    let (client, requests) = Script::new().answer(PODS, answer).client();
    let error = client.list::<Value>(&pods(), &ListParams::default()).await.unwrap_err();
    assert!(matches!(error, Error::Redirected { .. }), "{error:?}");
    assert_eq!(requests.count(), 1);
}

#[tokio::test]
async fn malformed_answers_are_errors() {
    for rubbish in ["", "<html>", "{\"items\": 5}", "\u{1b}[2J", "{\"metadata\": null, \"items\": [{]}"] {
        let (client, _) = Script::new().answer(PODS, Answer::text(200, rubbish)).client();
        let error = client.list::<Pod>(&pods(), &ListParams::default()).await.unwrap_err();
        assert!(matches!(error, Error::Malformed { .. }), "{error:?}");
        assert!(!error.to_string().contains('\u{1b}'));
    }
}

#[tokio::test]
async fn logs_returns_the_last_lines() {
    let script =
        Script::new().answer("GET /api/v1/namespaces/tool-x/pods/x-1/log", Answer::text(200, "a\nb\n"));
    let (client, requests) = script.client();
    let params = LogParams {
        container: Some("webservice".to_owned()),
        previous: true,
        tail_lines: Some(20),
        ..LogParams::default()
    };
    let lines = client.logs(&pods().named("x-1"), &params).await.unwrap();
    assert_eq!(lines.as_raw(), "a\nb\n");
    assert_snapshot!(requests, @"GET   /api/v1/namespaces/tool-x/pods/x-1/log?container=webservice&previous=true&tailLines=20");
}

#[tokio::test]
async fn unscripted_request_is_an_error() {
    let (client, _) = Script::new().client();
    let error = client.get::<Value>(&deployment()).await.unwrap_err().to_string();
    assert_eq!(error, format!("the request failed: the script has no answer to GET {DEPLOYMENT}"));
}
