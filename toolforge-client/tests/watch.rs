//! Watching a collection despite failures of the server and the network, with scripts.
#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

use std::pin::pin;

use futures_util::{Stream, StreamExt as _};
use insta::assert_snapshot;
use k8s_openapi::api::core::v1::Pod;
use serde_json::{Value, json};
use toolforge_client::kube::api::ListParams;
use toolforge_client::scripted::{Answer, Requests, Script};
use toolforge_client::{Error, ResourceType, StatusKind, WatchOptions, WatcherEvent};

const PODS: &str = "GET /api/v1/namespaces/tool-x/pods?limit=500";

fn list(version: &str, names: &[&str]) -> Answer {
    let items: Vec<_> = names.iter().map(|name| json!({"metadata": {"name": name}})).collect();
    Answer::json(200, &json!({"metadata": {"resourceVersion": version}, "items": items}))
}

fn frame(kind: &str, name: &str, version: &str) -> Value {
    json!({"type": kind, "object": {"kind": "Pod", "metadata": {"name": name, "resourceVersion": version}}})
}

fn expired() -> Value {
    json!({"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}})
}

fn from(version: &str) -> String {
    format!(
        "GET /api/v1/namespaces/tool-x/pods?allowWatchBookmarks=true&resourceVersion={version}&timeoutSeconds=290&watch=true"
    )
}

fn watch(script: Script) -> (impl Stream<Item = Result<WatcherEvent<Value>, Error>>, Requests) {
    let (client, requests) = script.client();
    let pods = ResourceType::of::<Pod>().in_namespace("tool-x");
    (client.watch(pods, ListParams::default(), WatchOptions::default()), requests)
}

/// Returns the first events as short texts.
async fn reported(script: Script, count: usize) -> (String, Requests) {
    let (changes, requests) = watch(script);
    let name = |object: &Value| object["metadata"]["name"].as_str().unwrap().to_owned();
    let words = changes.take(count).map(|change| match change.unwrap() {
        WatcherEvent::Init(objects) => {
            format!("[{}]", objects.iter().map(name).collect::<Vec<_>>().join(" "))
        }
        WatcherEvent::Apply(object) => format!("+{}", name(&object)),
        WatcherEvent::Delete(object) => format!("-{}", name(&object)),
    });
    (words.collect::<Vec<_>>().await.join(" "), requests)
}

#[tokio::test(start_paused = true)]
async fn watch_resumes_after_the_last_frame() {
    let bookmark = json!({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "9"}}});
    let script = Script::new()
        .answer(PODS, list("5", &["a"]))
        .answer(&from("5"), Answer::frames(&[frame("ADDED", "b", "7"), bookmark]))
        .answer(&from("9"), Answer::frames(&[frame("DELETED", "a", "12")]).and_stays_open());
    let (words, requests) = reported(script, 3).await;
    assert_eq!(words, "[a] +b -a");
    assert_snapshot!(requests, @r"
    GET   /api/v1/namespaces/tool-x/pods?limit=500
    GET   /api/v1/namespaces/tool-x/pods?allowWatchBookmarks=true&resourceVersion=5&timeoutSeconds=290&watch=true
    GET   /api/v1/namespaces/tool-x/pods?allowWatchBookmarks=true&resourceVersion=9&timeoutSeconds=290&watch=true
    ");
}

#[tokio::test(start_paused = true)]
async fn watch_relists_after_410_gone() {
    let script = Script::new()
        .answer(PODS, list("5", &["a"]))
        .answer(PODS, list("50", &["c"]))
        .answer(PODS, list("60", &["d"]))
        .answer(&from("5"), Answer::frames(&[expired()]))
        .answer(&from("50"), Answer::refusal(410, "Expired", "too old"))
        .answer(&from("60"), Answer::frames(&[frame("ADDED", "e", "61")]));
    assert_eq!(reported(script, 4).await.0, "[a] [c] [d] +e");
}

#[tokio::test(start_paused = true)]
async fn watch_resumes_without_loss_or_duplicates() {
    let first = format!("{}\n", frame("ADDED", "b", "6"));
    let whole = format!("{first}{}\n", frame("ADDED", "c", "7"));
    for cut in 0..=whole.len() {
        let rest = |frames: &[Value]| Answer::frames(frames).and_stays_open();
        let script = Script::new()
            .answer(PODS, list("5", &[]))
            .answer(&from("5"), Answer::text(200, &whole[..cut]))
            .answer(&from("5"), rest(&[frame("ADDED", "b", "6"), frame("ADDED", "c", "7")]))
            .answer(&from("6"), rest(&[frame("ADDED", "c", "7")]))
            .answer(&from("7"), rest(&[]));
        assert_eq!(reported(script, 3).await.0, "[] +b +c", "cut at {cut}");
    }
}

#[tokio::test(start_paused = true)]
async fn frames_do_not_depend_on_chunks() {
    let text = format!("{}\n\n{}\n", frame("ADDED", "b", "6"), frame("ADDED", "c", "7"));
    let pieces = text.as_bytes().chunks(3).map(bytes::Bytes::copy_from_slice).collect();
    for chunks in [pieces, vec![text.clone().into()]] {
        let script =
            Script::new().answer(PODS, list("5", &[])).answer(&from("5"), Answer::chunks(200, chunks));
        assert_eq!(reported(script, 3).await.0, "[] +b +c");
    }
}

#[tokio::test(start_paused = true)]
async fn watch_without_changes_does_not_fail() {
    let script = Script::new().answer(PODS, list("5", &[]));
    let script =
        (0..100).fold(script, |script, _| script.answer(&from("5"), Answer::frames(&[]).and_stays_open()));
    let script = script.answer(&from("5"), Answer::frames(&[frame("ADDED", "b", "6")]));
    let (words, _) = reported(script, 102).await;
    assert_eq!(words, format!("{}+b", "[] ".repeat(101)));
}

#[tokio::test(start_paused = true)]
async fn forbidden_watch_falls_back_to_lists() {
    let forbidden = "pods is forbidden: User \"x\" cannot watch resource \"pods\" in API group \"\"";
    let script = Script::new()
        .answer(PODS, list("5", &["a"]))
        .answer(PODS, list("6", &["b"]))
        .answer(PODS, list("7", &["c"]))
        .answer(&from("5"), Answer::refusal(403, "Forbidden", forbidden));
    let (words, requests) = reported(script, 3).await;
    assert_eq!((words.as_str(), requests.count()), ("[a] [b] [c]", 4));
}

#[tokio::test(start_paused = true)]
async fn watch_fails_if_every_watch_ends_at_once() {
    let script =
        Script::new().answer(PODS, list("5", &[])).answer(&from("5"), Answer::text(200, "rubbish\n"));
    let (changes, requests) = watch(script);
    let mut changes = pin!(changes);
    assert!(matches!(changes.next().await, Some(Ok(WatcherEvent::Init(_)))));
    assert!(matches!(changes.next().await, Some(Err(Error::Transport(_)))));
    assert!(changes.next().await.is_none());
    assert!(requests.count() < 20, "{}", requests.count());
}

#[tokio::test(start_paused = true)]
async fn permanent_refusal_ends_the_watch() {
    let script = Script::new().answer(PODS, Answer::refusal(401, "Unauthorized", "Unauthorized"));
    let (changes, requests) = watch(script);
    let errors: Vec<_> = changes.collect().await;
    let [Err(Error::Api(refusal))] = errors.as_slice() else { panic!("{errors:?}") };
    assert_eq!(*refusal.kind(), StatusKind::Unauthorized);
    assert_eq!(requests.count(), 1);
}
