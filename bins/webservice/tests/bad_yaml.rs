//! Unreadable templates, and templates designed to exhaust a parser: a clear message each, and no panic, within some seconds and
//! half a gigabyte of addresses.

use toolforge_fixtures::answers_to_bad_yaml;

#[test]
fn start_explains_bad_templates() {
    let words = ["start", "--template", "bad.yaml", "--dry-run", "--from", "none.yaml"];
    insta::assert_snapshot!(answers_to_bad_yaml(env!("CARGO_BIN_EXE_webservice"), &words, &[0, 1, 2]));
}
