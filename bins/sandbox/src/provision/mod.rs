//! What Toolforge adds to a Kubernetes: once per cluster, and per tool.

pub(crate) mod cluster;
pub(crate) mod tool;
