//! What is answered if the cluster does not let the user read one kind of objects.

use insta::assert_snapshot;
use toolforge_cli::ExitCode;
use toolforge_client::scripted::{Answer, Script};
use toolforge_fixtures::{OwnProcess, kinds_on_stderr};

use crate::{CATALOG, DEPLOYMENT, HTTP_ROUTE, NAMESPACE, SERVICE, cluster, outcome, run};

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

#[test]
fn status_omits_unreadable_kinds() {
    let ingress = "/apis/networking.k8s.io/v1/namespaces/tool-stashbot/ingresses/stashbot-subdomain";
    let replica_sets = "/apis/apps/v1/namespaces/tool-stashbot/replicasets";
    let (services, pods) = (SERVICE.to_owned(), format!("{NAMESPACE}/pods"));
    let paths =
        [CATALOG.trim_start_matches("GET "), DEPLOYMENT, &services, ingress, HTTP_ROUTE, &pods, replica_sets];
    let forbidden = || Answer::refusal(403, "Forbidden", "no");
    let (exit_code, stderr) = OwnProcess::of("unread::status_omits_unreadable_kinds").run(|| {
        for path in paths {
            for line in ["status", "stop --dry-run"] {
                let script = cluster(Some("running.json"), &[(format!("GET {path}"), forbidden())]);
                let (ended, stdout) = toolforge_cli::capture(|| outcome(script, line));
                let kind = path.split('/').rev().find(|word| word.ends_with('s')).unwrap_or_default();
                let code = ended.map_or_else(|failure| failure.exit_code().code(), ExitCode::code);
                let first = stdout.lines().next().unwrap_or_default();
                let missing = stdout.contains("missing");
                eprintln!(
                    "{line} without {kind}: [exit {code}]{}{first}{}",
                    if first.is_empty() { "" } else { " " },
                    if missing { " MISSING" } else { "" }
                );
            }
        }
        0
    });
    assert_eq!(exit_code, 0, "{stderr}");
    assert_snapshot!(stderr, @"
    warning: the cluster does not let you get configmaps, so the bundled catalog is used for image names
    status without configmaps: [exit 0] Your webservice of type php8.2 is running on backend kubernetes
    stop --dry-run without configmaps: [exit 0] delete HTTPRoute stashbot
    status without deployments: [exit 4]
    stop --dry-run without deployments: [exit 4]
    warning: the cluster does not let you get services, so addresses may be missing
    status without services: [exit 6] Your webservice of type php8.2 is running on backend kubernetes
    stop --dry-run without services: [exit 4]
    status without ingresses: [exit 0] Your webservice of type php8.2 is running on backend kubernetes
    stop --dry-run without ingresses: [exit 4]
    warning: the cluster does not let you get httproutes.gateway.networking.k8s.io, so addresses may be missing
    status without httproutes: [exit 6] Your webservice of type php8.2 is running on backend kubernetes
    stop --dry-run without httproutes: [exit 0] delete Service stashbot
    warning: the cluster does not let you list pods, so states may be incomplete
    status without pods: [exit 6] Your webservice of type php8.2 is running on backend kubernetes
    stop --dry-run without pods: [exit 4]
    status without replicasets: [exit 0] Your webservice of type php8.2 is running on backend kubernetes
    stop --dry-run without replicasets: [exit 0] delete HTTPRoute stashbot
    ");
}
