//! Properties of all texts.

use proptest::prelude::*;
use toolforge_render::lint::{Edit, Finding, Level, Rule, Secrets, fix, lint, reading_errors};

use crate::support::{context, fixture};

/// Parts of lines that are put together at random.
fn soup() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "apiVersion: ",
        "kind: ",
        "v1",
        "batch/v1beta1",
        "apps/v1",
        "Deployment",
        "CronJob",
        "\n",
        "\n",
        "\n  ",
        "\n    ",
        "\n- ",
        "metadata:",
        "spec:",
        "template:",
        "labels: {",
        "}",
        "selector:",
        "containers:",
        "image: ",
        "schedule: ",
        "'@Daily'",
        "name: ",
        "no",
        "on",
        "\t",
        "{{ x }}",
        "&a ",
        "*a",
        "<<: ",
        "[",
        "]",
        ",",
        "#",
        " # lint: ignore=tool-label",
        "---",
        "\r\n",
        "\u{feff}",
        "é",
        "\u{202e}",
        "'",
        "\"",
        "|",
        ">-",
        "toollabs-python37-base",
        ": ",
        "- ",
        "0x1f",
        "1e400",
        "~",
    ]);
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

/// The clean file, with lines removed, repeated, exchanged and re-indented.
fn damaged() -> impl Strategy<Value = String> {
    let change = (0..4_u8, any::<prop::sample::Index>(), any::<prop::sample::Index>());
    (prop::collection::vec(change, 0..6), 0..3_usize, any::<bool>()).prop_map(
        |(changes, file, is_windows)| {
            let name = ["clean.yaml", "seed/cronjobs.yaml", "seed/deployment.yaml"][file];
            let text = fixture(name);
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            for (kind, at, other) in changes {
                let (at, other) = (at.index(lines.len()), other.index(lines.len()));
                match kind {
                    0 if lines.len() > 1 => drop(lines.remove(at)),
                    1 => lines.insert(at, lines[other].clone()),
                    2 => lines.swap(at, other),
                    _ => lines[at].insert_str(0, "  "),
                }
            }
            lines.join(if is_windows { "\r\n" } else { "\n" }) + "\n"
        },
    )
}

/// Returns a text with the fixes of one look at it: everything outside of their edits is byte-identical.
fn edited(text: &str) -> (String, usize) {
    let mut edits: Vec<Edit> = Vec::new();
    let mut count = 0;
    for finding in lint(text, &context("stashbot")) {
        let Some(fix) = finding.fix else { continue };
        let is_free = |edit: &Edit| {
            edits.iter().all(|other| edit.span.start > other.span.end || other.span.start > edit.span.end)
        };
        if fix.edits.iter().all(is_free) {
            edits.extend(fix.edits);
            count += 1;
        }
    }
    edits.sort_by_key(|edit| std::cmp::Reverse(edit.span.start));
    let mut out = text.to_owned();
    edits.iter().for_each(|edit| out.replace_range(edit.span.clone(), &edit.replacement));
    (out, count)
}

/// Returns the comments of a text that stand alone in their lines.
fn comments(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).filter(|line| line.starts_with('#')).collect()
}

fn check(text: &str) -> Result<(), TestCaseError> {
    let context = context("stashbot");
    for finding in lint(text, &context) {
        prop_assert!(text.get(finding.span.clone()).is_some(), "{finding:?}");
        for edit in finding.fix.iter().flat_map(|fix| &fix.edits) {
            prop_assert!(text.get(edit.span.clone()).is_some(), "{edit:?}");
        }
    }
    let fixed = fix(text, &context);
    let again = fix(&fixed.text, &context);
    prop_assert_eq!(&again.text, &fixed.text);
    prop_assert!(again.applied.is_empty());
    // A readable file is still readable afterwards, and no fixed finding is left.
    let unreadable =
        |text: &str| lint(text, &context).iter().filter(|found| found.rule == Rule::InvalidYaml).count();
    prop_assert!(unreadable(&fixed.text) <= unreadable(text), "{}", fixed.text);
    if fixed.applied.is_empty() {
        prop_assert_eq!(&fixed.text, text);
    }
    Ok(())
}

