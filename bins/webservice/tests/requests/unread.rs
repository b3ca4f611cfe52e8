//! What is answered if the cluster does not let the user read one kind of the limits.

use insta::assert_snapshot;
use toolforge_client::scripted::{Answer, Script};
use toolforge_fixtures::{OwnProcess, kinds_on_stderr};

use crate::{NAMESPACE, cluster, outcome, run};

/// Returns a cluster with a web service that does not let the user read one kind of the limits.
fn without(kind: &str) -> Script {
    let forbidden = Answer::refusal(403, "Forbidden", &format!("{kind} is forbidden: no"));
    cluster(Some("running.json"), &[(format!("GET {NAMESPACE}/{kind}"), forbidden)])
}

#[test]
fn unread_limits_are_a_warning() {
    let lines =
        ["start", "start -m 1Gi --dry-run", "restart --dry-run", "plan", "php8.2 shell --dry-run", "status"];
    let (exit_code, stderr) = OwnProcess::of("unread::unread_limits_are_a_warning").run(|| {
        for kind in ["resourcequotas", "limitranges"] {
            for line in lines {
                let shown = run(without(kind), line);
                eprintln!("{line}, without {kind}: {}", shown.lines().next().unwrap_or_default());
            }
        }
        0
    });
    assert_eq!(exit_code, 0, "{stderr}");
    let is_shown = |line: &&str| line.starts_with("warning: the cluster") || line.contains(" without ");
    assert_snapshot!(stderr.lines().filter(is_shown).collect::<Vec<_>>().join("\n"), @"
    warning: the cluster does not let you read ResourceQuota objects, so they are left out
    start, without resourcequotas: [exit 0]
    warning: the cluster does not let you read ResourceQuota objects, so they are left out
    start -m 1Gi --dry-run, without resourcequotas: [exit 0]
    warning: the cluster does not let you read ResourceQuota objects, so they are left out
    restart --dry-run, without resourcequotas: [exit 0]
    warning: the cluster does not let you read ResourceQuota objects, so they are left out
    plan, without resourcequotas: [exit 0]
    warning: the cluster does not let you read ResourceQuota objects, so they are left out
    php8.2 shell --dry-run, without resourcequotas: [exit 0]
    status, without resourcequotas: [exit 0]
    warning: the cluster does not let you read LimitRange objects, so they are left out
    start, without limitranges: [exit 0]
    warning: the cluster does not let you read LimitRange objects, so they are left out
    start -m 1Gi --dry-run, without limitranges: [exit 0]
    warning: the cluster does not let you read LimitRange objects, so they are left out
    restart --dry-run, without limitranges: [exit 0]
    warning: the cluster does not let you read LimitRange objects, so they are left out
    plan, without limitranges: [exit 0]
    warning: the cluster does not let you read LimitRange objects, so they are left out
    php8.2 shell --dry-run, without limitranges: [exit 0]
    status, without limitranges: [exit 0]
    ");
}

#[test]
fn standard_error_has_one_document() {
    let lines = [
        "start",
        "start -m 1Gi --dry-run",
        "restart --dry-run",
        "restart",
        "stop",
        "plan",
        "render",
        "status",
        "types",
        "local",
        "php9 start",
    ];
    let (_, stderr) = OwnProcess::of("unread::standard_error_has_one_document").run(|| {
        for line in lines {
            let script = without("resourcequotas");
            let _ = toolforge_cli::run(|| outcome(script, &format!("{line} -o json")));
            eprintln!("== {line}");
        }
        0
    });
    assert_snapshot!(kinds_on_stderr(&stderr), @"
    start: Notes
    start -m 1Gi --dry-run: Notes
    restart --dry-run: Notes
    restart: Failure
    stop: Failure
    plan: Notes
    render: nothing
    status: nothing
    types: nothing
    local: Notes
    php9 start: Failure
    ");
}
