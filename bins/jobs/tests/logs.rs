//! The requests that `logs` and `exec` make, and how they end, from recorded answers.
#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

use std::path::{Path, PathBuf};

use insta::assert_snapshot;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use toolforge_cli::{Session, Source};
use toolforge_client::ToolHome;
use toolforge_client::scripted::{Answer, Script};
use toolforge_fixtures::OwnProcess;
use toolforge_model::platform;
use toolforge_render::namespace::{Documents, Platform};

const PODS: &str = "/api/v1/namespaces/tool-stashbot/pods";
const EVENTS: &str = "/api/v1/namespaces/tool-stashbot/events";
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/tool-stashbot/deployments";
const CRON_JOBS: &str = "/apis/batch/v1/namespaces/tool-stashbot/cronjobs";
const JOBS: &str = "/apis/batch/v1/namespaces/tool-stashbot/jobs";

/// By which labels the pods of the job `bot` are found.
const SELECTOR: &str = "labelSelector=toolforge%3Dtool%2C\
    app.kubernetes.io%2Fmanaged-by%3Dtoolforge-jobs-framework%2Capp.kubernetes.io%2Fcreated-by%3Dstashbot%2C\
    app.kubernetes.io%2Fname%3Dbot";

/// How a follow continues after the lines that have been read.
const REST: &str = "container=job&follow=true&sinceTime=2026-11-25T10%3A00%3A08Z&timestamps=true";

fn labels(component: &str) -> Value {
    json!({
        "toolforge": "tool", "app.kubernetes.io/managed-by": "toolforge-jobs-framework",
        "app.kubernetes.io/created-by": "stashbot", "app.kubernetes.io/name": "bot",
        "app.kubernetes.io/component": component, "app.kubernetes.io/version": "2",
    })
}

fn metadata(name: &str, component: &str) -> Value {
    json!({"name": name, "namespace": "tool-stashbot", "uid": format!("uid of {name}"), "resourceVersion": "6",
        "labels": labels(component), "creationTimestamp": "2026-11-25T09:00:00Z"})
}

/// Returns the object of the job `bot`, of the kind to which these requests lead.
fn object(owners: &str) -> Value {
    let spec = json!({"containers": [{"name": "job", "command": ["/bin/sh", "-c", "--", "./bot"]}]});
    let template = json!({"metadata": {}, "spec": spec});
    let (component, spec) = match owners {
        DEPLOYMENTS => {
            (platform::COMPONENT_CONTINUOUS, json!({"replicas": 1, "selector": {}, "template": template}))
        }
        CRON_JOBS => {
            let template = json!({"spec": {"template": template}});
            (platform::COMPONENT_SCHEDULED, json!({"schedule": "7 * * * *", "jobTemplate": template}))
        }
        _ => (platform::COMPONENT_ONE_OFF, json!({"template": template})),
    };
    let status = if owners == DEPLOYMENTS { json!({"replicas": 1, "readyReplicas": 1}) } else { json!({}) };
    json!({"metadata": metadata("bot", component), "spec": spec, "status": status})
}

/// Returns a pod whose container has this state and this last state.
fn pod(component: &str, state: &Value, last_state: &Value) -> Value {
    json!({
        "metadata": metadata("bot-1", component),
        "spec": {"containers": [{"name": "job"}]},
        "status": {"phase": "Running", "containerStatuses": [{
            "name": "job", "image": "", "imageID": "", "ready": true, "restartCount": 0,
            "containerID": "containerd://1", "state": state, "lastState": last_state,
        }]},
    })
}

fn running() -> Value {
    pod(platform::COMPONENT_CONTINUOUS, &json!({"running": {}}), &json!({}))
}

fn list(items: &[Value]) -> Answer {
    Answer::json(200, &json!({"metadata": {"resourceVersion": "7"}, "items": items}))
}

