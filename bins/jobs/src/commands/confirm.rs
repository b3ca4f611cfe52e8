//! Questions before jobs are deleted.

use std::io::{BufRead, IsTerminal as _};

use toolforge_cli::{Failure, Session, print_question};

/// Asks a question on the terminal; `None` without one.
///
/// # Errors
/// When the facts come from files: nothing can be changed, whatever the answer is.
pub(super) fn confirm(session: &Session, question: &str) -> Result<Option<bool>, Failure> {
    session.cluster_to_change()?;
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Ok(None);
    }
    let is_asked = print_question(&format!("{question} [y/N] ")).is_ok();
    Ok(Some(is_asked && is_yes(&mut std::io::stdin().lock())))
}

/// Returns whether the answer is `y` or `yes`. Anything else means no, also the end of the input and an error.
fn is_yes(input: &mut impl BufRead) -> bool {
    let mut answer = String::new();
    let is_read = input.read_line(&mut answer).is_ok();
    is_read && matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Error, Read};

    use super::*;

    struct Broken;

    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(Error::other("the terminal is gone"))
        }
    }

    #[test]
    fn only_yes_confirms() {
        for (input, expected) in [
            (&b"y\n"[..], true),
            (b" YES \n", true),
            (b"yes", true),
            (b"", false),
            (b"\n", false),
            (b"yep\n", false),
            // Not UTF-8.
            (b"\xff\n", false),
        ] {
            assert_eq!(is_yes(&mut &*input), expected, "{input:?}");
        }
        assert!(!is_yes(&mut BufReader::new(Broken)));
        assert!(!is_yes(&mut b"y".chain(BufReader::new(Broken))));
    }
}
