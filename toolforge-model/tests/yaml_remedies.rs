//! A value that an error of YAML proposes to write is the one that was meant.
#![cfg(feature = "yaml")]

use proptest::prelude::*;
use toolforge_model::yaml::{YamlValue, parse};

/// Pieces of commands and schedules, with everything that YAML reads as something else.
fn value() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "echo", " ", ": ", ":", "'", "\"", "\\", "\\n", "*/5", "*", "@daily", "%", "`", "!", "#", "it's",
        "-", "- ", "?", "{a: b}", "[", "]", ",", "&x", "é", "|", "$HOME", "C:\\new",
    ]);
    prop::collection::vec(piece, 1..9)
        .prop_map(|pieces| pieces.concat().trim().to_owned())
        .prop_filter("a comment is added separately", |value| !value.is_empty() && !value.contains(" #"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn proposed_value_is_the_one_that_was_meant(value in value(), comment in prop::bool::ANY) {
        let comment = if comment { " # every 5 min" } else { "" };
        let file = |value: &str| format!("- name: a\n  command: {value}\n  image: b\n");
        let Err(error) = parse(&file(&format!("{value}{comment}"))) else { return Ok(()) };
        let error = error.to_string();
        let Some((_, proposed)) = error.split_once("quote the value: command: ") else { return Ok(()) };
        let corrected = parse(&file(proposed)).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let YamlValue::Sequence(items) = corrected.value else { return Err(TestCaseError::fail("no list")) };
        prop_assert_eq!(items[0].get("command").and_then(|found| found.string()), Some(value.as_str()));
    }

    #[test]
    fn remedies_never_panic(text in "[ -:'\"#\\\\*a\\n\\té{}\\[]{0,40}") {
        let _ = parse(&text);
    }
}

#[test]
fn ambiguous_comment_has_no_remedy() {
    let error = parse("command: it's: fine # not open\n").unwrap_err().to_string();
    assert!(!error.contains("quote the value"), "{error}");
}
