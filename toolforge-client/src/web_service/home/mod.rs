//! The web service's files in a tool's home: the template that its owner writes, the manifest in which the programs keep
//! requests, and the files that image types start from.

mod directory;
mod manifest;
mod template;

pub use directory::ToolHome;
pub use manifest::ManifestError;
pub use template::{FoundTemplate, TemplateError};
