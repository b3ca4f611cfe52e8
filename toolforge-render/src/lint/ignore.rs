//! Comments that ignore rules: `# lint: ignore=ID,ID`.

use std::collections::HashMap;

use toolforge_model::suggest;

use super::check::Check;
use super::finding::Finding;
use super::rule::Rule;
use super::syntax::{Comment, Document};

/// Removes the findings that comments ignore; adds one for each rule that does not exist.
pub(crate) fn apply(check: &mut Check<'_>, comments: &[Comment], documents: &[Document]) {
    let mut lines: HashMap<u64, Vec<Rule>> = HashMap::new();
    let mut whole: Vec<(u64, u64, Rule)> = Vec::new();
    for comment in comments {
        let Some(ids) = comment.text.trim().strip_prefix("lint:").map(str::trim) else { continue };
        let Some(ids) = ids.strip_prefix("ignore=").or_else(|| ids.strip_prefix("ignore ")) else { continue };
        for id in ids.split([',', ' ']).map(str::trim).filter(|id| !id.is_empty()) {
            let Ok(rule) = id.parse::<Rule>() else {
                let near = suggest(id, Rule::ALL.iter().map(|rule| rule.id()));
                let near = near.map(|near| format!("; did you mean \"{near}\"?")).unwrap_or_default();
                let message = format!("no rule has the id \"{id}\"{near}");
                check.add(Rule::UnknownRule, comment.location, comment.span.clone(), message);
                continue;
            };
            let line = comment.location.line;
            if !stands_alone(check.text, comment) {
                lines.entry(line).or_default().push(rule);
            } else if let Some((first, last)) = document_after(check.text, comment, documents) {
                whole.push((first, last, rule));
            } else {
                let next = next_content(check.text, comment).unwrap_or(line);
                lines.entry(next).or_default().push(rule);
            }
        }
    }
    if lines.is_empty() && whole.is_empty() {
        return;
    }
    let is_ignored = |finding: &Finding| {
        let line = finding.location.line;
        lines.get(&line).is_some_and(|rules| rules.contains(&finding.rule))
            || whole
                .iter()
                .any(|(first, last, rule)| *rule == finding.rule && (*first..=*last).contains(&line))
    };
    check.findings.retain(|finding| !is_ignored(finding));
}

fn stands_alone(text: &str, comment: &Comment) -> bool {
    let before = text.get(..comment.span.start).unwrap_or_default();
    before.rsplit('\n').next().unwrap_or_default().trim_start_matches('\u{feff}').trim().is_empty()
}

/// Returns the lines of the document that begins below a comment, if nothing but comments is between them.
fn document_after(text: &str, comment: &Comment, documents: &[Document]) -> Option<(u64, u64)> {
    let next = documents.iter().find(|document| document.root.span.start >= comment.span.end)?;
    let between = text.get(comment.span.end..next.root.span.start)?;
    let is_comment = |line: &str| line.trim().is_empty() || line.trim_start().starts_with(['#', '-', '%']);
    if !between.lines().all(is_comment) {
        return None;
    }
    let lines = text.get(next.root.span.clone())?.matches('\n').count();
    let first = next.root.location.line;
    Some((comment.location.line, first.saturating_add(u64::try_from(lines).ok()?)))
}

/// Returns the line of the next line that is not empty and no comment.
fn next_content(text: &str, comment: &Comment) -> Option<u64> {
    let rest = text.get(comment.span.end..)?;
    let is_content = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let offset = rest.lines().skip(1).position(is_content)?;
    Some(comment.location.line.saturating_add(u64::try_from(offset).ok()?).saturating_add(1))
}
