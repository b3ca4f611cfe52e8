//! The files of `fixtures/jobs`: good ones are read, bad ones are told with all their mistakes.

#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

use std::fmt::Write as _;

use proptest::prelude::*;
use toolforge_model::{JobsFile, ToolName};

fn tool() -> ToolName {
    "tf-test".parse().unwrap()
}

/// The one whose mistake only the image catalogue knows.
const KNOWN_BY_THE_CATALOG: &str = "image-unknown.yaml";

fn files(folder: &str) -> Vec<(String, String)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/jobs").join(folder);
    let mut found: Vec<(String, String)> = std::fs::read_dir(folder)
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
fn every_good_file_is_read() {
    let mut warnings = String::new();
    for (name, text) in files("good") {
        let file = JobsFile::parse(&text, &tool());
        let file = file.unwrap_or_else(|mistakes| panic!("{name}: {mistakes}"));
        assert!(!file.jobs.is_empty(), "{name}");
        for warning in &file.warnings {
            writeln!(warnings, "{name}: {warning}").unwrap();
        }
    }
    insta::assert_snapshot!(warnings, @r#"
    shape-duplicate-names.yaml: line 9, column 3: "harvest" stands here for a second time; the first one holds
    shape-legacy-filelog.yaml: line 5, column 12: write `filelog: true`; "yes" will not be understood for ever
    shape-legacy-filelog.yaml: line 10, column 15: write `no-filelog: true`; "true" will not be understood for ever
    shape-no-filelog-false.yaml: line 5, column 15: no-filelog that is false says nothing; write `filelog: true` for the opposite
    "#);
}

#[test]
fn every_bad_file_is_told_with_all_its_mistakes() {
    let mut told = String::new();
    for (name, text) in files("bad") {
        match JobsFile::parse(&text, &tool()) {
            Ok(_) => assert_eq!(name, KNOWN_BY_THE_CATALOG),
            Err(mistakes) => writeln!(told, "{name}\n{mistakes}\n").unwrap(),
        }
    }
    insta::assert_snapshot!(told);
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "[-a-z:@*&<>\\[\\]{}\"'|#%!?,. \t\n0-9\u{e9}]{0,120}") {
        drop(JobsFile::parse(&text, &tool()));
    }

    #[test]
    fn no_value_of_a_key_makes_the_reader_panic(key in 0..23_usize, value in "\\PC{0,20}") {
        let key = toolforge_model::JobKey::ALL[key];
        let text = format!("- name: a\n  command: x\n  image: bookworm\n  {key}: {value}\n");
        drop(JobsFile::parse(&text, &tool()));
    }
}
