//! Verbs on objects of kubectl: what is asked, what is sent, and what is left alone. The first tests are the tasks of the
//! platform's page on Kubernetes of 2020.

use toolforge_images::Catalog;
use toolforge_render::job::LiveJobs;
use toolforge_render::namespace::{Documents, Namespace};

use super::documents::document;
use super::*;

pub(crate) fn live() -> LiveJobs {
    let mut documents = Documents::default();
    documents.read("by-hand.yaml", &toolforge_fixtures::read("facts/by-hand.yaml")).unwrap();
    let namespace = Namespace::new(&"tf-test".parse().unwrap(), Catalog::bundled());
    documents.job_facts(namespace).unwrap().live
}

/// Returns objects as JSON.
macro_rules! values {
    ($objects:expr) => {
        $objects.iter().map(|object| serde_json::to_value(object).unwrap()).collect::<Vec<Value>>()
    };
}
pub(crate) use values;

pub(crate) fn list(items: &[Value]) -> Answer {
    Answer::json(200, &json!({"metadata": {"resourceVersion": "7"}, "items": items}))
}

/// Returns the answers of a namespace with objects of kubectl, except where `instead` answers.
pub(crate) fn by_hand(instead: &[(String, Answer)]) -> Script {
    let live = live();
    let mut all = vec![
        (format!("GET {BATCH}/jobs"), list(&values!(&live.jobs))),
        (format!("GET {CORE}/pods"), list(&values!(&live.pods))),
    ];
    all.retain(|(request, _)| !instead.iter().any(|(other, _)| other == request));
    all.extend_from_slice(instead);
    cluster(&values!(&live.cron_jobs), &values!(&live.deployments), &all)
}

pub(crate) fn ok() -> Answer {
    Answer::json(200, &json!({"metadata": {"uid": "u", "resourceVersion": "200"}}))
}

/// Returns the answers to a deletion that is done at once.
pub(crate) fn deleted(path: &str, name: &str) -> Vec<(String, Answer)> {
    vec![
        (format!("DELETE {path}/{name}"), ok()),
        (format!("GET {path}?fieldSelector=metadata.name%3D{name}&limit=500"), list(&[])),
    ]
}

/// Runs a command line and returns how it ended, what it printed, and the bodies that it sent.
pub(crate) fn sent(script: Script, words: &[&str]) -> (String, String, Vec<Value>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (client, requests) = {
        let _inside = runtime.enter();
        script.client()
    };
    let session = Session {
        tool: "tf-test".parse().unwrap(),
        platform: Platform::default(),
        uid: Some(52503),
        home: None,
        source: Source::Cluster { runtime, client },
    };
    let line = ["jobs"].into_iter().chain(words.iter().copied());
    let (ended, stdout) = toolforge_cli::capture(|| match jobs::run_in(&session, line) {
        Ok(kind) => format!("[exit {}]", kind.code()),
        Err(failure) => format!("[exit {}]\n{failure}", failure.exit_code().code()),
    });
    let writes = requests.writes();
    let mut bodies = Vec::new();
    for part in writes.split("\nDELETE ").flat_map(|part| part.split("\nPATCH ")) {
        if let Some(json) = part.find('{').and_then(|start| serde_json::from_str(&part[start..]).ok()) {
            bodies.push(json);
        }
    }
    (ended, stdout, bodies)
}

