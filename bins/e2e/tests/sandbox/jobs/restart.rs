//! Restarts of jobs, and the reports while nothing runs.

use serde_json::json;
use toolforge_e2e::{Outcome, Tool};

/// A program that terminates at once at SIGTERM.
const QUICK: &str = "trap 'exit 0' TERM; echo here; while :; do sleep 0.2; done";

fn run(tool: &Tool, name: &str, command: &str, options: &[&str]) {
    let line = ["run", name, "--image", "bookworm", "--command", command, "--cpu", "200m", "--no-filelog"];
    tool.jobs(&[&line[..], options].concat()).exits(0).and_that_is_all();
}

fn is_running(outcome: &Outcome) -> bool {
    outcome.stdout.contains("Running for") && !outcome.stdout.contains("being updated")
}

#[test]
fn restart_restores_chosen_strategy() {
    let tool = Tool::new("job-strategy");
    run(&tool, "bot", QUICK, &["--continuous", "--replicas", "2"]);
    tool.until(30, "it runs", |tool| tool.jobs(&["list"]), is_running);
    let strategy = || tool.object("deployment", "bot")["spec"]["strategy"]["rollingUpdate"].clone();
    let usual = strategy();
    tool.set_quota(&json!({"limits.memory": "1Gi"}));
    tool.jobs(&["restart", "bot"])
        .exits(0)
        .says("one more pod exceeds the quota, so the pods are replaced one after the other")
        .says("job bot was restarted")
        .and_that_is_all();
    assert_eq!(strategy()["maxSurge"], 0);
    // The new pods run when the command ends.
    assert_eq!(tool.object("deployment", "bot")["status"]["updatedReplicas"], 2);
    tool.jobs(&["list"]).exits(0).says("Running for").and_that_is_all();
    tool.set_quota(&json!({"limits.memory": "8Gi"}));
    tool.jobs(&["restart", "bot"]).exits(0).and_that_is_all();
    assert_eq!(strategy(), usual);

    // A paused Deployment does not replace its pods.
    let _ = tool.kubectl(&["rollout", "pause", "deployment", "bot"]);
    let mark = r#"{"spec": {"template": {"metadata": {"annotations": {"changed": "by hand"}}}}}"#;
    let _ = tool.kubectl(&["patch", "deployment", "bot", "--patch", mark]);
    tool.until(
        15,
        "the pause is reported",
        |tool| tool.jobs(&["list"]),
        |outcome| outcome.stdout.contains("the Deployment is paused, so no new pods start"),
    );
    tool.jobs(&["show", "bot", "--output", "json"]).exits(0).says("\"code\": \"paused\"").and_that_is_all();
    tool.jobs(&["restart", "bot"]).exits(0).and_that_is_all();
    assert_eq!(tool.object("deployment", "bot")["spec"]["paused"], serde_json::Value::Null);
    tool.jobs(&["list"]).exits(0).says("Running for").and_that_is_all();

    let _ = tool.kubectl(&["scale", "deployment", "bot", "--replicas", "0"]);
    tool.jobs(&["restart", "bot"])
        .exits(0)
        .says("job bot has 0 replicas, so no pod starts")
        .and_that_is_all();
}

#[test]
fn terminating_pods_are_reported() {
    let tool = Tool::new("job-slow-end");
    // As the first process of its container, it ignores SIGTERM for the grace period of 15 seconds.
    run(&tool, "bot", "exec sleep 600", &["--continuous"]);
    tool.until(30, "it runs", |tool| tool.jobs(&["list"]), is_running);
    std::thread::scope(|scope| {
        let restart = scope.spawn(|| tool.jobs(&["restart", "bot"]));
        let old = "the old pod is terminating, until";
        tool.until(
            10,
            "the old pod is named",
            |tool| tool.jobs(&["list"]),
            |outcome| outcome.stdout.contains(old),
        );
        tool.jobs(&["show", "bot", "--output", "json"])
            .exits(0)
            .says("\"code\": \"terminating\"")
            .says("\"objectKind\": \"Pod\"")
            .and_that_is_all();
        restart.join().unwrap().exits(0).says(&format!("0 of 1 pods ready: {old}")).and_that_is_all();
    });
    tool.jobs(&["list"]).exits(0).says("Running for").and_that_is_all();
}

