use std::collections::BTreeSet;

use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::localizer::ExternalMessageSource;
use serde_saphyr::{DuplicateKeyPolicy, NonFiniteFloatPolicy, UserMessageFormatter};

use super::missing::{Left, merge_conflict, missing};
use super::node::{self, Parsed, YamlNode, YamlValue};
use super::remedy::{InvalidEscapes, invalid_escapes, remedy, second_document};
use super::template_syntax::{find_template, template_in_line};
use crate::crontab::find_crontab;
use crate::{Diagnostic, DiagnosticKind, Location, Remedy, Untrusted, decode_utf8};

/// The maximum number of values and keys that aliases (`*name`) repeat: those of a few hundred jobs with common settings.
const REPLAYED_EVENTS: usize = 20_000;

/// The maximum size of all values and keys in bytes, with those that aliases repeat; files have at most 1 MiB.
const SCALAR_BYTES: usize = 8 * 1024 * 1024;

/// The most texts of one line whose escape sequences are corrected, as each costs reading the file once.
const MOST_TEXTS: usize = 20;

/// The most levels of mappings and lists.
const LEVELS: usize = 64;

/// Reads one YAML document. If two keys are equal, the last one counts; a text without content is [`YamlValue::Null`].
///
/// # Errors
/// When the text is not YAML: where and why, with a hint at the usual causes.
pub fn parse(text: &str) -> Result<YamlNode, Diagnostic> {
    if let Some(found) = not_yaml(text) {
        return Err(found);
    }
    let found = read(text);
    if let Ok(node) = &found
        && let Some(mark) = key_of_template(node).and_then(|key| template_in_line(text, key.location.line))
    {
        return Err(Diagnostic::of_kind(DiagnosticKind::Template, mark.location, mark));
    }
    found.map_err(|ReadError { location, reason }| {
        let of_kind = |kind, message: &str| Diagnostic::of_kind(kind, location, message);
        let reason = match reason {
            Reason::Limit(reason) => return of_kind(DiagnosticKind::Limit, &reason),
            reason => reason,
        };
        if let Err(error) = decode_utf8(text.as_bytes()) {
            return *error;
        }
        if let Some(mark) = find_template(text, location.line) {
            return Diagnostic::of_kind(DiagnosticKind::Template, mark.location, mark);
        }
        if let Some(found) = invalid_escapes(text, location) {
            return of_escapes(text, location, found);
        }
        if let Some(location) = second_document(text, location.line, |text| read(text).is_ok()) {
            let message = "a second YAML document begins here, and only one is read";
            return Diagnostic::of_kind(DiagnosticKind::SecondDocument, location, message)
                .with_remedy(Remedy::RemoveLine);
        }
        if let Some(location) = merge_conflict(text) {
            let message = "invalid YAML: a merge conflict is not resolved";
            return Diagnostic::of_kind(DiagnosticKind::Syntax, location, message);
        }
        let left = |text: &str| match read(text) {
            Ok(_) => Left::Nothing,
            Err(error) if error.reason == reason => Left::Same,
            Err(error) => Left::Other(error.location.line),
        };
        let read = |text: &str| read(text).map_err(|error| error.location.line);
        let remedy = remedy(text, location.line, read);
        let is_of_value = matches!(remedy, Some(Remedy::Quote { .. } | Remedy::ReplaceTab { .. }));
        if matches!(reason, Reason::Syntax(_))
            && !is_of_value
            && let Some(found) = missing(text, location.line, left)
        {
            let message = format!("invalid YAML: {}", found.what);
            return Diagnostic::of_kind(DiagnosticKind::Syntax, found.location, message)
                .with_remedy(found.remedy);
        }
        // The alias is intended.
        let remedy = remedy
            .filter(|remedy| matches!(reason, Reason::Syntax(_)) || matches!(remedy, Remedy::Quote { .. }));
        // The parser reports the end of the value before it.
        if let Some(Remedy::ReplaceTab { line }) = remedy {
            let location = first_tab(text, line);
            return Diagnostic::of_kind(DiagnosticKind::Tab, location, "invalid YAML")
                .with_remedy(Remedy::ReplaceTab { line });
        }
        let found =
            of_kind(DiagnosticKind::Syntax, &format!("invalid YAML: {}", reason.text(text, location)));
        match remedy {
            Some(remedy) => found.with_remedy(remedy),
            None => found,
        }
    })
}

