//! The document of each verb with `--output json`: one on standard output, or a usage error.

use serde_json::{Value, json};
use toolforge_client::scripted::{Answer, Script};

use super::unmanaged::{by_hand, deleted, list, ok};
use super::{APPS, BATCH, cluster, object, run};

/// Runs a command line with `--output json` and returns its exit code and its document.
pub(crate) fn document(script: Script, words: &[&str]) -> (u8, Value) {
    let line: Vec<&str> = words.iter().copied().chain(["--output", "json"]).collect();
    let (shown, stdout) = toolforge_cli::capture(|| run(script, &line));
    let exit_code = shown.split(['[', ' ', ']']).nth(2).and_then(|code| code.parse().ok()).unwrap();
    (exit_code, serde_json::from_str(&stdout).unwrap_or_else(|error| json!(format!("{error}: {stdout}"))))
}

/// A file of a test, which is deleted after it.
struct File(std::path::PathBuf);

impl File {
    fn new(name: &str, text: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("toolforge-jobs-documents-{}-{name}", std::process::id()));
        std::fs::write(&path, text).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Returns the answer to the creation of a Job, and those to questions about it: it has succeeded.
fn successful_run() -> Vec<(String, Answer)> {
    let succeeded = json!({
        "metadata": {"name": "once", "uid": "u-2", "resourceVersion": "8"},
        "status": {"succeeded": 1, "conditions": [{"type": "Complete", "status": "True"}]},
    });
    let jobs = format!("GET {BATCH}/jobs");
    vec![
        (format!("POST {BATCH}/jobs"), Answer::json(201, &succeeded)),
        (jobs.clone(), list(&[])),
        (jobs, list(std::slice::from_ref(&succeeded))),
    ]
}

#[test]
fn every_verb_prints_one_document() {
    let cron = || [object("scheduled-hourly")];
    let name = cron()[0]["metadata"]["name"].as_str().unwrap().to_owned();
    let file = File::new("load.yaml", "- {name: once, command: ./once.sh, image: python3.13}\n");
    let created = (format!("POST {BATCH}/jobs"), Answer::json(201, &json!({"metadata": {"uid": "u-2"}})));
    let patched = (format!("PATCH {BATCH}/cronjobs/{name}"), Answer::json(200, &json!({})));
    let changes = [vec![created, patched], deleted(&format!("{BATCH}/cronjobs"), &name)].concat();
    let new = ["run", "once", "--image", "python3.13", "--command", "./once.sh"];
    let dry = |line: &[&'static str]| [line, &["--dry-run"]].concat();
    let cases: [(Vec<&str>, &str); 21] = [
        (new.to_vec(), "ApplyReport"),
        (dry(&new), "LoadPlan"),
        (vec!["load", file.path()], "ApplyReport"),
        (vec!["load", file.path(), "--dry-run"], "LoadPlan"),
        (vec!["plan", file.path()], "LoadPlan"),
        (vec!["render", file.path()], "List"),
        (vec!["lint", file.path()], "LintReport"),
        (vec!["delete", &name], "ApplyReport"),
        (vec!["delete", &name, "--dry-run"], "ApplyReport"),
        (vec!["flush", "--yes"], "ApplyReport"),
        (vec!["flush", "--dry-run"], "ApplyReport"),
        (vec!["restart", &name], "ApplyReport"),
        (vec!["restart", &name, "--dry-run"], "ApplyReport"),
        (vec!["trigger", &name], "ApplyReport"),
        (vec!["suspend", &name], "ApplyReport"),
        (vec!["resume", &name], "ApplyReport"),
        (vec!["list"], "JobList"),
        (vec!["show", &name], "Job"),
        (vec!["cron"], "CronJobList"),
        (vec!["images"], "ImageTypes"),
        (vec!["quota"], "QuotaReport"),
    ];
    for (line, kind) in cases {
        let (exit_code, value) = document(cluster(&cron(), &[], &changes), &line);
        assert_eq!((exit_code, &value["kind"]), (0, &json!(kind)), "{line:?}: {value:#}");
    }
    for line in
        [&["logs", &name][..], &["exec", &name], &["dump"], &["convert", file.path()], &["generate", "man"]]
    {
        let (exit_code, value) = document(cluster(&cron(), &[], &[]), line);
        assert!(exit_code == 2 && value.is_string(), "{line:?}: {value:#}");
    }
    // Also a run that the cluster refuses.
    let refused = (format!("POST {BATCH}/jobs"), Answer::refusal(403, "Forbidden", "jobs is forbidden: no"));
    let (exit_code, value) = document(cluster(&cron(), &[], &[refused]), &["trigger", &name]);
    assert_eq!((exit_code, &value["kind"]), (4, &json!("ApplyReport")), "{value:#}");
    assert_eq!(value["exitCode"], 4, "{value:#}");
}

#[test]
fn adoption_prints_one_document() {
    let put = (format!("PUT {BATCH}/cronjobs/list-images"), ok());
    for options in [&["--yes"][..], &["--yes", "--dry-run"]] {
        let line = [&["adopt", "list-images"], options].concat();
        let (exit_code, value) = document(by_hand(std::slice::from_ref(&put)), &line);
        assert_eq!((exit_code, &value["kind"]), (0, &json!("ApplyReport")), "{line:?}: {value:#}");
    }
    // A deletion first, then a refusal.
    let mut refused = deleted(&format!("{APPS}/deployments"), "stashbot");
    refused.push((format!("POST {APPS}/deployments"), Answer::refusal(403, "Forbidden", "no")));
    let (exit_code, value) = document(by_hand(&refused), &["adopt", "stashbot", "--yes"]);
    assert_eq!((exit_code, &value["kind"]), (4, &json!("ApplyReport")), "{value:#}");
}

#[test]
fn waiting_verbs_print_one_document() {
    let file = File::new("wait.yaml", "- {name: once, command: ./once.sh, image: python3.13, wait: true}\n");
    let run = ["run", "once", "--image", "python3.13", "--command", "./once.sh", "--wait"];
    for line in [&run[..], &["load", file.path()], &["trigger", "myjob", "--wait"]] {
        let mut answers = successful_run();
        answers.push((format!("PATCH {BATCH}/cronjobs/myjob"), Answer::json(200, &json!({}))));
        let (exit_code, value) = document(cluster(&[object("scheduled-hourly")], &[], &answers), line);
        assert_eq!((exit_code, &value["kind"]), (0, &json!("ApplyReport")), "{line:?}: {value:#}");
    }
}

#[test]
fn report_of_a_new_job_has_its_objects() {
    let created = (format!("POST {BATCH}/jobs"), Answer::json(201, &json!({"metadata": {"uid": "u-2"}})));
    let line = ["run", "once", "--image", "python3.13", "--command", "./once.sh"];
    let (_, value) = document(cluster(&[], &[], &[created]), &line);
    let change = &value["changes"][0];
    assert_eq!(
        (&change["action"], &change["outcome"], &change["type"]),
        (&json!("create"), &json!("done"), &json!("one-off"))
    );
    assert_eq!(
        (&change["objects"][0]["objectKind"], &change["objects"][0]["written"]),
        (&json!("Job"), &json!("created"))
    );
}
