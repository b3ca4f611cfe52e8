//! Edits of a text that leave everything else byte-identical.

use toolforge_model::Location;

use super::finding::Edit;
use super::syntax::{Node, Scalar, Value};

/// What is added to a mapping.
pub(crate) enum Added<'a> {
    /// A scalar, as written.
    Scalar(&'a str),
    /// A mapping.
    Mapping(Vec<(&'a str, Added<'a>)>),
}

/// Returns a text in double quotes, which YAML and JSON read alike.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Returns a text in the quotes that a value has in the text, or without quotes.
pub(crate) fn like(text: &str, node: &Node, new: &str) -> String {
    match source(text, node).and_then(|source| source.chars().next()) {
        Some('"') => quoted(new),
        Some('\'') => format!("'{new}'"),
        _ => new.to_owned(),
    }
}

/// Returns how a string is written in place of another one: in the same quotes, or otherwise in quotes if needed. `None` if the
/// value is written in several lines.
pub(crate) fn replaced(text: &str, node: &Node, new: &str) -> Option<String> {
    let source = source(text, node)?;
    if source.contains('\n') || source.starts_with(['|', '>', '!', '&']) {
        return None;
    }
    let is_safe = new.starts_with(|c: char| c.is_ascii_alphanumeric()) && !new.contains([':', '#']);
    Some(if source.starts_with(['"', '\'']) || is_safe { like(text, node, new) } else { quoted(new) })
}

/// Returns the text of a value as written, if it is at its own place and contains no comment.
pub(crate) fn source<'t>(text: &'t str, node: &Node) -> Option<&'t str> {
    text.get(node.span.clone())
}

/// Returns the edit that adds a key and a value to a mapping, before one of its keys, or as the first.
///
/// `None` if the mapping has the key, even without a value, or no keys of its own in the text, as when all of them are merged.
pub(crate) fn insert(
    text: &str,
    mapping: &Node,
    before: Option<&str>,
    key: &str,
    value: &Added<'_>,
) -> Option<Edit> {
    let Value::Mapping { entries, is_flow } = &mapping.value else { return None };
    if mapping.entry(key).is_some() {
        return None;
    }
    if entries.is_empty() {
        let inner = flow(key, value, text.get(mapping.span.clone())?.contains('"'));
        return Some(Edit { span: mapping.span.clone(), replacement: format!("{{{inner}}}") });
    }
    let next =
        entries.iter().find(|entry| !entry.is_merged && before.is_none_or(|key| entry.name() == key))?;
    let start = next.key.span.start;
    // An alias has the location of its anchor.
    if !mapping.span.contains(&start) {
        return None;
    }
    let span = start..start;
    if *is_flow {
        let is_json = text.get(start..)?.starts_with('"');
        let separator = if is_json { separator(text, mapping, start) } else { " ".to_owned() };
        return Some(Edit { span, replacement: format!("{},{separator}", flow(key, value, is_json)) });
    }
    let column = usize::try_from(next.key.location.column).ok()?.checked_sub(1)?;
    let mut replacement = String::new();
    let line_end = line_end(text);
    block(&mut replacement, key, value, column, line_end);
    replacement.push_str(line_end);
    replacement.push_str(&" ".repeat(column));
    Some(Edit { span, replacement })
}

/// Returns the edit that removes the lines of a key and its value, with their comments.
///
/// `None` for a mapping in braces, and if these lines contain something else or the value is elsewhere.
pub(crate) fn removal(text: &str, mapping: &Node, key: &str) -> Option<Edit> {
    let Value::Mapping { is_flow: false, .. } = &mapping.value else { return None };
    let entry = mapping.entry(key).filter(|entry| !entry.is_merged)?;
    let (key, value) = (&entry.key.span, &entry.value.span);
    // An alias has the place of its anchor.
    if !mapping.span.contains(&key.start) || !value.is_empty() && value.start < key.end {
        return None;
    }
    let end = value.end.max(key.end);
    let start = text.get(..key.start)?.rfind('\n').map_or(0, |found| found + 1);
    if !text.get(start..key.start)?.trim().is_empty() {
        return None;
    }
    let rest = text.get(end..)?;
    let line = rest.split_inclusive('\n').next().unwrap_or_default();
    let is_free =
        line.trim().is_empty() || line.starts_with([' ', '\t']) && line.trim_start().starts_with('#');
    is_free.then(|| Edit { span: start..end + line.len(), replacement: String::new() })
}

/// Returns the line end of a text: that of its first line.
pub(crate) fn line_end(text: &str) -> &'static str {
    match text.find('\n') {
        Some(end) if text[..end].ends_with('\r') => "\r\n",
        _ => "\n",
    }
}

/// Returns the spaces between the keys of a JSON object: those before its first key.
fn separator(text: &str, mapping: &Node, key: usize) -> String {
    let begin = mapping.span.start + 1;
    let found = text.get(begin..key).unwrap_or_default();
    if found.trim().is_empty() && !found.is_empty() { found.to_owned() } else { " ".to_owned() }
}

fn flow(key: &str, value: &Added<'_>, is_json: bool) -> String {
    let key = if is_json { quoted(key) } else { key.to_owned() };
    match value {
        Added::Scalar(text) => {
            let is_string = !text.starts_with('"') && !text.starts_with(|c: char| c.is_ascii_digit());
            let text = if is_json && is_string { quoted(text) } else { (*text).to_owned() };
            format!("{key}: {text}")
        }
        Added::Mapping(pairs) => {
            let pairs: Vec<String> = pairs.iter().map(|(key, value)| flow(key, value, is_json)).collect();
            format!("{key}: {{{}}}", pairs.join(", "))
        }
    }
}

fn block(out: &mut String, key: &str, value: &Added<'_>, column: usize, line_end: &str) {
    out.push_str(key);
    out.push(':');
    match value {
        Added::Scalar(text) => {
            out.push(' ');
            out.push_str(text);
        }
        Added::Mapping(pairs) => {
            for (key, value) in pairs {
                out.push_str(line_end);
                out.push_str(&" ".repeat(column + 2));
                block(out, key, value, column + 2, line_end);
            }
        }
    }
}

/// Returns the scalar of a node.
pub(crate) fn scalar(node: &Node) -> Option<&Scalar> {
    match &node.value {
        Value::Scalar(scalar) => Some(scalar),
        Value::Sequence(_) | Value::Mapping { .. } => None,
    }
}

/// Returns the bytes from a location to the end of the value there, or of the line.
pub(crate) fn span_at(text: &str, location: Location) -> std::ops::Range<usize> {
    let line = usize::try_from(location.line).unwrap_or(1).max(1);
    let column = usize::try_from(location.column).unwrap_or(1).max(1);
    let mut start = 0;
    for _ in 1..line {
        let Some(length) = text.get(start..).and_then(|rest| rest.find('\n')) else { break };
        start += length + 1;
    }
    let content = text.get(start..).unwrap_or_default().lines().next().unwrap_or_default();
    let begin = content.char_indices().nth(column - 1).map_or(content.len(), |(index, _)| index);
    let rest = content.get(begin..).unwrap_or_default();
    let value = rest.split(" #").next().unwrap_or_default().trim_end();
    start + begin..start + begin + value.len()
}
