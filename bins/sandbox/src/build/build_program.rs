//! Runs build programs, and explains their failures in one sentence where possible.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::failure::{Failure, OrFail};

/// How many of the last lines to show when a program fails.
const LAST_LINES: usize = 12;

/// Maximum length of a shown line, in characters.
const MAX_LINE: usize = 240;

/// Messages of programs when the disk is full, in lowercase.
const DISK_FULL: [&str; 3] = ["no space left on device", "disk quota exceeded", "not enough free space"];
/// Messages of programs when the network is unavailable (glibc, Go, apt, pip), in lowercase.
const NO_NETWORK: [&str; 9] = [
    "no such host",
    "temporary failure",
    "could not resolve",
    "network is unreachable",
    "connection refused",
    "i/o timeout",
    "connection timed out",
    "failed to establish a new connection",
    "no route to host",
];

/// Runs a program and waits for it. Calls `on_line` with each line of its output.
///
/// # Errors
/// The program cannot be started, or it fails. The message is the line about a full disk or an unavailable network, if
/// there is one, and otherwise the last lines of the output.
pub(crate) fn run(command: &mut Command, on_line: impl FnMut(&str)) -> Result<(), Failure> {
    let program =
        Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut arguments = command.get_args().filter(|argument| !argument.to_string_lossy().starts_with('-'));
    let what = match arguments.next() {
        Some(first) => format!("{program} {}", first.to_string_lossy()),
        None => program,
    };
    let (reader, writer) = std::io::pipe()?;
    command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
    let mut child = command.spawn().or_fail(format!("cannot run `{what}`"))?;
    // The command holds the write end of the pipe; reading would never end while it is open.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let last = read(reader, on_line);
    if child.wait()?.success() { Ok(()) } else { Err(explain(&what, &last)) }
}

fn read(reader: impl std::io::Read, mut on_line: impl FnMut(&str)) -> VecDeque<String> {
    let mut last = VecDeque::with_capacity(LAST_LINES);
    for line in BufReader::new(reader).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        on_line(&line);
        if last.len() == LAST_LINES {
            last.pop_front();
        }
        last.push_back(line);
    }
    last
}

fn explain(what: &str, last: &VecDeque<String>) -> Failure {
    let line_with = |phrases: &[&str]| {
        last.iter().find(|line| phrases.iter().any(|phrase| line.to_lowercase().contains(phrase)))
    };
    if let Some(line) = line_with(&DISK_FULL) {
        return Failure::new(format!("`{what}` ran out of disk space: {}", plain(line)))
            .hint("Free some disk space, then run the same command again; half-finished builds start over.");
    }
    if let Some(line) = line_with(&NO_NETWORK) {
        return Failure::new(format!("`{what}` cannot reach the network: {}", plain(line))).hint(
            "The first build needs the Debian archive, the Go module proxy and PyPI. Check the network, then run it again.",
        );
    }
    let mut message = format!("`{what}` failed");
    for line in last {
        let _ = write!(message, "\n  {}", plain(line));
    }
    Failure::new(message)
}

/// Replaces control characters, which could move the terminal's cursor.
fn plain(line: &str) -> String {
    let plain = line.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_LINE);
    plain.collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(script: &str) -> String {
        run(Command::new("env").args(["sh", "-c", script]), |_| ()).unwrap_err().to_string()
    }

    #[test]
    fn known_causes_are_one_sentence() {
        let full = failure("echo 'write /x: no space left on device'; echo more; exit 1");
        assert_eq!(full, "`env sh` ran out of disk space: write /x: no space left on device");
        let alone = failure("echo 'dial tcp: lookup proxy.golang.org: no such host' >&2; exit 1");
        assert_eq!(
            alone,
            "`env sh` cannot reach the network: dial tcp: lookup proxy.golang.org: no such host"
        );
        assert_eq!(failure("printf 'a\\033[2Jb\\n'; exit 1"), "`env sh` failed\n  a [2Jb");
    }

    #[test]
    fn passes_on_every_line() {
        let mut lines = Vec::new();
        run(Command::new("sh").args(["-c", "echo a; echo b >&2"]), |line| lines.push(line.to_owned()))
            .unwrap();
        assert_eq!(lines, ["a", "b"]);
    }
}
