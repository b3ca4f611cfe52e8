use super::json::parse_stream;
use super::parse::{Text, parse_yaml};

/// Reads all documents of a text: those of YAML, or JSON values one after the other. A document that cannot be read does not affect
/// the others.
pub(crate) fn parse(text: &str) -> Text {
    parse_stream(text).unwrap_or_else(|| parse_yaml(text))
}
