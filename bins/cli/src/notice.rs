//! Messages in addition to the output of the programs: warnings, notes, hints, and confirmations.
//!
//! All of them go through this module to standard error. If the process prints a document, standard error also gets one
//! document: warnings, notes and hints are kept for it until the end.

use std::io::Write as _;
use std::sync::{Mutex, PoisonError};

use toolforge_report::{Note, NoteLevel};

use crate::format::prints_documents;
use crate::last_lines::LastLines;

/// A message for people in addition to the output of a command. All texts must be escaped already.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "it is not printed yet"]
pub struct Notice {
    level: NoteLevel,
    /// The text before the message.
    prefix: &'static str,
    message: String,
    details: Vec<String>,
    hints: Vec<String>,
    /// Whether an empty line comes before it.
    starts_paragraph: bool,
    /// Whether an empty line comes after it.
    ends_paragraph: bool,
}

/// The notices of a process that prints a document.
static KEPT: Mutex<Vec<Note>> = Mutex::new(Vec::new());

impl Notice {
    /// Returns a warning: what may be wrong.
    pub fn warning(message: impl Into<String>) -> Self {
        Self::new(NoteLevel::Warning, "warning: ", message)
    }

    /// Returns a note: a fact that people may not expect.
    pub fn note(message: impl Into<String>) -> Self {
        Self::new(NoteLevel::Note, "note: ", message)
    }

    /// Returns a note that is printed without the word.
    pub fn plain(message: impl Into<String>) -> Self {
        Self::new(NoteLevel::Note, "", message)
    }

    /// Returns a hint: what to do next.
    pub fn hint(message: impl Into<String>) -> Self {
        Self::new(NoteLevel::Hint, "hint: ", message)
    }

    fn new(level: NoteLevel, prefix: &'static str, message: impl Into<String>) -> Self {
        Self {
            level,
            prefix,
            message: message.into(),
            details: Vec::new(),
            hints: Vec::new(),
            starts_paragraph: false,
            ends_paragraph: false,
        }
    }

    /// Adds a line below the message.
    pub fn detail(mut self, line: impl Into<String>) -> Self {
        self.details.push(line.into());
        self
    }

    /// Adds lines below the message.
    pub fn details(mut self, lines: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.details.extend(lines.into_iter().map(Into::into));
        self
    }

    /// Adds the last lines of a log, below a line that names it.
    pub fn last_lines(self, last: &LastLines) -> Self {
        self.detail(last.title()).details(last.lines().lines())
    }

    /// Adds what to do about it.
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Returns the notice with an empty line before it.
    pub fn start_paragraph(mut self) -> Self {
        self.starts_paragraph = true;
        self
    }

    /// Returns the notice with an empty line after it.
    pub fn end_paragraph(mut self) -> Self {
        self.ends_paragraph = true;
        self
    }

    /// Prints it, or keeps it for the document on standard error.
    pub fn print(self) {
        if prints_documents() {
            KEPT.lock().unwrap_or_else(PoisonError::into_inner).push(self.report());
        } else {
            write(&self.text());
        }
    }

    fn text(&self) -> String {
        let mut text = if self.starts_paragraph { "\n".to_owned() } else { String::new() };
        text.push_str(self.prefix);
        text.push_str(&self.message);
        text.push('\n');
        text.extend(self.details.iter().map(|line| format!("  {line}\n")));
        text.extend(self.hints.iter().map(|hint| format!("\nhint: {hint}\n")));
        if self.ends_paragraph {
            text.push('\n');
        }
        text
    }

    fn report(self) -> Note {
        let Self { level, prefix: _, message, details, hints, starts_paragraph: _, ends_paragraph: _ } = self;
        Note { level, message, details, hints }
    }
}

/// Prints a line for people to standard error: what was done, or what the command is waiting for. A process that prints a
/// document leaves it out, because the document also says it. The text must be escaped already.
pub fn print_message(text: &str) {
    if !prints_documents() {
        write(&format!("{text}\n"));
    }
}

/// Prints a question to the terminal at standard error, without the end of the line.
///
/// # Errors
/// When it cannot be written.
pub fn print_question(text: &str) -> std::io::Result<()> {
    let mut stderr = anstream::stderr().lock();
    stderr.write_all(text.as_bytes())?;
    stderr.flush()
}

/// Returns the notices that were kept for the document on standard error.
pub(crate) fn take_kept() -> Vec<Note> {
    std::mem::take(&mut *KEPT.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Writes a text to standard error.
pub(crate) fn write(text: &str) {
    // Without standard error, the exit code remains.
    let _ = anstream::stderr().lock().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_are_paragraphs() {
        let notice = Notice::warning("these runs exceed the quota:").detail("a, b").with_hint("Move one.");
        assert_eq!(notice.text(), "warning: these runs exceed the quota:\n  a, b\n\nhint: Move one.\n");
        assert_eq!(Notice::plain("it is deleted").text(), "it is deleted\n");
        let hint = Notice::hint("Type `x`.").start_paragraph().end_paragraph();
        assert_eq!(hint.text(), "\nhint: Type `x`.\n\n");
    }
}
