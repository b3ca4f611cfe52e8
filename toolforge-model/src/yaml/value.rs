use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

use super::TextPlace;

/// A YAML value with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct YamlValue {
    /// Where it begins.
    pub place: TextPlace,
    /// What it is.
    pub shape: Shape,
}

/// What a YAML value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Nothing.
    Null,
    /// A text.
    Text(String),
    /// A number or a boolean, as it is written.
    Plain(String),
    /// A list.
    List(Vec<YamlValue>),
    /// Keys and values, in their order.
    Mapping(Vec<(YamlValue, YamlValue)>),
}

impl YamlValue {
    /// Returns the text, number or boolean as it is written.
    #[must_use]
    pub fn scalar(&self) -> Option<&str> {
        match &self.shape {
            Shape::Text(text) | Shape::Plain(text) => Some(text),
            Shape::Null | Shape::List(_) | Shape::Mapping(_) => None,
        }
    }

    /// Returns what stands there, for an error: a scalar in quotes, or the name of the shape. The text is untrusted.
    #[must_use]
    pub fn described(&self) -> String {
        match &self.shape {
            Shape::Null => "nothing".to_owned(),
            Shape::Text(text) | Shape::Plain(text) => format!("\"{text}\""),
            Shape::List(_) => "a list".to_owned(),
            Shape::Mapping(_) => "a mapping".to_owned(),
        }
    }
}

/// What the reader makes of a value; a number's and a boolean's spelling is still in the text.
pub(super) enum Parsed {
    Null,
    Text(String),
    AsWritten(String),
    List(Vec<Spanned<Parsed>>),
    Mapping(Vec<(Spanned<Parsed>, Spanned<Parsed>)>),
}

/// Gives a value its place, and a scalar its spelling.
pub(super) fn placed(parsed: Spanned<Parsed>, text: &str) -> YamlValue {
    let Spanned { value, referenced, defined } = parsed;
    let shape = match value {
        Parsed::Null => Shape::Null,
        Parsed::Text(text) => Shape::Text(text),
        Parsed::AsWritten(read) => Shape::Plain(written(defined, text).unwrap_or(read)),
        Parsed::List(items) => Shape::List(items.into_iter().map(|item| placed(item, text)).collect()),
        Parsed::Mapping(pairs) => {
            let pair = |(key, value)| (placed(key, text), placed(value, text));
            Shape::Mapping(pairs.into_iter().map(pair).collect())
        }
    };
    YamlValue { place: TextPlace { line: referenced.line(), column: referenced.column() }, shape }
}

fn written(location: Location, text: &str) -> Option<String> {
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
