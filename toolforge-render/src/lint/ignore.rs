//! Comments that ignore rules: `# lint: ignore=ID,ID`.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use toolforge_model::suggest;

use super::check::Check;
use super::finding::Finding;
use super::rule::Rule;
use super::syntax::{Comment, Document};

/// The most unknown ids for which a similar one is searched.
const MOST_SUGGESTIONS: usize = 100;

/// Rules that a comment before a document ignores in all its lines.
struct IgnoredInDocument {
    last_line: u64,
    rules: BTreeSet<Rule>,
}

/// Removes the findings that comments ignore; adds one for each rule that does not exist.
pub(crate) fn apply(check: &mut Check<'_>, comments: &[Comment], documents: &[Document]) {
    let mut ignored: HashMap<u64, BTreeSet<Rule>> = HashMap::new();
    // By the line of the first comment before the document.
    let mut whole: BTreeMap<u64, IgnoredInDocument> = BTreeMap::new();
    let mut unknown = 0;
    let mut lines = None;
    for comment in comments {
        let Some(ids) = comment.text.trim().strip_prefix("lint:").map(str::trim) else { continue };
        let Some(ids) = ids.strip_prefix("ignore=").or_else(|| ids.strip_prefix("ignore ")) else { continue };
        let mut rules = BTreeSet::new();
        for id in ids.split([',', ' ']).map(str::trim).filter(|id| !id.is_empty()) {
            let Ok(rule) = id.parse::<Rule>() else {
                let near = (unknown < MOST_SUGGESTIONS)
                    .then(|| suggest(id, Rule::ALL.iter().map(|rule| rule.id())))
                    .flatten();
                unknown += 1;
                let near = near.map(|near| format!("; did you mean \"{near}\"?")).unwrap_or_default();
                let message = format!("no rule has the id \"{id}\"{near}");
                check.add(Rule::UnknownRule, comment.location, comment.span.clone(), message);
                continue;
            };
            rules.insert(rule);
        }
        let line = comment.location.line;
        if rules.is_empty() {
            continue;
        }
        let lines = lines.get_or_insert_with(|| Lines::of(check.text));
        if !is_whole_line(check.text, comment) {
            ignored.entry(line).or_default().append(&mut rules);
        } else if let Some(last_line) = document_after(check.text, comment, documents, lines) {
            let before = whole.last_entry().filter(|before| before.get().last_line == last_line);
            match before {
                Some(before) => before.into_mut().rules.append(&mut rules),
                None => drop(whole.insert(line, IgnoredInDocument { last_line, rules })),
            }
        } else {
            let next = lines.next_content(line.saturating_add(1)).unwrap_or(line);
            ignored.entry(next).or_default().append(&mut rules);
        }
    }
    if ignored.is_empty() && whole.is_empty() {
        return;
    }
    let is_ignored = |finding: &Finding| {
        let line = finding.location.line;
        let document = whole.range(..=line).next_back().map(|(_, found)| found);
        ignored.get(&line).is_some_and(|rules| rules.contains(&finding.rule))
            || document.is_some_and(|found| line <= found.last_line && found.rules.contains(&finding.rule))
    };
    check.findings.retain(|finding| !is_ignored(finding));
}

fn is_whole_line(text: &str, comment: &Comment) -> bool {
    let before = text.get(..comment.span.start).unwrap_or_default();
    before.rsplit('\n').next().unwrap_or_default().trim_start_matches('\u{feff}').trim().is_empty()
}

/// Returns the last line of the document that begins below a comment, if nothing but comments is between them.
fn document_after(text: &str, comment: &Comment, documents: &[Document], lines: &Lines) -> Option<u64> {
    let next = documents.partition_point(|document| document.root.span.start < comment.span.end);
    let root = &documents.get(next)?.root;
    let first = root.location.line;
    if lines.next_of_document(comment.location.line.saturating_add(1)).is_some_and(|line| line < first) {
        return None;
    }
    let inner = text.get(root.span.clone())?.matches('\n').count();
    Some(first.saturating_add(u64::try_from(inner).ok()?))
}

/// What the lines of a text are.
struct Lines {
    /// For each line, the next one that is neither empty nor a comment, including itself.
    content: Vec<Option<u64>>,
    /// For each line, the next one that is neither empty, nor a comment, nor anything that may come between documents.
    of_document: Vec<Option<u64>>,
}

impl Lines {
    fn of(text: &str) -> Self {
        let lines: Vec<&str> = text.lines().collect();
        let nexts = |marks: &[char]| {
            let mut next = None;
            let mut found: Vec<Option<u64>> = Vec::with_capacity(lines.len());
            for (index, line) in lines.iter().enumerate().rev() {
                let line = line.trim_start();
                if !line.is_empty() && !line.starts_with(marks) {
                    next = u64::try_from(index).ok().map(|index| index.saturating_add(1));
                }
                found.push(next);
            }
            found.reverse();
            found
        };
        Self { content: nexts(&['#']), of_document: nexts(&['#', '-', '%']) }
    }

    fn next_content(&self, line: u64) -> Option<u64> {
        next(&self.content, line)
    }

    fn next_of_document(&self, line: u64) -> Option<u64> {
        next(&self.of_document, line)
    }
}

/// Returns the entry of a line, counted from 1.
fn next(lines: &[Option<u64>], line: u64) -> Option<u64> {
    lines.get(usize::try_from(line).ok()?.checked_sub(1)?).copied().flatten()
}
