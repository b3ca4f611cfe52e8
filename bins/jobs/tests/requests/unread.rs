//! What is answered if the cluster does not let the user read one kind of objects.

use insta::assert_snapshot;
use serde_json::json;
use toolforge_client::scripted::{Answer, Script};
use toolforge_fixtures::{OwnProcess, kinds_on_stderr};

use crate::{APPS, BATCH, CORE, cluster, object, outcome, run};

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

#[test]
fn kinds_that_cannot_be_listed_are_left_out() {
    let refused = |path: &str, kind: &str| {
        let message = format!("{kind} is forbidden: User \"x\" cannot list resource \"{kind}\"");
        let instead = [(format!("GET {path}/{kind}"), Answer::refusal(403, "Forbidden", &message))];
        cluster(&[object("scheduled-hourly")], &[], &instead)
    };
    let kinds = [
        (APPS, "deployments"),
        (BATCH, "cronjobs"),
        (BATCH, "jobs"),
        (CORE, "pods"),
        (CORE, "services"),
        (CORE, "events"),
    ];
    let lines: [&[&str]; 5] =
        [&["list"], &["show", "myjob"], &["cron"], &["dump"], &["suspend", "myjob", "--dry-run"]];
    let (exit_code, stderr) = OwnProcess::of("unread::kinds_that_cannot_be_listed_are_left_out").run(|| {
        for (path, kind) in kinds {
            for line in lines {
                let (ended, _) = outcome(refused(path, kind), line);
                let ended = ended.map_or_else(
                    |failure| failure.exit_code().code().to_string() + &format!("\n{failure}"),
                    |code| code.code().to_string(),
                );
                eprintln!("{} without {kind}: {ended}", line[0]);
            }
        }
        let configmap = (crate::CATALOG.to_owned(), Answer::refusal(403, "Forbidden", "no"));
        let (ended, _) = outcome(cluster(&[], &[], &[configmap]), &["list"]);
        eprintln!("list without the catalog: {}", ended.unwrap().code());
        0
    });
    assert_eq!(exit_code, 0, "{stderr}");
    assert_snapshot!(stderr, @r#"
    warning: the cluster does not let you list deployments.apps, so they are left out
    list without deployments: 6
    warning: the cluster does not let you list deployments.apps, so they are left out
    show without deployments: 6
    warning: the cluster does not let you list deployments.apps, so they are left out
    cron without deployments: 6
    dump without deployments: 4
    error: the cluster refused: permission denied
      deployments is forbidden: User "x" cannot list resource "deployments"

    hint: A tool may only use its own namespace; check that `--tool` and the kubeconfig are for the same tool.

    suspend without deployments: 4
    error: the cluster refused: permission denied
      deployments is forbidden: User "x" cannot list resource "deployments"

    hint: A tool may only use its own namespace; check that `--tool` and the kubeconfig are for the same tool.

    warning: the cluster does not let you list cronjobs.batch, so they are left out
    list without cronjobs: 6
    warning: the cluster does not let you list cronjobs.batch, so they are left out
    show without cronjobs: 4
    error: the cluster refused: permission denied
      cronjobs is forbidden: User "x" cannot list resource "cronjobs"
      without cronjobs.batch, it is unknown whether myjob exists

    hint: A tool may only use its own namespace; check that `--tool` and the kubeconfig are for the same tool.

    warning: the cluster does not let you list cronjobs.batch, so they are left out
    cron without cronjobs: 4
    error: the cluster refused: permission denied
      cronjobs is forbidden: User "x" cannot list resource "cronjobs"

    hint: A tool may only use its own namespace; check that `--tool` and the kubeconfig are for the same tool.

    dump without cronjobs: 4
    error: the cluster refused: permission denied
      cronjobs is forbidden: User "x" cannot list resource "cronjobs"

    hint: A tool may only use its own namespace; check that `--tool` and the kubeconfig are for the same tool.

    suspend without cronjobs: 4
    error: the cluster refused: permission denied
      cronjobs is forbidden: User "x" cannot list resource "cronjobs"

    hint: A tool may only use its own namespace; check that `--tool` and the kubeconfig are for the same tool.

    warning: the cluster does not let you list jobs.batch, so they are left out
    list without jobs: 6
    warning: the cluster does not let you list jobs.batch, so they are left out
    show without jobs: 6
    warning: the cluster does not let you list jobs.batch, so they are left out
    cron without jobs: 6
    dump without jobs: 4
    error: the cluster refused: permission denied
      jobs is forbidden: User "x" cannot list resource "jobs"

    hint: A tool may only use its own namespace; check that `--tool` and the kubeconfig are for the same tool.

    suspend without jobs: 4
    error: the cluster refused: permission denied
      jobs is forbidden: User "x" cannot list resource "jobs"

    hint: A tool may only use its own namespace; check that `--tool` and the kubeconfig are for the same tool.

    warning: the cluster does not let you list pods, so states may be incomplete
    list without pods: 6
    warning: the cluster does not let you list pods, so states may be incomplete
    show without pods: 6
    warning: the cluster does not let you list pods, so states may be incomplete
    cron without pods: 6
    dump without pods: 4
    error: the cluster refused: permission denied
      pods is forbidden: User "x" cannot list resource "pods"

    hint: A tool may only use its own namespace; check that `--tool` and the kubeconfig are for the same tool.

    suspend without pods: 4
    error: the cluster refused: permission denied
      pods is forbidden: User "x" cannot list resource "pods"

    hint: A tool may only use its own namespace; check that `--tool` and the kubeconfig are for the same tool.

    warning: the cluster does not let you list services, so addresses may be missing
    list without services: 6
    warning: the cluster does not let you list services, so addresses may be missing
    show without services: 6
    cron without services: 0
    dump without services: 0
    suspend without services: 0
    warning: the cluster does not let you list events, so causes may be missing
    list without events: 0
    warning: the cluster does not let you list events, so causes may be missing
    show without events: 0
    warning: the cluster does not let you list events, so causes may be missing
    cron without events: 0
    dump without events: 0
    suspend without events: 0
    warning: the cluster does not let you get configmaps, so the bundled catalog is used for image names
    list without the catalog: 0
    "#);
}

#[test]
fn list_fails_if_no_kind_of_jobs_is_readable() {
    let refused = || Answer::refusal(403, "Forbidden", "no");
    let instead = [
        (format!("GET {APPS}/deployments"), refused()),
        (format!("GET {BATCH}/cronjobs"), refused()),
        (format!("GET {BATCH}/jobs"), refused()),
    ];
    let (ended, _) = outcome(cluster(&[], &[], &instead), &["list"]);
    assert_eq!(ended.unwrap_err().exit_code().code(), 4);
}

#[test]
fn changes_need_services_only_for_ports() {
    let file = std::env::temp_dir().join("toolforge-jobs-unread-services.yaml");
    std::fs::write(&file, "- {name: once, command: ./once.sh, image: python3.13}\n").unwrap();
    let file = file.to_str().unwrap();
    let without_services = |deployments: &[serde_json::Value]| {
        let refused = Answer::refusal(403, "Forbidden", "services is forbidden: no");
        let created = Answer::json(201, &json!({"metadata": {"uid": "u-2"}}));
        let instead = [(format!("GET {CORE}/services"), refused), (format!("POST {BATCH}/jobs"), created)];
        cluster(&[object("scheduled-hourly")], deployments, &instead)
    };
    let port = object("continuous-port");
    for line in [
        &["plan", file][..],
        &["load", file],
        &["run", "once", "--image", "python3.13", "--command", "./once.sh"],
        &["trigger", "myjob"],
        &["restart", "myjob"],
    ] {
        let shown = run(without_services(&[]), line);
        assert!(shown.starts_with("[exit 0]"), "{line:?}: {shown}");
    }
    let shown = run(without_services(&[port]), &["plan", file]);
    assert!(shown.starts_with("[exit 4]"), "{shown}");
}
