//! Bounds on what a server or a proxy may do, with small limits.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's own function may stop the test")]

use std::ops::ControlFlow;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use k8s_openapi::api::core::v1::Pod;
use serde_json::{Value, json};
use tokio::time::Instant;
use toolforge_client::kube::api::{AttachParams, DeleteParams, ListParams};
use toolforge_client::scripted::{Answer, Requests, Script};
use toolforge_client::{
    Client, Collection, Error, ObjectPath, RequestLimits, ResourceType, TransportError, WatchOptions,
    WatcherEvent, post_params,
};

const PODS: &str = "GET /api/v1/namespaces/tool-x/pods";
const POD: &str = "GET /api/v1/namespaces/tool-x/pods/x";
const EXEC: &str = "GET /api/v1/namespaces/tool-x/pods/x/exec";

fn pods() -> Collection {
    ResourceType::of::<Pod>().in_namespace("tool-x")
}

fn pod() -> ObjectPath {
    pods().named("x")
}

fn page(token: &str) -> Answer {
    let items = [json!({"metadata": {"name": "x"}})];
    Answer::json(200, &json!({"metadata": {"continue": token, "resourceVersion": "7"}, "items": items}))
}

async fn get(answer: Answer) -> (Error, Duration) {
    let (client, _) = Script::new().answer(POD, answer).client();
    let start = Instant::now();
    (client.get::<Value>(&pod()).await.unwrap_err(), start.elapsed())
}

/// An endless body of chunks of this size, one for each pause.
fn endless(size: usize, pause: Duration) -> Answer {
    Answer::chunks(200, vec![Bytes::from(vec![b' '; size])]).and_repeats(pause)
}

