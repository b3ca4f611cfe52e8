//! Notes and warnings beside a document.

use insta::assert_snapshot;
use serde_json::Value;
use toolforge_fixtures::document_on_stderr;

use crate::{OFFLINE, Scratch, failure, jobs};

#[test]
fn warnings_are_a_document_with_json() {
    let file = "- name: monthly\n  command: ./x\n  image: bookworm\n  schedule: '0 0 31 * *'\n- name: bot\n  command: ./bot.py\n  image: python3.11\n  continuous: yes\n";
    let directory = Scratch::new("notes", file);
    std::fs::write(directory.0.join("none.yaml"), "apiVersion: v1\nkind: List\nitems: []\n").unwrap();
    let facts = ["--from", "none.yaml", "--output", "json"];
    for (line, notes) in [
        (&["plan", "jobs.yaml"][..], 2),
        (&["load", "jobs.yaml", "--dry-run"], 2),
        (&["render", "jobs.yaml"], 2),
        (
            &[
                "run",
                "monthly",
                "--image",
                "bookworm",
                "--command",
                "x",
                "--schedule",
                "0 0 31 * *",
                "--dry-run",
            ],
            1,
        ),
        (&["list", "--long"], 1),
    ] {
        let output = jobs(&directory, &[line, &OFFLINE, &facts].concat());
        let document = document_on_stderr(&output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{document:#}");
        assert_eq!(document["kind"], "Notes", "{document:#}");
        assert_eq!(document["notes"].as_array().map(Vec::len), Some(notes), "{document:#}");
        let _: Value = serde_json::from_slice(&output.stdout).unwrap();
    }
    for line in [&["list"][..], &["images"], &["quota"], &["cron"]] {
        let output = jobs(&directory, &[line, &OFFLINE, &facts].concat());
        assert_eq!(document_on_stderr(&output.stderr), None, "{line:?}");
    }
    let output = jobs(&directory, &["lint", "jobs.yaml", "--offline", "--output", "json"]);
    assert_eq!(document_on_stderr(&output.stderr), None);
    // What was warned of before a failure is a part of it.
    directory.write_quota("limits.memory", "1Gi", "1Gi");
    let line = [&["load", "jobs.yaml", "--dry-run", "--from", "quota.json"], &OFFLINE[..], &facts].concat();
    let document = failure(&jobs(&directory, &line));
    assert_snapshot!(document["notes"][0], @r#"{"code":"warning","details":[],"hints":[],"message":"jobs.yaml:8:15: continuous: yes is deprecated here; write true"}"#);
}