/// Returns the error for escape sequences in a text in double quotes that begins at a location.
///
/// With other text after the quote, the quotes belong to the value, and backslashes stay as they are.
fn of_escapes(text: &str, start: Location, found: InvalidEscapes) -> Diagnostic {
    let InvalidEscapes { location, mut sequences, mut are_beside_others, mut corrected, mut last_line } =
        found;
    let first = sequences.first().map_or("", String::as_str);
    let message = format!("invalid YAML: in double quotes, {first} is not an escape sequence");
    let error = Diagnostic::of_kind(DiagnosticKind::Syntax, location, message);
    // Errors in later lines are reported separately.
    let mut is_read = false;
    for _ in 0..MOST_TEXTS {
        let Err(next) = read(&corrected) else {
            is_read = true;
            break;
        };
        if next.location.line > last_line {
            is_read = true;
            break;
        }
        // Another text that begins in these lines may also have some.
        let Some(next) = invalid_escapes(&corrected, next.location) else { break };
        sequences.extend(next.sequences);
        are_beside_others |= next.are_beside_others;
        (corrected, last_line) = (next.corrected, next.last_line);
    }
    let remedy = if is_read {
        let mut seen = BTreeSet::new();
        sequences.retain(|sequence| seen.insert(sequence.clone()));
        let sequences = sequences.into_iter().map(Untrusted::new).collect();
        let remedy = Remedy::EscapeBackslash { sequences };
        (remedy.is_shown_as_it_is() && !are_beside_others).then_some(remedy)
    } else {
        let read = |text: &str| read(text).map_err(|error| error.location.line);
        remedy(text, start.line, read).filter(|remedy| matches!(remedy, Remedy::Quote { .. }))
    };
    match remedy {
        Some(remedy) => error.with_remedy(remedy),
        None => error,
    }
}

/// Returns the first key that is a mapping or a list: `{{ name }}` is YAML, a mapping in braces whose key is another one.
fn key_of_template(node: &YamlNode) -> Option<&YamlNode> {
    match &node.value {
        YamlValue::Mapping(pairs) => pairs.iter().find_map(|(key, value)| match &key.value {
            YamlValue::Mapping(_) | YamlValue::Sequence(_) => Some(key),
            _ => key_of_template(value),
        }),
        YamlValue::Sequence(items) => items.iter().find_map(key_of_template),
        YamlValue::Null | YamlValue::String(_) | YamlValue::Plain(_) => None,
    }
}

/// Returns the error of a text that is something other than YAML, which a YAML reader may still accept.
#[must_use]
pub fn not_yaml(text: &str) -> Option<Diagnostic> {
    let location = find_crontab(text)?;
    let message = "this is a crontab or consists of jsub lines";
    Some(Diagnostic::of_kind(DiagnosticKind::Crontab, location, message))
}

/// Returns the place of the first tab in a line, counted from one.
fn first_tab(text: &str, line: u64) -> Location {
    let index = usize::try_from(line.saturating_sub(1)).unwrap_or(usize::MAX);
    let found = text.lines().nth(index).unwrap_or_default();
    let before = found.chars().take_while(|c| *c != '\t').count();
    Location { line, column: u64::try_from(before).unwrap_or(u64::MAX).saturating_add(1) }
}

/// Where and why a text is not read.
struct ReadError {
    location: Location,
    reason: Reason,
}

/// Why a text is not read.
#[derive(PartialEq, Eq)]
enum Reason {
    /// It is YAML, but has more values or levels than are read.
    Limit(String),
    /// An alias has no anchor before it in the document.
    UnknownAnchor,
    /// An alias is within its own anchor.
    AliasOfItself,
    /// It is not YAML.
    Syntax(String),
}

