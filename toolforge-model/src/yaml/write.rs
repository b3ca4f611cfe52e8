use serde::Serialize;

use crate::untrusted::is_unsafe;

/// Returns a value as a YAML document that every reader takes for the same value, and that is safe on a terminal.
///
/// Strings of several lines are blocks, except those in which a line begins with a tab: libyaml, and with it most
/// readers, treat that as wrong indentation. If a string has a bidirectional control or an invisible character, all
/// strings are quoted, and it is escaped.
///
/// # Errors
/// When the value has a part that YAML cannot represent.
///
/// ```
/// use toolforge_model::yaml::to_text;
///
/// assert_eq!(to_text(&["on", "a: b"])?, "- \"on\"\n- \"a: b\"\n");
/// assert_eq!(to_text(&["a\u{202e}b"])?, "- \"a\\u202Eb\"\n");
/// # Ok::<(), toolforge_model::yaml::WriteError>(())
/// ```
pub fn to_text(value: &impl Serialize) -> Result<String, WriteError> {
    let text = serde_saphyr::to_string(value).map_err(|error| WriteError(error.to_string()))?;
    if text.chars().any(is_escaped) {
        let options = serde_saphyr::ser_options! { quote_all: true };
        let quoted = serde_saphyr::to_string_with_options(value, options);
        return Ok(escape(&quoted.map_err(|error| WriteError(error.to_string()))?));
    }
    if !text.lines().any(|line| line.trim_start_matches(' ').starts_with('\t')) {
        return Ok(text);
    }
    let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
    serde_saphyr::to_string_with_options(value, options).map_err(|error| WriteError(error.to_string()))
}

fn is_escaped(c: char) -> bool {
    !matches!(c, '\n' | '\t') && is_unsafe(c)
}

/// Returns a document in which all values are quoted, and each is on one line, with its unsafe characters escaped.
fn escape(quoted: &str) -> String {
    quoted.lines().map(|line| format!("{}\n", escape_line(line))).collect()
}

/// Returns a line of marks (`-`, `?`, `:`) and of keys and values. Only double quotes allow escapes.
fn escape_line(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let after = &rest[first.len_utf8()..];
        let is_mark = matches!(first, '-' | '?' | ':') && (after.is_empty() || after.starts_with(' '));
        let length = match first {
            ' ' => 1,
            _ if is_mark => 1,
            '\'' => quoted_length(after, "''"),
            '"' => quoted_length(after, "\\"),
            // A key; neither it nor a number contains a colon before a space.
            _ => rest.find(": ").or_else(|| rest.strip_suffix(':').map(str::len)).unwrap_or(rest.len()),
        };
        let (scalar, next) = rest.split_at(length);
        if !scalar.chars().any(is_escaped) {
            text.push_str(scalar);
        } else if first == '"' {
            scalar.chars().for_each(|c| push(&mut text, c));
        } else if let Some(inner) = scalar.strip_prefix('\'').and_then(|inner| inner.strip_suffix('\'')) {
            text.push_str(&double_quoted(&inner.replace("''", "'")));
        } else {
            text.push_str(&double_quoted(scalar));
        }
        rest = next;
    }
    text
}

/// Returns the length of a quoted scalar with both quotes; `after` is what follows the opening one.
fn quoted_length(after: &str, escape: &str) -> usize {
    let quote = if escape == "\\" { '"' } else { '\'' };
    let mut position = 0;
    while let Some(c) = after[position..].chars().next() {
        if after[position..].starts_with(escape) {
            // A backslash and what it escapes, or a quote that is written twice.
            position += after[position..].chars().take(2).map(char::len_utf8).sum::<usize>();
        } else {
            position += c.len_utf8();
            if c == quote {
                break;
            }
        }
    }
    1 + position
}

fn double_quoted(string: &str) -> String {
    let mut text = String::from('"');
    for c in string.chars() {
        if matches!(c, '"' | '\\') {
            text.push('\\');
        }
        push(&mut text, c);
    }
    text.push('"');
    text
}

fn push(text: &mut String, c: char) {
    match u32::from(c) {
        _ if !is_escaped(c) => text.push(c),
        code @ 0..=0xffff => text.push_str(&format!("\\u{code:04X}")),
        code => text.push_str(&format!("\\U{code:08X}")),
    }
}

/// Why a value cannot be written as YAML.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this cannot be written as YAML: {0}")]
pub struct WriteError(String);

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn unsafe_characters_are_escaped_and_read_back() {
        let hostile = [
            "a\u{202e}b",
            "it's \u{200b}\"quoted\" \\u202E",
            "two\nlines\t\u{2066}",
            "\u{e0041}: x",
            "plain",
            "it's",
            "- 'a': \"b\" # c",
            "",
            "yes",
        ];
        let value: BTreeMap<&str, Vec<&str>> = hostile.iter().map(|key| (*key, hostile.to_vec())).collect();
        let text = to_text(&value).unwrap();
        assert!(!text.chars().any(is_escaped), "{text}");
        let read: BTreeMap<String, Vec<String>> = serde_saphyr::from_str(&text).unwrap();
        assert_eq!(read.len(), hostile.len());
        for (key, values) in &read {
            assert!(value.contains_key(key.as_str()), "{key:?}");
            assert_eq!(*values, hostile);
        }
    }
}
