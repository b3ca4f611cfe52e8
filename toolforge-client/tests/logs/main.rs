//! Reading and following logs despite failures of the server, the network and the kubelet, with scripts.
#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

mod job;

use std::time::Duration;

use insta::assert_snapshot;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use serde_json::{Value, json};
use tokio::time::Instant;
use toolforge_client::scripted::{Answer, Script};
use toolforge_client::{Client, Error, LogItem, LogOptions, LogOwner, LogReader, LogSince, LogTarget};
use toolforge_model::ToolName;

const PODS: &str = "GET /api/v1/namespaces/tool-x/pods";
const WEB_PODS: &str = "GET /api/v1/namespaces/tool-x/pods?labelSelector=name%3Dx&limit=500";
const JOB_PODS: &str = "GET /api/v1/namespaces/tool-x/pods?labelSelector=toolforge%3Dtool%2C\
    app.kubernetes.io%2Fmanaged-by%3Dtoolforge-jobs-framework%2Capp.kubernetes.io%2Fcreated-by%3Dx%2C\
    app.kubernetes.io%2Fname%3Dupdate&limit=500";
const DEPLOYMENTS: &str = "GET /apis/apps/v1/namespaces/tool-x/deployments";
const CRON_JOBS: &str = "GET /apis/batch/v1/namespaces/tool-x/cronjobs";
const JOBS: &str = "GET /apis/batch/v1/namespaces/tool-x/jobs";

fn log(pod: &str) -> String {
    format!("GET /api/v1/namespaces/tool-x/pods/{pod}/log")
}

fn tool() -> ToolName {
    "x".parse().unwrap()
}

/// Returns a pod whose container has this state and this last state.
fn pod(name: &str, state: &Value, last_state: &Value) -> Value {
    let id = state["running"]["id"].as_str().unwrap_or_default();
    json!({
        "metadata": {
            "name": name, "namespace": "tool-x", "uid": format!("uid of {name}"), "resourceVersion": "6",
            "labels": {"name": "x", "app.kubernetes.io/component": "web"},
        },
        "spec": {"containers": [{"name": "webservice"}]},
        "status": {"containerStatuses": [{
            "name": "webservice", "image": "", "imageID": "", "ready": false, "restartCount": 0,
            "containerID": id, "state": state, "lastState": last_state,
        }]},
    })
}

fn running(id: &str) -> Value {
    json!({"running": {"id": id}})
}

fn ended(id: &str, code: i32, finished: &str) -> Value {
    json!({"terminated": {"containerID": id, "exitCode": code, "finishedAt": finished}})
}

fn read(pod: &Value) -> Pod {
    serde_json::from_value(pod.clone()).unwrap()
}

fn list(items: &[Value]) -> Answer {
    Answer::json(200, &json!({"metadata": {"resourceVersion": "5"}, "items": items}))
}

fn frame(kind: &str, object: &Value) -> Value {
    json!({"type": kind, "object": object})
}

/// Returns an item as a short text.
fn word(item: LogItem) -> String {
    match item {
        LogItem::Line { pod, container, moment: _, message } => {
            assert!(["webservice", "job"].contains(&container.as_raw()), "{}", container.as_raw());
            format!("{}:{}", pod.as_raw(), message.as_raw())
        }
        LogItem::ContainerTerminated { container: _, end } => format!("{}:({end})", end.pod.as_raw()),
        LogItem::Notice { pod, text } => format!("{}:<{}>", pod.as_raw(), text.as_raw()),
    }
}

async fn snapshot(client: &Client, pods: &[Value], options: LogOptions) -> Result<String, Error> {
    let pods: Vec<Pod> = pods.iter().map(read).collect();
    all(client.web_service_log(&tool(), &pods, options)).await
}

async fn all(mut log: LogReader) -> Result<String, Error> {
    let mut words = Vec::new();
    while let Some(item) = log.next().await? {
        words.push(word(item));
    }
    Ok(words.join(" "))
}

