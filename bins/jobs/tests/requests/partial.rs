//! What is reported of changes that fail partway, and of those that a dry run only checks.

use insta::assert_snapshot;
use serde_json::{Value, json};
use toolforge_client::scripted::Answer;

use crate::{APPS, BATCH, CORE, RECORDS, cluster, object, run};

/// Returns how a command line ended, without its requests.
pub(crate) fn ended(shown: &str) -> String {
    let verbs = ["GET ", "POST ", "PUT ", "PATCH ", "DELETE "];
    let is_request = |line: &&str| !verbs.iter().any(|verb| line.starts_with(verb));
    shown.lines().filter(is_request).map(str::trim_end).collect::<Vec<_>>().join("\n")
}

pub(crate) fn list(items: &[Value]) -> Answer {
    Answer::json(200, &json!({"metadata": {"resourceVersion": "7"}, "items": items}))
}

fn refusal() -> Answer {
    Answer::refusal(400, "", "admission webhook \"w\" denied the request: no")
}

/// Runs `load` with a file, and returns how it ended.
fn load(name: &str, text: &str, options: &[&str], script: toolforge_client::scripted::Script) -> String {
    let file = std::env::temp_dir().join(format!("toolforge-jobs-{name}-{}.yaml", std::process::id()));
    std::fs::write(&file, text).unwrap();
    let line = [&["load", file.to_str().unwrap()], options].concat();
    let shown = run(script, &line);
    std::fs::remove_file(&file).unwrap();
    ended(&shown)
}

