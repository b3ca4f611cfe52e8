//! What is answered if the cluster does not let the user read one kind of the limits.

use insta::assert_snapshot;
use serde_json::json;
use toolforge_client::scripted::{Answer, Script};
use toolforge_fixtures::{OwnProcess, kinds_on_stderr};

use crate::{BATCH, CORE, cluster, object, outcome, run};

/// Returns a cluster with a scheduled job that does not let the user read one kind of the limits.
fn without(kind: &str) -> Script {
    let forbidden = Answer::refusal(403, "Forbidden", &format!("{kind} is forbidden: no"));
    let instead = [
        (format!("GET {CORE}/{kind}"), forbidden),
        (format!("POST {BATCH}/jobs"), Answer::json(201, &json!({"metadata": {"uid": "u-2"}}))),
    ];
    cluster(&[object("scheduled-hourly")], &[], &instead)
}

#[test]
fn unread_limits_are_a_warning() {
    let file = std::env::temp_dir().join("toolforge-jobs-unread.yaml");
    std::fs::write(&file, "- {name: once, command: ./once.sh, image: python3.13}\n").unwrap();
    let file = file.to_str().unwrap();
    let lines: [&[&str]; 9] = [
        &["run", "once", "--image", "python3.13", "--command", "./once.sh"],
        &["run", "once", "--image", "python3.13", "--command", "./once.sh", "--dry-run"],
        &["load", file],
        &["plan", file],
        &["trigger", "myjob"],
        &["restart", "myjob"],
        &["cron", "--calendar"],
        &["quota"],
        // They need no limits.
        &["suspend", "myjob", "--dry-run"],
    ];
    let (exit_code, stderr) = OwnProcess::of("unread::unread_limits_are_a_warning").run(|| {
        for kind in ["resourcequotas", "limitranges"] {
            for line in lines {
                let shown = run(without(kind), line);
                let ended = shown.lines().next().unwrap_or_default();
                eprintln!("{} without {kind}: {ended}", line[0]);
            }
        }
        0
    });
    assert_eq!(exit_code, 0, "{stderr}");
    let is_shown = |line: &&str| line.starts_with("warning: the cluster") || line.contains(" without ");
    assert_snapshot!(stderr.lines().filter(is_shown).collect::<Vec<_>>().join("\n"), @"
    warning: the cluster does not let you read ResourceQuota objects, so they are left out
    run without resourcequotas: [exit 0]
    warning: the cluster does not let you read ResourceQuota objects, so they are left out
    run without resourcequotas: [exit 0]
    warning: the cluster does not let you read ResourceQuota objects, so they are left out
    load without resourcequotas: [exit 0]
    warning: the cluster does not let you read ResourceQuota objects, so they are left out
    plan without resourcequotas: [exit 0]
    warning: the cluster does not let you read ResourceQuota objects, so they are left out
    trigger without resourcequotas: [exit 0]
    warning: the cluster does not let you read ResourceQuota objects, so they are left out
    restart without resourcequotas: [exit 0]
    warning: the cluster does not let you read ResourceQuota objects, so they are left out
    cron without resourcequotas: [exit 0]
    warning: the cluster does not let you read ResourceQuota objects, so they are left out
    quota without resourcequotas: [exit 6]
    suspend without resourcequotas: [exit 0]
    warning: the cluster does not let you read LimitRange objects, so they are left out
    run without limitranges: [exit 0]
    warning: the cluster does not let you read LimitRange objects, so they are left out
    run without limitranges: [exit 0]
    warning: the cluster does not let you read LimitRange objects, so they are left out
    load without limitranges: [exit 0]
    warning: the cluster does not let you read LimitRange objects, so they are left out
    plan without limitranges: [exit 0]
    warning: the cluster does not let you read LimitRange objects, so they are left out
    trigger without limitranges: [exit 0]
    warning: the cluster does not let you read LimitRange objects, so they are left out
    restart without limitranges: [exit 0]
    warning: the cluster does not let you read LimitRange objects, so they are left out
    cron without limitranges: [exit 0]
    warning: the cluster does not let you read LimitRange objects, so they are left out
    quota without limitranges: [exit 6]
    suspend without limitranges: [exit 0]
    ");
}

#[test]
fn standard_error_has_one_document() {
    let file = std::env::temp_dir().join("toolforge-jobs-unread-json.yaml");
    std::fs::write(&file, "- {name: once, command: ./once.sh, image: python3.13, continuous: yes}\n")
        .unwrap();
    let file = file.to_str().unwrap();
    let lines: [&[&str]; 16] = [
        &["run", "once", "--image", "python3.13", "--command", "./once.sh"],
        &["run", "once", "--image", "python3.13", "--command", "./once.sh", "--dry-run"],
        &["load", file],
        &["load", file, "--dry-run"],
        &["plan", file],
        &["render", file],
        &["trigger", "myjob"],
        &["restart", "myjob"],
        &["cron", "--calendar"],
        &["quota"],
        &["list", "--long"],
        // They succeed without a note, and repeat their document in words.
        &["suspend", "myjob", "--dry-run"],
        &["delete", "myjob", "--dry-run"],
        &["flush", "--dry-run"],
        // They fail.
        &["show", "once"],
        &["resume", "once"],
    ];
    let (_, stderr) = OwnProcess::of("unread::standard_error_has_one_document").run(|| {
        for line in lines {
            let script = without("resourcequotas");
            let _ = toolforge_cli::run(|| outcome(script, &[line, &["--output", "json"]].concat()).0);
            eprintln!("== {}", line[0]);
        }
        0
    });
    assert_snapshot!(kinds_on_stderr(&stderr), @"
    run: Notes
    run: Notes
    load: Failure
    load: Notes
    plan: Notes
    render: Notes
    trigger: Notes
    restart: Notes
    cron: Notes
    quota: Notes
    list: Notes
    suspend: nothing
    delete: nothing
    flush: nothing
    show: Failure
    resume: Failure
    ");
}
