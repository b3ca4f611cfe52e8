//! YAML and JSON with the place of every value in bytes, many documents in a text, and the values that kubectl reads.

mod json;
mod node;
mod parse;

pub(crate) use crate::manifest::Plain;
pub(crate) use node::{Entry, Node, Scalar, Value};
pub(crate) use parse::{Comment, Document, Problem, ProblemKind, Text};

use json::parse_stream;
use parse::parse_yaml;

/// Reads all documents of a text: those of YAML, or JSON values one after the other. A document that cannot be read does not affect
/// the others.
pub(crate) fn parse(text: &str) -> Text {
    parse_stream(text).unwrap_or_else(|| parse_yaml(text))
}
