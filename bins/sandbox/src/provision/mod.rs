//! The platform's objects: those of the cluster, and those of each tool.

mod certificate;
pub(crate) mod cluster;
mod home;
mod objects;
mod owned;
pub(crate) mod tool;
