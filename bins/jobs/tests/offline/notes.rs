//! Notes and warnings in addition to a document.

use insta::assert_snapshot;
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};
use toolforge_fixtures::document_on_stderr;

use crate::{OFFLINE, Scratch, TOOL, failure, jobs, said};

#[test]
fn warnings_are_a_document_with_json() {
    let file = "- name: monthly\n  command: ./x\n  image: bookworm\n  schedule: '0 0 31 * *'\n- name: bot\n  command: ./bot.py\n  image: python3.11\n  continuous: yes\n";
    let directory = Scratch::new("notes", file);
    std::fs::write(directory.0.join("none.yaml"), "apiVersion: v1\nkind: List\nitems: []\n").unwrap();
    let facts = ["--from", "none.yaml", "--output", "json"];
    for (line, notes) in [
        (&["plan", "jobs.yaml"][..], 2),
        (&["load", "jobs.yaml", "--dry-run"], 2),
        (&["render", "jobs.yaml"], 2),
        (
            &[
                "run",
                "monthly",
                "--image",
                "bookworm",
                "--command",
                "x",
                "--schedule",
                "0 0 31 * *",
                "--dry-run",
            ],
            1,
        ),
        (&["list", "--long"], 1),
    ] {
        let options = if line[0] == "list" { &TOOL[..] } else { &OFFLINE };
        let output = jobs(&directory, &[line, options, &facts].concat());
        let document = document_on_stderr(&output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{document:#}");
        assert_eq!(document["kind"], "Notes", "{document:#}");
        assert_eq!(document["notes"].as_array().map(Vec::len), Some(notes), "{document:#}");
        let _: Value = serde_json::from_slice(&output.stdout).unwrap();
    }
    for line in [&["list"][..], &["images"], &["quota"], &["cron"]] {
        let output = jobs(&directory, &[line, &TOOL, &facts].concat());
        assert_eq!(document_on_stderr(&output.stderr), None, "{line:?}");
    }
    let output = jobs(&directory, &["lint", "jobs.yaml", "--offline", "--output", "json"]);
    assert_eq!(document_on_stderr(&output.stderr), None);
    // A failure contains the preceding warnings.
    directory.write_quota("limits.memory", "1Gi", "1Gi");
    let line = [&["load", "jobs.yaml", "--dry-run", "--from", "quota.json"], &OFFLINE[..], &facts].concat();
    let document = failure(&jobs(&directory, &line));
    assert_snapshot!(document["notes"][0], @r#"{"details":[],"hints":[],"level":"warning","message":"jobs.yaml:8:15: continuous: yes is deprecated here; write true"}"#);
}

/// Nothing is written for such a job, so `load` would report it as up to date.
#[test]
fn kept_job_that_fails_is_reported() {
    let file = "- name: bot\n  command: ./bot.py\n  image: python3.11\n  continuous: true\n";
    let directory = Scratch::new("failing", file);
    let rendered = jobs(&directory, &[&["render", "jobs.yaml", "--output", "json"], &OFFLINE[..]].concat());
    let mut list: Value = serde_json::from_slice(&rendered.stdout).unwrap();
    let items = list["items"].as_array_mut().unwrap();
    let deployment = items.iter_mut().find(|object| object["kind"] == "Deployment").unwrap();
    deployment["metadata"]["uid"] = json!("d1");
    deployment["status"] = json!({"replicas": 1, "updatedReplicas": 1, "unavailableReplicas": 1});
    let mut pod = deployment["spec"]["template"].clone();
    let owner = json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "bot-1", "uid": "r1", "controller": true}]);
    for (key, value) in
        [("name", json!("bot-1-x")), ("namespace", json!("tool-tf-test")), ("uid", json!("p1"))]
    {
        pod["metadata"][key] = value;
    }
    pod["metadata"]["ownerReferences"] = owner;
    (pod["apiVersion"], pod["kind"]) = (json!("v1"), json!("Pod"));
    pod["status"] = json!({"phase": "Running", "containerStatuses": [{
        "name": pod["spec"]["containers"][0]["name"], "image": "i", "imageID": "", "ready": false, "restartCount": 5,
        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": {"terminated": {"reason": "Error", "exitCode": 3}},
    }]});
    items.push(pod);
    std::fs::write(directory.0.join("live.json"), list.to_string()).unwrap();
    let plan =
        said(&jobs(&directory, &[&["plan", "jobs.yaml", "--from", "live.json"], &OFFLINE[..]].concat()));
    let warning = "\nwarning: job bot: the command exits with code 3 and is restarted again and again\n";
    assert!(plan.contains("keep bot") && plan.contains(warning), "{plan}");
}

