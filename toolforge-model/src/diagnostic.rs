//! What is wrong in a text, with the line and column of each finding.

use std::fmt;

use serde::Serialize;

use crate::Untrusted;

/// A position in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Location {
    /// The line, from 1.
    pub line: u64,
    /// The column, from 1.
    pub column: u64,
}

impl Location {
    /// The first character of a text.
    pub const START: Self = Self { line: 1, column: 1 };
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// An error or a warning about a text, with its location.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[non_exhaustive]
#[error("{location}: {}", message.escaped())]
pub struct Diagnostic {
    /// Where the text is wrong.
    #[serde(flatten)]
    pub location: Location,
    /// What was found, and what is allowed.
    pub message: Untrusted,
}

impl Diagnostic {
    /// Returns a diagnostic with the text of a message.
    #[must_use]
    pub fn new(location: Location, message: impl fmt::Display) -> Self {
        Self { location, message: Untrusted::new(message.to_string()) }
    }

    /// Returns the diagnostic as compilers print it: `jobs.yaml:3:10: unknown key "comand"`.
    #[must_use]
    pub fn in_file(&self, file: &Untrusted) -> String {
        let Location { line, column } = self.location;
        format!("{}:{line}:{column}: {}", file.escaped(), self.message.escaped())
    }
}

/// All errors of a text, in the order of their locations; at least one.
///
/// Prints one line for each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Diagnostics<D = Diagnostic>(Vec<D>);

impl Diagnostics {
    /// Returns `value` where no errors were found, else the errors, sorted by location.
    #[cfg(feature = "yaml")]
    pub(crate) fn or<T>(mut errors: Vec<Diagnostic>, value: T) -> Result<T, Self> {
        if errors.is_empty() {
            return Ok(value);
        }
        errors.sort_by_key(|error| error.location);
        Err(Self(errors))
    }
}

impl<D> Diagnostics<D> {
    #[cfg(feature = "schedule")]
    pub(crate) fn new(errors: Vec<D>) -> Self {
        Self(errors)
    }

    /// Returns the errors.
    #[must_use]
    pub fn as_slice(&self) -> &[D] {
        &self.0
    }

    /// Iterates over the errors.
    pub fn iter(&self) -> std::slice::Iter<'_, D> {
        self.0.iter()
    }

    /// Returns the number of errors, which is at least 1.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(error: Diagnostic) -> Self {
        Self(vec![error])
    }
}

impl<D> IntoIterator for Diagnostics<D> {
    type Item = D;
    type IntoIter = std::vec::IntoIter<D>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a, D> IntoIterator for &'a Diagnostics<D> {
    type Item = &'a D;
    type IntoIter = std::slice::Iter<'a, D>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<D: fmt::Debug + fmt::Display> std::error::Error for Diagnostics<D> {}

impl<D: fmt::Display> fmt::Display for Diagnostics<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}