/// Returns the answers of a cluster in which the job `bot` is an object of this kind, if any, and has these pods, and
/// nothing happens.
fn cluster(owners: Option<&str>, pods: &[Value]) -> Script {
    let log = "2026-11-25T10:00:00.5Z hello\n2026-11-25T10:00:09Z late\n";
    let mut script = Script::new()
        .answer(&format!("GET {PODS}?limit=500"), list(pods))
        .answer(&format!("GET {PODS}?{SELECTOR}&limit=500"), list(pods))
        .answer(&format!("GET {EVENTS}"), list(&[]))
        .answer(&format!("GET {PODS}/bot-1/log"), Answer::text(200, log))
        .answer(&format!("GET {PODS}/bot-1/log?{REST}"), Answer::text(200, "").and_stays_open())
        .answer(&format!("GET {PODS}"), Answer::frames(&[]).and_stays_open());
    for kind in [DEPLOYMENTS, CRON_JOBS, JOBS] {
        let objects = if owners == Some(kind) { vec![object(kind)] } else { Vec::new() };
        script = script
            .answer(&format!("GET {kind}?limit=500"), list(&objects))
            .answer(&format!("GET {kind}"), Answer::frames(&[]).and_stays_open());
    }
    script
}

/// Returns the request with which a follow starts to watch the object that creates the pods.
fn looks_after(owners: &str) -> String {
    format!("GET {owners}?fieldSelector=metadata.name%3Dbot&limit=500")
}

/// Runs a command line against a script and returns how it ended and the requests that it made, without the four that
/// every verb sends for the jobs.
fn run(script: Script, line: &str) -> String {
    run_at(script, line, None)
}

/// Runs a command line against a script, with a directory as the tool's home.
fn run_at(script: Script, line: &str, home: Option<&Path>) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (client, requests) = {
        let _inside = runtime.enter();
        script.client()
    };
    let ended = ended(line, home, Source::Cluster { runtime, client });
    let requests = requests.to_string();
    let mut lines: Vec<&str> = requests.lines().collect();
    for path in [DEPLOYMENTS, CRON_JOBS, JOBS, PODS] {
        let of_jobs = format!("GET   {path}?limit=500");
        if let Some(place) = lines.iter().position(|line| *line == of_jobs) {
            lines.remove(place);
        }
    }
    lines.insert(0, &ended);
    lines.join("\n")
}

fn ended(line: &str, home: Option<&Path>, source: Source) -> String {
    let tool = "stashbot".parse().unwrap();
    let session =
        Session { tool, platform: Platform::default(), uid: None, home: home.map(ToolHome::at), source };
    match jobs::run_in(&session, ["jobs"].into_iter().chain(line.split_whitespace())) {
        Ok(kind) => format!("[exit {}]", kind.code()),
        Err(failure) => format!("[exit {}]\n{failure}", failure.exit_code().code()),
    }
}

