//! An error of YAML names a missing character only in the line in which it is missing.
#![cfg(feature = "yaml")]

use toolforge_model::JobField;
use toolforge_model::yaml::parse;

fn shown(text: &str) -> String {
    parse(text).map_or_else(|error| error.to_string(), |node| format!("YAML: {}", node.describe()))
}

/// Returns the texts whose error ends with something else.
fn wrong(cases: &[(&str, &str)]) -> Vec<String> {
    let is_wrong = |(text, end): &&(&str, &str)| !shown(text).ends_with(end);
    cases.iter().filter(is_wrong).map(|(text, _)| format!("{text:?}: {}", shown(text))).collect()
}

#[test]
fn valid_lines_have_no_correction() {
    for text in [
        // Texts after `|` and `>`, and the lines after them.
        "- name: a\n  image: bookworm\n  command: |\n    set -e\n   echo done: ok\n",
        "- name: a\n  command: |\n    set: -e\n   echo done: ok\n",
        "- name: a\n  command: |\n    type php\n   echo done: ok\n",
        "- name: a\n  image: bookworm\n  command: >\n    python3 bot.py\n   --verbose\n",
        "- name: a\n  command: |\n    set -e\n  echo foo\n",
        "- name: a\n  command: >\n  echo foo\n",
        "- name: a\n  command: |\n    set -e\n  image stuff.png\n",
        "- name: a\n  command: |- # script\n    set -e\n  image stuff.png\n",
        // Items above a line with another indentation.
        "command:\n- sh\n- -c\n- python3 bot.py\n image: x\n",
        "- name: a\n  args:\n  - python3 bot.py\n    image: x\n",
        "- name: a\n  env:\n    - LANG C.UTF-8\n   FOO: x\n",
        // Commands that continue.
        "- name: a\n  command: cd dir &&\n  python3 bot.py\n",
        "- name: a\n  command: cd dir &&\n  type php\n",
        "- name: a\n  command: x \\\n  run all\n",
        "- name: a\n  command: x \\\n  wait all\n",
        "- name: a\n  command: cd dir;\n  echo:x\n",
        // Texts in quotes that continue.
        "- name: a\n  image: x\n  command: \"echo a\n    b c\" d\n",
        "- name: a\n  command: \"./bot.py\n    --verbose\n  image: x\n",
        "- name: a\n  command: python3 bot.py\n  wait for it\n",
        // Other formats.
        "type: php8.2\nTODO use php\n",
        "this is my bot\ntype: php8.2\n",
        "#!/bin/bash\nset -e\necho foo: bar\n",
        "import os\nx: int = 1\n",
        // An address.
        "- name: a\n  https://example.org\n",
    ] {
        let found = shown(text);
        assert!(found.contains("invalid YAML"), "{text:?}: {found}");
        assert!(!found.contains("write ") && !found.contains("quote the value"), "{text:?}: {found}");
    }
}

#[test]
fn missing_colons_are_found() {
    let found = wrong(&[
        ("- name a\n  image: b\n", "line 1, column 1: invalid YAML: the colon is missing; write - name: a"),
        (
            "- name: a\n  schedule @daily\n",
            "line 2, column 3: invalid YAML: the colon is missing; write schedule: '@daily'",
        ),
        (
            "- name: a\n  schedule */5 * * * *\n",
            "line 2, column 3: invalid YAML: the colon is missing; write schedule: '*/5 * * * *'",
        ),
        (
            "- name: a\n  schedule @daily # x\n  image: b\n",
            "the colon is missing; write schedule: '@daily' # x",
        ),
        ("- name: a\n  image\u{a0}bookworm\n", "the colon is missing; write image: bookworm"),
        ("- name: a\n  # x\n\n  image bookworm\n", "the colon is missing; write image: bookworm"),
        // The same error in several lines.
        ("- name: a\n  mem 1Gi\n  image: b\n- name: c\n  mem 1Gi\n", "missing; write mem: 1Gi"),
        ("- name: a\n  command python3 bot.py\n", "missing; write command: python3 bot.py"),
        ("- name: a\n  image bookworm # x y\n", "missing; write image: bookworm # x y"),
        ("FOO: a\nBAR = b\n", "line 2, column 1: invalid YAML: the colon is missing; write BAR: b"),
    ]);
    assert_eq!(found, [""; 0]);
}

