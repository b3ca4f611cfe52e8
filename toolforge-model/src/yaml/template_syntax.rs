//! Templates of Helm and Jinja, which become YAML only when they are rendered.

use std::fmt;
use std::ops::Range;

use crate::Location;

/// An expression of a template in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TemplateMark {
    /// Where it begins.
    pub location: Location,
    /// Its bytes in the text, to the end of the line.
    pub span: Range<usize>,
    /// Whether it is a statement, `{% %}`, and not an expression, `{{ }}`.
    pub is_statement: bool,
}

/// Displayed as the reason why the text cannot be read, and what to do.
impl fmt::Display for TemplateMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.is_statement { "{% %}" } else { "{{ }}" };
        write!(f, "the file is a template with {mark}; render it first, and use the result")
    }
}

/// Returns the first expression of a template outside of quotes and comments that may be why a text cannot be read at `line`,
/// counted from 1: it is in that line, the one before, or a later one. In a line that was read, it is part of a value.
///
/// ```
/// use toolforge_model::yaml::find_template;
///
/// let mark = find_template("a: x {{.y}}\nc: 1\nb: {{ .Values.b }}\n", 3).unwrap();
/// assert_eq!((mark.location.line, mark.location.column), (3, 4));
/// assert!(find_template("a: \"{{ x }}\"\n", 1).is_none());
/// ```
#[must_use]
pub fn find_template(text: &str, line: u64) -> Option<TemplateMark> {
    let first = usize::try_from(line).unwrap_or(usize::MAX).saturating_sub(2);
    let mut start = 0;
    for (index, line) in text.split('\n').enumerate() {
        let content = line.trim_start_matches('\u{feff}').trim_start();
        if index >= first
            && !content.starts_with('#')
            && let Some(column) = mark_of_line(line)
        {
            let (before, found) = line.split_at(column);
            return Some(TemplateMark {
                location: Location { line: number(index), column: number(before.chars().count()) },
                span: start + column..start + column + found.trim_end().len(),
                is_statement: found.starts_with("{%"),
            });
        }
        start += line.len() + 1;
    }
    None
}

/// Returns the first expression of a template in a line, counted from 1, outside of quotes and comments.
pub(super) fn template_in_line(text: &str, line: u64) -> Option<TemplateMark> {
    find_template(text, line.saturating_add(1)).filter(|mark| mark.location.line == line)
}

/// Returns the number of an index, from 1.
fn number(index: usize) -> u64 {
    u64::try_from(index).unwrap_or(u64::MAX).saturating_add(1)
}

/// Returns where the first expression in a line that is not within quotes begins.
fn mark_of_line(line: &str) -> Option<usize> {
    let mut quote = None;
    for (index, c) in line.char_indices() {
        match (quote, c) {
            (Some(open), _) if open == c => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '{')
                if line.get(index..).is_some_and(|rest| rest.starts_with("{{") || rest.starts_with("{%")) =>
            {
                return Some(index);
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_outside_of_quotes_and_comments() {
        for (text, expected) in [
            ("{{- range .Values.x }}\n", Some((1, 1, false))),
            ("a: é\n  {% if x %}\n", Some((2, 3, true))),
            ("a: 'x' {{ y }}\n", Some((1, 8, false))),
            ("# {{ x }}\n\u{feff}#{{ y }}\n", None),
            ("a: '{{ x }}'\nb: \"{% y %}\"\n", None),
            ("a: {b: c}\n", None),
        ] {
            let found = find_template(text, 1);
            let found = found.map(|found| (found.location.line, found.location.column, found.is_statement));
            assert_eq!(found, expected, "{text:?}");
        }
    }
}
