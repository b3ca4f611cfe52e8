//! Verbs on objects of kubectl: what is asked, what is sent, and what is left alone. The first tests are the tasks of the
//! platform's page on Kubernetes of 2020.

use toolforge_images::Catalog;
use toolforge_render::job::LiveJobs;
use toolforge_render::namespace::{Documents, Namespace};

use super::*;

fn live() -> LiveJobs {
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

fn list(items: &[Value]) -> Answer {
    Answer::json(200, &json!({"metadata": {"resourceVersion": "7"}, "items": items}))
}

/// Returns the answers of a namespace with objects of kubectl, except where `instead` answers.
fn by_hand(instead: &[(String, Answer)]) -> Script {
    let live = live();
    let mut all = vec![
        (format!("GET {BATCH}/jobs"), list(&values!(&live.jobs))),
        (format!("GET {CORE}/pods"), list(&values!(&live.pods))),
    ];
    all.retain(|(request, _)| !instead.iter().any(|(other, _)| other == request));
    all.extend_from_slice(instead);
    cluster(&values!(&live.cron_jobs), &values!(&live.deployments), &all)
}

fn ok() -> Answer {
    Answer::json(200, &json!({"metadata": {"uid": "u", "resourceVersion": "200"}}))
}

/// Returns the answers to a deletion that is done at once.
fn deleted(path: &str, name: &str) -> Vec<(String, Answer)> {
    vec![
        (format!("DELETE {path}/{name}"), ok()),
        (format!("GET {path}?fieldSelector=metadata.name%3D{name}&limit=500"), list(&[])),
    ]
}

/// Runs a command line and returns how it ended, what it printed, and the bodies that it sent.
fn sent(script: Script, words: &[&str]) -> (String, String, Vec<Value>) {
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
    let parts = writes.split("\nDELETE ").flat_map(|part| part.split("\nPATCH "));
    for part in parts.flat_map(|part| part.split("\nPOST ")) {
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
fn change_meanwhile_is_looked_at_again() {
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
fn adoption_needs_a_confirmation() {
    let refused = run(by_hand(&recreated(&[exists()])), &["adopt", "stashbot"]);
    assert!(refused.starts_with("[exit 1]") && refused.contains("no terminal to confirm on"), "{refused}");
    assert!(!refused.contains("DELETE") && !refused.contains("deployments?fieldManager"), "{refused}");
    let put = (format!("PUT {BATCH}/cronjobs/list-images"), ok());
    let shown = run(by_hand(&[put]), &["adopt", "list-images", "--yes"]);
    assert_snapshot!(writes(&shown), @"
    [exit 0]
    PUT   /apis/batch/v1/namespaces/tool-tf-test/cronjobs/list-images?fieldManager=toolforge-cli
    ");
    // A job is one already, and an object with an owner never becomes one.
    assert!(run(by_hand(&[]), &["adopt", "daily"]).starts_with("[exit 0]"));
    assert!(run(by_hand(&[]), &["adopt", "job/test"]).contains("belongs to another object"));
    let pod = run(by_hand(&[]), &["adopt", "debug"]);
    assert!(pod.contains("pod/debug is a pod by itself") && pod.contains("jobs convert - > FILE"), "{pod}");
    let pod = run(by_hand(&[]), &["adopt", "pod/stashbot-7d9c5b6f48-q2w9z"]);
    assert!(pod.contains("belongs to another object"), "{pod}");
}

/// The query of a creation that is only checked.
const CHECK: &str = "dryRun=All&fieldManager=toolforge-cli&fieldValidation=Strict";

/// Returns the answers to an adoption of stashbot, which is deleted and created again: `created` are those to the check and to
/// the creations.
fn recreated(created: &[Answer]) -> Vec<(String, Answer)> {
    let mut instead = deleted(&format!("{APPS}/deployments"), "stashbot");
    instead.push((format!("GET {CORE}/pods"), list(&values!(&live().pods))));
    instead.push((format!("GET {CORE}/pods"), list(&[])));
    instead.push((
        format!("GET {APPS}/deployments/stashbot"),
        Answer::not_found("deployments.apps", "stashbot"),
    ));
    for (index, answer) in created.iter().enumerate() {
        let query = if index == 0 { CHECK } else { "fieldManager=toolforge-cli" };
        instead.push((format!("POST {APPS}/deployments?{query}"), answer.clone()));
    }
    instead
}

fn exists() -> Answer {
    Answer::refusal(409, "AlreadyExists", "deployments.apps \"stashbot\" already exists")
}

fn refused() -> Answer {
    Answer::refusal(
        403,
        "Forbidden",
        "admission webhook \"registry-admission.tools.wmcloud.org\" denied the request: no",
    )
}

#[test]
fn refused_adoption_deletes_nothing() {
    let shown = run(by_hand(&recreated(&[refused()])), &["adopt", "stashbot", "--yes"]);
    assert_snapshot!(writes(&shown), @"
    [exit 4]
    error: the cluster's registry-admission.tools.wmcloud.org refused: no
      deployment/stashbot is left as it is

    POST  /apis/apps/v1/namespaces/tool-tf-test/deployments?dryRun=All&fieldManager=toolforge-cli&fieldValidation=Strict
    ");
    let shown = run(by_hand(&recreated(&[refused()])), &["adopt", "stashbot", "--yes", "--dry-run=server"]);
    assert!(shown.contains("refused: no") && !shown.contains("DELETE"), "{shown}");
}

#[test]
fn object_is_put_back_where_the_job_is_refused() {
    let answers = recreated(&[exists(), refused(), ok()]);
    let (ended, _, bodies) = sent(by_hand(&answers), &["adopt", "stashbot", "--yes"]);
    assert_snapshot!(ended, @"
    [exit 4]
    error: deployment/stashbot did not become a job: it was deleted, and created again as it was
      error: 0 of 1 changes were made
        JOB                  STEP      OUTCOME
        deployment/stashbot  recreate  failed partway: deleted Deployment stashbot; not created: Deployment stashbot
        error: the cluster's registry-admission.tools.wmcloud.org refused: no

      hint: What was done is kept; run the same command again to finish.
    ");
    let original = bodies.last().unwrap();
    let live = serde_json::to_value(&live().deployments[0]).unwrap();
    assert_eq!(original["spec"], live["spec"]);
    assert_eq!(original["metadata"]["labels"], live["metadata"]["labels"]);
    assert!(original["metadata"].get("uid").is_none() && original.get("status").is_none(), "{original}");
}

#[test]
fn object_that_cannot_be_put_back_is_printed() {
    let answers = recreated(&[exists(), refused(), refused()]);
    let (ended, _, _) = sent(by_hand(&answers), &["adopt", "stashbot", "--yes"]);
    assert_snapshot!(ended, @r#"
    [exit 6]
    error: deployment/stashbot was deleted, and could not be created again: the cluster refuses (Forbidden 403): admission webhook "registry-admission.tools.wmcloud.org" denied the request: no
      error: 0 of 1 changes were made
        JOB                  STEP      OUTCOME
        deployment/stashbot  recreate  failed partway: deleted Deployment stashbot; not created: Deployment stashbot
        error: the cluster's registry-admission.tools.wmcloud.org refused: no

      hint: What was done is kept; run the same command again to finish.
      it was:
      apiVersion: apps/v1
      kind: Deployment
      metadata:
        labels:
          name: stashbot
          toolforge: tool
        name: stashbot
        namespace: tool-tf-test
      spec:
        replicas: 1
        selector:
          matchLabels:
            name: stashbot
        strategy:
          type: Recreate
        template:
          metadata:
            labels:
              name: stashbot
              toolforge: tool
          spec:
            containers:
            - command:
              - /data/project/tf-test/bin/stashbot.sh
              - run
              env:
              - name: HOME
                value: /data/project/tf-test
              image: docker-registry.tools.wmflabs.org/toolforge-python311-sssd-base:latest
              imagePullPolicy: Always
              name: bot
              resources:
                limits:
                  cpu: 500m
                  memory: 512Mi
                requests:
                  cpu: 150m
                  memory: 256Mi
              workingDir: /data/project/tf-test

    hint: Save the manifest above, and create it with `kubectl create --filename FILE`.
    "#);
}

#[test]
fn adoption_is_planned_again_after_a_conflict() {
    let conflict = Answer::refusal(
        409,
        "Conflict",
        "the object has been modified; please apply your changes to the latest version",
    );
    let put = |answer| (format!("PUT {BATCH}/cronjobs/list-images"), answer);
    let mut changed = serde_json::to_value(&live().cron_jobs[0]).unwrap();
    assert_eq!(changed["metadata"]["name"], "list-images");
    changed["metadata"]["resourceVersion"] = json!("99");
    let seen = (format!("GET {BATCH}/cronjobs/list-images"), Answer::json(200, &changed));
    let answers = [seen.clone(), put(conflict.clone()), put(ok())];
    let shown = run(by_hand(&answers), &["adopt", "list-images", "--yes"]);
    assert!(shown.starts_with("[exit 0]"), "{shown}");
    assert_eq!(shown.matches("PUT ").count(), 2, "{shown}");
    // Somebody who changes it again and again wins.
    let shown = run(by_hand(&[seen, put(conflict)]), &["adopt", "list-images", "--yes"]);
    assert!(!shown.starts_with("[exit 0]"), "{shown}");
    // A deletion is refused in the same way, and nothing is created.
    let mut answers = recreated(&[exists()]);
    answers.retain(|(request, _)| !request.starts_with("DELETE"));
    let changed = Answer::refusal(409, "Conflict", "Precondition failed: ResourceVersion in precondition: 5");
    answers.push((format!("DELETE {APPS}/deployments/stashbot"), changed));
    let shown = run(by_hand(&answers), &["adopt", "stashbot", "--yes"]);
    assert!(!shown.starts_with("[exit 0]") && !shown.contains("deployments?fieldManager"), "{shown}");
}

#[test]
fn adoption_recreates_other_selectors() {
    let shown = run(by_hand(&recreated(&[exists(), ok()])), &["adopt", "stashbot", "--yes"]);
    assert_snapshot!(writes(&shown), @"
    [exit 0]
    POST  /apis/apps/v1/namespaces/tool-tf-test/deployments?dryRun=All&fieldManager=toolforge-cli&fieldValidation=Strict
    DELETE /apis/apps/v1/namespaces/tool-tf-test/deployments/stashbot
    POST  /apis/apps/v1/namespaces/tool-tf-test/deployments?fieldManager=toolforge-cli
    ");
}
