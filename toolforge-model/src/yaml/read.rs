use serde_saphyr::{DuplicateKeyPolicy, NonFiniteFloatPolicy, UserMessageFormatter};

use super::node::{self, Parsed, YamlNode, YamlValue};
use crate::{Diagnostic, Location};

/// Reads one YAML document. Of two equal keys the last one counts; a text without content is [`YamlValue::Null`].
///
/// # Errors
/// When the text is not YAML: where and why, with a hint at the usual causes.
pub fn parse(text: &str) -> Result<YamlNode, Diagnostic> {
    let options = serde_saphyr::options! {
        // As the platform's own tools have it.
        duplicate_keys: DuplicateKeyPolicy::LastWins,
        // One value of a kind that is not allowed must not make the others unreadable.
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        ignore_binary_tag_for_string: true,
    };
    // The reader finds no document in it.
    let is_comment = |line: &str| line.trim_start().is_empty() || line.trim_start().starts_with('#');
    if text.lines().all(is_comment) {
        return Ok(YamlNode { location: Location::START, value: YamlValue::Null });
    }
    let parsed: serde_saphyr::Spanned<Parsed> =
        serde_saphyr::from_str_with_options(text, options).map_err(|error| {
            let location = error
                .location()
                .map_or(Location::START, |found| Location { line: found.line(), column: found.column() });
            let reason = error.without_snippet().render_with_formatter(&UserMessageFormatter);
            let reason = reason.trim_end_matches(&format!(" at {location}"));
            let hint = hint(text, location.line).map(|hint| format!("; {hint}")).unwrap_or_default();
            Diagnostic::new(location, format_args!("invalid YAML: {reason}{hint}"))
        })?;
    Ok(node::with_location(parsed, text))
}

/// Returns how to fix the most common errors, from the lines around the location that the reader reports.
fn hint(text: &str, line: u64) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let at = usize::try_from(line).unwrap_or(1).max(1) - 1;
    // A reader often reports the line on which something began, and the error is on the next.
    for index in [at, at + 1, at.saturating_sub(1)] {
        let Some(found) = lines.get(index) else { continue };
        if found.chars().take_while(|c| c.is_whitespace()).any(|c| c == '\t') {
            return Some(format!("line {} is indented with a tab; use spaces", index + 1));
        }
    }
    for index in [at, at + 1, at.saturating_sub(1)] {
        let Some((key, value)) = lines.get(index).and_then(|found| found.split_once(": ")) else { continue };
        let value = value.trim();
        let is_quoted = value.starts_with(['"', '\'', '|', '>', '&', '#', '{', '[']) || value.is_empty();
        let is_special = value.starts_with(['*', '@', '%', '`', '!']) || value.contains(": ");
        if !is_quoted && is_special {
            let key = key.trim().trim_start_matches("- ");
            let quote = if value.contains('\'') { '"' } else { '\'' };
            return Some(format!("quote the value: {key}: {quote}{value}{quote}"));
        }
    }
    let indentation = |line: &str| line.len() - line.trim_start().len();
    let (before, found) = (lines.get(at.checked_sub(1)?)?, lines.get(at)?);
    (indentation(found) > indentation(before.trim_end_matches(['-', ' ']))
        && !before.trim_end().ends_with(':'))
    .then(|| format!("is line {} indented as the line above it?", at + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match parse(text) {
            Ok(value) => value.describe(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn keeps_the_spelling_of_scalars() {
        let YamlValue::Mapping(pairs) =
            parse("type: 3.90\ncpu: 010\nyes: \"1_0\"\nx: ~\nl: [1.0, a]\n").unwrap().value
        else {
            panic!("no mapping")
        };
        let texts: Vec<_> = pairs
            .iter()
            .map(|(key, value)| format!("{} {}={}", key.location.line, key.describe(), value.describe()))
            .collect();
        assert_eq!(
            texts,
            ["1 \"type\"=3.90", "2 \"cpu\"=010", "3 yes=\"1_0\"", "4 \"x\"=nothing", "5 \"l\"=a list"]
        );
    }

    #[test]
    fn hints_at_common_errors() {
        for (text, hint) in [
            ("- schedule: */5 * * * *\n", "quote the value: schedule: '*/5 * * * *'"),
            ("- schedule: @daily\n", "quote the value: schedule: '@daily'"),
            ("command: echo a: b\n", "quote the value: command: 'echo a: b'"),
            ("- name: a\n\tcommand: x\n", "line 2 is indented with a tab; use spaces"),
            ("- name: a\n    command: x\n", "is line 2 indented as the line above it?"),
        ] {
            assert!(shown(text).ends_with(hint), "{text:?}: {}", shown(text));
        }
    }

    #[test]
    fn errors_have_locations() {
        assert_eq!(shown(""), "nothing");
        assert_eq!(shown("# a comment\n"), "nothing");
        assert!(shown("a: [1\n").starts_with("line "), "{}", shown("a: [1\n"));
        assert!(shown("a: b: c\n").contains("invalid YAML"), "{}", shown("a: b: c\n"));
    }
}
