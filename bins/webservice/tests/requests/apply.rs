//! What is reported of changes that fail partway, and of those that a dry run only checks.

use std::time::Duration;

use insta::assert_snapshot;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use toolforge_client::scripted::{Answer, Script};
use toolforge_fixtures::OwnProcess;

use crate::{DEPLOYMENT, HTTP_ROUTE, SERVICE, cluster, objects, run, run_recorded};

const INGRESS: &str = "/apis/networking.k8s.io/v1/namespaces/tool-stashbot/ingresses/stashbot-subdomain";
const ROUTES: &str = "GET /apis/gateway.networking.k8s.io/v1/namespaces/tool-stashbot/httproutes";

/// Returns how a command line ended, without its requests.
fn ended(shown: &str) -> String {
    let is_request =
        |line: &&str| !["GET ", "POST ", "PATCH ", "DELETE "].iter().any(|verb| line.starts_with(verb));
    shown.lines().filter(is_request).collect::<Vec<_>>().join("\n")
}

#[test]
fn refused_dry_run_has_changed_nothing() {
    let instead = [
        (format!("PATCH {DEPLOYMENT}"), Answer::json(201, &json!({}))),
        (
            format!("PATCH {SERVICE}"),
            Answer::refusal(400, "", "admission webhook \"w\" denied the request: no"),
        ),
    ];
    assert_snapshot!(ended(&run(cluster(None, &instead), "php8.2 start --dry-run=server")), @"
    [exit 4]
    error: the cluster's w refused: no
      Service stashbot: not accepted
      nothing was stored (dry run)
    ");
}

#[test]
fn refused_route_names_what_still_serves() {
    let mut route = objects("running.json", "HTTPRoute").remove(0);
    let condition =
        json!({"type": "Accepted", "status": "False", "message": "no listener", "observedGeneration": 1});
    route["metadata"]["generation"] = json!(1);
    route["status"] = json!({"parents": [{"conditions": [condition]}]});
    let labels = route["metadata"]["labels"].clone();
    let ingress = json!({"metadata": {"name": "stashbot-subdomain", "uid": "i-1", "labels": labels}});
    let instead = [
        (format!("GET {HTTP_ROUTE}"), Answer::not_found("httproutes", "stashbot")),
        (format!("GET {INGRESS}"), Answer::json(200, &ingress)),
        (format!("PATCH {HTTP_ROUTE}"), Answer::json(201, &route)),
        (
            ROUTES.to_owned(),
            Answer::json(200, &json!({"metadata": {"resourceVersion": "7"}, "items": [route]})),
        ),
        (format!("DELETE {HTTP_ROUTE}"), Answer::json(200, &json!({}))),
    ];
    let shown = run(cluster(Some("running.json"), &instead), "php8.2 start --routing=httproute");
    assert_snapshot!(ended(&shown), @"
    [exit 4]
    error: the gateway refuses the new route, so the old one was kept: no listener
      nothing was changed

    hint: Requests still reach the web service through its Ingress; `webservice start` without `--routing` keeps it.
    ");
    assert!(
        shown.contains(&format!("DELETE {HTTP_ROUTE}")) && !shown.contains(&format!("DELETE {INGRESS}")),
        "{shown}"
    );
}

/// Answers a start that finds another number of replicas in its second attempt.
fn changed_meanwhile() -> Script {
    let before = objects("running.json", "Deployment").remove(0);
    let mut after = before.clone();
    let generation = before["metadata"]["generation"].as_i64().unwrap();
    after["metadata"]["generation"] = json!(generation + 1);
    after["metadata"]["resourceVersion"] = json!("99");
    after["spec"]["replicas"] = json!(2);
    let mut written = after.clone();
    written["metadata"]["generation"] = json!(generation + 2);
    let mut ready = written.clone();
    ready["status"] = json!({
        "observedGeneration": generation + 2, "replicas": 2, "updatedReplicas": 2, "readyReplicas": 2,
    });
    let ready = json!({"metadata": {"resourceVersion": "100"}, "items": [ready]});
    let conflict = Answer::refusal(409, "Conflict", "the object has been modified");
    let get = format!("GET {DEPLOYMENT}");
    let instead = [
        (get.clone(), Answer::json(200, &before)),
        (get, Answer::json(200, &after)),
        (format!("PATCH {DEPLOYMENT}"), conflict),
        (format!("PATCH {DEPLOYMENT}"), Answer::json(200, &written)),
        ("GET /apis/apps/v1/namespaces/tool-stashbot/deployments".to_owned(), Answer::json(200, &ready)),
    ];
    cluster(Some("running.json"), &instead)
}

#[test]
fn change_by_somebody_else_is_read_and_kept() {
    let shown = run(changed_meanwhile(), "start -m 1Gi");
    assert_eq!(ended(&shown), "[exit 0]");
    let of_deployment = |line: &&str| line.contains("/deployments/stashbot");
    let requests: Vec<&str> = shown.lines().filter(of_deployment).collect();
    assert_snapshot!(requests.join("\n"), @"
    GET   /apis/apps/v1/namespaces/tool-stashbot/deployments/stashbot
    PATCH /apis/apps/v1/namespaces/tool-stashbot/deployments/stashbot?fieldManager=toolforge-cli&force=true
    GET   /apis/apps/v1/namespaces/tool-stashbot/deployments/stashbot
    GET   /apis/apps/v1/namespaces/tool-stashbot/deployments/stashbot
    PATCH /apis/apps/v1/namespaces/tool-stashbot/deployments/stashbot?fieldManager=toolforge-cli&force=true
    GET   /apis/apps/v1/namespaces/tool-stashbot/deployments/stashbot
    ");
}

#[test]
fn replicas_of_somebody_else_are_kept() {
    // `start -m 1Gi` is delayed while somebody else runs `start -r 2`.
    let (_, writes) = run_recorded(changed_meanwhile(), "start -m 1Gi", None);
    let bodies = writes.split("PATCH ").filter(|write| write.starts_with(DEPLOYMENT));
    let applied: Vec<(Value, Value)> = bodies
        .map(|write| {
            let body: Value = serde_json::from_str(write.split_once('\n').unwrap().1).unwrap();
            let spec = &body["spec"];
            let limits = &spec["template"]["spec"]["containers"][0]["resources"]["limits"];
            (spec["replicas"].clone(), limits["memory"].clone())
        })
        .collect();
    assert_eq!(applied, [(json!(1), json!("1Gi")), (json!(2), json!("1Gi"))]);
}

#[test]
fn start_recreates_deleted_objects() {
    let mut ready = objects("running.json", "Deployment").remove(0);
    ready["metadata"]["uid"] = json!("d-2");
    ready["metadata"]["generation"] = json!(1);
    ready["status"] =
        json!({"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1});
    let list = json!({"metadata": {"resourceVersion": "100"}, "items": [ready]});
    let service = objects("running.json", "Service").remove(0);
    let instead = [
        // If other objects remain, it is searched again.
        (format!("GET {DEPLOYMENT}"), Answer::not_found("deployments", "stashbot")),
        (format!("GET {DEPLOYMENT}"), Answer::not_found("deployments", "stashbot")),
        (format!("GET {DEPLOYMENT}"), Answer::json(200, &ready)),
        (format!("PATCH {DEPLOYMENT}"), Answer::json(201, &ready)),
        ("GET /apis/apps/v1/namespaces/tool-stashbot/deployments".to_owned(), Answer::json(200, &list)),
        (format!("GET {SERVICE}"), Answer::json(200, &service)),
        (format!("GET {SERVICE}"), Answer::not_found("services", "stashbot")),
        (format!("PATCH {SERVICE}"), Answer::json(201, &service)),
    ];
    let shown = run(cluster(Some("running.json"), &instead), "php8.2 start");
    let writes: Vec<&str> = shown.lines().filter(|line| !line.starts_with("GET")).collect();
    assert_snapshot!(writes.join("\n"), @"
    [exit 0]
    PATCH /apis/apps/v1/namespaces/tool-stashbot/deployments/stashbot?fieldManager=toolforge-cli&force=true
    PATCH /api/v1/namespaces/tool-stashbot/services/stashbot?fieldManager=toolforge-cli&force=true
    ");
}

#[test]
fn template_on_standard_input_is_read_once() {
    let test = "apply::template_on_standard_input_is_read_once";
    let (exit_code, stderr) = OwnProcess::of(test).with_stdin("mem: 1Gi\n").run(|| {
        let shown = run(changed_meanwhile(), "start --template -");
        eprintln!("{shown}");
        u8::from(!shown.starts_with("[exit 0]"))
    });
    assert_eq!(exit_code, 0, "{stderr}");
    // Without the template, the second attempt would have nothing to change.
    assert_eq!(stderr.matches("PATCH").count(), 2, "{stderr}");
}

/// Answers a first start whose Service is refused, because somebody else has taken the last one of the quota.
fn last_service_taken(quotas: &[Value]) -> String {
    ended(&run(with_last_service_taken(quotas, &[]), "php8.2 start"))
}

fn with_last_service_taken(quotas: &[Value], pods: &[Value]) -> Script {
    let full = "services \"stashbot\" is forbidden: exceeded quota: q, requested: services=1, used: services=1, limited: services=1";
    let quotas = quotas.iter().map(|quota| {
        let list = json!({"metadata": {"resourceVersion": "7"}, "items": [quota]});
        ("GET /api/v1/namespaces/tool-stashbot/resourcequotas".to_owned(), Answer::json(200, &list))
    });
    let mut instead = vec![
        (
            format!("PATCH {DEPLOYMENT}"),
            Answer::json(201, &json!({"metadata": {"uid": "d-1", "generation": 1}})),
        ),
        (format!("PATCH {SERVICE}"), Answer::refusal(403, "Forbidden", full)),
    ];
    instead.extend(quotas);
    let pods = json!({"metadata": {"resourceVersion": "7"}, "items": pods});
    let of_tool = Answer::json(200, &json!({"metadata": {"resourceVersion": "7"}, "items": []}));
    let all = "GET /api/v1/namespaces/tool-stashbot/pods";
    instead.push((all.to_owned(), Answer::json(200, &pods)));
    instead.push((format!("{all}?labelSelector=name%3Dstashbot&limit=500"), of_tool));
    for resource in [
        "apps/v1/namespaces/tool-stashbot/deployments",
        "batch/v1/namespaces/tool-stashbot/jobs",
        "batch/v1/namespaces/tool-stashbot/cronjobs",
    ] {
        let none = json!({"metadata": {"resourceVersion": "7"}, "items": []});
        instead.push((format!("GET /apis/{resource}"), Answer::json(200, &none)));
    }
    cluster(None, &instead)
}

#[test]
fn signal_ends_a_start_that_waits_for_quota() {
    let test = "apply::signal_ends_a_start_that_waits_for_quota";
    let (exit_code, stderr) = OwnProcess::of(test).with_signal("TERM", Duration::from_secs(3)).run(|| {
        let quota = |used: &str| {
            let status =
                json!({"hard": {"pods": "1", "services": "9"}, "used": {"pods": used, "services": "0"}});
            json!({"metadata": {"name": "q"}, "status": status})
        };
        let until = Timestamp::now() + SignedDuration::from_secs(30);
        let pod = json!({
            "metadata": {"name": "old", "uid": "p-1", "deletionTimestamp": until.to_string()},
            "spec": {"containers": []},
            "status": {"phase": "Running"},
        });
        let script = with_last_service_taken(&[quota("0"), quota("1")], &[pod]);
        let shown = ended(&run(script, "php8.2 start"));
        eprint!("{shown}");
        shown.get(6..9).and_then(|code| code.parse().ok()).unwrap_or(0)
    });
    assert_eq!(exit_code, 128 + 15, "{stderr}");
    let (_, failure) = stderr.split_once("[exit 143]\n").unwrap();
    assert_snapshot!(failure, @"
    error: only a part of the web service was changed
      applied Deployment stashbot
      error: interrupted; nothing more was sent
    ");
}

#[test]
fn unfit_retry_names_written_objects() {
    let quota = |used: &str| json!({"metadata": {"name": "q"}, "status": {"hard": {"services": "1"}, "used": {"services": used}}});
    assert_snapshot!(last_service_taken(&[quota("0"), quota("1")]), @"
    [exit 6]
    error: only a part of the web service was changed
      applied Deployment stashbot
      error: the rest does not fit
        services: 2 of 1, 1 service too many (quota q)

      hint: Delete something else; `quota-check` shows the usage, and https://w.wiki/6YLP explains how to request more.
    ");
    // The quota's usage may be counted late.
    assert_snapshot!(last_service_taken(&[quota("0")]), @r#"
    [exit 6]
    error: the cluster refused: quota exceeded for services
      services "stashbot" is forbidden: exceeded quota: q, requested: services=1, used: services=1, limited: services=1
      applied Deployment stashbot
      Service stashbot: not done

    hint: `quota-check` shows the usage; https://w.wiki/6YLP explains how to request more.

    hint: Run `webservice start` again; it continues from here.
    "#);
}

/// Answers a command whose requests that write are accepted, and whose wait is refused.
fn refused_wait(line: &str, file: Option<&str>) -> String {
    let accepted = Answer::json(200, &json!({"metadata": {"uid": "d-1", "generation": 1}}));
    let mut instead: Vec<(String, Answer)> = [DEPLOYMENT, SERVICE, HTTP_ROUTE, INGRESS]
        .into_iter()
        .flat_map(|path| ["PATCH", "DELETE"].map(|method| (format!("{method} {path}"), accepted.clone())))
        .collect();
    let list = "GET /apis/apps/v1/namespaces/tool-stashbot/deployments".to_owned();
    instead.push((list, Answer::refusal(403, "Forbidden", "deployments.apps is forbidden: no")));
    ended(&run(cluster(file, &instead), line))
}

#[test]
fn refused_wait_is_reported_after_the_changes() {
    assert_snapshot!(refused_wait("stop", Some("running.json")), @"
    [exit 6]
    error: the cluster refused: permission denied
      deployments.apps is forbidden: no
      deleted HTTPRoute stashbot
      deleted Service stashbot
      deleted Deployment stashbot

    hint: A tool may only use its own namespace; check that `--tool` and the kubeconfig are for the same tool.

    hint: All changes were accepted; `webservice status` shows the state.
    ");
    assert_snapshot!(refused_wait("restart", Some("running.json")), @"
    [exit 6]
    error: the cluster refused: permission denied
      deployments.apps is forbidden: no
      applied Deployment stashbot

    hint: A tool may only use its own namespace; check that `--tool` and the kubeconfig are for the same tool.

    hint: All changes were accepted; `webservice status` shows the state.
    ");
    assert_snapshot!(refused_wait("php8.2 start", None), @"
    [exit 6]
    error: the cluster refused: permission denied
      deployments.apps is forbidden: no
      applied Deployment stashbot
      applied Service stashbot
      applied HTTPRoute stashbot

    hint: A tool may only use its own namespace; check that `--tool` and the kubeconfig are for the same tool.

    hint: All changes were accepted; `webservice status` shows the state.
    ");
}
