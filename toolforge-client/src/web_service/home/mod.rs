//! The web service's files in a tool's home: the template that its owner writes, the manifest in which the programs keep
//! requests, and the files that image types start from.

mod directory;
mod service_manifest;
mod service_template;

pub use directory::ToolHome;
pub use service_manifest::ManifestError;
pub use service_template::{FoundTemplate, TemplateError};
