//! The files in a tool's home that say what its web service shall be: the template that its owner writes, and the
//! manifest that the programs write.

mod manifest;
mod setting;
mod template;

pub use manifest::ServiceManifest;
pub use setting::Backend;
pub use template::{ServiceTemplate, TemplateMistakes};