#[test]
fn kept_job_failing_its_health_check_is_reported() {
    let file = "- name: bot\n  command: ./bot.py\n  image: python3.11\n  continuous: true\n  health-check-script: ./ok\n";
    let directory = Scratch::new("restarted", file);
    let rendered = jobs(&directory, &[&["render", "jobs.yaml", "--output", "json"], &OFFLINE[..]].concat());
    let mut list: Value = serde_json::from_slice(&rendered.stdout).unwrap();
    let items = list["items"].as_array_mut().unwrap();
    let deployment = items.iter_mut().find(|object| object["kind"] == "Deployment").unwrap();
    deployment["metadata"]["uid"] = json!("d1");
    deployment["status"] =
        json!({"replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1});
    let mut pod = deployment["spec"]["template"].clone();
    (pod["apiVersion"], pod["kind"]) = (json!("v1"), json!("Pod"));
    (pod["metadata"]["name"], pod["metadata"]["uid"]) = (json!("bot-1-x"), json!("p1"));
    pod["metadata"]["namespace"] = json!("tool-tf-test");
    pod["metadata"]["ownerReferences"] = json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "bot-1", "uid": "r1", "controller": true}]);
    let now = Timestamp::now().to_string();
    pod["status"] = json!({"phase": "Running", "containerStatuses": [{
        "name": pod["spec"]["containers"][0]["name"], "image": "i", "imageID": "", "ready": true, "restartCount": 2,
        "state": {"running": {"startedAt": now}},
        "lastState": {"terminated": {"reason": "Error", "exitCode": 137, "finishedAt": now}},
    }]});
    let event = |reason: &str, message: &str| {
        json!({
            "apiVersion": "v1", "kind": "Event", "reason": reason, "message": message, "type": "Warning",
            "metadata": {"name": reason.to_lowercase(), "namespace": "tool-tf-test"},
            "involvedObject": {"kind": "Pod", "name": "bot-1-x", "uid": "p1"},
            "firstTimestamp": now, "lastTimestamp": now,
        })
    };
    let name = pod["spec"]["containers"][0]["name"].as_str().unwrap().to_owned();
    items.push(pod);
    items.push(event("Unhealthy", "Liveness probe failed: no"));
    items.push(event("Killing", &format!("Container {name} failed liveness probe, will be restarted")));
    std::fs::write(directory.0.join("live.json"), list.to_string()).unwrap();
    let said = |verb: &str| {
        said(&jobs(&directory, &[&[verb, "jobs.yaml", "--from", "live.json"], &OFFLINE[..]].concat()))
    };
    let plan = said("plan");
    assert!(plan.contains("keep bot") && plan.contains("warning: job bot: the health check"), "{plan}");
}

/// Writes a CronJob that no tool manages, with a schedule of intervals.
fn write_cron_job(directory: &Scratch, schedule: &str) {
    let resources = json!({"limits": {"memory": "64Mi", "cpu": "100m"}});
    let containers = json!([{"name": "a", "image": "x", "resources": resources}]);
    let cron_job = json!({
        "apiVersion": "batch/v1", "kind": "CronJob",
        "metadata": {"name": "often", "creationTimestamp": "2026-08-01T10:00:00Z", "uid": "u"},
        "spec": {"schedule": schedule, "jobTemplate": {"spec": {"template": {"spec": {"containers": containers}}}}},
    });
    std::fs::write(directory.0.join("often.json"), cron_job.to_string()).unwrap();
}

#[test]
fn intervals_have_three_next_runs() {
    let directory = Scratch::new("intervals", "");
    write_cron_job(&directory, "@every 90m");
    let output =
        jobs(&directory, &[&["cron", "--from", "often.json", "--output", "json"], &TOOL[..]].concat());
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["jobs"][0]["nextRuns"].as_array().map(Vec::len), Some(3), "{document:#}");
}

#[test]
fn runs_of_each_second_have_a_calendar() {
    let directory = Scratch::new("seconds", "");
    write_cron_job(&directory, "@every 1s");
    directory.write_quota("pods", "100", "0");
    let facts = ["--from", "often.json", "--from", "quota.json"];
    let output = jobs(&directory, &[&["cron", "--calendar"], &facts[..], &TOOL].concat());
    let text = said(&output);
    let assumed = "Jobs that run so often that they are assumed to run all the time: often.";
    assert!(text.contains(assumed), "{text}");
    assert!(text.contains("often alone, all 24 hours\n    pods: 300 of 100, 200 pods too many"), "{text}");
    let output = jobs(&directory, &[&["cron", "--suggest"], &facts[..], &TOOL].concat());
    assert!(said(&output).contains("often"));
}
