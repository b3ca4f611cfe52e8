//! Unreadable files, and files designed to exhaust a parser, for `lint`, `convert` and `load`: a clear message each, and
//! no panic, within some seconds and half a gigabyte of addresses.

use toolforge_fixtures::answers_to_bad_yaml;

const JOBS: &str = env!("CARGO_BIN_EXE_jobs");

#[test]
fn lint_explains_bad_files() {
    insta::assert_snapshot!(answers_to_bad_yaml(JOBS, &["lint", "--offline", "bad.yaml"], &[0, 1]));
}

#[test]
fn convert_explains_bad_files() {
    insta::assert_snapshot!(answers_to_bad_yaml(JOBS, &["convert", "bad.yaml"], &[0, 1, 6]));
}

#[test]
fn load_explains_bad_files() {
    let words = ["load", "bad.yaml", "--dry-run", "--from", "none.yaml"];
    insta::assert_snapshot!(answers_to_bad_yaml(JOBS, &words, &[1]));
}