/// Returns the first items of a reader and the tail after it.
async fn followed(client: &Client, pods: &[Value], count: usize) -> String {
    let pods: Vec<Pod> = pods.iter().map(read).collect();
    followed_of(client.web_service_log(&tool(), &pods, LogOptions::following()), count).await
}

async fn followed_of(mut log: LogReader, count: usize) -> String {
    let mut words = Vec::new();
    while let Some(item) = log.next().await.unwrap() {
        words.push(word(item));
    }
    let mut log = log.follow();
    while words.len() < count {
        match log.next().await.unwrap() {
            Some(item) => words.push(word(item)),
            None => {
                words.push("end".to_owned());
                break;
            }
        }
    }
    words.join(" ")
}

/// A cluster in which this object owns these pods, with their later changes.
fn made_by(owners: &str, owner: (&Value, &[Value]), pods: (&[Value], &[Value])) -> Script {
    let name = owner.0["metadata"]["name"].as_str().unwrap();
    let one = format!("{owners}?fieldSelector=metadata.name%3D{name}&limit=500");
    Script::new()
        .answer(if name == "x" { WEB_PODS } else { JOB_PODS }, list(pods.0))
        .answer(PODS, Answer::frames(pods.1).and_stays_open())
        .answer(&one, list(std::slice::from_ref(owner.0)))
        .answer(owners, Answer::frames(owner.1).and_stays_open())
}

/// A cluster with a Deployment, these pods and their later changes.
fn cluster(pods: &[Value], changes: &[Value]) -> Script {
    made_by(DEPLOYMENTS, (&json!({"metadata": {"name": "x"}}), &[]), (pods, changes))
}

/// Returns the answer of a log with one line for each of these seconds and texts.
fn lines(lines: &[(&str, &str)]) -> String {
    lines.iter().map(|(second, text)| format!("2026-11-25T10:00:{second}Z {text}\n")).collect()
}

