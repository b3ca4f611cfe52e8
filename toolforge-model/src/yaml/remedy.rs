//! How to fix the most common errors in YAML, from the lines around the location that the reader reports.

use super::node::{YamlNode, YamlValue};
use crate::Location;

/// What may follow a backslash in double quotes (YAML 1.2.2, section 5.7), besides a line break.
const ESCAPES: &str = "0abt\tnvfre \"/\\N_LPxuU";

/// Returns the first escape sequence that YAML does not have in the double-quoted text that begins at a location.
pub(super) fn invalid_escape(text: &str, start: Location) -> Option<(Location, String)> {
    let skipped = usize::try_from(start.line).ok()?.checked_sub(1)?;
    let mut column = usize::try_from(start.column).ok()?.checked_sub(1)?;
    let lines = text.lines().enumerate().skip(skipped);
    let mut is_open = false;
    for (index, line) in lines {
        let mut characters = line.chars().enumerate().skip(column);
        column = 0;
        if !is_open {
            is_open = characters.next()?.1 == '"';
            is_open.then_some(())?;
        }
        while let Some((position, character)) = characters.next() {
            let escaped = if character == '\\' { characters.next() } else { None };
            match (character, escaped) {
                ('"', _) => return None,
                (_, Some((_, escaped))) if !ESCAPES.contains(escaped) => {
                    let line = u64::try_from(index + 1).ok()?;
                    let location = Location { line, column: u64::try_from(position + 1).ok()? };
                    return Some((location, format!("\\{escaped}")));
                }
                _ => {}
            }
        }
    }
    None
}

/// Returns where a second document begins (`---`) before or at a line, if what is before it is a document.
pub(super) fn second_document(text: &str, line: u64, is_document: impl Fn(&str) -> bool) -> Option<Location> {
    let line = usize::try_from(line).ok()?;
    let is_separator = |line: &str| line == "---" || line.starts_with("--- ");
    let lines: Vec<&str> = text.lines().collect();
    let is_content = |line: &&str| {
        let line = line.trim();
        !line.is_empty() && !line.starts_with('#') && !is_separator(line)
    };
    let first = lines.iter().position(is_content)?;
    let separator = lines.iter().take(line).skip(first).position(|line| is_separator(line))? + first;
    is_document(&lines[..separator].join("\n")).then_some(())?;
    Some(Location { line: u64::try_from(separator + 1).ok()?, column: 1 })
}

/// A line whose value has to be quoted.
struct Unquoted<'a> {
    /// Everything up to the value: spaces, `- `, the key and `: `.
    before: &'a str,
    key: &'a str,
    /// The value without its comment.
    value: &'a str,
}

/// Returns how to fix a text that `parse` rejected at a line, counted from one.
///
/// A corrected value is proposed only if the corrected text, parsed again, has that value and the error is gone.
pub(super) fn remedy(text: &str, line: u64, parse: impl Fn(&str) -> Result<YamlNode, u64>) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let at = usize::try_from(line).unwrap_or(1).max(1) - 1;
    // A reader often reports the line on which something began, and the error is on the next.
    let near = [at, at + 1, at.saturating_sub(1)];
    for index in near {
        let Some(found) = lines.get(index) else { continue };
        if found.chars().take_while(|c| c.is_whitespace()).any(|c| c == '\t') {
            return Some(format!("line {} is indented with a tab; use spaces", index + 1));
        }
    }
    let indentation = |line: &str| line.len() - line.trim_start().len();
    for index in near {
        let Some(Unquoted { before, key, value }) = lines.get(index).and_then(|line| unquoted(line)) else {
            continue;
        };
        // The value goes on in the next line.
        let column = before.find(key).unwrap_or_default();
        if lines.get(index + 1).is_some_and(|next| !next.trim().is_empty() && indentation(next) > column) {
            continue;
        }
        let quoted = format!("'{}'", value.replace('\'', "''"));
        let corrected = format!("{before}{quoted}");
        let has_value = parse(&corrected[column..]).is_ok_and(|node| is_pair(&node, key, value));
        let mut whole = lines.clone();
        whole[index] = &corrected;
        // What is wrong in later lines is a matter of its own.
        let is_gone = parse(&whole.join("\n"))
            .map_or_else(|line| usize::try_from(line).is_ok_and(|line| line > index + 1), |_| true);
        if has_value && is_gone {
            return Some(format!("quote the value: {key}: {quoted}"));
        }
    }
    let (before, found) = (lines.get(at.checked_sub(1)?)?, lines.get(at)?);
    (indentation(found) > indentation(before.trim_end_matches(['-', ' ']))
        && !before.trim_end().ends_with(':'))
    .then(|| format!("is line {} indented as the line above it?", at + 1))
}

/// Returns the parts of a line whose value is not quoted and has characters that need quotes.
fn unquoted(line: &str) -> Option<Unquoted<'_>> {
    let (left, right) = line.split_once(": ")?;
    let value = right.trim_start();
    let before = &line[..line.len() - value.len()];
    let key = left.trim_start().trim_start_matches("- ").trim();
    if value.starts_with(['"', '\'', '|', '>', '&', '#', '{', '[']) {
        return None;
    }
    let value = without_comment(value)?.trim_end();
    let is_special = value.starts_with(['*', '@', '%', '`', '!', '-', '?'])
        || value.contains(": ")
        || value.ends_with(':');
    is_special.then_some(Unquoted { before, key, value })
}

/// Returns a value without its comment; `None` if the `#` may belong to the value, because a quote is open before it.
fn without_comment(value: &str) -> Option<&str> {
    let comments = [" #", "\t#"].into_iter().filter_map(|start| value.find(start));
    let Some(before) = comments.min().and_then(|start| value.get(..start)) else { return Some(value) };
    let is_open = ['"', '\''].iter().any(|quote| before.matches(*quote).count() % 2 == 1);
    (!is_open).then_some(before)
}

/// Returns whether a node is a mapping of one key and a text.
fn is_pair(node: &YamlNode, key: &str, text: &str) -> bool {
    let YamlValue::Mapping(pairs) = &node.value else { return false };
    matches!(pairs.as_slice(), [(found, value)] if found.scalar() == Some(key) && value.string() == Some(text))
}
