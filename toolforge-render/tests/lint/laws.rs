//! Properties of all texts.

use proptest::prelude::*;
use toolforge_render::lint::{Edit, Level, Rule, fix, lint};

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
    // What can be read can be read afterwards, and nothing that was fixed is left.
    let unreadable =
        |text: &str| lint(text, &context).iter().filter(|found| found.rule == Rule::InvalidYaml).count();
    prop_assert!(unreadable(&fixed.text) <= unreadable(text), "{}", fixed.text);
    if fixed.applied.is_empty() {
        prop_assert_eq!(&fixed.text, text);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn any_text_is_checked_and_fixed_once(text in soup()) {
        check(&text)?;
    }

    #[test]
    fn fixed_values_are_the_words_that_were_written(
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
    fn damaged_manifests_are_fixed_once(text in damaged()) {
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
    fn fixes_keep_the_line_ends(text in damaged()) {
        let text = text.replace("\r\n", "\n").replace('\n', "\r\n");
        let text = format!("# lint: ignore=windows-line-ends\r\n{text}");
        let fixed = fix(&text, &context("stashbot"));
        prop_assume!(!fixed.applied.iter().any(|found| found.rule == Rule::WindowsLineEnds));
        prop_assert_eq!(fixed.text.matches('\n').count(), fixed.text.matches("\r\n").count(), "{}", fixed.text);
    }
}