#[test]
fn every_field_of_a_job_may_lack_its_colon() {
    for field in JobField::ALL {
        let found = shown(&format!("- x: a\n  {} 1\n", field.as_str()));
        assert!(found.ends_with(&format!("the colon is missing; write {}: 1", field.as_str())), "{found}");
    }
}

#[test]
fn missing_spaces_are_found() {
    let found = wrong(&[
        ("- name: a\n  health-check-http:/health\n", "missing; write health-check-http: /health"),
        ("- name: a\n  schedule:*/5 * * * *\n", "missing; write schedule: '*/5 * * * *'"),
        (
            "- name: a\n  image:b\n  mem:1Gi\n- name: c\n  image:d\n",
            "line 2, column 3: invalid YAML: the space after the colon is missing; write image: b",
        ),
        ("- name: a\n  publish:/\n", "the space after the colon is missing; write publish: /"),
        (
            "- name: a\n  command:/usr/bin/x\n",
            "the space after the colon is missing; write command: /usr/bin/x",
        ),
        (
            "- name: a\n  command:\u{a0}x\n",
            "line 2, column 3: invalid YAML: the space after the colon is a non-breaking one; write command: x",
        ),
        (
            "-\u{a0}name: a\n  image: b\n",
            "line 1, column 1: invalid YAML: the space after the dash is missing; write - name: a",
        ),
    ]);
    assert_eq!(found, [""; 0]);
}

#[test]
fn missing_quotes_are_found() {
    let found = wrong(&[
        (
            "- name: a\n  schedule: \"0 5 * * *   # daily\n  image: b\n",
            "the closing quote is missing; write schedule: \"0 5 * * *\"   # daily",
        ),
        ("- name: a\n  command: './bot.py   # the bot\n", "write command: './bot.py'   # the bot"),
        // Two open texts.
        (
            "- name: a\n  command: \"a\n  image: x\n- name: c\n  command: \"b\n  image: y\n",
            "line 5, column 3: invalid YAML: the closing quote is missing; write command: \"b\"",
        ),
        // A later quote closes the text.
        (
            "- name: bot\n  command: \"./bot.py\n  image: b\n- name: bot2\n  command: \"./bot2.py\"\n",
            "line 2, column 3: invalid YAML: the closing quote is missing; write command: \"./bot.py\"",
        ),
        (
            "- command: \"echo it\n  name: a\n  image: b\n- name: c\n  image: d\n  command: x\n  schedule: \"@daily\"\n",
            "line 1, column 1: invalid YAML: the closing quote is missing; write - command: \"echo it\"",
        ),
    ]);
    assert_eq!(found, [""; 0]);
}

#[test]
fn the_second_line_of_an_item_is_not_blamed_for_its_indentation() {
    for text in [
        "- name: a\n  command: './bot.py 'x' '\n",
        "- name: a\n  command: \"./bot.py \\\"\n",
        "- name: a\n  command: \"echo a\n    b c\" d\n",
        "- name: bot\n  command: \"./bot.py\n    --x\n  image: b\n- name: bot2\n  command: \"./bot2.py\"\n",
    ] {
        let found = shown(text);
        assert!(found.contains("invalid YAML") && !found.contains("indentation"), "{text:?}: {found}");
    }
    let found = wrong(&[
        ("- name: a\n    command: x\n", "check the indentation of line 2"),
        ("- name: a\n  command: |\n    set -e\n   echo done: ok\n", "check the indentation of line 4"),
    ]);
    assert_eq!(found, [""; 0]);
}