#[test]
fn logs_requests_each_pods_log_with_a_line_limit() {
    assert_snapshot!(run(cluster(Some(DEPLOYMENTS), &[running()]), "logs bot --last 5 --since 10m"), @"
    [exit 0]
    GET   /api/v1/namespaces/tool-stashbot/pods/bot-1/log?container=job&sinceSeconds=600&tailLines=5&timestamps=true
    GET   /api/v1/namespaces/tool-stashbot/events?limit=500
    ");
}

#[test]
fn logs_with_a_filter_requests_all_lines() {
    let script = || cluster(Some(DEPLOYMENTS), &[running()]);
    assert_snapshot!(run(script(), "logs bot -l 5 --grep hello"), @"
    [exit 0]
    GET   /api/v1/namespaces/tool-stashbot/pods/bot-1/log?container=job&timestamps=true
    GET   /api/v1/namespaces/tool-stashbot/events?limit=500
    ");
    assert_snapshot!(run(script(), "logs bot -l 5 --until 2026-11-25T10:00:05Z"), @"
    [exit 0]
    GET   /api/v1/namespaces/tool-stashbot/pods/bot-1/log?container=job&timestamps=true
    GET   /api/v1/namespaces/tool-stashbot/events?limit=500
    ");
}

#[test]
fn previous_run_of_a_crash_is_printed_first() {
    let finished = Timestamp::now().to_string();
    let end = json!({"terminated": {"containerID": "containerd://0", "exitCode": 1, "finishedAt": finished}});
    let crashed = pod(platform::COMPONENT_CONTINUOUS, &json!({"running": {}}), &end);
    assert_snapshot!(run(cluster(Some(DEPLOYMENTS), &[crashed]), "logs bot"), @"
    [exit 0]
    GET   /api/v1/namespaces/tool-stashbot/pods/bot-1/log?container=job&previous=true&timestamps=true
    GET   /api/v1/namespaces/tool-stashbot/pods/bot-1/log?container=job&timestamps=true
    GET   /api/v1/namespaces/tool-stashbot/events?limit=500
    ");
}

#[test]
fn events_are_fetched_where_they_may_explain_something() {
    assert_snapshot!(run(cluster(Some(CRON_JOBS), &[]), "logs bot"), @"
    [exit 0]
    GET   /api/v1/namespaces/tool-stashbot/events?limit=500
    ");
    let waiting = pod(platform::COMPONENT_SCHEDULED, &json!({"waiting": {}}), &json!({}));
    assert_snapshot!(run(cluster(Some(CRON_JOBS), &[waiting]), "logs bot"), @"[exit 0]");
    // A failing health check is only in the events, whatever the program has logged.
    let mut deployment = object(DEPLOYMENTS);
    deployment["status"] = json!({"replicas": 1});
    let mut unready = running();
    unready["status"]["containerStatuses"][0]["ready"] = false.into();
    let forbidden = Answer::refusal(403, "Forbidden", "events is forbidden");
    for events in [list(&[]), forbidden] {
        let script = Script::new()
            .answer(&format!("GET {DEPLOYMENTS}?limit=500"), list(std::slice::from_ref(&deployment)))
            .answer(&format!("GET {CRON_JOBS}?limit=500"), list(&[]))
            .answer(&format!("GET {JOBS}?limit=500"), list(&[]))
            .answer(&format!("GET {PODS}?limit=500"), list(std::slice::from_ref(&unready)))
            .answer(&format!("GET {PODS}/bot-1/log"), Answer::text(200, "2026-11-25T10:00:00.5Z hello\n"))
            .answer(&format!("GET {EVENTS}"), events);
        let requests = run(script, "logs bot");
        assert!(requests.starts_with("[exit 0]\n") && requests.contains("/pods/bot-1/log"), "{requests}");
        assert!(requests.ends_with("/events?limit=500"), "{requests}");
    }
}

#[test]
fn restart_is_named_once_the_pod_is_ready_again() {
    let ended = Timestamp::now().to_string();
    let (exit_code, stderr) = OwnProcess::of("restart_is_named_once_the_pod_is_ready_again").run(|| {
        for (code, reason) in [(137, "OOMKilled"), (3, "Error")] {
            let end = json!({"terminated": {"containerID": "containerd://0", "exitCode": code, "reason": reason, "finishedAt": ended}});
            let mut pod = pod(platform::COMPONENT_CONTINUOUS, &json!({"running": {}}), &end);
            pod["status"]["containerStatuses"][0]["restartCount"] = 1.into();
            eprintln!("== {reason}");
            let ended = run(cluster(Some(DEPLOYMENTS), &[pod]), "logs bot");
            assert!(ended.starts_with("[exit 0]"), "{ended}");
        }
        0
    });
    assert_eq!(exit_code, 0, "{stderr}");
    let said = stderr.split("== ").skip(1).collect::<Vec<_>>();
    let (memory, crash) = (said[0], said[1]);
    assert!(
        memory.contains("restarted once, last killed for using more memory than its limit\n"),
        "{memory}"
    );
    assert!(
        memory.contains("`quota-check what-if bot` shows how much fits, with and without downtime"),
        "{memory}"
    );
    assert!(crash.contains("restarted once, last terminated with exit code 3\n"), "{crash}");
}

#[test]
fn logs_of_a_deleted_job_are_printed() {
    assert_snapshot!(run(cluster(None, &[running()]), "logs bot"), @"
    [exit 0]
    GET   /api/v1/namespaces/tool-stashbot/pods/bot-1/log?container=job&timestamps=true
    ");
}

#[test]
fn logs_of_unknown_job_name_files() {
    assert_snapshot!(run(cluster(Some(DEPLOYMENTS), &[]), "logs bit"), @"
    [exit 1]
    error: job 'bit' does not exist

    hint: The jobs are bot.

    hint: The logs of a one-off job are deleted with its pods, 30 seconds after it finishes; `toolforge jobs run --filelog` writes the output to files.
    ");
    let home: PathBuf = std::env::temp_dir().join(format!("jobs-logs-{}", std::process::id()));
    std::fs::create_dir_all(&home).unwrap();
    std::fs::write(home.join("once.out"), "").unwrap();
    std::fs::write(home.join("once.err"), "").unwrap();
    let said = run_at(cluster(None, &[]), "logs once", Some(&home));
    std::fs::remove_dir_all(&home).unwrap();
    assert_snapshot!(said.replace(home.to_str().unwrap(), "HOME"), @"
    [exit 1]
    error: job 'once' does not exist
      log file of a job of that name: HOME/once.out
      log file of a job of that name: HOME/once.err

    hint: There are no jobs; one-off jobs are deleted 30 seconds after they finish.

    hint: Run `tail HOME/once.out HOME/once.err` to see the end of it.

    hint: The logs of a one-off job are deleted with its pods, 30 seconds after it finishes; `toolforge jobs run --filelog` writes the output to files.
    ");
}

#[test]
fn followed_log_ends_with_the_workload() {
    for owners in [DEPLOYMENTS, CRON_JOBS, JOBS] {
        let one = looks_after(owners);
        let said = run(cluster(Some(owners), &[]).answer(&one, list(&[])), "logs bot --follow");
        assert!(said.starts_with("[exit 0]"), "{said}");
        assert!(said.contains(&one.replace("GET ", "GET   ")), "{said}");
    }
    // A one-off job finishes with its last pod, although both still exist.
    let state = json!({"terminated": {"containerID": "containerd://1", "exitCode": 0}});
    let mut pod = pod(platform::COMPONENT_ONE_OFF, &state, &json!({}));
    pod["status"]["phase"] = json!("Succeeded");
    let mut job = object(JOBS);
    job["status"] = json!({"conditions": [{"type": "Complete", "status": "True"}]});
    let script = cluster(Some(JOBS), &[pod]).answer(&looks_after(JOBS), list(&[job]));
    assert!(run(script, "logs bot --follow").starts_with("[exit 0]"));
}

#[test]
fn followed_log_ends_at_the_until_option() {
    let followed = |until: Timestamp| {
        let script = cluster(Some(DEPLOYMENTS), &[running()]);
        let script = script.answer(&looks_after(DEPLOYMENTS), list(&[object(DEPLOYMENTS)]));
        run(script, &format!("logs bot --follow --until {until}"))
    };
    let past = followed(Timestamp::now() - SignedDuration::from_secs(60));
    assert!(past.starts_with("[exit 0]") && !past.contains("follow"), "{past}");
    let now = followed(Timestamp::now() - SignedDuration::from_secs(1));
    assert!(now.starts_with("[exit 0]"), "{now}");
    assert_eq!(now.matches(REST).count(), 1, "{now}");
}

#[test]
fn logs_need_a_cluster() {
    assert_snapshot!(ended("logs bot", None, Source::Files(Documents::default())), @"
    [exit 2]
    error: logs cannot be read with --from

    hint: Leave `--from` out to read them from the cluster.
    ");
}

#[test]
fn exec_without_running_pod_shows_state() {
    let said = run(cluster(Some(CRON_JOBS), &[]), "exec bot");
    assert!(said.starts_with("[exit 1]\nerror: job 'bot' has no running pod\n  Waiting for "), "{said}");
    assert!(
        said.contains(": next run in ")
            && said.contains("\nhint: `toolforge jobs show bot` shows the details.\n"),
        "{said}"
    );
    assert_snapshot!(run(cluster(None, &[]), "exec bot"), @"
    [exit 1]
    error: job 'bot' does not exist

    hint: There are no jobs; one-off jobs are deleted 30 seconds after they finish.

    GET   /api/v1/namespaces/tool-stashbot/pods?labelSelector=toolforge%3Dtool%2Capp.kubernetes.io%2Fmanaged-by%3Dtoolforge-jobs-framework%2Capp.kubernetes.io%2Fcreated-by%3Dstashbot%2Capp.kubernetes.io%2Fname%3Dbot&limit=500
    GET   /api/v1/namespaces/tool-stashbot/events?limit=500
    ");
}

#[test]
fn exec_runs_the_command_in_the_jobs_container() {
    let said = run(cluster(Some(DEPLOYMENTS), &[running()]), "exec bot -- ls -l");
    // The test may run in a terminal.
    let request = said.lines().last().unwrap();
    let request = request.replace("&stdin=true&stdout=true&tty=true", "&stderr=true&stdin=true&stdout=true");
    assert_snapshot!(request, @"GET   /api/v1/namespaces/tool-stashbot/pods/bot-1/exec?command=ls&command=-l&container=job&stderr=true&stdin=true&stdout=true");
}
