//! A value that an error of YAML proposes to write is the one that was meant.
#![cfg(feature = "yaml")]

use proptest::prelude::*;
use toolforge_model::yaml::{YamlValue, parse};

/// Pieces of commands and schedules, with everything that YAML reads as something else.
fn value() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "echo", " ", ": ", ":", "'", "\"", "\\", "\\n", "*/5", "*", "@daily", "%", "`", "!", "#", "it's",
        "-", "- ", "?", "{a: b}", "[", "]", ",", "&x", "\\d", "é", "|", "$HOME", "C:\\new", "\t", "\u{200b}",
        "*m",
    ]);
    prop::collection::vec(piece, 1..9)
        .prop_map(|pieces| pieces.concat().trim().to_owned())
        .prop_filter("a comment is added separately", |value| {
            !value.is_empty() && !value.contains(" #") && !value.contains("\t#")
        })
}

/// Comments after a value, with quotes and colons of their own; mostly none.
fn comment() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "",
        "",
        "",
        " # every 5 min",
        "  # it's: here",
        " # \"a\" # b",
        " #",
        "\t# tab",
        " # c: \\d",
    ])
}

/// Pieces of a text in double quotes, as they are written and as they are meant.
fn escaped() -> impl Strategy<Value = (&'static str, &'static str)> {
    prop::sample::select(vec![
        ("a", "a"),
        (" ", " "),
        (": ", ": "),
        ("'", "'"),
        ("#", "#"),
        ("\\\"", "\""),
        ("\\\\", "\\"),
        ("\\t", "\t"),
        ("\\d", "\\d"),
        ("\\.", "\\."),
        ("\\w", "\\w"),
        ("\\(", "\\("),
        ("\\é", "\\é"),
        ("é", "é"),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn proposed_value_is_the_intended_one(value in value(), comment in comment(), place in 0..6_usize) {
        let (before, after, shown, key) = [
            ("- name: a\n  command: ", "\n  image: b\n", "command: ", "command"),
            ("- command: ", "\n", "command: ", "command"),
            ("# it's a list\n- image: 'b: c' # d\n  command: ", "\n\n- name: \"e\" # f\n", "command: ", "command"),
            ("- \"schedule\": ", "\n  name: a\n", "\"schedule\": ", "schedule"),
            ("- name: a\n  args:\n  - ", "\n  - b\n", "- ", "args"),
            ("- {name: a, schedule: ", ", image: b}\n", "schedule: ", "schedule"),
        ][place];
        // The end of a value in braces is not known, and an item that is a pair is a mapping.
        let is_flow = after.contains('}');
        prop_assume!(!is_flow || (comment.is_empty() && !value.contains([',', '{', '}', '[', ']', '#'])));
        prop_assume!(shown != "- " || !(value.contains(": ") || value.ends_with(':') || value.starts_with("- ")));
        let file = |value: &str| format!("{before}{value}{after}");
        let Err(error) = parse(&file(&format!("{value}{comment}"))) else { return Ok(()) };
        let error = error.to_string();
        let Some((_, proposed)) = error.split_once(&format!("quote the value: {shown}")) else { return Ok(()) };
        let corrected = parse(&file(proposed)).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let YamlValue::Sequence(items) = corrected.value else { return Err(TestCaseError::fail("no list")) };
        let found = items[0].get(key);
        let found = match found.map(|found| &found.value) {
            Some(YamlValue::Sequence(items)) => items.first(),
            _ => found,
        };
        // The quotes around a text with one apostrophe are not part of it.
        let inner = value.strip_prefix('\'').and_then(|value| value.strip_suffix('\''));
        let meant = inner.filter(|inner| inner.matches('\'').count() == 1).unwrap_or(&value);
        prop_assert_eq!(found.and_then(|found| found.string()), Some(meant));
    }

    #[test]
    fn doubled_backslashes_are_backslashes(pieces in prop::collection::vec(escaped(), 1..8), comment in comment(), words in prop::sample::select(vec!["", "", " x"])) {
        let written: String = pieces.iter().map(|(written, _)| *written).collect();
        let meant: String = pieces.iter().map(|(_, meant)| *meant).collect();
        let mut text = format!("- name: a\n  command: \"{written}\"{words}{comment}\n");
        if !words.is_empty() {
            // The quotes are part of the value, and no backslash has to be doubled.
            let error = parse(&text).map_or_else(|error| error.to_string(), |_| String::new());
            prop_assert!(!error.is_empty() && !error.contains("; write "), "{}: {}", text, error);
            return Ok(());
        }
        // Each error names one escape sequence.
        for _ in 0..=pieces.len() {
            let Err(error) = parse(&text) else { break };
            prop_assert!(error.text().as_raw().contains("is not an escape sequence"), "{}: {}", text, error);
            let line = text.lines().nth(1).unwrap_or_default();
            let column = usize::try_from(error.location.column).unwrap_or(1) - 1;
            let at = line.char_indices().nth(column).map_or(line.len(), |(index, _)| index);
            text.insert(text.find('\n').unwrap_or_default() + 1 + at, '\\');
        }
        let corrected = parse(&text).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let YamlValue::Sequence(items) = corrected.value else { return Err(TestCaseError::fail("no list")) };
        prop_assert_eq!(items[0].get("command").and_then(|found| found.string()), Some(meant.as_str()));
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
