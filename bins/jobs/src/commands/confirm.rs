//! Asking before much is lost.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

/// Asks a question on the terminal; `None` where there is none to ask on. Anything but a plain yes is a no.
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
