//! YAML as people write it: values of any kind with their locations, so that all errors of a file can be reported at
//! once.

mod node;
mod read;
mod remedy;
mod write;

pub use node::{YamlNode, YamlValue};
pub use read::parse;
pub use write::{WriteError, to_text};
