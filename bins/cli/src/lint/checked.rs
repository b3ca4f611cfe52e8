use toolforge_model::Untrusted;
use toolforge_render::lint::{Finding, Secrets};

use super::fixes::Fixes;

/// The most edits of a fix that a document lists: a file has as many Windows line endings as it has lines.
const MOST_EDITS: usize = 1_000;

/// A file and its findings.
pub(super) struct Checked {
    /// The file as it was named.
    pub(super) name: Untrusted,
    /// The text; empty if it is not text.
    pub(super) text: String,
    /// The secrets in the text, which are not shown.
    pub(super) secrets: Secrets,
    /// The findings; with `--fix`, the remaining ones.
    pub(super) findings: Vec<Finding>,
    /// The fixes of `--fix`.
    pub(super) fixes: Option<Fixes>,
}

impl Checked {
    /// Returns a finding as it can be shown: a fix that repeats a secret, or has very many edits, is left out.
    pub(super) fn without_secrets(&self, finding: &Finding) -> Finding {
        let mut finding = finding.clone();
        finding.fix = finding.fix.filter(|fix| {
            fix.edits.len() <= MOST_EDITS
                && !fix.edits.iter().any(|edit| self.secrets.edit_contains_secret(edit))
        });
        finding
    }
}