const MARKER: &str = "hunter2Hunter2";

/// Texts with a secret, whose name is to stay.
const WITH_SECRET: [(&str, &str); 9] = [
    (
        "DB_PASS",
        "- name: bot\n  image: bookworm\n  command: ./bot\n  env:\n    HOME_URL: x\n    DB_PASS: \"hunter2Hunter2\"\n",
    ),
    (
        "DB_PASS",
        "- name: bot\n  env: {\"A\": \"b\", \"DB_PASS\": \"hunter2Hunter2\", \"C\": 'd'}\n  command: ./bot\n",
    ),
    ("--password", "- name: bot\n  command: './bot --password hunter2Hunter2 --all'\n  image: bookworm\n"),
    ("--password", "- name: bot\n  command: ./bot --password=hunter2Hunter2 --all\n  image: bookworm\n"),
    (
        "DB_PASS",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - name: a\n    image: a\n    env:\n    - name: A\n      \
         value: \"1\"\n    - name: DB_PASS\n      value: \"hunter2Hunter2\"\n    - name: B\n      value: \"2\"\n",
    ),
    (
        "DB_PASS",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - name: a\n    env:\n    - value: hunter2Hunter2\n      \
         name: DB_PASS\n    image: a\n",
    ),
    (
        "DB_PASS",
        "{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {\"name\": \"a\"},\n \"spec\": {\"containers\": [{\"name\": \"a\", \
         \"image\": \"a\",\n \"env\": [\n  {\n   \"name\": \"DB_PASS\",\n   \"value\": \"hunter2Hunter2\"\n  }\n ]}]}}\n",
    ),
    (
        "password",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  a: b\n  password: 'hunter2Hunter2'\n  c: d\n",
    ),
    (
        "password",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  a: |\n    user = me\n    password = hunter2Hunter2\n    b\n",
    ),
];

/// A text with a secret of which one character is removed, replaced or added, but for those of the secret and of its name.
fn broken_secret() -> impl Strategy<Value = String> {
    let character = prop::sample::select(vec![
        '"', '\'', ':', ' ', '\t', '\n', '{', '}', '[', ']', ',', '#', '-', '*', '&', '@', '%', '!', '|',
        '>', '=', 'x', '\u{a0}',
    ]);
    (prop::sample::select(WITH_SECRET.to_vec()), any::<prop::sample::Index>(), 0..3_u8, character)
        .prop_map(|((name, text), at, kind, character)| {
            let mut text = text.to_owned();
            let at = at.index(text.len());
            match kind {
                0 => drop(text.remove(at)),
                1 => text.insert(at, character),
                _ => text.replace_range(at..=at, character.encode_utf8(&mut [0; 4])),
            }
            (name, text)
        })
        .prop_filter("the secret and its name stay", |(name, text)| {
            let is_end = |c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-' | '.');
            // In a comment and as an anchor, it names nothing.
            let is_anchor = ['&', '*', '!'].iter().any(|mark| text.contains(&format!("{mark}{name}")));
            let mut lines = text.lines().map(|line| line.split('#').next().unwrap_or_default());
            lines.any(|line| line.split(is_end).any(|found| found == *name))
                && !is_anchor
                && text.contains(MARKER)
        })
        .prop_map(|(_, text)| text)
}

/// Returns all that is printed of the findings of a text.
fn printed(text: &str, findings: &[Finding], secrets: &Secrets) -> String {
    let mut printed = String::new();
    for finding in findings {
        printed.push_str(finding.message.as_raw());
        printed.push_str(finding.answer.as_ref().map_or("", |answer| answer.as_raw()));
        let start = text[..finding.span.start].rfind('\n').map_or(0, |end| end + 1);
        let line = text[start..].split('\n').next().unwrap_or_default();
        printed.push_str(&secrets.hide(line, start));
        let edits =
            finding.fix.iter().flat_map(|fix| &fix.edits).filter(|edit| !secrets.edit_contains_secret(edit));
        edits.for_each(|edit| printed.push_str(&edit.replacement));
    }
    printed
}

