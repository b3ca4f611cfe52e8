//! YAML and JSON with the place of every value in bytes, many documents in a text, and the values that kubectl reads.

mod json;
mod node;
mod parse;
mod scalar;

pub(crate) use node::{Entry, Node, Scalar, Value};
pub(crate) use parse::{Comment, Document, Problem, ProblemKind, Text, parse};
pub(crate) use scalar::Plain;
