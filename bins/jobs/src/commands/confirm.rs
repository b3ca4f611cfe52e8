//! Questions before jobs are deleted.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

/// Asks a question on the terminal; `None` without one. Anything but `y` or `yes` means no.
pub(super) fn confirm(question: &str) -> Option<bool> {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return None;
    }
    anstream::eprint!("{question} [y/N] ");
    std::io::stderr().flush().ok()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).ok()?;
    Some(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}