impl Reason {
    fn of(error: &serde_saphyr::Error, location: Location) -> Self {
        use serde_saphyr::Error;
        use serde_saphyr::granit_parser::ErrorKind;
        match error {
            Error::AliasError { error, .. } if !matches!(Self::of(error, location), Self::Syntax(_)) => {
                Self::of(error, location)
            }
            Error::Budget { breach: BudgetBreach::Depth { .. }, .. } => Self::depth(),
            Error::Budget { .. } => Self::Limit(
                "the document has too many values, those that its aliases repeat included".to_owned(),
            ),
            Error::AliasReplayCounterOverflow { .. }
            | Error::AliasReplayLimitExceeded { .. }
            | Error::AliasExpansionLimitExceeded { .. }
            | Error::AliasReplayStackDepthExceeded { .. } => {
                Self::Limit(format!("aliases repeat more than {REPLAYED_EVENTS} values"))
            }
            Error::ExternalMessage { source, .. }
                if matches!(&**source, ExternalMessageSource::Parser(error)
                    if matches!(error.kind(), ErrorKind::RecursionLimitExceeded)) =>
            {
                Self::depth()
            }
            Error::UnknownAnchor { .. } => Self::UnknownAnchor,
            Error::RecursiveReferencesRequireWeakTypes { .. } => Self::AliasOfItself,
            error => {
                let reason = error.render_with_formatter(&UserMessageFormatter);
                Self::Syntax(reason.trim_end_matches(&format!(" at {location}")).to_owned())
            }
        }
    }

    fn depth() -> Self {
        Self::Limit(format!("mappings and lists are nested more than {LEVELS} levels deep"))
    }

    /// Returns the reason in words; the location is that of the error in the text.
    fn text(self, text: &str, location: Location) -> String {
        let alias = || alias_at(text, location).unwrap_or("*");
        match self {
            Self::Limit(reason) | Self::Syntax(reason) => reason,
            Self::UnknownAnchor => format!("the alias {} has no anchor before it in this document", alias()),
            Self::AliasOfItself => format!("the alias {} is within its own anchor", alias()),
        }
    }
}

/// Returns the alias at a location.
fn alias_at(text: &str, location: Location) -> Option<&str> {
    let line = text.lines().nth(usize::try_from(location.line).ok()?.checked_sub(1)?)?;
    let column = usize::try_from(location.column).ok()?.checked_sub(1)?;
    let (start, _) = line.char_indices().nth(column)?;
    let found =
        line.get(start..)?.split(|c: char| c.is_whitespace() || matches!(c, ',' | ']' | '}')).next()?;
    found.starts_with('*').then_some(found)
}