#[test]
fn corrected_lines_show_no_secret() {
    for line in [format!("- value:{MARKER}"), format!("- value: '{MARKER}"), format!("- value = {MARKER}")] {
        let text = format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec:\n  containers:\n  - name: a\n    env:\n    {line}\n      \
             name: DB_PASS\n    image: a\n"
        );
        let printed = printed(&text, &reading_errors(&text), &Secrets::of(&text));
        assert!(printed.contains("invalid YAML") && !printed.contains(MARKER), "{printed}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn secrets_of_broken_texts_are_never_printed(text in broken_secret()) {
        {
            let context = context("a");
            let (findings, secrets) = (lint(&text, &context), Secrets::of(&text));
            // `toolforge-model` does not read it.
            if findings.iter().any(|found| matches!(found.rule, Rule::InvalidYaml | Rule::TabIndentation)) {
                prop_assert!(!secrets.hide(&text, 0).contains(MARKER), "{}", text);
            }
            for findings in [findings, reading_errors(&text)] {
                let printed = printed(&text, &findings, &secrets);
                prop_assert!(!printed.contains(MARKER), "{}\n\n{}", text, printed);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn any_text_is_checked_and_fixed_idempotently(text in soup()) {
        check(&text)?;
    }

    #[test]
    fn fixed_values_keep_the_written_text(
        value in "(no|yes|On|OFF|y|True|false|[0-9]{1,4}|0x1[fF]|0o17|017|1_000|1\\.50|-2|\\.5|1e3|12:30|\\.inf)",
        comment in prop::sample::select(vec!["", " # it's: \"a\"", "  # 'b"]),
        is_flow in any::<bool>(),
    ) {
        let data = if is_flow { format!("{{a: {value}, b: c}}{comment}") } else { format!("\n  a: {value}{comment}\n  b: c") };
        let text = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata: {data}\n");
        let fixed = fix(&text, &context("a"));
        let node = toolforge_model::yaml::parse(&fixed.text).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let found = node.get("data").and_then(|data| data.get("a")).and_then(|found| found.scalar());
        prop_assert_eq!(found, Some(value.as_str()));
        prop_assert!(fixed.text.contains(comment));
        let is_quoted = ["\"", "'"].iter().any(|quote| fixed.text.contains(&format!("a: {quote}{value}{quote}")));
        prop_assert_eq!(is_quoted, !fixed.applied.is_empty(), "{}", fixed.text);
        prop_assert!(!lint(&fixed.text, &context("a")).iter().any(|found| found.level() == Level::Error));
    }

    #[test]
    fn damaged_manifests_are_fixed_idempotently(text in damaged()) {
        check(&text)?;
    }

    #[test]
    fn fixes_change_their_own_bytes_only(text in damaged()) {
        let fixed = fix(&text, &context("stashbot"));
        prop_assert_eq!(comments(&fixed.text), comments(&text));
        let mut expected = text;
        let mut count = 0;
        // A fix may show what was hidden before.
        while count < fixed.applied.len() {
            let (next, fixes) = edited(&expected);
            prop_assert!(fixes > 0);
            expected = next;
            count += fixes;
        }
        prop_assert_eq!(fixed.text, expected);
    }

    #[test]
    fn fixes_keep_line_endings(text in damaged()) {
        let text = text.replace("\r\n", "\n").replace('\n', "\r\n");
        let text = format!("# lint: ignore=windows-line-endings\r\n{text}");
        let fixed = fix(&text, &context("stashbot"));
        prop_assume!(!fixed.applied.iter().any(|found| found.rule == Rule::WindowsLineEndings));
        prop_assert_eq!(fixed.text.matches('\n').count(), fixed.text.matches("\r\n").count(), "{}", fixed.text);
    }
}
