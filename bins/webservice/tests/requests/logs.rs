//! The messages of `logs` in addition to the log.

use serde_json::{Value, json};
use toolforge_client::scripted::{Answer, Script};
use toolforge_fixtures::OwnProcess;

use crate::{NAMESPACE, cluster, objects, run};

/// Returns a cluster with a web service that was restarted after this termination, is ready again and has written a line.
fn restarted(end: &Value, events: &[Value]) -> Script {
    let mut pod = objects("running.json", "Pod").remove(0);
    pod["spec"]["containers"][0]["livenessProbe"] = json!({"httpGet": {"path": "/healthz", "port": 8000}});
    let status = &mut pod["status"]["containerStatuses"][0];
    status["restartCount"] = 1.into();
    status["containerID"] = "containerd://2".into();
    status["lastState"] = json!({"terminated": end});
    let list = |items: &[Value]| Answer::json(200, &json!({"metadata": {}, "items": items}));
    let log = format!("GET {NAMESPACE}/pods/stashbot-7d5f-x2x/log");
    let instead = [
        (format!("GET {NAMESPACE}/pods"), list(&[pod])),
        (format!("GET {NAMESPACE}/events"), list(events)),
        (log, Answer::text(200, "2026-11-25T10:00:00.5Z hello\n")),
    ];
    cluster(Some("running.json"), &instead)
}

#[test]
fn restart_is_named_once_the_pod_is_ready_again() {
    let ended = k8s_openapi::jiff::Timestamp::now().to_string();
    let end = |code: i32, reason: &str| json!({"exitCode": code, "reason": reason, "finishedAt": ended, "containerID": "containerd://1"});
    let failed = json!({
        "metadata": {"name": "e"}, "reason": "Unhealthy", "lastTimestamp": ended,
        "message": "Liveness probe failed: HTTP probe failed with statuscode: 500",
        "involvedObject": {"kind": "Pod", "name": "stashbot-7d5f-x2x", "uid": "p1"},
    });
    let (exit_code, stderr) =
        OwnProcess::of("logs::restart_is_named_once_the_pod_is_ready_again").run(|| {
            for (case, end, events) in [
                ("memory", end(137, "OOMKilled"), vec![]),
                ("crash", end(3, "Error"), vec![]),
                ("check", end(143, "Error"), vec![failed]),
            ] {
                eprintln!("== {case}");
                let ended = run(restarted(&end, &events), "logs");
                assert!(ended.starts_with("[exit 0]"), "{ended}");
            }
            0
        });
    assert_eq!(exit_code, 0, "{stderr}");
    let said = stderr.split("== ").skip(1).collect::<Vec<_>>();
    let (memory, crash, check) = (said[0], said[1], said[2]);
    let killed = "the web service was restarted once, last killed for using more memory than its limit, ";
    assert!(memory.contains(killed) && memory.contains("webservice restart -m MEMORY"), "{memory}");
    assert!(
        crash.contains("the web service was restarted once, last terminated with exit code 3, "),
        "{crash}"
    );
    let cause = "the health check /healthz fails, so the container is restarted";
    assert!(check.contains(cause) && check.contains("statuscode: 500"), "{check}");
}
