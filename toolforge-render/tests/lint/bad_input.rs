//! Files that cannot be read, or that are made to exhaust a reader: a clear message each, soon, and no panic.

use std::time::{Duration, Instant};

use toolforge_render::lint::{MAX_BYTES, decode, lint};

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

/// Returns aliases of aliases, ten to a level.
fn bomb(levels: usize, before: &str) -> String {
    let mut text = format!("{before}a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..levels {
        let below = format!("*a{}, ", level - 1).repeat(10);
        text.push_str(&format!("a{level}: &a{level} [{below}]\n"));
    }
    text
}

fn utf16(text: &str, mark: bool, is_little: bool) -> Vec<u8> {
    let units = mark.then_some(0xfeff).into_iter().chain(text.encode_utf16());
    units.flat_map(|unit| if is_little { unit.to_le_bytes() } else { unit.to_be_bytes() }).collect()
}

#[test]
fn bad_files_have_clear_messages() {
    const OBJECT: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
    let text = |text: &str| text.as_bytes().to_vec();
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("empty", vec![]),
        ("spaces", text("  \n\n")),
        ("comments", text("# nothing\n---\n# nothing\n")),
        ("null", text("---\nnull\n")),
        ("tab", text("apiVersion: v1\nkind: ConfigMap\nmetadata:\n\tname: a\n")),
        ("boolean", text(&format!("{OBJECT}data: {{a: no, on: x}}\n"))),
        ("duplicate key", text(&format!("{OBJECT}data: {{a: x, a: y}}\n"))),
        (
            "anchors and merge keys",
            text(&format!("{OBJECT}data: &d {{a: x}}\n---\n{OBJECT}data: {{<<: {{b: y}}, a: x}}\n")),
        ),
        ("alias bomb", text(&bomb(30, OBJECT))),
        ("alias bomb in a template", text(&bomb(30, "type: php8.2\n"))),
        (
            "alias bomb in a jobs file",
            text(&bomb(30, "").lines().map(|line| format!("- {line}\n")).collect::<String>()),
        ),
        ("alias of itself", text(&format!("{OBJECT}data: &a {{a: *a}}\n"))),
        ("unknown alias", text(&format!("{OBJECT}data: *a\n"))),
        ("10 MB", "a: 1234567890\n".repeat(750_000).into_bytes()),
        ("3 MB of keys", {
            let keys: String = (0..240_000).map(|number| format!(" k{number}: ''\n")).collect();
            text(&format!("{OBJECT}data:\n{keys}"))
        }),
        ("3 MB of documents", "---\na\n".repeat(MAX_BYTES / 6 / 20).into_bytes()),
        ("10,000 levels in brackets", text(&format!("{}{}", "[".repeat(10_000), "]".repeat(10_000)))),
        ("10,000 levels of dashes", text(&format!("{}x\n", "- ".repeat(10_000)))),
        (
            "10,000 levels of keys",
            text(&(0..10_000).map(|level| format!("{}a:\n", " ".repeat(level % 300))).collect::<String>()),
        ),
        (
            "Helm",
            text(&format!("{OBJECT}data:\n{{{{- range .Values.x }}}}\n  a: {{{{ . }}}}\n{{{{- end }}}}\n")),
        ),
        ("Jinja", text("{% for x in y %}\na: {{ x }}\n{% endfor %}\n")),
        ("expression in a string", text(&format!("{OBJECT}data: {{a: \"{{{{ x }}}}\"}}\n"))),
        ("Windows line ends", text(&format!("{OBJECT}data: {{a: x}}\n").replace('\n', "\r\n"))),
        ("byte order mark", text(&format!("\u{feff}{OBJECT}"))),
        ("UTF-16 with a mark", utf16(OBJECT, true, true)),
        ("UTF-16 without a mark", utf16(OBJECT, false, false)),
        ("Latin-1", b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: caf\xe9}\n".to_vec()),
        ("binary", b"\x7fELF\x02\x01\x01\0\0\0abcdefghijklmnopqrstuvwxyz\0".to_vec()),
        ("other tool", text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: tool-other}\n")),
        (
            "list in a list",
            text("apiVersion: v1\nkind: List\nitems: [{kind: List, apiVersion: v1, items: []}, []]\n"),
        ),
        ("jobs in a mapping", text("jobs:\n- name: a\n")),
        ("one job", text("name: a\ncommand: ./a\nimage: python3.11\n")),
        ("components", text("components:\n  a: {}\n")),
        ("compose", text("services:\n  a: {image: x}\n")),
        ("only a string", text("hello\n")),
        ("second document", text(&format!("{OBJECT}---\na: [1\n---\n{OBJECT}kind: x\n"))),
        ("error in the second", text(&format!("{OBJECT}---\ncommand: echo it's: fine\n"))),
        ("controls", text(&format!("{OBJECT}data: {{\"\\e[2J\\u202e\": 1, \u{202e}x: 2}}\n"))),
        ("JSON with an error", text("{\"apiVersion\": \"v1\",}{")),
    ];
    let mut out = String::new();
    for (name, bytes) in cases {
        let start = Instant::now();
        let answer = answer(&bytes);
        let took = start.elapsed();
        assert!(took < Duration::from_secs(30), "{name}: {took:?}");
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
