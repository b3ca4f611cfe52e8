use std::io::{IsTerminal, Write};

use crate::format::prints_documents;

/// Progress on standard error: on a terminal one line that is rewritten, elsewhere a line for each change; nothing
/// if the process prints a document.
#[derive(Debug, Default)]
pub struct ProgressLine {
    last: String,
    is_terminal: bool,
    /// Whether nothing is shown, because a program reads the output.
    is_silent: bool,
}

impl ProgressLine {
    /// Returns an empty line.
    #[must_use]
    pub fn new() -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let is_silent = prints_documents();
        Self { last: String::new(), is_terminal: std::io::stderr().is_terminal() && !dumb, is_silent }
    }

    /// Returns an empty line that is shown only on a terminal, and not between the lines of an output on the same one.
    #[must_use]
    pub fn only_on_terminal() -> Self {
        let mut line = Self::new();
        line.is_silent = line.is_silent || !line.is_terminal || std::io::stdout().is_terminal();
        line
    }

    /// Shows a text if it has changed. It must be escaped already.
    pub fn show(&mut self, text: &str) {
        if self.is_silent || text == self.last {
            return;
        }
        let mut stderr = std::io::stderr().lock();
        // Progress that cannot be written is not an error.
        let _ = if self.is_terminal { write!(stderr, "\r\x1b[K{text}") } else { writeln!(stderr, "{text}") };
        let _ = stderr.flush();
        text.clone_into(&mut self.last);
    }

    /// Removes the line from the terminal, so the next output starts in its first column.
    pub fn clear(&mut self) {
        if self.is_terminal && !self.last.is_empty() {
            let mut stderr = std::io::stderr().lock();
            let _ = write!(stderr, "\r\x1b[K");
            let _ = stderr.flush();
        }
        self.last.clear();
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        self.clear();
    }
}
