//! Errors and warnings about a text, with their lines and columns.

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

    /// Returns the location behind a text.
    #[must_use]
    pub fn end_of(text: &str) -> Self {
        let number = |number: usize| u64::try_from(number).unwrap_or(u64::MAX).saturating_add(1);
        let last = text.rsplit('\n').next().unwrap_or_default();
        Self { line: number(text.matches('\n').count()), column: number(last.chars().count()) }
    }

    /// Returns the location in a file in which a number of lines precede the text.
    #[must_use]
    pub fn moved_down(self, lines: u64) -> Self {
        Self { line: self.line.saturating_add(lines), ..self }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// An error or a warning about a text, with its location.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[non_exhaustive]
#[error("{location}: {}", self.text().escaped())]
pub struct Diagnostic {
    /// Where the text is wrong.
    #[serde(flatten)]
    pub location: Location,
    /// The kind of the error.
    pub kind: DiagnosticKind,
    /// What was found, and what is allowed.
    pub message: Untrusted,
    /// The other place that the message is about, such as that of a second value of one key.
    pub related: Option<Location>,
    /// How to fix it, if that is not part of the message.
    pub remedy: Option<Remedy>,
}

/// The kind of a [`Diagnostic`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum DiagnosticKind {
    /// The text is not YAML or JSON.
    Syntax,
    /// The text is not YAML, because a line is indented with a tab.
    Tab,
    /// The text has more values or levels than are read.
    Limit,
    /// The text is a template of Helm or Jinja, which is not rendered yet.
    Template,
    /// The text is a crontab or consists of `jsub` lines.
    Crontab,
    /// The text is not UTF-8.
    Encoding,
    /// A second document begins where only one is read.
    SecondDocument,
    /// The text can be read, but a key or a value in it is wrong or has no effect.
    Content,
}

/// How to fix what a [`Diagnostic`] is about. Displayed as a request, as in `quote the value: a: 'b: c'`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Remedy {
    /// Quote a value.
    Quote {
        /// The key or the dash, and the value in quotes.
        corrected: Untrusted,
    },
    /// Write a line in another way.
    Write {
        /// The corrected line, without its indentation.
        corrected: Untrusted,
    },
    /// Write escape sequences with another backslash.
    EscapeBackslash {
        /// The sequences as they are, like `\\d`, each one once.
        sequences: Vec<Untrusted>,
    },
    /// Replace the tab that indents a line.
    ReplaceTab {
        /// The line, from 1.
        line: u64,
    },
    /// Compare the indentation of a line with that of the line above it.
    CheckIndentation {
        /// The line, from 1.
        line: u64,
    },
    /// Remove the line.
    RemoveLine,
}

impl Remedy {
    /// Returns whether it shows a part of the document.
    fn quotes_text(&self) -> bool {
        match self {
            Self::Quote { .. } | Self::Write { .. } | Self::EscapeBackslash { .. } => true,
            Self::ReplaceTab { .. } | Self::CheckIndentation { .. } | Self::RemoveLine => false,
        }
    }

    /// Returns the text as it is; it may quote the document.
    fn text(&self) -> String {
        match self {
            Self::Quote { corrected } => format!("quote the value: {}", corrected.as_raw()),
            Self::Write { corrected } => format!("write {}", corrected.as_raw()),
            Self::EscapeBackslash { sequences } => {
                let doubled: Vec<String> = sequences.iter().map(|it| format!("\\{}", it.as_raw())).collect();
                format!("write {}", doubled.join(" and "))
            }
            Self::ReplaceTab { line } => format!("line {line} is indented with a tab; use spaces"),
            Self::CheckIndentation { line } => format!("check the indentation of line {line}"),
            Self::RemoveLine => "remove this line".to_owned(),
        }
    }

    /// Returns whether it can be written as it is displayed: nothing in it is escaped.
    #[cfg(feature = "yaml")]
    pub(crate) fn is_shown_as_it_is(&self) -> bool {
        self.to_string() == self.text()
    }

    /// Returns the remedy for a document that is preceded by a number of lines.
    fn moved_down(self, lines: u64) -> Self {
        match self {
            Self::ReplaceTab { line } => Self::ReplaceTab { line: line.saturating_add(lines) },
            Self::CheckIndentation { line } => Self::CheckIndentation { line: line.saturating_add(lines) },
            Self::Quote { .. } | Self::Write { .. } | Self::EscapeBackslash { .. } | Self::RemoveLine => self,
        }
    }
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Untrusted::new(self.text()).escaped().fmt(f)
    }
}

impl Diagnostic {
    /// Returns a diagnostic about the content of a text.
    #[must_use]
    pub fn new(location: Location, message: impl fmt::Display) -> Self {
        Self::of_kind(DiagnosticKind::Content, location, message)
    }

    /// Returns a diagnostic of a kind.
    #[must_use]
    pub fn of_kind(kind: DiagnosticKind, location: Location, message: impl fmt::Display) -> Self {
        Self { location, kind, message: Untrusted::new(message.to_string()), related: None, remedy: None }
    }

    /// Returns the diagnostic with the other place that its message is about; ` at LOCATION` is added to the text.
    #[must_use]
    pub fn with_related(self, related: Location) -> Self {
        Self { related: Some(related), ..self }
    }

    /// Returns the diagnostic with a remedy.
    #[cfg(feature = "yaml")]
    #[must_use]
    pub(crate) fn with_remedy(self, remedy: Remedy) -> Self {
        Self { remedy: Some(remedy), ..self }
    }

    /// Returns the diagnostic without its remedy, if that quotes the text.
    #[must_use]
    pub fn without_quoting_remedy(self) -> Self {
        Self { remedy: self.remedy.filter(|remedy| !remedy.quotes_text()), ..self }
    }

    /// Returns the whole text: the message, the related location and the remedy.
    #[must_use]
    pub fn text(&self) -> Untrusted {
        let mut text = self.message.as_raw().to_owned();
        if let Some(related) = self.related {
            text.push_str(&format!(" at {related}"));
        }
        if let Some(remedy) = &self.remedy {
            text.push_str(&format!("; {}", remedy.text()));
        }
        Untrusted::new(text)
    }

    /// Returns the diagnostic with locations in a file in which a number of lines precede the text.
    ///
    /// ```
    /// use toolforge_model::{Diagnostic, Location};
    ///
    /// let found = Diagnostic::new(Location { line: 1, column: 3 }, "mem is already set").with_related(Location::START);
    /// assert_eq!(found.moved_down(4).to_string(), "line 5, column 3: mem is already set at line 5, column 1");
    /// ```
    #[must_use]
    pub fn moved_down(self, lines: u64) -> Self {
        Self {
            location: self.location.moved_down(lines),
            related: self.related.map(|related| related.moved_down(lines)),
            remedy: self.remedy.map(|remedy| remedy.moved_down(lines)),
            ..self
        }
    }

    /// Returns the diagnostic as compilers print it: `jobs.yaml:3:10: unknown key "comand"`.
    #[must_use]
    pub fn in_file(&self, file: &Untrusted) -> String {
        let Location { line, column } = self.location;
        format!("{}:{line}:{column}: {}", file.escaped(), self.text().escaped())
    }
}

/// All errors of a text, in the order of their locations; at least one.
///
/// Prints one line for each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Diagnostics<D = Diagnostic>(Vec<D>);

impl Diagnostics {
    /// Returns `value` if no errors were found, else the errors, sorted by location.
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
