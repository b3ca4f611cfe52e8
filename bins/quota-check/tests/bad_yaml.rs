//! Unreadable files, and files designed to exhaust a parser: a clear message each, and no panic, within some seconds and half
//! a gigabyte of addresses.

use toolforge_fixtures::answers_to_bad_yaml;

#[test]
fn bad_files_are_explained() {
    let words = ["bad.yaml", "--quota", "toolforge-2023"];
    insta::assert_snapshot!(answers_to_bad_yaml(env!("CARGO_BIN_EXE_quota-check"), &words, &[0, 1]));
}
