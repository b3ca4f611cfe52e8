use std::fmt::Write as _;
use std::path::PathBuf;

use toolforge_render::lint::{Finding, LintContext, lint};

/// Returns the facts of a tool that are known without a cluster.
pub(crate) fn context(tool: &str) -> LintContext {
    LintContext::offline(Some(tool.parse().unwrap()))
}

/// Returns a file of `fixtures/lint`.
pub(crate) fn fixture(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fixtures/lint").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns the findings of a text, one to a line, with what they are about.
pub(crate) fn shown(text: &str, context: &LintContext) -> String {
    let mut out = String::new();
    for finding in lint(text, context) {
        let Finding { rule, message, location, span, fix, answer, .. } = &finding;
        let place =
            text.get(span.clone()).unwrap_or("(no place)").lines().next().unwrap_or_default().to_owned();
        let _ = writeln!(
            out,
            "{}:{} {} {rule}: {} [{place}]",
            location.line,
            location.column,
            finding.level(),
            message.escaped()
        );
        if let Some(answer) = answer {
            let _ = writeln!(out, "    server: {}", answer.escaped());
        }
        if let Some(fix) = fix {
            let _ = writeln!(out, "    fix: {}", fix.title.escaped());
        }
    }
    out
}

/// Returns the ids of the rules that find something.
pub(crate) fn ids(text: &str, context: &LintContext) -> Vec<&'static str> {
    lint(text, context).iter().map(|finding| finding.rule.id()).collect()
}

/// Returns the lines that differ, without context.
pub(crate) fn difference(before: &str, after: &str) -> String {
    let (before, after): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let mut out = String::new();
    let (mut left, mut right) = (0, 0);
    while left < before.len() || right < after.len() {
        let (old, new) = (before.get(left), after.get(right));
        if old == new {
            (left, right) = (left + 1, right + 1);
        } else if let Some(found) = old.and_then(|old| after[right..].iter().position(|line| line == old)) {
            after[right..right + found].iter().for_each(|line| out.push_str(&format!("+{line}\n")));
            right += found;
        } else {
            old.iter().for_each(|line| out.push_str(&format!("-{line}\n")));
            left += 1;
            if old.is_none() {
                after[right..].iter().for_each(|line| out.push_str(&format!("+{line}\n")));
                right = after.len();
            }
        }
    }
    out
}
