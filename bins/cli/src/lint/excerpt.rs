//! Findings as text for people, with the line and a caret below it.

use std::collections::BTreeMap;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level as Severity, Renderer, Snippet};
use toolforge_model::Untrusted;
use toolforge_model::yaml::not_yaml;
use toolforge_render::lint::{Finding, Level, POLICY_DATE, Rule, Secrets};

use super::checked::Checked;
use super::facts::Facts;
use super::options::LintOptions;
use crate::failure::CRONTAB_HINT;

/// Lines that are longer than this are not shown.
const LONGEST_LINE: usize = 500;

/// The most findings of one file that are shown.
const MOST: usize = 200;

/// The maximum number of other lines with the same finding that are listed.
const MOST_LINES: usize = 10;

/// Returns the findings in a file, and the fixes.
pub(super) fn file(checked: &Checked) -> String {
    let mut text = String::new();
    let name = checked.name.escaped();
    if let Some(fixes) = &checked.fixes {
        let backup = Untrusted::new(fixes.backup.display().to_string());
        text.push_str(&fixes.difference);
        text.push_str(&format!(
            "{name}: {} fixed; the original is {}\n\n",
            count(fixes.count, "finding"),
            backup.escaped()
        ));
    }
    let mut lines: BTreeMap<_, Vec<u64>> = BTreeMap::new();
    let mut different = Vec::new();
    let (last, findings): (Vec<_>, Vec<_>) =
        checked.findings.iter().partition(|finding| finding.rule == Rule::TooManyFindings);
    for finding in findings {
        let same = lines.entry(shown_text(finding)).or_default();
        if same.is_empty() {
            different.push(finding);
        }
        // They are in the order of the file.
        if same.last() != Some(&finding.location.line) {
            same.push(finding.location.line);
        }
    }
    for finding in different.iter().take(MOST) {
        let others = lines.get(&shown_text(finding)).and_then(|lines| lines.get(1..));
        text.push_str(&shown(checked, finding, others.unwrap_or_default()));
        text.push_str("\n\n");
    }
    if let more @ 1.. = different.len().saturating_sub(MOST) {
        text.push_str(&format!("{name}: {more} more; `--output json` lists them\n\n"));
    }
    for finding in last {
        text.push_str(&shown(checked, finding, &[]));
        text.push_str("\n\n");
    }
    text
}

/// Returns the text of a finding, apart from its location.
fn shown_text(finding: &Finding) -> (Rule, &str, Option<&str>, Option<&str>) {
    let fix = finding.fix.as_ref().map(|fix| fix.title.as_raw());
    (finding.rule, finding.message.as_raw(), finding.answer.as_ref().map(Untrusted::as_raw), fix)
}