#[test]
fn followed_log_says_what_it_waits_for() {
    let tool = Tool::new("job-awaited");
    run(&tool, "yearly", "echo once", &["--schedule", "@yearly"]);
    run(&tool, "none", QUICK, &["--continuous", "--replicas", "0"]);
    run(&tool, "quiet", "sleep 600", &["--continuous"]);
    let follow = |name: &str| tool.shell(&format!("timeout 2 toolforge-jobs logs {name} --follow"));
    follow("yearly").exits(124).says("note: waiting for the next run, in ").and_that_is_all();
    tool.jobs(&["suspend", "yearly"]).exits(0).and_that_is_all();
    follow("yearly")
        .exits(124)
        .says("note: the schedule is suspended")
        .says("`toolforge jobs resume yearly`")
        .and_that_is_all();
    follow("none").exits(124).says("note: the job has 0 replicas: waiting for a pod").and_that_is_all();
    tool.until(30, "it runs", |tool| tool.jobs(&["list"]), is_running);
    follow("quiet").exits(124).says("note: waiting for the first line").and_that_is_all();
    run(&tool, "once", "sleep 1", &[]);
    tool.shell("timeout 30 toolforge-jobs logs once --follow")
        .exits(0)
        .says("job once has finished")
        .and_that_is_all();
}

#[test]
fn run_of_previous_definition_has_a_hint() {
    let tool = Tool::new("job-former");
    let file = |image: &str| {
        let text = format!(
            "- name: stuck\n  command: 'true'\n  image: {image}\n  schedule: '* * * * *'\n  cpu: 200m\n"
        );
        tool.write("jobs.yaml", &text);
    };
    file("tool-job-former/nosuch:latest");
    tool.jobs(&["load", "jobs.yaml"]).exits(0).and_that_is_all();
    tool.jobs(&["trigger", "stuck"]).exits(0).and_that_is_all();
    let cannot = |outcome: &Outcome| outcome.stdout.contains("cannot be pulled");
    tool.until(30, "the run cannot start", |tool| tool.jobs(&["list"]), cannot);
    file("bookworm");
    let former =
        "a run with the job's previous definition cannot start, and later runs wait for it to finish";
    let cure =
        "Run `toolforge jobs restart stuck`: it stops that run and starts one with the current definition.";
    // Also by a load that changes nothing.
    for done in ["was updated", "is already up to date"] {
        tool.jobs(&["load", "jobs.yaml"])
            .exits(0)
            .says(done)
            .says(&format!("warning: job stuck: {former} (image "))
            .says(cure)
            .and_that_is_all();
    }
    tool.jobs(&["list"]).exits(0).says(former).and_that_is_all();
    tool.jobs(&["show", "stuck", "--output", "json"])
        .exits(0)
        .says("\"code\": \"former-definition\"")
        .and_that_is_all();
    tool.jobs(&["restart", "stuck"]).exits(0).says("the output of its new run").and_that_is_all();
    let is_fine =
        |outcome: &Outcome| !outcome.stdout.contains("former") && !outcome.stdout.contains("Failed");
    tool.until(30, "the new run starts", |tool| tool.jobs(&["list"]), is_fine);
    let loaded = tool.jobs(&["load", "jobs.yaml"]).exits(0);
    assert!(!loaded.stderr.contains("warning"), "{}", loaded.stderr);
}

#[test]
fn restart_reports_a_plain_crash() {
    let tool = Tool::new("job-restart-crash");
    tool.write("bot.sh", "#!/bin/sh\nsleep 3600\n");
    tool.shell("chmod +x bot.sh").exits(0).and_that_is_all();
    run(&tool, "bot", "./bot.sh", &["--continuous"]);
    tool.until(30, "it runs", |tool| tool.jobs(&["list"]), is_running);
    tool.write("bot.sh", "#!/bin/sh\nexit 3\n");
    tool.jobs(&["restart", "bot"])
        .exits(5)
        .says("the command exits with code 3 and is restarted again and again")
        .and_that_is_all();
    tool.write("bot.sh", "#!/bin/sh\nexec sleep 3600\n");
    tool.jobs(&["restart", "bot"]).exits(0).says("job bot was restarted").and_that_is_all();
}
