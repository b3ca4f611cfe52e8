//! The files of `fixtures/jobs`: good ones are read, all errors of bad ones are reported.

#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

use std::fmt::Write as _;

use proptest::prelude::*;
use toolforge_model::{JobsFile, ToolName};

fn tool() -> ToolName {
    "tf-test".parse().unwrap()
}

/// The file whose error only the image catalog can find.
const NEEDS_THE_CATALOG: &str = "image-unknown.yaml";

fn files(directory: &str) -> Vec<(String, String)> {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/jobs").join(directory);
    let mut found: Vec<(String, String)> = std::fs::read_dir(directory)
        .unwrap()
        .flatten()
        .map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(entry.path()).unwrap())
        })
        .collect();
    found.sort();
    assert!(found.len() > 15, "only {} files", found.len());
    found
}

#[test]
fn good_files_have_no_errors() {
    let mut warnings = String::new();
    for (name, text) in files("good") {
        let file = JobsFile::parse(&text, &tool());
        let file = file.unwrap_or_else(|errors| panic!("{name}: {errors}"));
        assert!(!file.jobs.is_empty(), "{name}");
        for warning in &file.warnings {
            writeln!(warnings, "{name}: {warning}").unwrap();
        }
    }
    insta::assert_snapshot!(warnings, @r#"
    shape-duplicate-names.yaml: line 9, column 3: a second job "harvest" is ignored; the first one counts
    shape-float-cpu.yaml: line 4, column 8: `cpu: 100m` has no effect; it is the default, with a limit of 1, and any other amount is also the limit
    shape-legacy-filelog.yaml: line 5, column 12: filelog: "yes" is deprecated here; write true
    shape-legacy-filelog.yaml: line 10, column 15: no-filelog: "true" is deprecated here; write true
    shape-no-filelog-false.yaml: line 5, column 15: `no-filelog: false` has no effect; remove it: this job has log files
    "#);
}

#[test]
fn bad_files_report_all_errors() {
    let mut report = String::new();
    for (name, text) in files("bad") {
        match JobsFile::parse(&text, &tool()) {
            Ok(_) => assert_eq!(name, NEEDS_THE_CATALOG),
            Err(errors) => writeln!(report, "{name}\n{errors}\n").unwrap(),
        }
    }
    insta::assert_snapshot!(report);
}

proptest! {
    #[test]
    fn no_text_panics(text in "[-a-z:@*&<>\\[\\]{}\"'|#%!?,. \t\n0-9\u{e9}]{0,120}") {
        drop(JobsFile::parse(&text, &tool()));
    }

    #[test]
    fn no_value_panics(key in 0..23_usize, value in "\\PC{0,20}") {
        let key = toolforge_model::JobField::ALL[key];
        let text = format!("- name: a\n  command: x\n  image: bookworm\n  {key}: {value}\n");
        drop(JobsFile::parse(&text, &tool()));
    }
}
