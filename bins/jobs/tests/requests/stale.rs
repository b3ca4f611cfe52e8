//! Quotas that still count objects deleted a moment ago.

use serde_json::json;
use tokio::runtime::Builder;
use toolforge_cli::ExitCode;
use toolforge_client::scripted::Answer;

use crate::partial::list;
use crate::{BATCH, CORE, cluster, object, outcome_in};

/// The looks at a quota that counts a deleted Job, and one at which it does not any more.
fn quotas(stale: usize) -> Vec<(String, Answer)> {
    let quota = |used: &str| {
        let status = json!({"hard": {"count/jobs.batch": "1"}, "used": {"count/jobs.batch": used}});
        list(&[json!({"metadata": {"name": "q"}, "status": status})])
    };
    let looks = std::iter::repeat_n("1", stale).chain(["0"]);
    looks.map(|used| (format!("GET {CORE}/resourcequotas"), quota(used))).collect()
}

/// Runs a command line while a quota is stale for so many looks, and returns the exit code and the number of looks. The
/// seconds between them do not pass in reality.
fn looks(line: &[&str], stale: usize) -> (u8, usize) {
    let mut instead = quotas(stale);
    instead.push((format!("POST {BATCH}/jobs"), Answer::json(201, &json!({"metadata": {"uid": "u-2"}}))));
    let script = cluster(&[object("scheduled-hourly")], &[], &instead);
    let mut runtime = Builder::new_current_thread();
    let (ended, requests) = outcome_in(runtime.enable_all().start_paused(true), script, line);
    let exit_code = ended.map_or_else(|failure| failure.exit_code().code(), ExitCode::code);
    (exit_code, requests.matches("/resourcequotas").count())
}

#[test]
fn waits_15_seconds_for_stale_usage() {
    let file = std::env::temp_dir().join(format!("toolforge-jobs-stale-{}.yaml", std::process::id()));
    std::fs::write(&file, "- {name: once, image: python3.13, command: x}\n").unwrap();
    let lines: [&[&str]; 4] = [
        &["run", "once", "--image", "python3.13", "--command", "x"],
        &["load", file.to_str().unwrap()],
        &["trigger", "myjob"],
        &["restart", "myjob"],
    ];
    for line in lines {
        assert_eq!(looks(line, 0), (0, 1), "{line:?}");
        assert_eq!(looks(line, 3), (0, 4), "{line:?}");
        assert_eq!(looks(line, 15), (0, 16), "{line:?}");
        assert_eq!(looks(line, 20), (3, 16), "{line:?}");
    }
    std::fs::remove_file(file).unwrap();
}