#[tokio::test]
async fn logs_are_merged_in_order_of_time() {
    let script = Script::new()
        .answer(&log("a"), Answer::text(200, &lines(&[("01.5", "one"), ("03", "three"), ("02.9", "late")])))
        .answer(&log("b"), Answer::text(200, &lines(&[("02", "two"), ("04.000000001", "four")])));
    let (client, requests) = script.client();
    let pods = [pod("a", &running("1"), &json!({})), pod("b", &running("2"), &json!({}))];
    let options = LogOptions::default().with_last(Some(100)).with_since(Some(LogSince::Seconds(600)));
    let words = snapshot(&client, &pods, options).await.unwrap();
    assert_eq!(words, "a:one b:two a:three a:late b:four");
    assert_snapshot!(requests, @"
    GET   /api/v1/namespaces/tool-x/pods/a/log?container=webservice&sinceSeconds=600&tailLines=100&timestamps=true
    GET   /api/v1/namespaces/tool-x/pods/b/log?container=webservice&sinceSeconds=600&tailLines=100&timestamps=true
    ");
}

#[tokio::test]
async fn recent_previous_run_comes_first() {
    let previous = format!("{}?container=webservice&previous=true&timestamps=true", log("a"));
    let script = |now: &str| {
        Script::new()
            .answer(&previous, Answer::text(200, &lines(&[("01", "old")])))
            .answer(&log("a"), Answer::text(200, now))
            .client()
            .0
    };
    let (now, day) = (Timestamp::now().to_string(), "2020-01-01T00:00:00Z");
    let new = lines(&[("02", "new")]);
    let of = async |state: &Value, last: &Value| {
        snapshot(&script(&new), &[pod("a", state, last)], LogOptions::default()).await.unwrap()
    };
    let backing_off = json!({"waiting": {"reason": "CrashLoopBackOff"}});
    let crash = "(terminated with exit code 1)";
    assert_eq!(of(&running("2"), &ended("1", 1, &now)).await, format!("a:old a:{crash} a:new"));
    assert_eq!(of(&running("2"), &ended("1", 1, day)).await, "a:new");
    assert_eq!(of(&backing_off, &ended("1", 1, day)).await, format!("a:old a:{crash}"));
    assert_eq!(of(&ended("2", 1, &now), &json!({})).await, format!("a:new a:{crash}"));
    assert_eq!(of(&backing_off, &json!({})).await, "");
    // A termination before the requested time is not shown.
    for (since, is_sent) in [(LogSince::Seconds(60), false), (LogSince::Moment(day.parse().unwrap()), true)] {
        let options = LogOptions::default().with_since(Some(since));
        let words = snapshot(&script(&new), &[pod("a", &backing_off, &ended("1", 1, day))], options).await;
        assert_eq!(words.unwrap().contains("(terminated"), is_sent);
    }
}

#[tokio::test(start_paused = true)]
async fn log_resumes_without_loss_or_duplicates() {
    let whole = lines(&[("01", "a"), ("01", "a"), ("01", "b"), ("02.5", "ß"), ("02.5", "c")]);
    let expected = "p:a p:a p:b p:ß p:c";
    let pods = [pod("p", &running("1"), &json!({}))];
    for cut in 0..=whole.len() {
        let first = || Answer::chunks(200, vec![bytes::Bytes::copy_from_slice(&whole.as_bytes()[..cut])]);
        // Truncated while the existing log is read.
        let (client, _) = Script::new()
            .answer(&log("p"), first().and_breaks_off())
            .answer(&log("p"), Answer::text(200, &whole))
            .client();
        assert_eq!(snapshot(&client, &pods, LogOptions::default()).await.unwrap(), expected, "cut at {cut}");
        // Truncated while it is read before a tail: the server may stop in the middle of a line.
        let script = cluster(&pods, &[])
            .answer(&log("p"), first())
            .answer(&log("p"), Answer::text(200, &whole).and_stays_open());
        assert_eq!(followed(&script.client().0, &pods, 5).await, expected, "cut at {cut}");
        // Truncated while it is followed: the connection breaks, or the server closes the response.
        for first in [first(), first().and_breaks_off()] {
            let script = cluster(&pods, &[])
                .answer(&log("p"), Answer::text(200, ""))
                .answer(&log("p"), first)
                .answer(&log("p"), Answer::lost())
                .answer(&log("p"), Answer::text(200, &whole).and_stays_open());
            assert_eq!(followed(&script.client().0, &pods, 5).await, expected, "cut at {cut}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn tail_resumes_one_second_before_the_last_line() {
    let pods = [pod("p", &running("1"), &json!({}))];
    let script = cluster(&pods, &[])
        .answer(&log("p"), Answer::text(200, &lines(&[("08", "old"), ("09.7", "a")])))
        .answer(&log("p"), Answer::text(200, &lines(&[("08", "old"), ("09.7", "a"), ("10.2", "b")])))
        .answer(
            &log("p"),
            Answer::text(200, &lines(&[("09.7", "a"), ("10.2", "b"), ("11", "c")])).and_stays_open(),
        );
    let (client, requests) = script.client();
    assert_eq!(followed(&client, &pods, 4).await, "p:old p:a p:b p:c");
    assert_snapshot!(requests, @"
    GET   /api/v1/namespaces/tool-x/pods/p/log?container=webservice&timestamps=true
    GET   /apis/apps/v1/namespaces/tool-x/deployments?fieldSelector=metadata.name%3Dx&limit=500
    GET   /api/v1/namespaces/tool-x/pods?labelSelector=name%3Dx&limit=500
    GET   /api/v1/namespaces/tool-x/pods?allowWatchBookmarks=true&labelSelector=name%3Dx&resourceVersion=5&timeoutSeconds=290&watch=true
    GET   /apis/apps/v1/namespaces/tool-x/deployments?allowWatchBookmarks=true&fieldSelector=metadata.name%3Dx&resourceVersion=5&timeoutSeconds=290&watch=true
    GET   /api/v1/namespaces/tool-x/pods/p/log?container=webservice&follow=true&sinceTime=2026-11-25T10%3A00%3A08Z&timestamps=true
    GET   /api/v1/namespaces/tool-x/pods/p/log?container=webservice&follow=true&sinceTime=2026-11-25T10%3A00%3A09Z&timestamps=true
    ");
}

#[tokio::test(start_paused = true)]
async fn tail_follows_a_restarted_container() {
    let before = pod("p", &running("1"), &json!({}));
    let after = pod("p", &running("2"), &ended("1", 137, "2026-11-25T10:00:03Z"));
    let previous = format!(
        "{}?container=webservice&previous=true&sinceTime=2026-11-25T10%3A00%3A01Z&timestamps=true",
        log("p")
    );
    let script = cluster(std::slice::from_ref(&before), &[frame("MODIFIED", &after)])
        .answer(&log("p"), Answer::text(200, &lines(&[("01", "a")])))
        // The server stops before the run's last line.
        .answer(&log("p"), Answer::text(200, &lines(&[("01", "a"), ("02", "b")])))
        .answer(&previous, Answer::text(200, &lines(&[("01", "a"), ("02", "b"), ("03", "last")])))
        .answer(&log("p"), Answer::text(200, &lines(&[("04", "new")])).and_stays_open());
    let (client, _) = script.client();
    let words = followed(&client, &[before], 5).await;
    assert_eq!(words, "p:a p:b p:last p:(terminated by signal 9) p:new");
}

#[tokio::test(start_paused = true)]
async fn tail_reads_a_missed_run_from_its_start() {
    let backing_off = json!({"waiting": {"reason": "CrashLoopBackOff"}});
    let before = pod("p", &backing_off, &ended("1", 1, "2026-11-25T10:00:02Z"));
    let after = pod("p", &backing_off, &ended("2", 2, "2026-11-25T10:00:09Z"));
    let script = cluster(std::slice::from_ref(&before), &[frame("MODIFIED", &after)])
        .answer(&log("p"), Answer::text(200, &lines(&[("01", "a")])))
        .answer(&log("p"), Answer::text(200, &lines(&[("08", "b")])));
    let (client, requests) = script.client();
    let words = followed(&client, &[before], 4).await;
    assert_eq!(words, "p:a p:(terminated with exit code 1) p:b p:(terminated with exit code 2)");
    assert_eq!(requests.to_string().matches("/log?").count(), 2);
}

#[tokio::test(start_paused = true)]
async fn tail_follows_new_and_terminating_pods() {
    let old = pod("old", &running("1"), &json!({}));
    let new = pod("new", &running("2"), &json!({}));
    let mut terminating = old.clone();
    terminating["metadata"]["deletionTimestamp"] = json!("2026-11-25T10:00:05Z");
    let changes = [frame("ADDED", &new), frame("MODIFIED", &terminating), frame("DELETED", &terminating)];
    let script = cluster(std::slice::from_ref(&old), &changes)
        .answer(&log("old"), Answer::text(200, &lines(&[("01", "a")])))
        .answer(&log("old"), Answer::text(200, &lines(&[("01", "a"), ("02", "last")])))
        .answer(&log("new"), Answer::text(200, &lines(&[("01", "first"), ("02", "b")])).and_stays_open());
    let (client, requests) = script.client();
    let mut words: Vec<String> = followed(&client, &[old], 4).await.split(' ').map(str::to_owned).collect();
    words.sort();
    assert_eq!(words, ["new:b", "new:first", "old:a", "old:last"]);
    assert_eq!(
        requests.to_string().matches("new/log?container=webservice&follow=true&timestamps=true").count(),
        1
    );
}

#[tokio::test(start_paused = true)]
async fn tail_ends_with_the_web_service() {
    let (deployment, pods) = (json!({"metadata": {"name": "x"}}), [pod("p", &running("1"), &json!({}))]);
    let (gone, pod_gone) = ([frame("DELETED", &deployment)], [frame("DELETED", &pods[0])]);
    let script = made_by(DEPLOYMENTS, (&deployment, &gone), (&pods, &pod_gone))
        .answer(&log("p"), Answer::text(200, &lines(&[("01", "a")])))
        .answer(&log("p"), Answer::not_found("pods", "p"));
    assert_eq!(followed(&script.client().0, &pods, 10).await, "p:a end");
    let nothing = Script::new().answer(PODS, list(&[])).answer(DEPLOYMENTS, list(&[]));
    assert_eq!(followed(&nothing.client().0, &[], 10).await, "end");
}

#[tokio::test(start_paused = true)]
async fn unavailable_log_does_not_hide_others() {
    let unreachable =
        "Get \"https://10.0.0.1:10250/containerLogs/x\": dial tcp 10.0.0.1:10250: no route to host";
    let script = Script::new()
        .answer(&log("a"), Answer::refusal(500, "InternalError", unreachable))
        .answer(&log("b"), Answer::text(200, &lines(&[("02", "two")])))
        .answer(&log("c"), Answer::refusal(400, "BadRequest", "container \"webservice\" is waiting to start"))
        .answer(&log("d"), Answer::text(200, "unable to retrieve container logs for containerd://1"));
    let (client, _) = script.client();
    let pods = ["a", "b", "c", "d"].map(|name| pod(name, &running(name), &json!({})));
    let words = snapshot(&client, &pods, LogOptions::default()).await.unwrap();
    assert_eq!(words, format!("a:<{unreachable}> d:<the log of an earlier run is gone> b:two"));
}

#[tokio::test]
async fn forbidden_log_is_an_error() {
    let forbidden = "pods \"a\" is forbidden: User \"y\" cannot get resource \"pods/log\" in API group \"\"";
    let (client, requests) =
        Script::new().answer(&log("a"), Answer::refusal(403, "Forbidden", forbidden)).client();
    let pods = [pod("a", &running("1"), &json!({}))];
    assert!(matches!(snapshot(&client, &pods, LogOptions::default()).await, Err(Error::Api(_))));
    assert_eq!(requests.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn quiet_log_is_followed_until_its_first_line() {
    let pods = [pod("p", &running("1"), &json!({}))];
    let first_line = Answer::text(200, &lines(&[("01", "first")])).and_stays_open();
    let quiet: [&[Answer]; 3] = [
        &[],
        // The API server restarts.
        &[Answer::lost().after(Duration::from_secs(120)), Answer::lost()],
        // A proxy waits for a minute.
        &[
            Answer::text(504, "").after(Duration::from_secs(60)),
            Answer::text(504, "").after(Duration::from_secs(60)),
        ],
    ];
    for answers in quiet {
        let script = cluster(&pods, &[]).answer(&log("p"), Answer::text(200, ""));
        let script = answers.iter().fold(script, |script, answer| script.answer(&log("p"), answer.clone()));
        let script = script.answer(&log("p"), first_line.clone().after(Duration::from_secs(150)));
        assert_eq!(followed(&script.client().0, &pods, 1).await, "p:first", "{answers:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn tail_ends_after_a_minute_of_outage() {
    let pods = [pod("p", &running("1"), &json!({}))];
    let script =
        cluster(&pods, &[]).answer(&log("p"), Answer::text(200, "")).answer(&log("p"), Answer::lost());
    let (client, _) = script.client();
    let start = Instant::now();
    let pods = pods.iter().map(read).collect::<Vec<_>>();
    let mut log = client.web_service_log(&tool(), &pods, LogOptions::following());
    assert_eq!(log.next().await.unwrap(), None);
    let error = log.follow().next().await.unwrap_err();
    assert!(matches!(error, Error::Transport(_)), "{error:?}");
    assert!((60..75).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
}
