//! Missing confirmations, and interruptions.

use std::time::Duration;

use insta::assert_snapshot;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use serde_json::json;
use toolforge_client::scripted::Script;
use toolforge_fixtures::OwnProcess;

use crate::partial::{TWO, list, lost_race};
use crate::unmanaged::{by_hand, deleted};
use crate::{APPS, CORE, cluster, object, outcome};

/// Returns a jobs file of a test, which is removed at its end.
struct File(std::path::PathBuf);

impl File {
    fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("toolforge-jobs-{name}-{}.yaml", std::process::id()));
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

#[test]
fn removals_need_a_confirmation() {
    let file = File::new("confirm", "[]\n");
    let mut old = object("continuous-port");
    old["metadata"]["annotations"]["cli.toolforge.org/file"] = json!(file.path());
    let line = ["load", file.path(), "--prune"];
    let (ended, requests) = outcome(cluster(&[], std::slice::from_ref(&old), &[]), &line);
    let report = ended.unwrap_err().report();
    assert_eq!((report.code.as_str(), report.exit_code), ("not-confirmed", 1), "{report:?}");
    assert!(!requests.contains("DELETE"), "{requests}");
}

/// Returns a load that has changed one of two jobs, and whose other job then waits for a pod that terminates.
fn load_that_waits_for_quota() -> Script {
    let (quotas, pods) = (format!("GET {CORE}/resourcequotas"), format!("GET {CORE}/pods"));
    let quota = |used: &str| {
        let status = json!({"hard": {"pods": "2"}, "used": {"pods": used}});
        list(&[json!({"metadata": {"name": "q"}, "status": status})])
    };
    let until = Timestamp::now() + SignedDuration::from_secs(30);
    let pod = json!({
        "metadata": {"name": "old", "uid": "p-1", "deletionTimestamp": until.to_string(), "deletionGracePeriodSeconds": 30},
        "spec": {"containers": []},
        "status": {"phase": "Running"},
    });
    lost_race(vec![
        (quotas.clone(), quota("0")),
        (quotas, quota("2")),
        (pods.clone(), list(&[])),
        (pods, list(&[pod])),
    ])
}

#[test]
fn signal_ends_a_load_that_waits_for_quota() {
    let test = "questions::signal_ends_a_load_that_waits_for_quota";
    let process = OwnProcess::of(test).with_signal("TERM", Duration::from_secs(3));
    let (exit_code, stderr) = process.run(|| {
        let file = File::new("signal", TWO);
        let failure = outcome(load_that_waits_for_quota(), &["load", file.path()]).0.unwrap_err();
        eprint!("{failure}");
        failure.exit_code().code()
    });
    assert_eq!(exit_code, 128 + 15);
    let (waiting, failure) = stderr.split_once('\n').unwrap();
    assert!(waiting.starts_with("pod old is terminating until "), "{waiting}");
    assert_snapshot!(failure, @"
    error: the remaining changes were not applied; already changed: a
      error: interrupted; nothing more was sent

    hint: Run the same command again to finish.
    ");
}

/// Runs a command line about an object of kubectl on a terminal, with a typed answer. Returns the exit code, and what was
/// written to the terminal, with the requests that change something.
#[expect(clippy::print_stderr, reason = "what the process writes is the result")]
fn on_terminal(test: &str, answer: &str, words: &[&str]) -> (u8, String) {
    OwnProcess::of(test).with_terminal().with_stdin(answer).run(|| {
        let (ended, requests) = outcome(by_hand(&deleted(&format!("{APPS}/deployments"), "stashbot")), words);
        let writes = requests.lines().filter(|line| line.starts_with("DELETE") || line.starts_with("PATCH"));
        eprintln!("\nsent: {}", writes.collect::<Vec<_>>().join(" "));
        match ended {
            Ok(code) => code.code(),
            Err(failure) => {
                eprintln!("{failure}");
                failure.exit_code().code()
            }
        }
    })
}

#[test]
fn deletion_asks_on_a_terminal() {
    let ask = |answer| on_terminal("questions::deletion_asks_on_a_terminal", answer, &["delete", "stashbot"]);
    let question = "deployment/stashbot is deleted, and not managed by `toolforge jobs`; continue? [y/N] ";
    for answer in ["n\n", "\n", "nein\n"] {
        let (exit_code, written) = ask(answer);
        assert!(written.contains(question), "{written}");
        assert!(written.contains("sent: \n") && !written.contains("DELETE"), "{written}");
        assert!(written.contains("error: it was not confirmed; nothing was changed"), "{written}");
        assert_eq!(exit_code, 1, "{written}");
    }
    // On a terminal, the program watches the deletion, for which no response is scripted.
    let (_, written) = ask("y\n");
    assert!(written.contains(question), "{written}");
    assert!(written.contains(&format!("sent: DELETE {APPS}/deployments/stashbot")), "{written}");
}

#[test]
fn restart_asks_on_a_terminal() {
    let ask = |answer| on_terminal("questions::restart_asks_on_a_terminal", answer, &["restart", "stashbot"]);
    let question = "deployment/stashbot is restarted, and not managed by `toolforge jobs`; continue? [y/N] ";
    let (exit_code, written) = ask("n\n");
    assert!(written.contains(question) && written.contains("sent: \n"), "{written}");
    assert!(written.contains("error: it was not confirmed; nothing was changed"), "{written}");
    assert_eq!(exit_code, 1, "{written}");
    let (_, written) = ask("yes\n");
    assert!(written.contains(question), "{written}");
    assert!(written.contains(&format!("sent: PATCH {APPS}/deployments/stashbot")), "{written}");
}
