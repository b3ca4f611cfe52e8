//! `kube::Api` over this crate's client: the same retries, limits and messages.

use k8s_openapi::api::core::v1::Pod;
use serde_json::json;
use toolforge_client::kube::Api;
use toolforge_client::kube::api::{ListParams, PostParams};
use toolforge_client::scripted::{Answer, Requests, Script};
use toolforge_client::{Error, kube};

const PODS: &str = "/api/v1/namespaces/tool-x/pods";

fn pods(script: Script) -> (Api<Pod>, Requests) {
    let (client, requests) = script.client();
    (Api::namespaced(client.kube().clone(), "tool-x"), requests)
}

#[tokio::test]
async fn missing_object_is_none() {
    let (pods, requests) =
        pods(Script::new().answer(&format!("GET {PODS}/x"), Answer::not_found("pods", "x")));
    assert!(pods.get_opt("x").await.unwrap().is_none());
    assert_eq!(requests.to_string(), format!("GET   {PODS}/x\n"));
}

#[tokio::test(start_paused = true)]
async fn busy_server_is_asked_again() {
    let busy = Answer::refusal(429, "TooManyRequests", "later").header("retry-after", "3");
    let empty = Answer::json(200, &json!({"metadata": {}, "items": []}));
    let request = format!("GET {PODS}");
    let (pods, requests) = pods(Script::new().answer(&request, busy).answer(&request, empty));
    let start = tokio::time::Instant::now();
    pods.list(&ListParams::default()).await.unwrap();
    assert_eq!((start.elapsed().as_secs(), requests.count()), (3, 2));
}

#[tokio::test]
async fn refusals_keep_their_sentence_and_wait() {
    let refusal = Answer::refusal(429, "TooManyRequests", "later").header("retry-after", "600");
    let (pods, _) = pods(Script::new().answer(&format!("GET {PODS}/x"), refusal));
    let error = pods.get("x").await.unwrap_err();
    assert!(matches!(&error, kube::Error::Api(status) if status.code == 429), "{error:?}");
    let error = Error::from(error);
    assert_eq!(error.to_string(), "the cluster refuses (TooManyRequests 429): later");
    assert_eq!(error.api_status().unwrap().retry_after().unwrap().as_secs(), 600);
}

#[tokio::test]
async fn text_refusals_become_statuses() {
    let (pods, _) = pods(Script::new().answer(&format!("GET {PODS}/x"), Answer::text(502, "no \u{1b}[2J")));
    let error = Error::from(pods.get("x").await.unwrap_err()).to_string();
    assert_eq!(error, "the cluster refuses (502): no \\u{1b}[2J");
}

#[tokio::test]
async fn other_errors_are_ours() {
    let moved = Answer::text(302, "").header("location", "https://elsewhere.example/");
    let (pods, _) = pods(Script::new().answer(&format!("GET {PODS}/x"), moved));
    let error = Error::from(pods.get("x").await.unwrap_err());
    assert!(matches!(error, Error::Redirected { .. }), "{error:?}");
}

#[tokio::test]
async fn dot_names_are_not_sent() {
    let (pods, requests) = pods(Script::new());
    let error = Error::from(pods.get("..").await.unwrap_err());
    assert!(matches!(error, Error::InvalidName { .. }), "{error:?}");
    assert_eq!(requests.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn lost_creation_is_not_repeated() {
    let (pods, requests) = pods(Script::new().answer(&format!("POST {PODS}"), Answer::lost()));
    let error = Error::from(pods.create(&PostParams::default(), &Pod::default()).await.unwrap_err());
    assert!(error.outcome_unknown());
    assert_eq!(requests.count(), 1);
}
