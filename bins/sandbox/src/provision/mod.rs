//! What the platform makes: once per cluster, and for each tool.

mod certificate;
pub(crate) mod cluster;
mod files;
mod objects;
mod owned;
pub(crate) mod tool;
