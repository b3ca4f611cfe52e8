//! Everything that is found in a text.

use std::ops::Range;

use toolforge_model::Location;

use super::check::Check;
use super::context::LintContext;
use super::finding::{Edit, Finding};
use super::read_objects::{Contents, contents};
use super::redaction::Secrets;
use super::rule::{Level, Rule};
use super::rules::{check_object, check_quota, check_together};
use super::{ignore, rules, syntax, whole_text};

/// The most findings of a text that are listed.
const MOST: usize = 1_000;

/// Returns what keeps a text from being read as intended: it is too large, not YAML, a template, nested too deeply or
/// empty, or it has duplicate keys.
#[must_use]
pub fn reading_errors(text: &str) -> Vec<Finding> {
    bounded(text, all_reading_errors(text))
}

fn all_reading_errors(text: &str) -> Vec<Finding> {
    let context = LintContext::offline(None);
    let mut check = Check::new(text, &context);
    if whole_text::check_size(&mut check) {
        let parsed = syntax::parse(text);
        let secrets = Secrets::of_parsed(text, &parsed);
        whole_text::check_readable(&mut check, &parsed, secrets.are_in_broken_text());
        check.findings.iter_mut().for_each(|finding| secrets.hide_in(finding, text));
    }
    check.findings
}

/// Returns what the rules find in a text, sorted by location, without what comments ignore: at most a thousand findings, the worst
/// first, and one that says how many more there are.
///
/// Time and memory are bounded by the size of the text, regardless of its content.
#[must_use]
pub fn lint(text: &str, context: &LintContext) -> Vec<Finding> {
    bounded(text, all_findings(text, context))
}

/// Returns the worst of the findings of a text, in their order, and a last one with the number of the others.
pub(crate) fn bounded(text: &str, findings: Vec<Finding>) -> Vec<Finding> {
    if findings.len() <= MOST {
        return findings;
    }
    let mut by_level: Vec<Finding> = findings;
    // Findings of the same level keep their order.
    by_level.sort_by_key(|finding| std::cmp::Reverse(finding.level()));
    let others = by_level.split_off(MOST);
    let mut listed = by_level;
    listed.sort_by_key(|finding| finding.location);
    let counts: Vec<String> = [Level::Error, Level::Warning, Level::Note]
        .into_iter()
        .map(|level| (level, others.iter().filter(|finding| finding.level() == level).count()))
        .filter(|(_, count)| *count > 0)
        .map(|(level, count)| format!("{count} {level}{}", if count == 1 { "" } else { "s" }))
        .collect();
    let end = text.len()..text.len();
    let message = format!("{} more findings are not listed: {}", others.len(), counts.join(", "));
    let context = LintContext::offline(None);
    let mut check = Check::new(text, &context);
    check.add(Rule::TooManyFindings, Location::end_of(text), end, message);
    listed.append(&mut check.findings);
    listed
}

/// Returns everything that the rules find in a text.
pub(crate) fn all_findings(text: &str, context: &LintContext) -> Vec<Finding> {
    let mut check = Check::new(text, context);
    if whole_text::check_size(&mut check) {
        let parsed = syntax::parse(text);
        let secrets = Secrets::of_parsed(text, &parsed);
        whole_text::check(&mut check);
        if whole_text::check_readable(&mut check, &parsed, secrets.are_in_broken_text()) {
            let objects = match contents(&mut check, &parsed.documents) {
                Contents::Objects(objects) => objects,
                Contents::Other => Vec::new(),
            };
            for object in &objects {
                check.object = Some(rules::label(*object));
                check_object(&mut check, *object);
                check.object = None;
            }
            check_together(&mut check, &objects);
            if !whole_text::is_broken(&parsed) {
                check_quota(&mut check, &parsed.documents, &objects);
            }
        }
        ignore::apply(&mut check, &parsed.comments, &parsed.documents);
        check.findings.iter_mut().for_each(|finding| secrets.hide_in(finding, text));
        remove_fixes_of_repeated_values(&mut check, parsed.repeated);
    }
    let mut findings = check.findings;
    findings.sort_by(|left, right| {
        let key = |finding: &Finding| (finding.location, std::cmp::Reverse(finding.level()), finding.rule);
        key(left).cmp(&key(right))
    });
    findings.dedup();
    findings
}

/// Removes fixes that would change a value in all places where aliases repeat it, when only one of them is wrong.
fn remove_fixes_of_repeated_values(check: &mut Check<'_>, mut repeated: Vec<Range<usize>>) {
    repeated.sort_by_key(|value| value.start);
    // One may contain another.
    repeated.dedup_by(|next, value| {
        let is_within = next.start <= value.end;
        value.end = value.end.max(if is_within { next.end } else { 0 });
        is_within
    });
    let is_repeated = |edit: &Edit| {
        let next = repeated.partition_point(|value| value.end < edit.span.start);
        repeated.get(next).is_some_and(|value| value.start <= edit.span.end)
    };
    for finding in &mut check.findings {
        // Line endings and byte order marks do not belong to values.
        let is_of_text = matches!(finding.rule, Rule::WindowsLineEndings | Rule::ByteOrderMark);
        if !is_of_text && finding.fix.as_ref().is_some_and(|fix| fix.edits.iter().any(is_repeated)) {
            finding.fix = None;
        }
    }
}