#[test]
fn refused_dry_run_has_changed_nothing() {
    let file = "\
- {name: a, image: python3.13, command: x, continuous: true}
- {name: b, image: python3.13, command: x, continuous: true, port: 8000}
- {name: c, image: python3.13, command: x, continuous: true}
";
    let instead = [
        (format!("POST {APPS}/deployments"), Answer::json(201, &json!({}))),
        (format!("POST {CORE}/services"), refusal()),
    ];
    assert_snapshot!(load("dry-run", file, &["--dry-run=server"], cluster(&[], &[], &instead)), @"
    [exit 4]
    error: the cluster's w refused: no
      Service b: not accepted
      not checked: c
      nothing was stored (dry run)
    ");
    let line = [
        "run",
        "b",
        "--image",
        "python3.13",
        "--command",
        "x",
        "--continuous",
        "--port",
        "8000",
        "--dry-run=server",
    ];
    assert_snapshot!(ended(&run(cluster(&[], &[], &instead), &line)), @"
    [exit 4]
    error: the cluster's w refused: no
      Service b: not accepted
      nothing was stored (dry run)
    ");
}

#[test]
fn deletion_that_fails_names_what_still_exists() {
    let deployment = object("continuous-port");
    let name = deployment["metadata"]["name"].as_str().unwrap();
    let mut service = json!({"metadata": deployment["metadata"]});
    service["spec"] = json!({"selector": deployment["spec"]["selector"]["matchLabels"]});
    let instead = [
        (format!("GET {CORE}/services"), list(&[service])),
        (format!("DELETE {CORE}/services/{name}"), Answer::json(200, &json!({}))),
        (format!("DELETE {APPS}/deployments/{name}"), refusal()),
    ];
    assert_snapshot!(ended(&run(cluster(&[], std::slice::from_ref(&deployment), &instead), &["delete", name])), @"
    [exit 6]
    error: 0 of 1 changes were applied
      JOB    STEP    OUTCOME
      myjob  delete  failed partway: deleted Service myjob; not deleted: Deployment myjob
      error: the cluster's w refused: no

    hint: What was done is kept; run the same command again to finish.
    ");
}

#[test]
fn failed_kind_change_names_missing_job() {
    let file = "- {name: myjob, image: python3.13, command: x, continuous: true}\n";
    let instead = |answer: Answer| {
        [
            (format!("DELETE {BATCH}/cronjobs/myjob"), Answer::json(200, &json!({}))),
            (format!("GET {BATCH}/cronjobs?fieldSelector=metadata.name%3Dmyjob&limit=500"), list(&[])),
            (format!("POST {APPS}/deployments"), answer),
        ]
    };
    let script = |answer: Answer| cluster(&[object("scheduled-hourly")], &[], &instead(answer));
    assert_snapshot!(load("refused", file, &[], script(refusal())), @"
    [exit 6]
    error: 0 of 1 changes were applied
      JOB    STEP      OUTCOME
      myjob  recreate  failed partway: deleted CronJob myjob; not created: Deployment myjob
      error: the cluster's w refused: no

    hint: What was done is kept; run the same command again to finish.
    ");
    let lost = Answer::refusal(504, "Timeout", "request did not complete");
    assert_snapshot!(load("lost", file, &[], script(lost)), @"
    [exit 6]
    error: 0 of 1 changes were applied
      JOB    STEP      OUTCOME
      myjob  recreate  failed partway: deleted CronJob myjob; not known whether it was created: Deployment myjob
      error: the cluster refused
        request did not complete

      hint: The last step may have been applied; check before you try again.

    hint: What was done is kept; run the same command again to finish.
    ");
}

#[test]
fn failed_restart_names_deleted_run() {
    let cron_job = object("scheduled-hourly");
    let owner = json!([{"apiVersion": "batch/v1", "kind": "CronJob", "name": "myjob", "uid": "u-1", "controller": true}]);
    let mut one = json!({"metadata": {"name": "myjob-1", "uid": "u-2", "ownerReferences": owner}});
    one["metadata"]["labels"] = cron_job["metadata"]["labels"].clone();
    one["spec"] = cron_job["spec"]["jobTemplate"]["spec"].clone();
    let instead = [
        (format!("GET {BATCH}/jobs"), list(&[one])),
        (format!("GET {BATCH}/jobs?fieldSelector=metadata.name%3Dmyjob-1&limit=500"), list(&[])),
        (format!("DELETE {BATCH}/jobs/myjob-1"), Answer::json(200, &json!({}))),
        (format!("POST {BATCH}/jobs"), refusal()),
    ];
    let shown = ended(&run(cluster(&[cron_job], &[], &instead), &["restart", "myjob"]));
    // The new run is named after the second.
    let words: Vec<String> = shown
        .lines()
        .map(|line| match line.rsplit_once("myjob-") {
            Some((start, number)) if number.len() > 5 => format!("{start}myjob-SECOND"),
            _ => line.to_owned(),
        })
        .collect();
    assert_snapshot!(words.join("\n"), @"
    [exit 6]
    error: 0 of 1 changes were applied
      JOB    STEP      OUTCOME
      myjob  recreate  failed partway: deleted Job myjob-1; not created: Job myjob-SECOND
      error: the cluster's w refused: no

    hint: What was done is kept; run the same command again to finish.
    ");
}

#[test]
fn deletion_counts_if_its_wait_fails() {
    let deployments = [object("continuous-port"), {
        let mut other = object("continuous-port");
        for pointer in ["/metadata/name", "/metadata/labels/app.kubernetes.io~1name"] {
            *other.pointer_mut(pointer).unwrap() = json!("other");
        }
        other
    }];
    let gone = |name: &str| format!("GET {APPS}/deployments?fieldSelector=metadata.name%3D{name}&limit=500");
    let instead = |other: Answer| {
        [
            (format!("DELETE {APPS}/deployments/myjob"), Answer::json(200, &json!({}))),
            (format!("DELETE {APPS}/deployments/other"), other),
            (gone("myjob"), refusal()),
            (gone("other"), list(&[])),
        ]
    };
    let script = |other: Answer| cluster(&[], &deployments, &instead(other));
    let accepted = Answer::json(200, &json!({}));
    assert_snapshot!(ended(&run(script(accepted.clone()), &["delete", "myjob"])), @"
    [exit 6]
    error: 1 of 1 changes were applied
      JOB    STEP    OUTCOME
      myjob  delete  deleted, and still terminating
      error: the cluster's w refused: no

    hint: Every deletion was accepted; what still terminates counts against the quota until it is gone.
    ");
    assert_snapshot!(ended(&run(script(accepted), &["delete", "myjob", "other"])), @"
    [exit 6]
    error: 2 of 2 changes were applied
      JOB    STEP    OUTCOME
      myjob  delete  deleted, and still terminating
      other  delete  done
      error: the cluster's w refused: no

    hint: Every deletion was accepted; what still terminates counts against the quota until it is gone.
    ");
    assert_snapshot!(ended(&run(script(refusal()), &["delete", "myjob", "other"])), @"
    [exit 6]
    error: 1 of 2 changes were applied
      JOB    STEP    OUTCOME
      myjob  delete  deleted, and still terminating
      other  delete  failed
      error: the cluster's w refused: no

    hint: What was done is kept; run the same command again to finish.
    ");
}

#[test]
fn refusal_names_waiting_pods() {
    let deployment = object("continuous-port");
    let quota = json!({"metadata": {"name": "q"}, "status": {"hard": {"pods": "1"}, "used": {"pods": "0"}}});
    let instead = [(format!("GET {CORE}/resourcequotas"), list(&[quota]))];
    let line = ["run", "b", "--image", "python3.13", "--command", "x"];
    assert_snapshot!(ended(&run(cluster(&[], &[deployment], &instead), &line)), @"
    [exit 3]
    error: the change does not fit; nothing was changed
      pods: 2 of 1, 1 pod too many (quota q)
      counted as used: 1 pod that Deployment myjob is about to create

    hint: Delete jobs that are not needed; `toolforge jobs quota` shows the usage, and https://w.wiki/6YLP explains how to request more.
    ");
}

/// Answers the requests of a load whose job `a` is created, and whose job `b` is created by somebody else at the same time.
pub(crate) fn lost_race(instead: Vec<(String, Answer)>) -> toolforge_client::scripted::Script {
    let taken = Answer::refusal(409, "AlreadyExists", "deployments.apps \"b\" already exists");
    let create = format!("POST {APPS}/deployments");
    let mut answers = vec![(create.clone(), Answer::json(201, &json!({}))), (create, taken)];
    answers.extend(instead);
    cluster(&[], &[], &answers)
}

pub(crate) const TWO: &str = "\
- {name: a, image: python3.13, command: x, continuous: true}
- {name: b, image: python3.13, command: x, continuous: true}
";

#[test]
fn second_failure_names_first_changes() {
    let schedules = format!("GET {BATCH}/cronjobs");
    let refused = vec![(schedules.clone(), list(&[])), (schedules, refusal())];
    assert_snapshot!(load("again-refused", TWO, &[], lost_race(refused)), @"
    [exit 6]
    error: the remaining changes were not applied; already changed: a
      error: the cluster's w refused: no

    hint: Run the same command again to finish.
    ");
    let records = format!("GET {RECORDS}/continuous-jobs");
    let record = json!({"metadata": {"name": "b"}, "spec": {}});
    let recorded = vec![(records.clone(), list(&[])), (records, list(&[record]))];
    let shown = load("again-recorded", TWO, &[], lost_race(recorded));
    let name = format!("toolforge-jobs-again-recorded-{}.yaml", std::process::id());
    assert_snapshot!(shown.replace(std::env::temp_dir().join(name).to_str().unwrap(), "jobs.yaml"), @"
    [exit 6]
    error: the remaining changes were not applied; already changed: a
      error: jobs.yaml:2:3: job b is managed by the platform's jobs service, which would undo a change

      hint: `--adopt` takes it over: the record is deleted, and the job stays.
    ");
}

#[test]
fn retry_deletes_only_confirmed_jobs() {
    let file = std::env::temp_dir().join(format!("toolforge-jobs-again-{}.yaml", std::process::id()));
    let mut old = object("continuous-port");
    old["metadata"]["annotations"]["cli.toolforge.org/file"] = json!(file.to_str().unwrap());
    let deployments = format!("GET {APPS}/deployments");
    let found = vec![(deployments.clone(), list(&[])), (deployments, list(&[old]))];
    let shown = load("again", TWO, &["--prune"], lost_race(found));
    assert_snapshot!(shown, @"
    [exit 6]
    error: the remaining changes were not applied; already changed: a
      error: these jobs would be removed, and there is no terminal to confirm on: myjob

      hint: `--yes` removes them.
    ");
}

#[test]
fn refused_wait_is_reported_after_the_changes() {
    let deployment = object("continuous-port");
    let one = |path: &str| format!("GET {path}?fieldSelector=metadata.name%3Dmyjob&limit=500");
    let instead = [
        (format!("PATCH {APPS}/deployments/myjob"), Answer::json(200, &deployment)),
        (format!("GET {APPS}/replicasets"), list(&[])),
        (one(&format!("{APPS}/deployments")), refusal()),
        (format!("POST {BATCH}/jobs"), Answer::json(201, &json!({}))),
        (one(&format!("{BATCH}/jobs")), refusal()),
    ];
    let script = |deployments: &[Value]| cluster(&[], deployments, &instead);
    assert_snapshot!(ended(&run(script(std::slice::from_ref(&deployment)), &["restart", "myjob"])), @"
    [exit 6]
    error: the cluster's w refused: no
      the change of job myjob was accepted

    hint: `toolforge jobs show myjob` shows its state.
    ");
    let line = ["run", "myjob", "--image", "python3.13", "--command", "x", "--wait"];
    assert_snapshot!(ended(&run(script(&[]), &line)), @"
    [exit 6]
    error: the cluster's w refused: no
      the change of job myjob was accepted

    hint: `toolforge jobs show myjob` shows its state.
    ");
}

#[test]
fn failed_wait_holds_back_later_jobs() {
    let file = "\
- {name: build, image: python3.13, command: make, wait: true}
- {name: bot, image: python3.13, command: x, continuous: true}
";
    let failed = json!({
        "metadata": {"name": "build", "uid": "u-2", "resourceVersion": "8"},
        "status": {"failed": 1, "conditions": [
            {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"},
        ]},
    });
    let one = format!("GET {BATCH}/jobs?fieldSelector=metadata.name%3Dbuild&limit=500");
    let instead = [
        (format!("POST {BATCH}/jobs"), Answer::json(201, &failed)),
        (one, list(std::slice::from_ref(&failed))),
    ];
    assert_snapshot!(load("held-back", file, &[], cluster(&[], &[], &instead)), @"
    [exit 6]
    error: job 'build' failed: BackoffLimitExceeded; 1 change was held back
      JOB    STEP    OUTCOME
      build  create  done; its run has not succeeded
      bot    create  held back

    hint: `tail /data/project/tf-test/build.err /data/project/tf-test/build.out` shows its output.

    hint: Then run the same command again: it runs job build again unless it is still running, and continues with the changes that were held back.
    ");
}