/// Returns a finding, with the other lines that have the same finding.
fn shown(checked: &Checked, finding: &Finding, others: &[u64]) -> String {
    let severity = match finding.level() {
        Level::Error => Severity::ERROR,
        Level::Warning => Severity::WARNING,
        Level::Note => Severity::NOTE,
    };
    let message = finding.message.escaped().to_string();
    let place = format!("{}:{}:{}", checked.name.escaped(), finding.location.line, finding.location.column);
    let title = severity.primary_title(format!("{place}: {message}")).id(finding.rule.id());
    let mut notes = Vec::new();
    if let Some(answer) = &finding.answer {
        notes.push(Severity::NOTE.with_name("server").message(answer.escaped().to_string()));
    }
    let remedy = match &finding.fix {
        Some(fix) => Some(format!("`--fix` can {}", fix.title.escaped())),
        None => remedy(checked, finding.rule),
    };
    notes.extend(remedy.map(|remedy| Severity::HELP.with_name("fix").message(remedy)));
    if !others.is_empty() {
        let shown: Vec<String> = others.iter().take(MOST_LINES).map(u64::to_string).collect();
        let more = others.len().saturating_sub(MOST_LINES);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        let noun = if others.len() == 1 { "line" } else { "lines" };
        let message = format!("also on {noun} {}{more}", shown.join(", "));
        notes.push(Severity::NOTE.message(message));
    }
    let line = excerpt(&checked.text, &checked.secrets, finding);
    let mut group = match &line {
        Some((line, span)) => {
            let number = usize::try_from(finding.location.line).unwrap_or(1);
            let annotation = AnnotationKind::Primary.span(span.clone());
            title.element(Snippet::source(line.as_str()).line_start(number).annotation(annotation))
        }
        None => title.elements(Vec::<annotate_snippets::Message<'_>>::new()),
    };
    for note in notes {
        group = group.element(note);
    }
    let renderer = if is_styled() { Renderer::styled() } else { Renderer::plain() };
    renderer.render(&[group])
}

/// Returns what to do about a finding without a fix; `None` if its message says that.
fn remedy(checked: &Checked, rule: Rule) -> Option<String> {
    Some(match rule {
        Rule::PlatformFile => return None,
        Rule::UnknownDocument if not_yaml(&checked.text).is_some() => CRONTAB_HINT.to_owned(),
        Rule::UnknownImage => format!("{} `toolforge jobs images` lists those of jobs.", rule.remedy()),
        rule => rule.remedy().to_owned(),
    })
}

/// Returns whether standard output shows colors.
fn is_styled() -> bool {
    anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never
}

/// Returns the line of a finding, escaped and without secrets, and the bytes in it that it is about; `None` if it is about a
/// secret, is too long, or does not exist.
fn excerpt(text: &str, secrets: &Secrets, finding: &Finding) -> Option<(String, Range<usize>)> {
    if finding.rule == Rule::PlainSecret {
        return None;
    }
    let before = text.get(..finding.span.start)?;
    let start = before.rfind('\n').map_or(0, |end| end + 1);
    let line = text.get(start..)?.split(['\n', '\r']).next()?;
    if line.is_empty() || line.len() > LONGEST_LINE {
        return None;
    }
    let first = (finding.span.start - start).min(line.len());
    let last = finding.span.end.saturating_sub(start).clamp(first, line.len());
    let parts = [line.get(..first)?, line.get(first..last)?, line.get(last..)?];
    let mut shown = String::with_capacity(line.len());
    let mut span = 0..0;
    let mut offset = start;
    for (index, part) in parts.into_iter().enumerate() {
        if index == 1 {
            span.start = shown.len();
        }
        for c in secrets.hide(part, offset).chars() {
            match c {
                '\t' => shown.push(c),
                c => shown.push_str(&Untrusted::new(c).escaped().to_string()),
            }
        }
        if index == 1 {
            span.end = shown.len();
        }
        offset += part.len();
    }
    Some((shown, span))
}

/// Returns the last line: the number of findings, and the source of the facts.
pub(super) fn end(files: &[Checked], facts: &Facts, options: LintOptions) -> String {
    let of =
        |level| files.iter().flat_map(|file| &file.findings).filter(|found| found.level() == level).count();
    let (errors, warnings, notes) = (of(Level::Error), of(Level::Warning), of(Level::Note));
    let mut parts = Vec::new();
    for (number, noun) in [(errors, "error"), (warnings, "warning"), (notes, "note")] {
        if number > 0 {
            parts.push(count(number, noun));
        }
    }
    let found = if parts.is_empty() { "nothing found".to_owned() } else { parts.join(", ") };
    let source = source(facts);
    let fixable = files.iter().flat_map(|file| &file.findings).filter(|found| found.fix.is_some()).count();
    let hint = if fixable > 0 && !options.fix {
        format!("hint: `--fix` fixes {fixable} of them.\n")
    } else {
        String::new()
    };
    format!("{found} in {}, {source}\n{hint}", count(files.len(), "file"))
}

/// Returns the source of the limits and the images.
fn source(facts: &Facts) -> String {
    if !facts.is_live {
        return format!(
            "without the cluster: policy of {POLICY_DATE}, images of August 2025, limits of 2023"
        );
    }
    let images = if facts.context.catalog.is_bundled() {
        "limits of the cluster, and images of August 2025"
    } else {
        "limits and images of the cluster"
    };
    format!("with the {images}")
}

fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

#[cfg(test)]
mod tests {
    use toolforge_render::lint::{LintContext, lint};

    use super::*;

    fn excerpts(text: &str) -> Vec<(String, String)> {
        let context = LintContext::offline("stashbot".parse().ok());
        let (findings, secrets) = (lint(text, &context), Secrets::of(text));
        let shown = findings.iter().filter_map(|finding| excerpt(text, &secrets, finding));
        shown.map(|(line, span)| (line[span].to_owned(), line)).collect()
    }

    #[test]
    fn caret_is_below_the_value() {
        let head = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
        let (found, line) = &excerpts(&format!("{head}dáta: {{x: é}}\n"))[0];
        assert_eq!((found.as_str(), line.as_str()), ("dáta", "dáta: {x: é}"));
        let shown = excerpts(&format!("{head}data: {{\"\u{202e}x\": 12}}\n"));
        let (found, line) = shown.last().unwrap();
        assert_eq!((found.as_str(), line.as_str()), ("12", "data: {\"\\u{202e}x\": 12}"));
    }

    /// A secret that is a number, so it is not of the type of its field.
    #[test]
    fn secrets_are_not_shown() {
        for (value, shown) in [("12345678", "***"), ("\"hunter2\", valu: x", "\"***\", valu: x")] {
            let text = format!(
                "apiVersion: v1\nkind: Pod\nmetadata: {{name: a, labels: {{toolforge: tool}}}}\nspec:\n  containers:\n  - name: \
                 a\n    image: tools-harbor.wmcloud.org/tool-a/a:1\n    env: [{{name: PASSWORD, value: {value}}}]\n"
            );
            let found = excerpts(&text);
            let (_, line) = found.last().unwrap();
            assert_eq!(line, &format!("    env: [{{name: PASSWORD, value: {shown}}}]"));
            let findings = lint(&text, &LintContext::offline("stashbot".parse().ok()));
            assert!(findings.iter().any(|finding| finding.rule == Rule::PlainSecret));
            let texts = findings.iter().flat_map(|finding| [Some(&finding.message), finding.answer.as_ref()]);
            for text in texts.flatten() {
                assert!(
                    !["12345678", "hunter2"].iter().any(|secret| text.as_raw().contains(secret)),
                    "{text:?}"
                );
            }
        }
    }
}
