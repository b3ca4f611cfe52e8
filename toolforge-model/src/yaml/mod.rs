//! YAML as people write it: values of any shape, each with its place, so that all mistakes of a file can be told at once.

mod remedy;
mod value;

pub use value::{Shape, YamlValue};

use std::fmt;

use serde_saphyr::{DuplicateKeyPolicy, NonFiniteFloatPolicy, UserMessageFormatter};

use serde::Serialize;

use crate::Untrusted;
use value::Parsed;

/// Where something stands in a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TextPlace {
    /// The line, from 1.
    pub line: u64,
    /// The column, from 1.
    pub column: u64,
}

impl fmt::Display for TextPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// Something that is wrong in a text, with its place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {}", message.escaped())]
pub struct Mistake {
    /// Where.
    pub place: TextPlace,
    /// What was found, and what is allowed.
    pub message: Untrusted,
}

impl Mistake {
    pub(crate) fn new(place: TextPlace, message: impl fmt::Display) -> Self {
        Self { place, message: Untrusted::new(message.to_string()) }
    }
}

/// Reads one YAML document. Of two equal keys the last holds; an empty text is [`Shape::Null`].
///
/// # Errors
/// When the text is not YAML.
pub fn parse(text: &str) -> Result<YamlValue, Mistake> {
    let options = serde_saphyr::options! {
        duplicate_keys: DuplicateKeyPolicy::LastWins,
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        ignore_binary_tag_for_string: true,
    };
    // The reader finds no document in it.
    let is_comment = |line: &str| line.trim_start().is_empty() || line.trim_start().starts_with('#');
    if text.lines().all(is_comment) {
        return Ok(YamlValue { place: TextPlace { line: 1, column: 1 }, shape: Shape::Null });
    }
    let parsed: serde_saphyr::Spanned<Parsed> =
        serde_saphyr::from_str_with_options(text, options).map_err(|error| {
            let place = error.location().map_or(TextPlace { line: 1, column: 1 }, |location| TextPlace {
                line: location.line(),
                column: location.column(),
            });
            let reason = error.without_snippet().render_with_formatter(&UserMessageFormatter);
            let reason = reason.trim_end_matches(&format!(" at {place}"));
            let remedy =
                remedy::remedy(text, place.line).map(|remedy| format!("; {remedy}")).unwrap_or_default();
            Mistake::new(place, format_args!("this is not YAML: {reason}{remedy}"))
        })?;
    Ok(value::placed(parsed, text))
}

/// Returns a value as a YAML document that every reader takes for the same value.
///
/// Texts of several lines are blocks, but for those in which a line begins with a tab: libyaml, and with it most readers,
/// takes that for a wrong indentation.
///
/// # Errors
/// When the value has what YAML cannot hold.
pub fn to_text(value: &impl Serialize) -> Result<String, WriteError> {
    let text = serde_saphyr::to_string(value).map_err(|error| WriteError(error.to_string()))?;
    if !text.lines().any(|line| line.trim_start_matches(' ').starts_with('\t')) {
        return Ok(text);
    }
    let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
    serde_saphyr::to_string_with_options(value, options).map_err(|error| WriteError(error.to_string()))
}

/// Why a value is not written as YAML.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this cannot be written as YAML: {0}")]
pub struct WriteError(String);

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match parse(text) {
            Ok(value) => value.described(),
            Err(mistake) => mistake.to_string(),
        }
    }

    #[test]
    fn a_scalar_is_read_as_it_is_written() {
        let Shape::Mapping(pairs) =
            parse("type: 3.90\ncpu: 010\nyes: \"1_0\"\nx: ~\nl: [1.0, a]\n").unwrap().shape
        else {
            panic!("no mapping")
        };
        let texts: Vec<_> = pairs
            .iter()
            .map(|(key, value)| format!("{} {}={}", key.place.line, key.described(), value.described()))
            .collect();
        assert_eq!(
            texts,
            [
                "1 \"type\"=\"3.90\"",
                "2 \"cpu\"=\"010\"",
                "3 \"yes\"=\"1_0\"",
                "4 \"x\"=nothing",
                "5 \"l\"=a list"
            ]
        );
    }

    #[test]
    fn the_mistakes_that_people_make_most_are_told_with_what_to_do() {
        for (text, remedy) in [
            ("- schedule: */5 * * * *\n", "quote the value: schedule: '*/5 * * * *'"),
            ("- schedule: @daily\n", "quote the value: schedule: '@daily'"),
            ("command: echo a: b\n", "quote the value: command: 'echo a: b'"),
            ("- name: a\n\tcommand: x\n", "line 2 is indented with a tab; use blanks"),
            ("- name: a\n    command: x\n", "is line 2 indented as the line above it?"),
        ] {
            assert!(shown(text).ends_with(remedy), "{text:?}: {}", shown(text));
        }
    }

    #[test]
    fn what_is_not_yaml_is_told_with_its_place() {
        assert_eq!(shown(""), "nothing");
        assert_eq!(shown("# a comment\n"), "nothing");
        assert!(shown("a: [1\n").starts_with("line "), "{}", shown("a: [1\n"));
        assert!(shown("a: b: c\n").contains("not YAML"), "{}", shown("a: b: c\n"));
    }
}