#[tokio::test(start_paused = true)]
async fn answer_that_never_begins_ends_after_30_s() {
    let (error, after) = get(Answer::silent()).await;
    assert!(matches!(error, Error::Transport(TransportError::Silent)), "{error:?}");
    assert_eq!(after.as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn body_that_never_ends_is_silent() {
    let (error, after) = get(Answer::chunks(200, Vec::new()).and_stays_open()).await;
    assert!(matches!(error, Error::Transport(TransportError::Silent)), "{error:?}");
    assert_eq!(after.as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn single_bytes_do_not_extend_the_time() {
    let (error, after) = get(endless(1, Duration::from_secs(1))).await;
    assert!(error.to_string().starts_with("the response is too slow: "), "{error}");
    assert!((30..32).contains(&after.as_secs()), "{after:?}");
    let (error, after) = get(endless(500, Duration::from_secs(1))).await;
    assert!(matches!(error, Error::Transport(TransportError::Slow { .. })), "{error:?}");
    assert!((30..32).contains(&after.as_secs()), "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn writes_have_the_time_of_the_server() {
    let (client, _) = Script::new().answer("POST /api/v1/namespaces/tool-x/pods", Answer::silent()).client();
    let start = Instant::now();
    let error = client.create::<Value>(&pods(), &json!({}), &post_params()).await.unwrap_err();
    assert!(error.outcome_unknown(), "{error:?}");
    assert_eq!(start.elapsed().as_secs(), 65);
}

#[tokio::test(start_paused = true)]
async fn objects_refusals_and_versions_are_bounded() {
    let flood = || endless(1024 * 1024, Duration::ZERO);
    let (error, _) = get(flood()).await;
    assert!(matches!(error, Error::TooLarge { limit: 8_388_608, .. }), "{error:?}");
    let (error, _) = get(flood().code(403)).await;
    assert!(matches!(error, Error::TooLarge { limit: 1_048_576, .. }), "{error:?}");
    let (client, _) = Script::new().answer("GET /version", flood()).client();
    let error = client.server_version().await.unwrap_err();
    assert!(matches!(error, Error::TooLarge { limit: 1_048_576, .. }), "{error:?}");
}

#[tokio::test]
async fn list_that_repeats_a_page_is_an_error() {
    let (client, requests) = Script::new().answer(PODS, page("same")).client();
    let error = client.list::<Value>(&pods(), &ListParams::default()).await.unwrap_err();
    assert!(
        error.to_string().starts_with("cannot read the response to GET")
            && error.to_string().ends_with(": it repeats a page"),
        "{error}"
    );
    assert_eq!(requests.count(), 2);
}

#[tokio::test]
async fn list_has_at_most_so_many_pages() {
    let script = (0..50).fold(Script::new(), |script, number| script.answer(PODS, page(&number.to_string())));
    let (client, requests) = script.client();
    let client = client.with_limits(RequestLimits::default().with_pages(10));
    let error = client.list::<Value>(&pods(), &ListParams::default()).await.unwrap_err();
    assert!(error.to_string().ends_with("it has more than 10 pages"), "{error}");
    assert_eq!(requests.count(), 10);
}

#[tokio::test(start_paused = true)]
async fn pages_have_one_time_together() {
    let pause = Duration::from_secs(4);
    let script = (0..50)
        .fold(Script::new(), |script, number| script.answer(PODS, page(&number.to_string()).after(pause)));
    let (client, requests) = script.client();
    let start = Instant::now();
    let error = client.list::<Value>(&pods(), &ListParams::default()).await.unwrap_err();
    assert!(matches!(error, Error::Transport(TransportError::Slow { .. })), "{error:?}");
    assert_eq!((start.elapsed().as_secs(), requests.count()), (30, 8));
}

#[tokio::test(start_paused = true)]
async fn shared_time_covers_all_requests() {
    let busy = |script: Script, _| script.answer(POD, Answer::refusal(429, "TooManyRequests", "busy"));
    let (client, _) = (0..200).fold(Script::new(), busy).client();
    let client = client.sharing_read_time();
    let start = Instant::now();
    for _ in 0..3 {
        client.get::<Value>(&pod()).await.unwrap_err();
    }
    let elapsed = start.elapsed().as_secs();
    assert!((20..=30).contains(&elapsed), "{elapsed}");
    // A request that writes has its own time.
    let (client, _) = Script::new().answer("POST /api/v1/namespaces/tool-x/pods", Answer::silent()).client();
    let client = client.sharing_read_time();
    client.create::<Value>(&pods(), &json!({}), &post_params()).await.unwrap_err();
    assert!(start.elapsed().as_secs() >= elapsed + 65);
}

#[tokio::test(start_paused = true)]
async fn stated_length_is_enough_to_refuse_an_answer() {
    let (error, after) =
        get(Answer::text(200, "").header("content-length", "9437184").and_stays_open()).await;
    assert!(matches!(error, Error::TooLarge { limit: 8_388_608, .. }), "{error:?}");
    assert_eq!(after, Duration::ZERO);
}

#[tokio::test]
async fn only_writes_may_have_been_applied() {
    let html = || Answer::text(200, "<html>");
    let (client, _) =
        Script::new().answer(POD, html()).answer("POST /api/v1/namespaces/tool-x/pods", html()).client();
    assert!(!client.get::<Value>(&pod()).await.unwrap_err().outcome_unknown());
    let created = client.create::<Value>(&pods(), &json!({}), &post_params()).await;
    assert!(created.unwrap_err().outcome_unknown());
}

#[tokio::test]
async fn page_of_a_proxy_accepts_no_deletion() {
    let delete = "DELETE /api/v1/namespaces/tool-x/pods/x";
    for body in ["<html>", "", "{\"kind\": \"Sta"] {
        let (client, _) = Script::new().answer(delete, Answer::text(200, body)).client();
        let error = client.delete(&pod(), &DeleteParams::default()).await.unwrap_err();
        assert!(error.outcome_unknown(), "{body}: {error:?}");
    }
}

#[tokio::test]
async fn rejects_lists_without_items() {
    let (client, _) = Script::new().answer(PODS, Answer::json(200, &json!({"metadata": {}}))).client();
    let error = client.list::<Value>(&pods(), &ListParams::default()).await.unwrap_err();
    assert!(matches!(error, Error::Malformed { .. }), "{error:?}");
    let nothing = json!({"metadata": {}, "items": null});
    let (client, _) = Script::new().answer(PODS, Answer::json(200, &nothing)).client();
    assert!(client.list::<Value>(&pods(), &ListParams::default()).await.unwrap().items.is_empty());
}

fn watched(answer: Answer) -> (Client, Requests) {
    let list = json!({"metadata": {"resourceVersion": "5"}, "items": []});
    let found = json!({"metadata": {"resourceVersion": "6"}, "items": [{"metadata": {"name": "x"}}]});
    let queries = ["limit=500", "fieldSelector=metadata.name%3Dx&limit=500"];
    let lists = queries.map(|query| format!("{PODS}?{query}"));
    let script = lists.iter().fold(Script::new(), |script, request| {
        script.answer(request, Answer::json(200, &list)).answer(request, Answer::json(200, &found))
    });
    script.answer(PODS, answer).client()
}

/// Checks that a watch lists again after this time, and so finds what its answer does not say.
async fn lists_again_after(answer: Answer, seconds: u64) {
    let (client, _) = watched(answer);
    let start = Instant::now();
    let mut events = pin!(client.watch::<Value>(pods(), ListParams::default(), WatchOptions::default()));
    assert!(matches!(events.next().await, Some(Ok(WatcherEvent::Init(items))) if items.is_empty()));
    assert!(matches!(events.next().await, Some(Ok(WatcherEvent::Init(items))) if items.len() == 1));
    assert_eq!(start.elapsed().as_secs(), seconds);
}

#[tokio::test(start_paused = true)]
async fn silent_watch_lists_again() {
    lists_again_after(Answer::chunks(200, Vec::new()).and_stays_open(), 30).await;
}

#[tokio::test(start_paused = true)]
async fn watch_line_without_end_lists_again() {
    lists_again_after(endless(1, Duration::from_secs(1)), 30).await;
    lists_again_after(endless(1024 * 1024, Duration::ZERO), 0).await;
}

#[tokio::test(start_paused = true)]
async fn silent_watch_does_not_outlast_the_wait() {
    let (client, _) = watched(Answer::chunks(200, Vec::new()).and_stays_open());
    let start = Instant::now();
    let pod = pod();
    let never = |_: Option<&Value>| ControlFlow::<()>::Continue(());
    assert_eq!(client.wait_object(&pod, Duration::from_secs(20), never).await.unwrap(), None);
    assert_eq!(start.elapsed().as_secs(), 20);
    let (client, _) = watched(Answer::chunks(200, Vec::new()).and_stays_open());
    let is_there = |found: Option<&Value>| match found {
        Some(_) => ControlFlow::Break(()),
        None => ControlFlow::Continue(()),
    };
    assert_eq!(client.wait_object(&pod, Duration::from_secs(60), is_there).await.unwrap(), Some(()));
}

async fn exec(script: Script) -> (Error, Requests) {
    let (client, requests) = script.client();
    let params = AttachParams::default().container("x");
    match client.exec(&pod(), &["true".to_owned()], &params).await {
        Err(error) => (error, requests),
        Ok(_) => panic!("the answer is not a WebSocket"),
    }
}

#[tokio::test(start_paused = true)]
async fn exec_without_upgrade_is_an_error() {
    let start = Instant::now();
    let html = Answer::text(200, "<html>log in").header("content-type", "text/html").and_stays_open();
    let (error, _) = exec(Script::new().answer(EXEC, html)).await;
    assert!(error.to_string().ends_with("it is an HTML page; is a proxy in between?"), "{error}");
    let (error, _) = exec(Script::new().answer(EXEC, Answer::chunks(200, Vec::new()).and_stays_open())).await;
    assert!(
        error.to_string().ends_with("it does not switch to the protocol for running commands"),
        "{error}"
    );
    assert!(start.elapsed() <= Duration::from_secs(2), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn exec_is_repeated_after_a_busy_answer() {
    for code in [429, 503] {
        let busy = || Answer::refusal(code, "", "busy").header("retry-after", "1");
        let script = Script::new().answer(EXEC, busy()).answer(EXEC, busy()).answer(EXEC, busy());
        let (error, requests) = exec(script.answer(EXEC, Answer::refusal(404, "NotFound", "gone"))).await;
        assert_eq!((requests.count(), error.api_status().unwrap().code()), (4, 404));
    }
}

#[tokio::test(start_paused = true)]
async fn writes_repeat_after_retry_after() {
    const CREATE: &str = "POST /api/v1/namespaces/tool-x/pods";
    let created = || Answer::json(201, &json!({"metadata": {"name": "x"}}));
    for code in [429, 503] {
        let busy = || Answer::refusal(code, "", "busy").header("retry-after", "1");
        let script = Script::new().answer(CREATE, busy()).answer(CREATE, busy()).answer(CREATE, busy());
        let (client, requests) = script.answer(CREATE, created()).client();
        client.create::<Value>(&pods(), &json!({}), &post_params()).await.unwrap();
        assert_eq!(requests.count(), 4);
    }
    // Without a time, a proxy may have lost the server's response.
    let script = Script::new().answer(CREATE, Answer::text(503, "busy")).answer(CREATE, created());
    let (client, requests) = script.client();
    client.create::<Value>(&pods(), &json!({}), &post_params()).await.unwrap_err();
    assert_eq!(requests.count(), 1);
}