/// Reads one YAML document, or returns where and why it is not YAML.
fn read(text: &str) -> Result<YamlNode, ReadError> {
    let options = serde_saphyr::options! {
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: REPLAYED_EVENTS },
        budget: serde_saphyr::budget! { max_depth: LEVELS, max_total_scalar_bytes: SCALAR_BYTES },
        // As in the platform's own tools.
        duplicate_keys: DuplicateKeyPolicy::LastWins,
        // One value of a disallowed kind must not make the others unreadable.
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
            ReadError { location, reason: Reason::of(error.without_snippet(), location) }
        })?;
    Ok(node::with_location(parsed, text))
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
            ("- schedule: */5 * * * * # every 5 min\n", "quote the value: schedule: '*/5 * * * *'"),
            ("command: echo \"it's: fine\"\n", "quote the value: command: 'echo \"it''s: fine\"'"),
            ("command: grep it's: C:\\new x\n", "quote the value: command: 'grep it''s: C:\\new x'"),
            ("command: \"./a b\" --all # c\n", "quote the value: command: '\"./a b\" --all'"),
            ("a: '5 * * * *' # a\ncommand: './a' && b\n", "quote the value: command: '''./a'' && b'"),
            ("emails: 'it's fine'\n", "quote the value: emails: 'it''s fine'"),
            ("- \"schedule\": @daily\n", "quote the value: \"schedule\": '@daily'"),
            ("args:\n- '-c' x\n", "quote the value: - '''-c'' x'"),
            ("args:\n- @file\n", "quote the value: - '@file'"),
            ("command: [ -f a ] && b\n", "quote the value: command: '[ -f a ] && b'"),
            ("command: > out.txt\n", "quote the value: command: '> out.txt'"),
            ("command: & x\n", "quote the value: command: '& x'"),
            (
                "- name:a\n  image: b\n",
                "line 1, column 1: invalid YAML: the space after the colon is missing; write - name: a",
            ),
            (
                "-name: a\n  image: b\n",
                "line 1, column 1: invalid YAML: the space after the dash is missing; write - name: a",
            ),
            (
                "- name: a\n  mem 1Gi\n",
                "line 2, column 3: invalid YAML: the colon is missing; write mem: 1Gi",
            ),
            (
                "- name: a\n  mem = 1Gi\n  cpu: 1\n",
                "line 2, column 3: invalid YAML: the colon is missing; write mem: 1Gi",
            ),
            (
                "type php8.2\nmem: 1Gi\n",
                "line 1, column 1: invalid YAML: the colon is missing; write type: php8.2",
            ),
            (
                "- name: a\n  command: \"echo hi\n  image: b\n",
                "line 2, column 3: invalid YAML: the closing quote is missing; write command: \"echo hi\"",
            ),
            (
                "- name: a\n  command: 'echo hi\n  image: b\n",
                "the closing quote is missing; write command: 'echo hi'",
            ),
            (
                "- name: a\n<<<<<<< HEAD\n  image: b\n=======\n  image: c\n>>>>>>> x\n",
                "line 2, column 1: invalid YAML: a merge conflict is not resolved",
            ),
            ("- name: a\n  command: x\n image: b\n", "check the indentation of line 3"),
            (
                "- {name: a, schedule: */5 1,2 * * *, image: b}\n",
                "quote the value: schedule: '*/5 1,2 * * *'",
            ),
            ("a: [\n- schedule: */5 * * * *\n", "only valid inside a block"),
            ("- name: a\n\tcommand: x\n", "line 2 is indented with a tab; use spaces"),
            ("- name: a\n    command: x\n", "check the indentation of line 2"),
        ] {
            assert!(shown(text).ends_with(hint), "{text:?}: {}", shown(text));
        }
    }

    #[test]
    fn tabs_are_located_where_they_are() {
        for (text, expected) in [
            (
                "- name: a\n\tcommand: x\n",
                "line 2, column 1: invalid YAML; line 2 is indented with a tab; use spaces",
            ),
            (
                "key:\n  - a\n \t- b\n",
                "line 3, column 2: invalid YAML; line 3 is indented with a tab; use spaces",
            ),
            ("a:\n\tb: c\n", "line 2, column 1: invalid YAML; line 2 is indented with a tab; use spaces"),
        ] {
            assert_eq!(shown(text), expected, "{text:?}");
        }
    }

    #[test]
    fn limits_have_no_remedy() {
        let text = format!("- &a {{command: {}}}\n{}", "x".repeat(100_000), "- *a\n".repeat(100));
        let message = shown(&text);
        assert!(message.contains("too many values"), "{message}");
        assert!(!message.contains("quote the value"), "{message}");
    }

    #[test]
    fn unclear_values_have_no_remedy() {
        for text in [
            "command: \"echo \"hi\"\"\n",
            "command: \"say \"hi\"\n",
            "command: \"a\n",
            "command: [a, b\n",
            "command: 'it's fine\n",
        ] {
            assert!(!shown(text).contains("quote the value"), "{text:?}: {}", shown(text));
        }
    }

    #[test]
    fn unknown_escape_sequences_are_explained() {
        insta::assert_snapshot!(shown("- name: a\n  command: \"grep 'é\\n\\d' \\w\"\n"), @r"line 2, column 22: invalid YAML: in double quotes, \d is not an escape sequence");
        insta::assert_snapshot!(shown("a: \"C:\\temp\\new\\dir\"\n"), @r"line 1, column 16: invalid YAML: in double quotes, \d is not an escape sequence");
        insta::assert_snapshot!(shown("a: \"x\n  y\\\"\n  z\\.\"\n"), @r"line 3, column 4: invalid YAML: in double quotes, \. is not an escape sequence; write \\.");
        insta::assert_snapshot!(shown("{a: \"\\x41\\\\\", \"\\(\": b}\n"), @r"line 1, column 16: invalid YAML: in double quotes, \( is not an escape sequence; write \\(");
        insta::assert_snapshot!(shown("a: \"\\d+ \\w \\d\\(\"\nb: c: d\n"), @r"line 1, column 5: invalid YAML: in double quotes, \d is not an escape sequence; write \\d and \\w and \\(");
        insta::assert_snapshot!(shown("a: [\"\\d+\", \"\\w+\", \"\\d\"]\n"), @r"line 1, column 6: invalid YAML: in double quotes, \d is not an escape sequence; write \\d and \\w");
        insta::assert_snapshot!(shown("{a: \"p\\d\", b: \"\\w\"}\n"), @r"line 1, column 7: invalid YAML: in double quotes, \d is not an escape sequence; write \\d and \\w");
        insta::assert_snapshot!(shown("[\"\\d\", \"\\t\\w\"]\n"), @r"line 1, column 3: invalid YAML: in double quotes, \d is not an escape sequence");
        let many = format!("[{}]\n", vec!["\"\\d\""; 100].join(", "));
        assert_eq!(
            shown(&many),
            r"line 1, column 3: invalid YAML: in double quotes, \d is not an escape sequence"
        );
        insta::assert_snapshot!(shown("command: \"\\d+\" x\n"), @r#"line 1, column 11: invalid YAML: in double quotes, \d is not an escape sequence; quote the value: command: '"\d+" x'"#);
        insta::assert_snapshot!(shown("- \"a\\.b\" --x # c\n"), @r#"line 1, column 5: invalid YAML: in double quotes, \. is not an escape sequence; quote the value: - '"a\.b" --x'"#);
        insta::assert_snapshot!(shown("a: \"\\d\" \"\n"), @r"line 1, column 5: invalid YAML: in double quotes, \d is not an escape sequence");
        // An error other than the escape sequence.
        assert!(!shown("a: \"\\n\n").contains("escape sequence"), "{}", shown("a: \"\\n\n"));
    }

    #[test]
    fn repeated_aliases_are_limited() {
        let bomb = |levels: u32, item: &str| {
            let mut text = format!("a0: &a0 [{item}]\n");
            for level in 1..levels {
                let below = format!("*a{}, ", level - 1).repeat(10);
                text.push_str(&format!("a{level}: &a{level} [{below}]\n"));
            }
            text
        };
        // Ten million values, if they were all read.
        let found = shown(&bomb(7, "x, x, x, x, x, x"));
        assert!(found.ends_with("aliases repeat more than 20000 values"), "{found}");
        let found = shown(&bomb(4, &"x".repeat(100_000)));
        assert!(found.contains("too many values"), "{found}");
        assert_eq!(shown(&bomb(3, "x")), "a mapping");
    }

    #[test]
    fn other_formats_are_explained() {
        for (text, expected) in [
            (
                "{{- range .Values.x }}\n- a: {{ . }}\n",
                "line 1, column 1: the file is a template with {{ }}; render it first, and use the result",
            ),
            (
                "# {{ x }}\n{% for x in y %}\n- a\n",
                "line 2, column 1: the file is a template with {% %}; render it first, and use the result",
            ),
            // A mark in a line that was read is part of a value.
            (
                "- a: ps --format {{.Name}}\n- b: c\n  d: e\n  f: {{ g }}\n",
                "line 4, column 6: the file is a template with {{ }}; render it first, and use the result",
            ),
            ("a\0:\0 \0b\0", "line 1, column 1: the file is UTF-16; save it as UTF-8"),
            ("\u{7f}ELF: [abcdefgh\0", "line 1, column 1: the file is binary; it has zero bytes"),
            ("a: \"{{ x }}\"\n", "a mapping"),
        ] {
            assert_eq!(shown(text), expected, "{text:?}");
        }
        let found = shown(&"[".repeat(1000));
        assert!(found.ends_with("mappings and lists are nested more than 64 levels deep"), "{found}");
    }

    #[test]
    fn aliases_are_not_quoted() {
        for (text, expected) in [
            (
                "data: *m\n",
                "line 1, column 7: invalid YAML: the alias *m has no anchor before it in this document",
            ),
            (
                "- {a: *m1, b: c}\n",
                "line 1, column 7: invalid YAML: the alias *m1 has no anchor before it in this document",
            ),
            ("a: &a {b: *a}\n", "line 1, column 11: invalid YAML: the alias *a is within its own anchor"),
            (
                "schedule: */5\n",
                "line 1, column 11: invalid YAML: the alias */5 has no anchor before it in this document; quote the value: schedule: '*/5'",
            ),
        ] {
            assert_eq!(shown(text), expected, "{text:?}");
        }
    }

    #[test]
    fn marks_of_templates_in_values_are_not_the_error() {
        let found = shown("- command: docker inspect --format {{.Name}}\n- image: x\n  command: ./a: b\n");
        assert!(found.ends_with("quote the value: command: './a: b'"), "{found}");
    }

    /// Printed text is escaped, and would mean something else in quotes.
    #[test]
    fn invisible_characters_have_no_remedy() {
        for text in ["a: ./a\tx: y\n", "a: ./a \u{200b}x: y\n", "\"a\tb\": @x\n", "a: \"\\\u{200b}\"\n"] {
            let found = shown(text);
            assert!(!found.contains("; "), "{text:?}: {found}");
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