#[test]
fn cron_job_test_run_is_followed() {
    let created = (format!("POST {BATCH}/jobs"), Answer::json(201, &json!({"metadata": {"uid": "u-2"}})));
    let shown = run(by_hand(&[created]), &["trigger", "list-images"]);
    assert_snapshot!(writes(&shown), @"
    [exit 0]
    POST  /apis/batch/v1/namespaces/tool-tf-test/jobs?fieldManager=toolforge-cli
    ");

    let pods = values!(&live().pods);
    let log = Answer::text(200, "2026-11-25T11:28:03Z 12 images\n");
    let instead = [
        (format!("GET {CORE}/pods"), list(&pods)),
        (format!("GET {CORE}/pods"), list(&[])),
        (format!("GET {CORE}/pods/list-images-29406928-x7k2p/log"), log),
        (format!("GET {BATCH}/jobs?fieldSelector=metadata.name%3Dlist-images-29406928&limit=500"), list(&[])),
        (format!("GET {BATCH}/cronjobs?fieldSelector=metadata.name%3Dlist-images&limit=500"), list(&[])),
    ];
    for name in ["job/list-images-29406928", "list-images"] {
        let shown = run(by_hand(&instead), &["logs", name, "--follow"]);
        let is_read = shown.contains("/pods/list-images-29406928-x7k2p/log?container=bot");
        assert!(shown.starts_with("[exit 0]") && is_read, "{name}: {shown}");
    }
}

#[test]
fn failing_pod_is_restarted_by_deleting_it() {
    let pod = "stashbot-7d9c5b6f48-q2w9z";
    let line = ["delete", pod, "--yes"];
    let shown = run(by_hand(&deleted(&format!("{CORE}/pods"), pod)), &line);
    assert_snapshot!(writes(&shown), @"
    [exit 0]
    DELETE /api/v1/namespaces/tool-tf-test/pods/stashbot-7d9c5b6f48-q2w9z
    ");
    let (_, _, bodies) = sent(by_hand(&deleted(&format!("{CORE}/pods"), pod)), &line);
    assert_eq!(bodies[0]["preconditions"], json!({"uid": "u-stashbot-pod", "resourceVersion": "106"}));
}

#[test]
fn delete_pod_deletes_its_deployment() {
    let (ended, stdout, _) = sent(by_hand(&[]), &["show", "stashbot-7d9c5b6f48-q2w9z"]);
    assert!(ended.starts_with("[exit 0]") && stdout.contains("owner       deployment/stashbot"), "{stdout}");
    let mut instead = deleted(&format!("{APPS}/deployments"), "stashbot");
    instead.push((format!("GET {CORE}/pods"), list(&values!(&live().pods))));
    instead.push((format!("GET {CORE}/pods"), list(&[])));
    let shown = run(by_hand(&instead), &["delete", "deployment/stashbot", "--yes"]);
    assert_snapshot!(writes(&shown), @"
    [exit 0]
    DELETE /apis/apps/v1/namespaces/tool-tf-test/deployments/stashbot
    ");
}

#[test]
fn shell_is_opened_in_a_running_pod() {
    // The upgrade to a stream is not scripted; the request shows the pod and the container.
    for (name, pod) in [("pod/debug", "debug"), ("list-images", "list-images-29406928-x7k2p")] {
        let shown = run(by_hand(&[]), &["exec", name, "--", "id"]);
        let request = shown.lines().find(|line| line.contains("/exec?")).unwrap_or_default();
        assert!(request.contains(&format!("/pods/{pod}/exec?")), "{name}: {shown}");
    }
    let shown = run(by_hand(&[]), &["exec", "stashbot", "--", "id"]);
    let is_explained = shown.contains("deployment/stashbot has no running pod\n  Failed for");
    assert!(shown.starts_with("[exit 1]") && is_explained, "{shown}");
}

#[test]
fn list_shows_unmanaged_objects() {
    let (_, stdout, _) = sent(by_hand(&[]), &["list"]);
    assert!(stdout.contains("daily") && !stdout.contains("stashbot"), "{stdout}");
    let (_, stdout, _) = sent(by_hand(&[]), &["list", "--output", "name"]);
    assert_eq!(stdout, "daily\n");
    let (_, stdout, _) = sent(by_hand(&[]), &["list", "--output", "table"]);
    assert!(stdout.contains("stashbot     Deployment  kubectl-create"), "{stdout}");
    let (_, value) = document(by_hand(&[]), &["list"]);
    let names = |field: &str| -> Vec<String> {
        let entries = value[field].as_array().unwrap().iter();
        entries.map(|entry| format!("{} {}", entry["name"].as_str().unwrap(), entry["managed"])).collect()
    };
    assert_eq!(names("jobs"), ["daily true"]);
    assert_eq!(names("unmanaged"), ["stashbot false", "list-images false", "debug false"]);
}

#[test]
fn schedule_of_kubectl_is_suspended_and_resumed() {
    let path = format!("PATCH {BATCH}/cronjobs/list-images");
    let (ended, _, bodies) = sent(by_hand(&[(path, ok())]), &["suspend", "list-images"]);
    assert_eq!(ended, "[exit 0]");
    assert_eq!(
        bodies[0],
        json!({"metadata": {"uid": "u-list-images", "resourceVersion": "101"}, "spec": {"suspend": true}})
    );
    let shown = run(by_hand(&[]), &["resume", "list-images"]);
    assert_snapshot!(writes(&shown), @"[exit 0]");
}

#[test]
fn deletion_and_restart_need_a_confirmation() {
    for line in [&["delete", "stashbot", "daily"][..], &["restart", "stashbot"], &["delete", "pod/debug"]] {
        let shown = run(by_hand(&[]), line);
        assert!(shown.starts_with("[exit 1]") && shown.contains("there is no terminal"), "{shown}");
        assert!(writes(&shown).lines().all(|line| !line.starts_with("DELETE") && !line.starts_with("PATCH")));
    }
    // A dry run changes nothing, and needs none.
    assert!(run(by_hand(&[]), &["delete", "stashbot", "--dry-run"]).starts_with("[exit 0]"));
}

#[test]
fn rereads_after_concurrent_change() {
    let conflict = Answer::refusal(409, "Conflict", "the resourceVersion in the precondition does not match");
    let path = format!("{APPS}/deployments");
    let mut instead = deleted(&path, "stashbot");
    instead.insert(0, (format!("DELETE {path}/stashbot"), conflict));
    instead.push((format!("GET {CORE}/pods"), list(&[])));
    let shown = run(by_hand(&instead), &["delete", "stashbot", "--yes"]);
    assert!(shown.starts_with("[exit 0]"), "{shown}");
    assert_eq!(shown.matches("DELETE").count(), 2, "{shown}");
}

#[test]
fn flush_and_prune_leave_unmanaged_objects() {
    let instead = deleted(&format!("{BATCH}/cronjobs"), "daily");
    let shown = run(by_hand(&instead), &["flush", "--yes"]);
    assert_snapshot!(writes(&shown), @"
    [exit 0]
    DELETE /apis/batch/v1/namespaces/tool-tf-test/cronjobs/daily
    ");
    let file = std::env::temp_dir().join(format!("jobs-by-hand-{}.yaml", std::process::id()));
    std::fs::write(&file, "[]\n").unwrap();
    let shown = run(by_hand(&[]), &["load", file.to_str().unwrap(), "--prune", "--yes"]);
    std::fs::remove_file(&file).unwrap();
    assert!(!shown.contains("DELETE") && !shown.contains("PATCH"), "{shown}");
}

#[test]
fn web_service_is_not_for_jobs() {
    for line in [&["delete", "tf-test", "--yes"][..], &["show", "tf-test"], &["logs", "tf-test"]] {
        let shown = run(by_hand(&[]), line);
        assert!(shown.starts_with("[exit 1]") && shown.contains("belongs to the web service"), "{shown}");
    }
    let shown = run(by_hand(&[]), &["restart", "pod/debug", "--yes"]);
    assert!(shown.starts_with("[exit 1]") && shown.contains("nothing creates pod/debug again"), "{shown}");
}

#[test]
fn objects_of_one_name_are_all_deleted() {
    let live = live();
    let mut cron_jobs = values!(&live.cron_jobs);
    let mut other = cron_jobs[0].clone();
    other["metadata"]["name"] = json!("stashbot");
    cron_jobs.push(other);
    let conflict = Answer::refusal(409, "Conflict", "the resourceVersion in the precondition does not match");
    let mut instead = deleted(&format!("{APPS}/deployments"), "stashbot");
    instead.push((format!("DELETE {BATCH}/cronjobs/stashbot"), conflict));
    instead.extend(deleted(&format!("{BATCH}/cronjobs"), "stashbot"));
    instead.push((format!("GET {BATCH}/cronjobs"), list(&cron_jobs)));
    instead.push((format!("GET {CORE}/pods"), list(&values!(&live.pods))));
    instead.push((format!("GET {CORE}/pods"), list(&[])));
    let shown = run(by_hand(&instead), &["delete", "deployment/stashbot", "cronjob/stashbot", "--yes"]);
    assert!(shown.starts_with("[exit 0]"), "{shown}");
    assert_eq!(
        shown.matches("DELETE /apis/batch/v1/namespaces/tool-tf-test/cronjobs/stashbot").count(),
        2,
        "{shown}"
    );
    assert_eq!(shown.matches("DELETE /apis/apps/v1").count(), 1, "{shown}");
}

#[test]
fn pod_of_a_workload_is_not_called_unmanaged() {
    let shown = run(by_hand(&[]), &["delete", "stashbot-7d9c5b6f48-q2w9z"]);
    assert!(
        shown.contains(
            "error: deployment/stashbot replaces pod/stashbot-7d9c5b6f48-q2w9z, and there is no terminal"
        ),
        "{shown}"
    );
    let shown = run(by_hand(&[]), &["delete", "pod/stashbot-7d9c5b6f48-q2w9z", "debug"]);
    assert!(
        shown.contains("q2w9z, and pod/debug is not managed by `toolforge jobs`, and there is"),
        "{shown}"
    );
}

/// A Deployment and a CronJob that are both jobs.
#[test]
fn jobs_of_one_name_are_all_deleted() {
    let (deployments, cron_jobs) = ([object("continuous-port")], [object("scheduled-hourly")]);
    let mut instead = deleted(&format!("{APPS}/deployments"), "myjob");
    instead.extend(deleted(&format!("{BATCH}/cronjobs"), "myjob"));
    for words in [&["delete", "deployment/myjob", "cronjob/myjob"][..], &["flush", "--yes"]] {
        let shown = run(cluster(&cron_jobs, &deployments, &instead), words);
        assert!(shown.starts_with("[exit 0]"), "{words:?}: {shown}");
        for path in [format!("{APPS}/deployments"), format!("{BATCH}/cronjobs")] {
            assert_eq!(shown.matches(&format!("DELETE {path}/myjob")).count(), 1, "{words:?}: {shown}");
        }
    }
}

/// The requests of a run of a CronJob of kubectl are not sent where it does not fit.
#[test]
fn triggered_run_of_kubectl_is_checked() {
    let quota = |hard: Value, used: Value| {
        let quota = json!({"metadata": {"name": "q"}, "status": {"hard": hard, "used": used}});
        (format!("GET {CORE}/resourcequotas"), list(&[quota]))
    };
    let limits = json!({"limits": [{"type": "Container", "max": {"memory": "100Mi"}}]});
    let limits = json!({"metadata": {"name": "l"}, "spec": limits});
    for instead in [
        quota(json!({"limits.memory": "1Gi"}), json!({"limits.memory": "900Mi"})),
        quota(json!({"pods": "3"}), json!({"pods": "3"})),
        quota(json!({"count/jobs.batch": "3"}), json!({"count/jobs.batch": "3"})),
        (format!("GET {CORE}/limitranges"), list(&[limits])),
    ] {
        let shown = run(by_hand(&[instead]), &["trigger", "list-images"]);
        assert!(shown.starts_with("[exit 3]") && !shown.contains("POST"), "{shown}");
    }
}
