//! YAML as people write it: values of any kind with their locations, so all errors of a file can be reported at
//! once.

mod missing;
mod node;
mod read;
mod remedy;
mod template_syntax;
mod write;

pub use node::{YamlNode, YamlValue};
pub use node::{begins_document, ends_document};
pub use read::{not_yaml, parse};
pub use template_syntax::{TemplateMark, find_template};
pub use write::{WriteError, to_text};
