//! The output format of the process.

use std::sync::OnceLock;

use crate::options::OutputFormat;

/// The output format of the process, from its arguments.
static FORMAT: OnceLock<OutputFormat> = OnceLock::new();

/// Sets the output format of the process, unless it is set already.
pub(crate) fn set_format(format: OutputFormat) {
    let _ = FORMAT.set(format);
}

/// Returns the output format of the process: a table until its arguments are parsed.
pub(crate) fn format() -> OutputFormat {
    FORMAT.get().copied().unwrap_or_default()
}

/// Returns whether the arguments of the process ask for a document instead of text for people.
#[must_use]
pub fn prints_documents() -> bool {
    format() != OutputFormat::Table
}
