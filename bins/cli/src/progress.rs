use std::io::{IsTerminal, Write};

/// What is going on, on standard error: one line that is rewritten on a terminal, one line for each change elsewhere.
#[derive(Debug, Default)]
pub struct ProgressLine {
    last: String,
    is_terminal: bool,
}

impl ProgressLine {
    /// Returns a line for standard error as it is.
    #[must_use]
    pub fn new() -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self { last: String::new(), is_terminal: std::io::stderr().is_terminal() && !dumb }
    }

    /// Shows what is going on, where it has changed. The text is ready for a terminal.
    pub fn show(&mut self, text: &str) {
        if text == self.last {
            return;
        }
        let mut stderr = std::io::stderr().lock();
        // Nobody waits for progress that cannot be written.
        let _ = if self.is_terminal { write!(stderr, "\r\x1b[K{text}") } else { writeln!(stderr, "{text}") };
        let _ = stderr.flush();
        text.clone_into(&mut self.last);
    }

    /// Takes the line away from the terminal, so that what is printed next begins at its beginning.
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
