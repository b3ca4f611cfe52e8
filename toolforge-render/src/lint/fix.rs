use std::collections::BTreeMap;

use super::context::LintContext;
use super::finding::{Edit, Finding};
use super::findings::{all_findings, bounded};
use super::rule::Level;

/// The maximum number of times that a text is fixed again: a fix may reveal what was hidden before.
const ROUNDS: usize = 20;

/// A text after all possible fixes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fixed {
    /// The resulting text.
    pub text: String,
    /// What was fixed; the locations are those of the text at that time. Like the findings of [`lint`](super::lint), at most a
    /// thousand, and one that says how many more there are.
    pub applied: Vec<Finding>,
    /// How many findings were fixed.
    pub count: usize,
}

/// Returns a text with all fixes applied, until none is left. Everything else is byte-identical, and fixing the result
/// changes nothing.
///
/// ```
/// use toolforge_render::lint::{LintContext, fix};
///
/// let fixed = fix("kind: Service\napiVersion: apps/v1 # not this\n", &LintContext::offline(None));
/// assert_eq!(fixed.text, "kind: Service\napiVersion: v1 # not this\n");
/// ```
#[must_use]
pub fn fix(text: &str, context: &LintContext) -> Fixed {
    let mut fixed = Fixed { text: text.to_owned(), applied: Vec::new(), count: 0 };
    let mut findings = all_findings(text, context);
    for _ in 0..ROUNDS {
        let (text, applied) = apply(&fixed.text, &findings);
        if applied.is_empty() {
            break;
        }
        let after = all_findings(&text, context);
        if errors(&after) > errors(&findings) && unreadable(&after) {
            break;
        }
        fixed.text = text;
        fixed.applied.extend(applied);
        findings = after;
    }
    fixed.count = fixed.applied.len();
    fixed.applied = bounded(&fixed.text, fixed.applied);
    fixed
}

fn errors(findings: &[Finding]) -> usize {
    findings.iter().filter(|finding| finding.level() == Level::Error).count()
}

fn unreadable(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.rule == super::Rule::InvalidYaml)
}

/// Returns a text with the fixes of findings, without those that overlap an earlier one.
fn apply(text: &str, findings: &[Finding]) -> (String, Vec<Finding>) {
    // By their first byte; none overlaps another.
    let mut edits: BTreeMap<usize, &Edit> = BTreeMap::new();
    let mut applied = Vec::new();
    for finding in findings {
        let Some(fix) = &finding.fix else { continue };
        let is_free = |edit: &Edit| {
            let before = edits.range(..=edit.span.end).next_back();
            before.is_none_or(|(_, other)| !overlaps(edit, other)) && text.get(edit.span.clone()).is_some()
        };
        if fix.edits.iter().all(is_free) {
            edits.extend(fix.edits.iter().map(|edit| (edit.span.start, edit)));
            applied.push(finding.clone());
        }
    }
    let mut out = String::with_capacity(text.len());
    let mut position = 0;
    for edit in edits.into_values() {
        out.push_str(text.get(position..edit.span.start).unwrap_or_default());
        out.push_str(&edit.replacement);
        position = edit.span.end;
    }
    out.push_str(text.get(position..).unwrap_or_default());
    (out, applied)
}

/// Returns whether two edits touch the same bytes, or the same place.
fn overlaps(left: &Edit, right: &Edit) -> bool {
    left.span.start <= right.span.end && right.span.start <= left.span.end
}
