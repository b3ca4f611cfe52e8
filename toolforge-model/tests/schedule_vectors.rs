//! Schedules, compared with the results of the platform's jobs-cli and jobs-api for the same texts.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;
use toolforge_model::{CronExpression, JobName, Schedule, ToolName};

const MACROS: [&str; 5] = ["@hourly", "@daily", "@weekly", "@monthly", "@yearly"];

/// A name in the recorded expressions that no tool can have; a unit test covers its draw.
const NO_TOOL_NAMES: [&str; 1] = ["ümlaut"];

/// Texts that upstream accepts and this crate reads differently: the schedule that is sent instead, if any, and the reason.
const TAKEN_OTHERWISE: [(&str, Option<&str>, &str); 2] = [
    ("1_0 * * * *", None, "a number in Python only; the server refuses it"),
    ("\t1 2 3 4 5", Some("1 2 3 4 5"), "the server overlooks white space around the fields"),
];

/// Texts that upstream rejects and the server accepts, with the schedule that is sent.
const ACCEPTED_BY_THE_SERVER: [(&str, &str); 10] = [
    ("0 0 * * mon-fri", "0 0 * * mon-fri"),
    // The server rejects this one as written, and accepts the rewritten form.
    ("0 0 * * 1-7", "0 0 * * 1-6,0"),
    ("0 0 1 jan *", "0 0 1 jan *"),
    ("0-30/5 * * * *", "0-30/5 * * * *"),
    ("5,, * * * *", "5,, * * * *"),
    ("? * * * *", "? * * * *"),
    ("0 0 */32 * *", "0 0 */32 * *"),
    ("0 0 * */13 *", "0 0 * */13 *"),
    ("0 0 * * */7", "0 0 * * */7"),
    ("1\n2 3 4 5", "1 2 3 4 5"),
];

fn vectors(key: &str) -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/parity/jobs/vectors.json");
    let text = fs::read_to_string(path).expect("the recorded vectors");
    let vectors: Value = serde_json::from_str(&text).expect("vectors in JSON");
    vectors[key].as_array().expect("a list of vectors").clone()
}

#[test]
fn macros_match_recorded_expressions() {
    let mut no_tool_names = BTreeSet::from(NO_TOOL_NAMES);
    let mut compared = 0;
    for vector in vectors("macro_splay") {
        let (tool, job) = (vector["tool"].as_str().unwrap(), vector["job"].as_str().unwrap());
        let job: JobName = job.parse().unwrap();
        let Ok(name) = tool.parse::<ToolName>() else {
            assert!(no_tool_names.remove(tool), "{tool:?} is not a tool name");
            continue;
        };
        for written in MACROS {
            let schedule = Schedule::parse(written, &name, &job).unwrap();
            assert_eq!(
                schedule.expression().to_string(),
                vector[written].as_str().unwrap(),
                "{tool} {job} {written}"
            );
            assert_eq!(schedule.written(), written);
            compared += 1;
        }
    }
    assert!(compared >= 100, "{compared} draws compared");
    assert!(no_tool_names.is_empty(), "no vector has {no_tool_names:?}");
}

#[test]
fn expressions_match_upstream_or_the_server() {
    let (tool, job): (ToolName, JobName) = ("tf-test".parse().unwrap(), "myjob".parse().unwrap());
    let mut otherwise: Vec<_> = TAKEN_OTHERWISE.into();
    let mut server: Vec<_> = ACCEPTED_BY_THE_SERVER.into();
    for vector in vectors("cron") {
        let text = vector["in"].as_str().unwrap();
        let ours = Schedule::parse(text, &tool, &job);
        let sent = ours.as_ref().ok().map(|schedule| schedule.expression().to_string());
        let expected = if let Some(index) = otherwise.iter().position(|(listed, ..)| *listed == text) {
            let (_, sent, reason) = otherwise.remove(index);
            assert_ne!(vector["spec"].as_str(), sent, "{text:?} is not a difference ({reason})");
            sent
        } else if let Some(index) = server.iter().position(|(listed, _)| *listed == text) {
            assert!(vector["spec"].is_null(), "upstream accepts {text:?}");
            Some(server.remove(index).1)
        } else {
            vector["spec"].as_str()
        };
        assert_eq!(sent.as_deref(), expected, "{text:?} gave {ours:?}");
        if let Ok(schedule) = ours {
            assert_eq!(schedule.written(), text);
            let read_back: CronExpression = schedule.expression().to_string().parse().unwrap();
            assert_eq!(&read_back, schedule.expression(), "{text:?}");
        }
    }
    assert!(otherwise.is_empty() && server.is_empty(), "no vector has {otherwise:?} or {server:?}");
}
