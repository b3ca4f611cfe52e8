use serde_saphyr::{DuplicateKeyPolicy, NonFiniteFloatPolicy, UserMessageFormatter};

use super::node::{self, Parsed, YamlNode, YamlValue};
use super::remedy::{invalid_escape, remedy, second_document};
use crate::{Diagnostic, DiagnosticKind, Location, Remedy, Untrusted};

/// The maximum number of values and keys that aliases (`*name`) repeat: those of a few hundred jobs with common settings.
const REPLAYED_EVENTS: usize = 20_000;

/// The maximum size of all values and keys in bytes, with those that aliases repeat; files have at most 1 MiB.
const SCALAR_BYTES: usize = 8 * 1024 * 1024;

/// Reads one YAML document. Of two equal keys the last one counts; a text without content is [`YamlValue::Null`].
///
/// # Errors
/// When the text is not YAML: where and why, with a hint at the usual causes.
pub fn parse(text: &str) -> Result<YamlNode, Diagnostic> {
    read(text).map_err(|ReadError { location, reason, is_limit }| {
        if let Some((location, sequence)) = invalid_escape(text, location) {
            let message = format!("invalid YAML: in double quotes, {sequence} is not an escape sequence");
            let sequence = Untrusted::new(sequence);
            return Diagnostic::of_kind(DiagnosticKind::Syntax, location, message)
                .with_remedy(Remedy::EscapeBackslash { sequence });
        }
        if let Some(location) = second_document(text, location.line, |text| read(text).is_ok()) {
            let message = "a second YAML document begins here, and only one is read";
            return Diagnostic::of_kind(DiagnosticKind::SecondDocument, location, message)
                .with_remedy(Remedy::RemoveLine);
        }
        let read = |text: &str| read(text).map_err(|error| error.location.line);
        let remedy = if is_limit { None } else { remedy(text, location.line, read) };
        let kind = match remedy {
            _ if is_limit => DiagnosticKind::Limit,
            Some(Remedy::ReplaceTab { .. }) => DiagnosticKind::Tab,
            _ => DiagnosticKind::Syntax,
        };
        let found = Diagnostic::of_kind(kind, location, format_args!("invalid YAML: {reason}"));
        match remedy {
            Some(remedy) => found.with_remedy(remedy),
            None => found,
        }
    })
}

/// Why a text is not read.
struct ReadError {
    location: Location,
    reason: String,
    /// Whether it has more values or levels than are read, and is YAML.
    is_limit: bool,
}

/// Reads one YAML document, or returns where and why it is not YAML.
fn read(text: &str) -> Result<YamlNode, ReadError> {
    let options = serde_saphyr::options! {
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: REPLAYED_EVENTS },
        budget: serde_saphyr::budget! { max_total_scalar_bytes: SCALAR_BYTES },
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
            if is_budget(error.without_snippet()) {
                let reason = "YAML document too large or too complex: more values or levels than are read";
                return ReadError { location, reason: reason.to_owned(), is_limit: true };
            }
            let is_limit = is_limit(error.without_snippet());
            let reason = error.without_snippet().render_with_formatter(&UserMessageFormatter);
            let reason = reason.trim_end_matches(&format!(" at {location}")).to_owned();
            ReadError { location, reason, is_limit }
        })?;
    Ok(node::with_location(parsed, text))
}

/// Returns whether an error is that the document, with what its aliases repeat, has more than is read.
fn is_budget(error: &serde_saphyr::Error) -> bool {
    match error {
        serde_saphyr::Error::AliasError { error, .. } => is_budget(error),
        serde_saphyr::Error::Budget { .. } => true,
        _ => false,
    }
}

/// Returns whether an error is that aliases repeat too much.
fn is_limit(error: &serde_saphyr::Error) -> bool {
    match error {
        serde_saphyr::Error::AliasError { error, .. } => is_limit(error),
        serde_saphyr::Error::AliasReplayCounterOverflow { .. }
        | serde_saphyr::Error::AliasReplayLimitExceeded { .. }
        | serde_saphyr::Error::AliasExpansionLimitExceeded { .. }
        | serde_saphyr::Error::AliasReplayStackDepthExceeded { .. } => true,
        _ => false,
    }
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
            (
                "- {name: a, schedule: */5 1,2 * * *, image: b}\n",
                "quote the value: schedule: '*/5 1,2 * * *'",
            ),
            ("a: [\n- schedule: */5 * * * *\n", "only valid inside a block"),
            ("- name: a\n\tcommand: x\n", "line 2 is indented with a tab; use spaces"),
            ("- name: a\n    command: x\n", "is line 2 indented as the line above it?"),
        ] {
            assert!(shown(text).ends_with(hint), "{text:?}: {}", shown(text));
        }
    }

    #[test]
    fn limits_have_no_remedy() {
        let text = format!("- &a {{command: {}}}\n{}", "x".repeat(100_000), "- *a\n".repeat(100));
        let message = shown(&text);
        assert!(message.contains("more values or levels than are read"), "{message}");
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
        insta::assert_snapshot!(shown("- name: a\n  command: \"grep 'é\\n\\d' \\w\"\n"), @r"line 2, column 22: invalid YAML: in double quotes, \d is not an escape sequence; write \\d, or use single quotes");
        insta::assert_snapshot!(shown("a: \"x\n  y\\\"\n  z\\.\"\n"), @r"line 3, column 4: invalid YAML: in double quotes, \. is not an escape sequence; write \\., or use single quotes");
        insta::assert_snapshot!(shown("{a: \"\\x41\\\\\", \"\\(\": b}\n"), @r"line 1, column 16: invalid YAML: in double quotes, \( is not an escape sequence; write \\(, or use single quotes");
        // Another error than the escape sequence.
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
        assert!(found.contains("too large or too complex"), "{found}");
        let found = shown(&bomb(4, &"x".repeat(100_000)));
        assert!(found.contains("invalid YAML"), "{found}");
        assert_eq!(shown(&bomb(3, "x")), "a mapping");
    }

    #[test]
    fn errors_have_locations() {
        assert_eq!(shown(""), "nothing");
        assert_eq!(shown("# a comment\n"), "nothing");
        assert!(shown("a: [1\n").starts_with("line "), "{}", shown("a: [1\n"));
        assert!(shown("a: b: c\n").contains("invalid YAML"), "{}", shown("a: b: c\n"));
    }
}
