//! The text as a whole: encoding, size, line endings, and why it cannot be read.

use std::ops::Range;

use toolforge_model::yaml::{find_template, not_yaml};
use toolforge_model::{Diagnostic, DiagnosticKind, Location, Untrusted, decode_utf8};

use super::check::Check;
use super::edit::span_at;
use super::finding::{Edit, Finding, Fix};
use super::rule::Rule;
use super::syntax::{Problem, ProblemKind, Text};
use crate::manifest::parse_at;

/// The largest text that is read: an object that the API server accepts has at most half of it.
pub const MAX_BYTES: usize = 3 * 1024 * 1024;

const BYTE_ORDER_MARK: &str = "\u{feff}";

/// Returns the bytes of a file as text.
///
/// # Errors
/// A finding, if they are not UTF-8.
pub fn decode(bytes: &[u8]) -> Result<&str, Box<Finding>> {
    let error = match decode_utf8(bytes) {
        Ok(text) => return Ok(text),
        Err(error) => error,
    };
    let valid = std::str::from_utf8(bytes).err().map(|error| error.valid_up_to());
    let valid = valid.filter(|_| error.location != Location::START).unwrap_or_default();
    let answer = if bytes.contains(&0) {
        "control characters are not allowed"
    } else {
        "invalid UTF-8 octet sequence"
    };
    Err(Box::new(Finding {
        rule: Rule::Encoding,
        message: error.message,
        answer: Some(Untrusted::new(format!("error converting YAML to JSON: yaml: {answer}"))),
        object: None,
        location: error.location,
        span: valid..valid,
        fix: None,
        is_assumed: false,
    }))
}

/// Returns whether a text is small enough to be read, and adds a finding if not.
pub(crate) fn check_size(check: &mut Check<'_>) -> bool {
    if check.text.len() <= MAX_BYTES {
        return true;
    }
    let message = format!("the text has more than {} MiB, and is not read", MAX_BYTES >> 20);
    check
        .add(Rule::TooLarge, Location::START, 0..0, message)
        .answered("the request is too large: limit is 3145728");
    false
}

/// Checks line endings and the byte order mark.
pub(crate) fn check(check: &mut Check<'_>) {
    let text = check.text;
    if text.starts_with(BYTE_ORDER_MARK) {
        let span = 0..BYTE_ORDER_MARK.len();
        let fix = Fix::replace("remove the byte order mark", span.clone(), "");
        check
            .add(Rule::ByteOrderMark, Location::START, span, "the file begins with a byte order mark")
            .fixed(Some(fix));
    }
    let ends: Vec<usize> = text.match_indices("\r\n").map(|(index, _)| index).collect();
    let Some(first) = ends.first() else { return };
    let edits = ends.iter().map(|end| Edit { span: *end..*end + 1, replacement: String::new() }).collect();
    let location = Location::end_of(text.get(..*first).unwrap_or_default());
    let message = match ends.len() {
        1 => "1 line has a Windows line ending".to_owned(),
        count => format!("{count} lines have Windows line endings"),
    };
    let span = *first..*first;
    let fix = Fix::of("write Unix line endings", edits);
    check.add(Rule::WindowsLineEndings, location, span, message).fixed(Some(fix));
}

/// Adds what kept documents from being read; returns whether the others can be checked. No line of a text with secrets is quoted.
pub(crate) fn check_readable(check: &mut Check<'_>, parsed: &Text, is_secret: bool) -> bool {
    if let Some(found) = not_yaml(check.text) {
        let span = span_at(check.text, found.location);
        let answer =
            if is_broken(parsed) { "error converting YAML to JSON" } else { "error: unable to decode" };
        check.add(Rule::UnknownDocument, found.location, span, found.text().as_raw()).answered(answer);
        return false;
    }
    let broken_line = parsed.problems.first().map_or(0, |problem| problem.location.line);
    let mark = is_broken(parsed).then(|| find_template(check.text, broken_line)).flatten();
    if let Some(mark) = mark {
        check
            .add(Rule::Template, mark.location, mark.span.clone(), &mark)
            .answered("error converting YAML to JSON");
        return false;
    }
    for problem in &parsed.problems {
        report(check, problem, is_secret);
    }
    let is_empty = parsed.documents.iter().all(|document| document.root.is_null());
    if is_empty && parsed.problems.is_empty() {
        check
            .add(Rule::EmptyFile, Location::START, 0..0, "the file has no content")
            .answered("error: no objects passed to apply");
        return false;
    }
    true
}

