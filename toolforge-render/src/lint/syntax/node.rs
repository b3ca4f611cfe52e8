use std::borrow::Cow;
use std::ops::Range;

use serde_json::{Map, Number, Value as Json};
use toolforge_model::Location;

use crate::manifest::Plain;

/// A value with its place.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// The bytes of the text from its first to its last character. What an alias repeats has the place of its anchor.
    pub(crate) span: Range<usize>,
    /// Where it begins.
    pub(crate) location: Location,
    /// The value.
    pub(crate) value: Value,
}

/// A value.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// A string, a number, a boolean or null.
    Scalar(Scalar),
    /// A list.
    Sequence(Vec<Node>),
    /// Keys and values, in the order of the text; merged keys are at the end.
    Mapping {
        /// The keys and values, each key once.
        entries: Vec<Entry>,
        /// Whether it is written in braces.
        is_flow: bool,
    },
}

/// A scalar and how it is written.
#[derive(Clone, Debug)]
pub(crate) struct Scalar {
    /// The text without quotes and escapes.
    pub(crate) text: String,
    /// What it means.
    pub(crate) plain: Plain,
    /// Whether it is neither quoted nor a block.
    pub(crate) is_plain: bool,
}

/// A key and its value.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The key.
    pub(crate) key: Node,
    /// The value.
    pub(crate) value: Node,
    /// Whether it comes from another mapping (`<<: *name`).
    pub(crate) is_merged: bool,
}

impl Entry {
    /// Returns the key as text.
    pub(crate) fn name(&self) -> &str {
        self.key.text().unwrap_or_default()
    }
}

impl Node {
    /// Returns a scalar as it is written, without quotes.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(scalar) => Some(&scalar.text),
            Value::Sequence(_) | Value::Mapping { .. } => None,
        }
    }

    /// Returns a string; `None` for numbers, booleans and null.
    pub(crate) fn string(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(scalar) if scalar.plain == Plain::String => Some(&scalar.text),
            _ => None,
        }
    }

    /// Returns a number or a string as an amount, such as `500m`.
    pub(crate) fn amount(&self) -> Option<Cow<'_, str>> {
        match &self.value {
            Value::Scalar(scalar) => Some(scalar.plain.amount(&scalar.text)),
            Value::Sequence(_) | Value::Mapping { .. } => None,
        }
    }

    /// Returns a whole number.
    pub(crate) fn integer(&self) -> Option<i64> {
        match &self.value {
            Value::Scalar(Scalar { plain: Plain::Integer(number), .. }) => i64::try_from(*number).ok(),
            _ => None,
        }
    }

    /// Returns a boolean.
    pub(crate) fn boolean(&self) -> Option<bool> {
        match &self.value {
            Value::Scalar(Scalar { plain: Plain::Boolean(value), .. }) => Some(*value),
            _ => None,
        }
    }

    /// Returns whether it is null or nothing.
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar(Scalar { plain: Plain::Null, .. }))
    }

    /// Returns the keys and values of a mapping; none for other values.
    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Mapping { entries, .. } => entries,
            Value::Scalar(_) | Value::Sequence(_) => &[],
        }
    }

    /// Returns the keys of a mapping; none for other values.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries().iter().map(Entry::name)
    }

    /// Returns the items of a list; none for other values.
    pub(crate) fn items(&self) -> &[Self] {
        match &self.value {
            Value::Sequence(items) => items,
            Value::Scalar(_) | Value::Mapping { .. } => &[],
        }
    }

    /// Returns the entry of a key.
    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.name() == key)
    }

    /// Returns the value of a key, unless it is null.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|entry| &entry.value).filter(|value| !value.is_null())
    }

    /// Returns the value at the end of a path of keys.
    pub(crate) fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// Returns whether mappings and lists are nested more deeply than a number of levels.
    pub(crate) fn has_more_levels_than(&self, most: usize) -> bool {
        let Some(below) = most.checked_sub(1) else { return true };
        match &self.value {
            Value::Scalar(_) => false,
            Value::Sequence(items) => items.iter().any(|item| item.has_more_levels_than(below)),
            Value::Mapping { entries, .. } => {
                entries.iter().any(|entry| entry.value.has_more_levels_than(below))
            }
        }
    }

    /// Returns what was found, in words.
    pub(crate) fn kind_name(&self) -> &'static str {
        match &self.value {
            Value::Mapping { .. } => "a mapping",
            Value::Sequence(_) => "a list",
            Value::Scalar(scalar) => match scalar.plain {
                Plain::Null => "nothing",
                Plain::Boolean(_) => "a boolean",
                Plain::Integer(_) | Plain::Number(_) => "a number",
                Plain::String => "a string",
            },
        }
    }

    /// Returns the value as JSON, as kubectl sends it.
    pub(crate) fn to_json(&self) -> Json {
        self.to_json_without(&|_| false)
    }

    /// Returns the value as JSON, without some of the values in it.
    pub(crate) fn to_json_without(&self, is_left_out: &dyn Fn(&Self) -> bool) -> Json {
        match &self.value {
            Value::Mapping { entries, .. } => {
                let entries = entries.iter().filter(|entry| !is_left_out(&entry.value));
                let pairs =
                    entries.map(|entry| (entry.name().to_owned(), entry.value.to_json_without(is_left_out)));
                Json::Object(pairs.collect::<Map<_, _>>())
            }
            Value::Sequence(items) => {
                let items = items.iter().filter(|item| !is_left_out(item));
                Json::Array(items.map(|item| item.to_json_without(is_left_out)).collect())
            }
            Value::Scalar(scalar) => match scalar.plain {
                Plain::Null => Json::Null,
                Plain::Boolean(value) => Json::Bool(value),
                Plain::Integer(number) => {
                    let small = i64::try_from(number).map(Json::from);
                    small.or_else(|_| u64::try_from(number).map(Json::from)).unwrap_or(Json::Null)
                }
                Plain::Number(number) => Number::from_f64(number).map_or(Json::Null, Json::Number),
                Plain::String => Json::String(scalar.text.clone()),
            },
        }
    }
}
