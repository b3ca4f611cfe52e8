//! Unreadable files, and files designed to exhaust a parser: a clear message each, soon, and no panic.

use toolforge_fixtures::bad_yaml;
use toolforge_model::{DocumentKind, ExpectedDocument};
use toolforge_render::files::FileContents;
use toolforge_render::lint::{Rule, decode, lint};

use crate::support::context;

fn answer(bytes: &[u8]) -> String {
    let found = match decode(bytes) {
        Ok(text) => lint(text, &context("stashbot")),
        Err(finding) => vec![*finding],
    };
    found
        .iter()
        .map(|finding| {
            let line = finding.location.line;
            format!("{line} {} {}: {}", finding.level(), finding.rule, finding.message.escaped())
        })
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn bad_files_have_clear_messages() {
    let mut out = String::new();
    for (name, bytes) in bad_yaml() {
        let answer = answer(&bytes);
        let mut lines: Vec<&str> = answer.lines().collect();
        let more = lines.len().saturating_sub(3);
        lines.truncate(3);
        out.push_str(&format!("## {name}\n{}\n", lines.join("\n")));
        if more > 0 {
            out.push_str(&format!("and {more} more\n"));
        }
    }
    insta::assert_snapshot!(out);
}

/// Returns the rule and the message of the first finding, that of what cannot be read before others.
fn first(text: &str) -> String {
    let found = lint(text, &context("stashbot")).into_iter();
    let found =
        found.min_by_key(|found| matches!(found.rule, Rule::UnknownDocument | Rule::WindowsLineEndings));
    found
        .map(|found| format!("{} {}: {}", found.location, found.rule, found.message.escaped()))
        .unwrap_or_default()
}

#[test]
fn remedies_keep_numbers_in_values() {
    insta::assert_snapshot!(first("# header\n---\n- name: a\n  image: bookworm\n  command: see line 2: go\n"), @"line 5, column 22 invalid-yaml: invalid YAML: mapping values are not allowed in this context; quote the value: command: 'see line 2: go'");
    insta::assert_snapshot!(first("a: 1\n---\n# b\nnote: see line 5: it is wrong\n"), @"line 4, column 17 invalid-yaml: invalid YAML: mapping values are not allowed in this context; quote the value: note: 'see line 5: it is wrong'");
    // The number of the line is that of the file.
    insta::assert_snapshot!(first("a: 1\n---\n- name: a\n    command: see line 2\n"), @"line 4, column 12 invalid-yaml: invalid YAML: mapping values are not allowed in this context; check the indentation of line 4");
    insta::assert_snapshot!(first("a: 1\n---\n- name: a\n\tcommand: line 1\n"), @"line 4, column 1 tab-indentation: invalid YAML; line 4 is indented with a tab; use spaces");
}

#[test]
fn tabs_in_values_are_not_indentation() {
    let text = "- name: a\n  image: bookworm\n  command: echo \"is indented with a tab\": go\n";
    insta::assert_snapshot!(first(text), @r#"line 3, column 41 invalid-yaml: invalid YAML: mapping values are not allowed in this context; quote the value: command: 'echo "is indented with a tab": go'"#);
}

#[test]
fn names_that_end_with_list_are_kinds() {
    let text = |kind: &str| {
        format!("apiVersion: example.org/v1\nkind: {kind}\nmetadata: {{name: a}}\nspec: {{x: 1}}\n")
    };
    assert_eq!(first(&text("AllowList")), first(&text("AllowThing")).replace("AllowThing", "AllowList"));
    assert_eq!(first("apiVersion: v1\nkind: List\n"), "");
}

#[test]
fn templates_match_the_reader() {
    for (text, is_template) in [
        ("release: x\n", true),
        ("web: php8.2\n", true),
        ("canonical: true\n", true),
        ("type: php8.2\nimage: x\n", true),
        ("image: bookworm\nmem: 1Gi\n", false),
        ("version: '3'\n", false),
    ] {
        let is_recognized = DocumentKind::of_keys([text.split(':').next().unwrap()])
            == DocumentKind::ServiceTemplate
            && lint(text, &context("stashbot")).iter().all(|found| found.rule != Rule::UnknownDocument);
        let contents = FileContents::parse(text, &"stashbot".parse().unwrap());
        let is_read = !contents.templates.is_empty()
            || contents.errors.iter().any(|error| !error.message.as_raw().starts_with("expected"));
        assert_eq!((is_recognized, is_read), (is_template, is_template), "{text}");
    }
}

#[test]
fn files_named_as_templates_are_templates() {
    let mut context = context("stashbot");
    context.expected = ExpectedDocument::of_path("home/service.template");
    for (text, expected) in [
        ("image: bookworm\nmem: 1Gi\n", Rule::PlatformFileWarning),
        ("type: php8.2\ncomponents: {}\n", Rule::PlatformFileWarning),
        ("name: a\nimage: bookworm\n", Rule::PlatformFile),
        ("apiVersion: v1\nkind: Secret\ntype: Opaque\n", Rule::MissingField),
    ] {
        let rules: Vec<Rule> = lint(text, &context).into_iter().map(|found| found.rule).collect();
        assert_eq!(rules, [expected], "{text}");
        let contents = FileContents::parse_expected(text, &"stashbot".parse().unwrap(), context.expected);
        let is_template = expected == Rule::PlatformFileWarning;
        assert_eq!(contents.templates.len(), usize::from(is_template), "{text}");
        assert_eq!(contents.errors.is_empty(), is_template, "{text}");
    }
    let found = lint("image: bookworm\ncpu: 9\n", &context);
    assert!(found.iter().any(|found| found.rule == Rule::OutsideLimits), "{found:?}");
}

#[test]
fn documents_begin_after_tabs_and_comments() {
    for separator in ["---", "---\t# second", "--- # second", "---\r", "..."] {
        let found = first(&format!("a: 1\n{separator}\nnote: a: b\n"));
        assert!(found.ends_with("quote the value: note: 'a: b'"), "{separator:?}: {found}");
    }
}
