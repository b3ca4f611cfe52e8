//! Files that cannot be read, or that are made to exhaust a reader: a clear message each, soon, and no panic.

use std::time::{Duration, Instant};

use toolforge_fixtures::bad_yaml;
use toolforge_render::lint::{decode, lint};

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
