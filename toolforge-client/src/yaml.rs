//! What a YAML reader complains about, in parts.

use toolforge_model::Untrusted;

/// A mistake in a YAML text.
pub(crate) struct Mistake {
    /// The line, from 1; 0 where it is not known.
    pub(crate) line: u64,
    /// The column, from 1; 0 where it is not known.
    pub(crate) column: u64,
    /// The reader's words, without the place and the text around it.
    pub(crate) reason: Untrusted,
}

impl From<serde_saphyr::Error> for Mistake {
    fn from(error: serde_saphyr::Error) -> Self {
        let (line, column) = error.location().map_or((0, 0), |location| (location.line(), location.column()));
        let text = error.without_snippet().to_string();
        let place = format!(" at line {line}, column {column}");
        let reason = text.strip_suffix(&place).unwrap_or(&text);
        Self { line, column, reason: Untrusted::new(reason) }
    }
}
