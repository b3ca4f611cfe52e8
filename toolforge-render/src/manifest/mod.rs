//! Manifests as people write them: Kubernetes objects of any kind, with the locations of their fields.
//!
//! [`file_documents`] splits a file, and [`Manifests::read`] reads the objects of a document, `List`s included.

mod deserialize;
mod document;
mod manifest_kind;
mod manifest_object;
mod read;
mod scalar;
mod secret_lines;

pub use document::{FileDocument, FileDocuments, file_documents};
pub(crate) use document::{json_error, parse_at};
pub(crate) use manifest_kind::item_kind_of;
pub use manifest_kind::{ManifestKind, list_item_kind};
pub use manifest_object::{Manifest, ManifestObject};
pub use read::Manifests;
pub(crate) use scalar::Plain;
pub(crate) use secret_lines::{HEAD, is_secret_kind, values_in_lines};
