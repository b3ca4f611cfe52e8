//! Secrets in the lines of a text that cannot be read.

use std::ops::Range;

use crate::secret::{is_secret_name, of_command_line, tokens};

/// How many lines before and after one that may have a secret belong to it, regardless of their indentation.
const NEAR: usize = 2;

/// Returns the bytes of everything that may be a secret in a text that cannot be read: the values in lines that name one, in the lines
/// next to them, and in all lines of the same item or mapping. Only the keys of these lines remain.
///
/// This finds more than secrets: if a text cannot be read, it is not known where a value ends.
pub(crate) fn values_near_secrets(text: &str) -> Vec<Range<usize>> {
    let mut start = 0;
    let lines: Vec<Line<'_>> = text
        .split_inclusive('\n')
        .map(|line| {
            let found = Line { start, content: line.trim_end() };
            start += line.len();
            found
        })
        .collect();
    let mut is_hidden = vec![false; lines.len()];
    let mut hide = |range: Range<usize>| {
        if let Some(found) = is_hidden.get_mut(range) {
            found.fill(true);
        }
    };
    // The items that were checked, with their indentation; they do not overlap.
    let mut items: Vec<(Range<usize>, usize)> = Vec::new();
    for (index, line) in lines.iter().enumerate().filter(|(_, line)| line.may_have_secret()) {
        hide(index.saturating_sub(NEAR)..(index + NEAR + 1).min(lines.len()));
        if items.last().is_some_and(|(item, _)| item.contains(&index)) {
            continue;
        }
        let indentation = line.indentation();
        let belongs = |index: usize| {
            lines.get(index).is_some_and(|line| line.content.is_empty() || line.indentation() >= indentation)
        };
        let mut first = index;
        while let Some(before) = first.checked_sub(1) {
            match items.last() {
                Some((item, of_item)) if item.contains(&before) && *of_item >= indentation => {
                    first = item.start;
                    items.pop();
                }
                _ if belongs(before) => first = before,
                _ => break,
            }
        }
        let last = (index + 1..lines.len()).take_while(|after| belongs(*after)).last().unwrap_or(index);
        // The line before may begin the item.
        hide(first.saturating_sub(1)..last + 1);
        items.push((first..last + 1, indentation));
    }
    let hidden = lines.iter().zip(is_hidden).filter(|(_, is_hidden)| *is_hidden);
    hidden.filter_map(|(line, _)| line.value()).collect()
}

/// One line.
#[derive(Clone, Copy)]
struct Line<'t> {
    /// Its first byte in the text.
    start: usize,
    /// Its text, without the end.
    content: &'t str,
}

impl Line<'_> {
    fn indentation(&self) -> usize {
        self.content.len() - self.content.trim_start().len()
    }

    /// Returns whether the line names a secret, as a key, a variable or an option, or has an argument or a URL with a password.
    fn may_have_secret(&self) -> bool {
        let is_in_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        let mut names = self.content.split(|c| !is_in_name(c));
        let mut words = self.content.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ','));
        names.any(|name| !name.is_empty() && is_secret_name(name))
            || words.any(|word| has_password(word) || is_attached_password(word))
            || !of_command_line(self.content).is_empty()
            || !tokens(self.content).is_empty()
    }

    /// Returns the bytes after the key at the beginning of the line, or of the whole line without one.
    fn value(&self) -> Option<Range<usize>> {
        let is_mark = |c: char| c.is_whitespace() || matches!(c, '-' | '?' | '{' | '[' | ',');
        let rest = self.content.trim_start_matches(is_mark);
        let marks = self.content.len() - rest.len();
        let key = self.content.len() - without_key(rest).map_or(rest, str::trim_start).len();
        let end = self.content.len();
        (key.max(marks) < end).then(|| self.start + key.max(marks)..self.start + end)
    }
}

/// Returns what follows a key: `name: …`, or `"name":…`.
fn without_key(text: &str) -> Option<&str> {
    let is_quote = |c: char| matches!(c, '"' | '\'');
    let unquoted = text.trim_start_matches(is_quote);
    let after = unquoted
        .trim_start_matches(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/'));
    let value = after.trim_start_matches(is_quote).strip_prefix(':')?;
    let is_quoted = after.starts_with(is_quote);
    (after.len() < unquoted.len()
        && (is_quoted || value.is_empty() || value.starts_with(char::is_whitespace)))
    .then_some(value)
}

/// Returns whether a word is or has a URL with a password, or a user with one: `SCHEME://USER:PASSWORD@HOST`, `USER:PASSWORD@HOST`.
fn has_password(word: &str) -> bool {
    let is_before_host = word.rsplit_once('@').is_some_and(|(before, _)| before.contains(':'));
    let authority = word.split_once("://").map(|(_, rest)| rest.split('/').next().unwrap_or_default());
    let port = authority.and_then(|authority| authority.rsplit_once(':'));
    is_before_host || port.is_some_and(|(_, port)| !port.chars().all(|c| c.is_ascii_digit()))
}

/// Returns whether a word is an option with the password attached, as for `mysql`.
fn is_attached_password(word: &str) -> bool {
    word.strip_prefix("-p").is_some_and(|password| password.len() > 3 && !password.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(text: &str) -> String {
        let mut shown = text.to_owned();
        for span in values_near_secrets(text).into_iter().rev() {
            shown.replace_range(span, "*");
        }
        shown
    }

    #[test]
    fn values_of_an_item_with_a_secret_are_hidden() {
        for (text, expected) in [
            ("a:\n- {\"name\": \"DB_PASS\", \"value\": \"x\" x}\nb: c\n", "a:\n- {\"name\": *\nb: *\n"),
            ("env:\n- value: \"x\" x\n  name: DB_PASS\n", "env:\n- value: *\n  name: *\n"),
            ("DB_PASS:\u{a0}x\n", "DB_PASS:\u{a0}*\n"),
            ("command: \"mysql -phunter2\" x\n", "command: *\n"),
            ("command: mysql -u me://a:b/ x\n", "command: *\n"),
            ("command: ./x http://localhost:80/ -pa \"\n", "command: ./x http://localhost:80/ -pa \"\n"),
            (
                "key: |\n  a\n  password = x\n  b\n  c\n  d\nother:\n  a: b\n  c: d\n",
                "key: *\n  *\n  *\n  *\n  *\n  *\nother:\n  a: b\n  c: d\n",
            ),
        ] {
            assert_eq!(hidden(text), expected, "{text}");
        }
    }
}
