use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

use crate::Location;

/// A YAML value with its location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct YamlNode {
    /// Where it begins.
    pub location: Location,
    /// The value.
    pub value: YamlValue,
}

/// A YAML value of any kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum YamlValue {
    /// `null`, `~` or nothing at all.
    Null,
    /// A string.
    String(String),
    /// A number or a boolean, as it is spelled in the text.
    Plain(String),
    /// A list.
    Sequence(Vec<YamlNode>),
    /// Keys and values, in the order of the text.
    Mapping(Vec<(YamlNode, YamlNode)>),
}

impl YamlNode {
    /// Returns the string, number or boolean as it is spelled.
    #[must_use]
    pub fn scalar(&self) -> Option<&str> {
        match &self.value {
            YamlValue::String(text) | YamlValue::Plain(text) => Some(text),
            YamlValue::Null | YamlValue::Sequence(_) | YamlValue::Mapping(_) => None,
        }
    }

    /// Returns the string, or `None` for any other value, also for a number or a boolean.
    #[must_use]
    pub fn string(&self) -> Option<&str> {
        match &self.value {
            YamlValue::String(text) => Some(text),
            YamlValue::Null | YamlValue::Plain(_) | YamlValue::Sequence(_) | YamlValue::Mapping(_) => None,
        }
    }

    /// Returns the value of a mapping's key, if there is one other than null.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        let YamlValue::Mapping(pairs) = &self.value else { return None };
        let (_, value) = pairs.iter().find(|(found, _)| found.string() == Some(key))?;
        Some(value).filter(|value| value.value != YamlValue::Null)
    }

    /// Returns what was found, for an error: a string in quotes, a number or boolean as it is spelled, or the name of
    /// the kind. For a long string, only the first 60 characters. The text is untrusted.
    #[must_use]
    pub fn describe(&self) -> String {
        match &self.value {
            YamlValue::Null => "nothing".to_owned(),
            YamlValue::String(text) => match text.char_indices().nth(60) {
                Some((end, _)) => format!("\"{}…\"", &text[..end]),
                None => format!("\"{text}\""),
            },
            YamlValue::Plain(text) => text.clone(),
            YamlValue::Sequence(_) => "a list".to_owned(),
            YamlValue::Mapping(_) => "a mapping".to_owned(),
        }
    }
}

/// A value as the reader reports it; the spelling of numbers and booleans is only in the text.
pub(super) enum Parsed {
    Null,
    Text(String),
    AsWritten(String),
    List(Vec<Spanned<Parsed>>),
    Mapping(Vec<(Spanned<Parsed>, Spanned<Parsed>)>),
}

/// Returns the value with its location, and numbers and booleans with their spelling.
pub(super) fn with_location(parsed: Spanned<Parsed>, text: &str) -> YamlNode {
    located(parsed, text, false)
}

/// Returns a value that is merged into a mapping (`<<: *name`), or not. Merged values have the location of the anchor.
fn located(parsed: Spanned<Parsed>, text: &str, is_merged: bool) -> YamlNode {
    let Spanned { value, referenced, defined } = parsed;
    let value = match value {
        Parsed::Null => YamlValue::Null,
        Parsed::Text(text) => YamlValue::String(text),
        Parsed::AsWritten(read) => YamlValue::Plain(written(defined, text).unwrap_or(read)),
        Parsed::List(items) => {
            YamlValue::Sequence(items.into_iter().map(|item| located(item, text, is_merged)).collect())
        }
        Parsed::Mapping(pairs) => {
            let pair = |(key, value): (Spanned<Parsed>, Spanned<Parsed>)| {
                let is_merged = is_merged || key.referenced != key.defined;
                (located(key, text, is_merged), located(value, text, is_merged))
            };
            YamlValue::Mapping(pairs.into_iter().map(pair).collect())
        }
    };
    let location = if is_merged { defined } else { referenced };
    YamlNode { location: Location { line: location.line(), column: location.column() }, value }
}

fn written(location: serde_saphyr::Location, text: &str) -> Option<String> {
    let span = location.span();
    let start = usize::try_from(span.byte_offset()?).ok()?;
    let length = usize::try_from(span.byte_len()?).ok()?;
    text.get(start..start.checked_add(length)?).map(str::to_owned).filter(|text| !text.is_empty())
}

impl<'de> Deserialize<'de> for Parsed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Parsed;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Parsed, E> {
        Ok(Parsed::Null)
    }

    fn visit_none<E>(self) -> Result<Parsed, E> {
        Ok(Parsed::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Parsed, D::Error> {
        Parsed::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Parsed, E> {
        Ok(Parsed::AsWritten(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Parsed, E> {
        Ok(Parsed::AsWritten(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Parsed, E> {
        Ok(Parsed::AsWritten(value.to_string()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Parsed, E> {
        Ok(Parsed::AsWritten(value.to_string()))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Parsed, E> {
        Ok(Parsed::AsWritten(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Parsed, E> {
        Ok(Parsed::AsWritten(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Parsed, E> {
        Ok(Parsed::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Parsed, E> {
        Ok(Parsed::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Parsed, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Parsed::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<Parsed, A::Error> {
        let mut mapping = Vec::new();
        while let Some(pair) = pairs.next_entry()? {
            mapping.push(pair);
        }
        Ok(Parsed::Mapping(mapping))
    }
}

/// Returns whether a line begins a YAML document: it is `---`, also with a comment or a value after it.
#[must_use]
pub fn begins_document(line: &str) -> bool {
    is_marker(line, "---")
}

/// Returns whether a line ends a YAML document: it is `...`.
#[must_use]
pub fn ends_document(line: &str) -> bool {
    is_marker(line, "...")
}

fn is_marker(line: &str, marker: &str) -> bool {
    line.strip_prefix(marker).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_are_followed_by_spaces() {
        for line in ["---", "--- # a", "---\t# a", "---\r\n", "--- a: 1"] {
            assert!(begins_document(line), "{line:?}");
        }
        for line in ["----", "---a", " ---", "--", "..."] {
            assert!(!begins_document(line), "{line:?}");
        }
        assert!(ends_document("...") && !ends_document("...."));
    }
}
