use toolforge_model::Untrusted;
use toolforge_render::lint::Finding;

use super::fixes::Fixes;

/// A file and what is found in it.
pub(super) struct Checked {
    /// The file as it was named.
    pub(super) name: Untrusted,
    /// The text; empty if it is not text.
    pub(super) text: String,
    /// What is found; with `--fix`, what is left.
    pub(super) findings: Vec<Finding>,
    /// What `--fix` did.
    pub(super) fixes: Option<Fixes>,
}
