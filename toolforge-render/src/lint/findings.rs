//! Everything that is found in a text.

use super::check::Check;
use super::context::LintContext;
use super::document::{Contents, contents};
use super::finding::Finding;
use super::rules::{check_object, check_quota, check_together};
use super::{ignore, rules, syntax, text};

/// Returns what keeps a text from being read as it was meant: that it is too large, no YAML, a template, nested too deeply or
/// empty, and keys that are there twice.
#[must_use]
pub fn reading_errors(text: &str) -> Vec<Finding> {
    let context = LintContext::offline(None);
    let mut check = Check::new(text, &context);
    if text::check_size(&mut check) {
        text::check_readable(&mut check, &syntax::parse(text));
    }
    check.findings
}

/// Returns everything that the rules find in a text, sorted by location, without what comments ignore.
///
/// Time and memory are bounded by the size of the text, whatever it contains.
#[must_use]
pub fn lint(text: &str, context: &LintContext) -> Vec<Finding> {
    let mut check = Check::new(text, context);
    if text::check_size(&mut check) {
        let parsed = syntax::parse(text);
        text::check(&mut check);
        if text::check_readable(&mut check, &parsed) {
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
            if !text::is_broken(&parsed) {
                check_quota(&mut check, &parsed.documents, &objects);
            }
        }
        ignore::apply(&mut check, &parsed.comments, &parsed.documents);
    }
    let mut findings = check.findings;
    findings.sort_by(|left, right| {
        let key = |finding: &Finding| (finding.location, std::cmp::Reverse(finding.level()), finding.rule);
        key(left).cmp(&key(right))
    });
    findings.dedup();
    findings
}
