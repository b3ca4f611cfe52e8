//! What the platform makes: once per cluster, and for each tool.

mod certificate;
pub(crate) mod cluster;
mod files;
mod objects;
pub(crate) mod tool;
