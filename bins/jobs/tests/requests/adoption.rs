//! Adoptions: the requests, and that no object is lost.

use std::path::{Path, PathBuf};

use toolforge_fixtures::OwnProcess;

use super::unmanaged::{by_hand, deleted, list, live, ok, sent, values};
use super::*;

#[test]
fn adoption_needs_a_confirmation() {
    let refused = run(by_hand(&[]), &["adopt", "stashbot"]);
    assert!(refused.starts_with("[exit 1]") && refused.contains("no terminal to confirm on"), "{refused}");
    assert!(!refused.contains("DELETE") && !refused.contains("PUT"), "{refused}");
    let put = (format!("PUT {BATCH}/cronjobs/list-images"), ok());
    let shown = run(by_hand(&[put]), &["adopt", "list-images", "--yes"]);
    assert_snapshot!(writes(&shown), @"
    [exit 0]
    PUT   /apis/batch/v1/namespaces/tool-tf-test/cronjobs/list-images?fieldManager=toolforge-cli
    ");
    // One is already a job, and an object with an owner never becomes one.
    assert!(run(by_hand(&[]), &["adopt", "daily"]).starts_with("[exit 0]"));
    let shown = run(by_hand(&[]), &["adopt", "job/test"]);
    assert!(shown.contains("job/test cannot become a job: it belongs to CronJob list-images\n"), "{shown}");
    assert!(
        shown.contains("`toolforge jobs adopt cronjob/list-images` turns the CronJob into a job"),
        "{shown}"
    );
    assert!(run(by_hand(&[]), &["adopt", "debug"]).contains("pod/debug cannot become a job"));
}

#[test]
fn adoption_recreates_other_selectors() {
    let mut instead = deleted(&format!("{APPS}/deployments"), "stashbot");
    instead.push((format!("GET {CORE}/pods"), list(&values!(&live().pods))));
    instead.push((format!("GET {CORE}/pods"), list(&[])));
    instead.push((format!("POST {APPS}/deployments"), ok()));
    let shown = run(by_hand(&instead), &["adopt", "stashbot", "--yes"]);
    assert_snapshot!(writes(&shown), @"
    [exit 0]
    POST  /apis/apps/v1/namespaces/tool-tf-test/deployments?dryRun=All&fieldManager=toolforge-cli&fieldValidation=Strict
    DELETE /apis/apps/v1/namespaces/tool-tf-test/deployments/stashbot
    POST  /apis/apps/v1/namespaces/tool-tf-test/deployments?fieldManager=toolforge-cli
    ");
}

/// Returns the answers to an adoption of `deployment/stashbot` that deletes it: those to the creations of its job, the first of
/// which is only a check.
fn recreation(creations: &[Answer]) -> Vec<(String, Answer)> {
    let path = format!("{APPS}/deployments");
    let mut instead = deleted(&path, "stashbot");
    // Other attempts no longer find it.
    instead.push((format!("GET {path}"), list(&values!(&live().deployments))));
    instead.push((format!("GET {path}"), list(&[])));
    instead.push((format!("GET {CORE}/pods"), list(&values!(&live().pods))));
    instead.push((format!("GET {CORE}/pods"), list(&[])));
    instead.extend(creations.iter().map(|answer| (format!("POST {path}"), answer.clone())));
    instead
}

fn exists() -> Answer {
    Answer::refusal(409, "AlreadyExists", "deployments.apps \"stashbot\" already exists")
}

#[test]
fn refused_job_of_an_adoption_keeps_the_object() {
    let refused = Answer::refusal(403, "Forbidden", "admission webhook \"policy\" denied the request: no");
    let live = live();
    let same = live.deployments.iter().find(|found| found.metadata.name.as_deref() == Some("stashbot"));
    let mut instead = recreation(&[refused]);
    instead.push((format!("GET {APPS}/deployments/stashbot"), Answer::json(200, &same)));
    let shown = run(by_hand(&instead), &["adopt", "stashbot", "--yes"]);
    assert!(shown.starts_with("[exit 4]") && shown.contains("policy refused: no"), "{shown}");
    assert!(!shown.contains("DELETE"), "{shown}");
}

#[test]
fn adoption_continues_after_its_deletion() {
    // The check finds the object itself; the creation finds that it no longer exists.
    let shown = run(by_hand(&recreation(&[exists(), exists(), ok()])), &["adopt", "stashbot", "--yes"]);
    assert_snapshot!(writes(&shown), @"
    [exit 0]
    POST  /apis/apps/v1/namespaces/tool-tf-test/deployments?dryRun=All&fieldManager=toolforge-cli&fieldValidation=Strict
    DELETE /apis/apps/v1/namespaces/tool-tf-test/deployments/stashbot
    POST  /apis/apps/v1/namespaces/tool-tf-test/deployments?fieldManager=toolforge-cli
    POST  /apis/apps/v1/namespaces/tool-tf-test/deployments?fieldManager=toolforge-cli
    ");
}

#[test]
fn failed_adoption_recreates_the_object() {
    let refused = Answer::refusal(403, "Forbidden", "admission webhook \"policy\" denied the request: no");
    let mut instead = recreation(&[exists(), refused, ok()]);
    instead.push((
        format!("GET {APPS}/deployments/stashbot"),
        Answer::not_found("deployments.apps", "stashbot"),
    ));
    let shown = run(by_hand(&instead), &["adopt", "stashbot", "--yes"]);
    assert_snapshot!(writes(&shown), @"
    [exit 4]
    error: deployment/stashbot did not become a job: it was deleted and re-created unchanged
      0 of 1 changes were applied
      JOB                  STEP      OUTCOME
      deployment/stashbot  recreate  failed partway: deleted Deployment stashbot; not created: Deployment stashbot
      error: the cluster's policy refused: no

    POST  /apis/apps/v1/namespaces/tool-tf-test/deployments?dryRun=All&fieldManager=toolforge-cli&fieldValidation=Strict
    DELETE /apis/apps/v1/namespaces/tool-tf-test/deployments/stashbot
    POST  /apis/apps/v1/namespaces/tool-tf-test/deployments?fieldManager=toolforge-cli
    POST  /apis/apps/v1/namespaces/tool-tf-test/deployments?fieldManager=toolforge-cli
    ");
}

#[test]
fn adoption_survives_lost_responses() {
    let gone = || Answer::not_found("deployments.apps", "stashbot");
    let after = |lost: &str, creations: &[Answer], found: Answer| {
        let mut instead = recreation(creations);
        // A deletion is sent again if its response is lost.
        let times = if lost.is_empty() { 0 } else { 5 };
        instead.splice(0..0, std::iter::repeat_n((lost.to_owned(), Answer::lost()), times));
        instead.push((format!("GET {APPS}/deployments/stashbot"), found));
        run(by_hand(&instead), &["adopt", "stashbot", "--yes"])
    };
    let deletion = format!("DELETE {APPS}/deployments/stashbot");
    // The object was deleted, and is re-created.
    let shown = after(&deletion, &[exists(), ok()], gone());
    assert!(
        shown.starts_with("[exit 4]\nerror: deployment/stashbot did not become a job: it was deleted"),
        "{shown}"
    );
    // It was not deleted.
    let live = live();
    let same = live.deployments.iter().find(|found| found.metadata.name.as_deref() == Some("stashbot"));
    let shown = after(&deletion, &[exists()], Answer::json(200, &same));
    assert!(shown.starts_with("[exit 4]") && !shown.contains("manifest"), "{shown}");
    // It is unknown whether it was deleted.
    let shown = after(&deletion, &[exists()], Answer::lost());
    assert!(shown.starts_with("[exit 6]\nerror: deployment/stashbot may have been deleted"), "{shown}");
    assert!(shown.contains("\n  apiVersion: apps/v1\n"), "{shown}");
    // It is still terminating, because of a finalizer.
    let terminating = json!({"metadata": {"name": "stashbot", "deletionTimestamp": "2026-11-29T00:00:00Z"}});
    let shown = after(&deletion, &[exists()], Answer::json(200, &terminating));
    assert!(shown.contains("still terminates") && shown.contains("\n  apiVersion: apps/v1\n"), "{shown}");
    // The job was created.
    let labels = json!({
        "toolforge": "tool",
        "app.kubernetes.io/managed-by": "toolforge-jobs-framework",
        "app.kubernetes.io/created-by": "tf-test",
    });
    let job = json!({"metadata": {"name": "stashbot", "uid": "another", "labels": labels}});
    let shown = after("", &[exists(), Answer::lost()], Answer::json(200, &job));
    assert!(shown.contains("error: deployment/stashbot was deleted and created again"), "{shown}");
    assert!(!shown.contains("apiVersion"), "{shown}");
    // Somebody else has taken the name.
    let other = json!({"metadata": {"name": "stashbot", "uid": "another"}});
    let shown = after("", &[exists(), Answer::lost()], Answer::json(200, &other));
    assert!(shown.contains("\n  apiVersion: apps/v1\n"), "{shown}");
}

#[test]
fn manifest_is_kept_while_an_object_is_adopted() {
    let home = std::env::temp_dir().join(format!("toolforge-adopt-home-{}", std::process::id()));
    std::fs::create_dir_all(&home).unwrap();
    let copies = || std::fs::read_dir(&home).unwrap().map(|file| file.unwrap().path()).collect::<Vec<_>>();
    let adopt = |instead: &[(String, Answer)]| {
        let runtime = &mut tokio::runtime::Builder::new_current_thread();
        let tool_home = Some(ToolHome::at(&home));
        let (ended, _) = outcome_at_home(
            runtime.enable_all(),
            by_hand(instead),
            &["adopt", "stashbot", "--yes"],
            tool_home,
        );
        ended
    };
    assert_eq!(adopt(&recreation(&[exists(), ok()])).unwrap().code(), 0);
    assert_eq!(copies(), [""; 0].map(std::path::PathBuf::from));
    // The job is refused, and it is unknown whether the object exists.
    let mut instead = recreation(&[exists(), Answer::lost()]);
    instead.push((format!("GET {APPS}/deployments/stashbot"), Answer::lost()));
    assert_eq!(adopt(&instead).unwrap_err().exit_code().code(), 6);
    assert!(std::fs::read_to_string(&copies()[0]).unwrap().contains("name: stashbot"));
    // The next command finds nothing but the copy.
    let failure = adopt(&[(format!("GET {APPS}/deployments"), list(&[]))]).unwrap_err();
    assert!(failure.hints().iter().any(|hint| hint.contains("kubectl create -f")), "{:?}", failure.hints());
    std::fs::remove_dir_all(&home).unwrap();
}

#[test]
fn failed_adoption_prints_the_manifest() {
    let refused = Answer::refusal(403, "Forbidden", "admission webhook \"policy\" denied the request: no");
    let quota = Answer::refusal(
        403,
        "Forbidden",
        "deployments.apps \"stashbot\" is forbidden: exceeded quota: tool-tf-test, requested: count/deployments.apps=1, \
         used: count/deployments.apps=3, limited: count/deployments.apps=3",
    );
    for creations in
        [vec![ok(), refused.clone()], vec![quota, refused], vec![exists(), exists(), exists(), exists()]]
    {
        let mut instead = recreation(&creations);
        instead.push((
            format!("GET {APPS}/deployments/stashbot"),
            Answer::not_found("deployments.apps", "stashbot"),
        ));
        let shown = run(by_hand(&instead), &["adopt", "stashbot", "--yes"]);
        assert!(shown.starts_with("[exit 6]\nerror: deployment/stashbot was deleted"), "{shown}");
        assert!(!shown.contains("run the same command again"), "{shown}");
        let manifest: String = shown
            .lines()
            .skip_while(|line| !line.starts_with("  apiVersion: apps/v1"))
            .take_while(|line| line.starts_with("  "))
            .map(|line| format!("{}\n", &line[2..]))
            .collect();
        let documents = toolforge_render::manifest::file_documents(&manifest).documents;
        let mut read = toolforge_render::manifest::Manifests::default();
        read.read(&documents[0].node, &"tf-test".parse().unwrap());
        let json = read.manifests[0].to_json();
        let live = live();
        let before = live.deployments.iter().find(|found| found.metadata.name.as_deref() == Some("stashbot"));
        let before = serde_json::to_value(before).unwrap();
        assert_eq!(json["spec"], before["spec"], "{manifest}");
        assert_eq!(json["metadata"].get("resourceVersion"), None);
    }
}

#[test]
fn failed_adoption_of_a_one_off_job_prints_its_manifest() {
    let live = live();
    let mut once = values!(&live.jobs).into_iter().find(|job| job["metadata"]["name"] == "test").unwrap();
    once["metadata"].as_object_mut().unwrap().remove("ownerReferences");
    once["spec"]["selector"] = json!({"matchLabels": {"batch.kubernetes.io/controller-uid": "u"}});
    once["spec"]["template"]["metadata"]["labels"]["batch.kubernetes.io/controller-uid"] = json!("u");
    let path = format!("{BATCH}/jobs");
    let mut instead = deleted(&path, "test");
    instead.push((format!("GET {path}"), list(&[once])));
    instead.push((format!("POST {path}"), ok()));
    let refused = Answer::refusal(403, "Forbidden", "admission webhook \"policy\" denied the request: no");
    instead.push((format!("POST {path}"), refused));
    let shown = run(by_hand(&instead), &["adopt", "job/test", "--yes"]);
    assert!(shown.starts_with("[exit 6]\nerror: job/test was deleted"), "{shown}");
    assert!(shown.contains("  kind: Job\n") && !shown.contains("controller-uid"), "{shown}");
}

/// Returns `deployment/stashbot` as it is in the cluster, with other memory and another version.
fn edited() -> Value {
    let mut edited = stashbot();
    edited["metadata"]["resourceVersion"] = json!("9999");
    edited["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"] = json!("768Mi");
    edited
}

fn stashbot() -> Value {
    let all = values!(&live().deployments);
    all.into_iter().find(|found| found["metadata"]["name"] == "stashbot").unwrap()
}

fn conflict() -> Answer {
    Answer::refusal(409, "Conflict", "the resourceVersion in the precondition does not match")
}

/// A home of the tool in which commands leave copies of manifests.
struct Home(PathBuf);

impl Home {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("toolforge-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn run(&self, instead: &[(String, Answer)], words: &[&str]) -> (Result<ExitCode, Failure>, String) {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().start_paused(true);
        outcome_at_home(runtime, by_hand(instead), words, Some(ToolHome::at(&self.0)))
    }

    fn copies(&self) -> Vec<String> {
        let files = std::fs::read_dir(&self.0).unwrap();
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
    }

    fn write(&self, name: &str, age: u64) {
        let path = self.0.join(name);
        std::fs::write(&path, "").unwrap();
        let written = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000 - age);
        std::fs::File::options().write(true).open(&path).unwrap().set_modified(written).unwrap();
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Somebody edits the object between two attempts, and the process cannot put it back.
#[test]
fn copy_is_from_the_last_attempt() {
    let home = Home::new("adopt-edited");
    let path = format!("{APPS}/deployments");
    let mut instead = vec![
        (format!("DELETE {path}/stashbot"), conflict()),
        (format!("GET {path}"), list(&[stashbot()])),
        (format!("GET {path}"), list(&[edited()])),
        (format!("GET {path}/stashbot"), Answer::lost()),
    ];
    instead.extend(deleted(&path, "stashbot"));
    instead.extend([exists(), exists(), Answer::lost()].map(|answer| (format!("POST {path}"), answer)));
    let (ended, _) = home.run(&instead, &["adopt", "stashbot", "--yes"]);
    let failure = ended.unwrap_err();
    assert_eq!(failure.exit_code().code(), 6, "{failure}");
    let [copy] = home.copies().try_into().unwrap();
    assert!(std::fs::read_to_string(home.0.join(copy)).unwrap().contains("memory: 768Mi"));
    assert!(failure.to_string().contains("memory: 768Mi"), "{failure}");
}

/// The object was not deleted by the command, but by somebody else.
#[test]
fn does_not_recreate_foreign_deletion() {
    let path = format!("{APPS}/deployments");
    let instead = [
        (format!("DELETE {path}/stashbot"), conflict()),
        (format!("GET {path}"), list(&[stashbot()])),
        (format!("GET {path}"), list(&[])),
        (format!("GET {path}/stashbot"), Answer::not_found("deployments.apps", "stashbot")),
        (format!("POST {path}"), exists()),
        (format!("POST {path}"), ok()),
    ];
    let home = Home::new("adopt-elsewhere");
    let (ended, requests) = home.run(&instead, &["adopt", "stashbot", "--yes"]);
    let failure = ended.unwrap_err();
    assert_eq!(failure.exit_code(), ExitCode::Failed);
    assert!(!failure.to_string().contains("created again"), "{failure}");
    assert_eq!(requests.matches("POST").count(), 1, "{requests}");
    assert_eq!(home.copies(), [""; 0]);
}

#[test]
fn recreation_waits_for_the_quota() {
    let home = Home::new("adopt-quota");
    let quota = Answer::refusal(
        403,
        "Forbidden",
        "deployments.apps \"stashbot\" is forbidden: exceeded quota: tool-tf-test, requested: count/deployments.apps=1, \
         used: count/deployments.apps=3, limited: count/deployments.apps=3",
    );
    let refused = Answer::refusal(403, "Forbidden", "admission webhook \"policy\" denied the request: no");
    let mut instead = recreation(&[exists(), refused, quota.clone(), quota, ok()]);
    let gone = Answer::not_found("deployments.apps", "stashbot");
    instead.push((format!("GET {APPS}/deployments/stashbot"), gone));
    let (ended, requests) = home.run(&instead, &["adopt", "stashbot", "--yes"]);
    let failure = ended.unwrap_err();
    assert!(failure.message().ends_with("it was deleted and re-created unchanged"), "{failure}");
    assert_eq!(requests.matches("POST").count(), 5, "{requests}");
    assert_eq!(home.copies(), [""; 0]);
}

#[test]
fn copies_are_removed_if_there_is_a_job() {
    let stale = ".toolforge-adopt-deployment-stashbot.another.yaml";
    let home = Home::new("adopt-stale");
    home.write(stale, 0);
    home.write(".toolforge-adopt-deployment-other.u.yaml", 0);
    let (ended, _) = home.run(&recreation(&[exists(), ok()]), &["adopt", "stashbot", "--yes"]);
    assert_eq!(ended.unwrap().code(), 0);
    assert_eq!(home.copies(), [".toolforge-adopt-deployment-other.u.yaml"]);
    home.write(".toolforge-adopt-cronjob-daily.u.yaml", 0);
    let (ended, _) = home.run(&[], &["adopt", "daily"]);
    assert_eq!(ended.unwrap().code(), 0);
    assert_eq!(home.copies(), [".toolforge-adopt-deployment-other.u.yaml"]);
}

#[test]
fn newest_copy_is_named_with_its_time() {
    let home = Home::new("adopt-newest");
    for (uid, age) in [("a", 7200), ("b", 0), ("c", 3600)] {
        home.write(&format!(".toolforge-adopt-deployment-stashbot.{uid}.yaml"), age);
    }
    let gone = [(format!("GET {APPS}/deployments"), list(&[]))];
    let failure = home.run(&gone, &["adopt", "stashbot"]).0.unwrap_err();
    let file = Path::new(&home.0).join(".toolforge-adopt-deployment-stashbot.b.yaml");
    let expected = format!(
        "A copy of its manifest from 2023-11-14 22:13 UTC exists: `kubectl create -f {}` creates it again.",
        file.display()
    );
    assert_eq!(failure.hints().last(), Some(&expected));
}

/// The quota is smaller at the second attempt.
#[test]
fn recreation_keeps_the_quota_hint() {
    let home = Home::new("adopt-hint");
    let quota = json!({"metadata": {"name": "q"}, "status": {"hard": {"limits.memory": "1Mi"}, "used": {"limits.memory": "0"}}});
    let quotas = format!("GET {CORE}/resourcequotas");
    let mut instead = recreation(&[exists(), exists(), ok()]);
    instead.push((
        format!("GET {APPS}/deployments/stashbot"),
        Answer::not_found("deployments.apps", "stashbot"),
    ));
    instead.extend([list(&[]), list(&[quota])].map(|answer| (quotas.clone(), answer)));
    let failure = home.run(&instead, &["adopt", "stashbot", "--yes"]).0.unwrap_err();
    assert_eq!(failure.exit_code(), ExitCode::DoesNotFit);
    assert_snapshot!(failure, @"
    error: deployment/stashbot did not become a job: it was deleted and re-created unchanged
      the job does not fit
      limits.memory: 512Mi of 1Mi, 511Mi too much (quota q)

    hint: Request less memory or CPU, or delete other jobs; `toolforge jobs quota` shows the usage, and https://w.wiki/6YLP explains how to request more.
    ");
}

#[test]
fn shown_values_have_no_secrets() {
    let mut deployments = values!(&live().deployments);
    let stashbot = deployments.iter_mut().find(|found| found["metadata"]["name"] == "stashbot").unwrap();
    let pod = &mut stashbot["spec"]["template"]["spec"];
    let mut other = pod["containers"][0].clone();
    other["name"] = json!("other");
    other["env"] = json!([{"name": "DB_PASS", "value": "hunter2222"}]);
    pod["initContainers"] = json!([other]);
    pod["containers"][0]["env"] = json!([{"name": "a.token", "value": "hunter2222"}, {"name": "B", "value": "mysql://me:hunter2222@db"}]);
    let instead = [(format!("GET {APPS}/deployments"), list(&deployments))];
    let lines: [&[&str]; 4] = [
        &["adopt", "stashbot"],
        &["adopt", "stashbot", "--dry-run"],
        &["adopt", "stashbot", "--dry-run", "--output", "json"],
        &["show", "stashbot", "--output", "json"],
    ];
    let (_, shown) = OwnProcess::of("adoption::shown_values_have_no_secrets").run(|| {
        for words in lines {
            let (ended, stdout, _) = sent(by_hand(&instead), words);
            eprintln!("{ended}\n{stdout}");
        }
        0
    });
    assert!(!shown.contains("hunter2222"), "{shown}");
    assert!(shown.contains(r#"{"name":"a.token","value":"***"} is not converted"#), "{shown}");
}