/// Returns whether a document cannot be read as a whole.
pub(crate) fn is_broken(parsed: &Text) -> bool {
    let is_fatal =
        |problem: &Problem| !matches!(problem.kind, ProblemKind::DuplicateKey { .. } | ProblemKind::Merge);
    parsed.problems.iter().any(is_fatal)
}

fn report(check: &mut Check<'_>, problem: &Problem, is_secret: bool) {
    let Problem { span, location, kind } = problem;
    let (rule, message) = match kind {
        ProblemKind::Syntax(reason) => {
            let found = explained(check.text, *location, reason);
            let found = if is_secret { found.without_quoting_remedy() } else { found };
            let rule = match found.kind {
                DiagnosticKind::Tab => Rule::TabIndentation,
                DiagnosticKind::Template => Rule::Template,
                DiagnosticKind::Encoding => Rule::Encoding,
                _ => Rule::InvalidYaml,
            };
            let span = span_at(check.text, found.location);
            check
                .add(rule, found.location, span, found.text().as_raw())
                .answered("error converting YAML to JSON");
            return;
        }
        ProblemKind::Json(reason) => (Rule::InvalidYaml, reason.clone()),
        ProblemKind::Tab => {
            let message = format!("line {} is indented with a tab; use spaces", location.line);
            let (span, location) = first_tab(check.text, span, *location);
            check
                .add(Rule::TabIndentation, location, span, message)
                .answered("error converting YAML to JSON");
            return;
        }
        ProblemKind::TooDeep => {
            (Rule::TooDeep, "mappings and lists are nested more than 100 levels deep".to_owned())
        }
        ProblemKind::TooManyAliases => {
            (Rule::TooManyAliases, "aliases repeat more than 20000 values or 8 MiB, or themselves".to_owned())
        }
        ProblemKind::DuplicateKey { first } => {
            let key = check.text.get(span.clone()).unwrap_or_default();
            (
                Rule::DuplicateKey,
                format!("the key {key} is repeated from line {first}; the last value is used"),
            )
        }
        ProblemKind::ComplexKey => {
            (Rule::InvalidYaml, "this key is a mapping or a list; keys must be strings".to_owned())
        }
        ProblemKind::Merge => (Rule::InvalidYaml, "only a mapping can be merged with `<<`".to_owned()),
    };
    let note = check.add(rule, *location, span.clone(), message);
    if rule != Rule::DuplicateKey {
        note.answered("error converting YAML to JSON");
    }
}

/// Returns the place of the first tab in the line of a place; the parser reports what follows it.
fn first_tab(text: &str, span: &Range<usize>, location: Location) -> (Range<usize>, Location) {
    let before = text.get(..span.start).unwrap_or_default();
    let start = before.rfind('\n').map_or(0, |end| end + 1);
    let line = text.get(start..).unwrap_or_default().split('\n').next().unwrap_or_default();
    match line.find('\t') {
        Some(index) if start + index <= span.start => {
            let characters = line.get(..index).unwrap_or_default().chars().count();
            let column = u64::try_from(characters).unwrap_or(u64::MAX).saturating_add(1);
            (start + index..start + index + 1, Location { column, ..location })
        }
        _ => (span.clone(), location),
    }
}

/// Returns where and why a document is not YAML, with what fixes it, from the reader of jobs files.
fn explained(text: &str, location: Location, reason: &str) -> Diagnostic {
    match parse_at(text, location.line) {
        Err(error) => error,
        Ok(_) => {
            let message = format!("invalid YAML: {reason}");
            Diagnostic::of_kind(DiagnosticKind::Syntax, location, message)
        }
    }
}
