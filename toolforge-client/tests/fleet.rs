//! The quotas of all namespaces.
#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;
use toolforge_client::QuotaPage;
use toolforge_client::scripted::{Answer, Script};

const QUOTAS: &str = "GET /api/v1/resourcequotas";

fn page(namespaces: &[&str], next: &str) -> Answer {
    let quota = |namespace: &&str| json!({"metadata": {"namespace": namespace, "name": namespace}});
    let items: Vec<Value> = namespaces.iter().map(quota).collect();
    Answer::json(200, &json!({"metadata": {"continue": next}, "items": items}))
}

fn refusal(code: u16, reason: &str) -> Answer {
    let status =
        json!({"kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": "no"});
    Answer::json(code, &status)
}

/// Returns the namespaces of the quotas of each page, with those that are refused.
async fn pages(script: Script) -> Vec<(Vec<String>, Vec<String>)> {
    let (client, _) = script.client();
    let mut pages = client.all_quotas();
    let mut found = Vec::new();
    while let Some(QuotaPage { quotas, refused, .. }) = pages.next().await.unwrap() {
        let quotas = quotas.into_iter().map(|quota| quota.metadata.namespace.unwrap()).collect();
        found.push((quotas, refused.into_iter().map(|refused| refused.namespace).collect()));
    }
    found
}

#[tokio::test]
async fn quotas_are_read_in_pages() {
    let script =
        Script::new().answer(QUOTAS, page(&["tool-a", "tool-b"], "2")).answer(QUOTAS, page(&["tool-c"], ""));
    let found = pages(script).await;
    let quotas: Vec<&[String]> = found.iter().map(|(quotas, _)| quotas.as_slice()).collect();
    assert_eq!(quotas, [&["tool-a", "tool-b"][..], &["tool-c"]]);
}

#[tokio::test]
async fn expired_list_continues_after_the_last_quota() {
    let script = Script::new()
        .answer(QUOTAS, page(&["tool-a-b", "tool-a"], "2"))
        .answer(QUOTAS, refusal(410, "Expired"))
        .answer(QUOTAS, page(&["tool-a-b", "tool-a"], "2"))
        .answer(QUOTAS, page(&["tool-c"], ""));
    let found = pages(script).await;
    let quotas: Vec<&[String]> = found.iter().map(|(quotas, _)| quotas.as_slice()).collect();
    assert_eq!(quotas, [&["tool-a-b", "tool-a"][..], &["tool-c"]]);
}

#[tokio::test]
async fn forbidden_list_reads_each_namespace() {
    let namespaces =
        ["default", "tool-a", "tool-b", "tool-c"].map(|name| json!({"metadata": {"name": name}}));
    let script = Script::new()
        .answer(QUOTAS, refusal(403, "Forbidden"))
        .answer("GET /api/v1/namespaces", Answer::json(200, &json!({"metadata": {}, "items": namespaces})))
        .answer("GET /api/v1/namespaces/tool-a/resourcequotas", page(&["tool-a"], ""))
        .answer("GET /api/v1/namespaces/tool-b/resourcequotas", refusal(403, "Forbidden"))
        .answer("GET /api/v1/namespaces/tool-c/resourcequotas", page(&[], ""));
    assert_eq!(pages(script).await, [(vec!["tool-a".to_owned()], vec!["tool-b".to_owned()])]);
}

#[tokio::test(start_paused = true)]
async fn each_page_has_a_time_limit_of_its_own() {
    let slow = Duration::from_secs(25);
    let script = |last: Answer| {
        Script::new()
            .answer(QUOTAS, page(&["tool-a"], "2").after(slow))
            .answer(QUOTAS, page(&["tool-b"], "3").after(slow))
            .answer(QUOTAS, last)
    };
    let start = Instant::now();
    assert_eq!(pages(script(page(&["tool-c"], "").after(slow))).await.len(), 3);
    assert_eq!(start.elapsed().as_secs(), 75);
    let (client, _) = script(Answer::silent()).client();
    let mut pages = client.all_quotas();
    for _ in 0..2 {
        assert!(pages.next().await.unwrap().is_some());
    }
    let start = Instant::now();
    assert!(pages.next().await.is_err());
    assert_eq!(start.elapsed().as_secs(), 30);
}
