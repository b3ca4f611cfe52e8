//! Words of other tools before files, and what they most likely mean.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Parser as _;
use toolforge_cli::{ExitCode, Failure, replaced, shown_line, with_flag_after_verb};
use toolforge_model::{Untrusted, suggest};

use crate::arguments::Arguments;

/// What a word of another tool means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    /// The quotas and their usage.
    Overview,
    /// Whether files fit.
    Check,
    /// A command of this program.
    Command(&'static str),
    /// Something that other programs do.
    Other(&'static str),
}

/// Where jobs and web services are stopped.
const STOP: &str =
    "`toolforge jobs delete NAME` deletes a job; `toolforge webservice stop` stops the web service.";

/// Where logs are.
const LOGS: &str = "`toolforge jobs logs NAME` prints the log of a job; `toolforge webservice logs` that of the web service.";

/// The commands of this program.
const COMMANDS: [&str; 4] = ["what-if", "request", "audit", "generate"];

const SYNONYMS: [(&[&str], Meaning); 6] = [
    (
        &[
            "describe", "get", "info", "inspect", "limits", "list", "ls", "quota", "show", "status", "top",
            "usage",
        ],
        Meaning::Overview,
    ),
    (
        &[
            "apply", "check", "create", "diff", "lint", "load", "plan", "preview", "run", "start",
            "validate", "verify",
        ],
        Meaning::Check,
    ),
    (&["calculate", "simulate", "size", "what_if", "whatif"], Meaning::Command("what-if")),
    (&["ask", "increase", "raise"], Meaning::Command("request")),
    (&["cancel", "delete", "kill", "remove", "rm", "stop"], Meaning::Other(STOP)),
    (&["follow", "log", "logs", "tail"], Meaning::Other(LOGS)),
];

fn meaning(word: &str) -> Option<Meaning> {
    let word = word.to_lowercase();
    SYNONYMS.iter().find(|(words, _)| words.contains(&word.as_str())).map(|(_, meaning)| *meaning)
}

/// Returns whether this program accepts a command line.
pub(crate) fn is_accepted(line: &[OsString]) -> bool {
    Arguments::try_parse_from(line).is_ok_and(|arguments| {
        if arguments.fleet.all {
            return arguments.verb.is_none() && arguments.quota.is_none();
        }
        arguments.document_format().is_ok()
    })
}

/// Returns the command that a word of another tool means; an empty text is the program without one.
pub(crate) fn command(word: &str) -> Option<&'static str> {
    match meaning(word)? {
        Meaning::Overview | Meaning::Check => Some(""),
        Meaning::Command(command) => Some(command),
        Meaning::Other(_) => None,
    }
}

/// Returns the failure of the files of a command line if the first is a word of another tool, or a misspelled command, unless there
/// is a file of that name.
pub(crate) fn meant(files: &[PathBuf], typed: &[OsString]) -> Option<Failure> {
    let (first, others) = files.split_first()?;
    let word = first.to_str()?;
    // It is a misspelled command if it has neither a suffix nor a path, as a file would.
    let command = || suggest(word, COMMANDS).filter(|_| !word.contains(['.', '/']));
    let (meaning, suggestion) = match (meaning(word), command()) {
        (Some(meaning), _) => (meaning, String::new()),
        (None, command) => (Meaning::Command(command?), format!("; did you mean {}?", command?)),
    };
    if first.symlink_metadata().is_ok() {
        return None;
    }
    let shown = Untrusted::new(word);
    let message = format!("{} is neither a command nor a file{suggestion}", shown.quoted());
    let program = crate::command();
    let run = |words: &[(&str, &str)]| {
        let mut line = replaced(&program, typed, words);
        if !is_accepted(&line) {
            line = with_flag_after_verb(&program, &line, "--all").filter(|line| is_accepted(line))?;
        }
        Some(format!("Run `{}`.", format!("quota-check {}", shown_line(&line)).trim_end()))
    };
    let hint = match meaning {
        Meaning::Overview => {
            let others = others.iter().filter_map(|file| Some((file.to_str()?, "")));
            run(&[(word, "")].into_iter().chain(others).collect::<Vec<_>>())
        }
        Meaning::Check if others.is_empty() => run(&[(word, "FILE")]),
        Meaning::Check => run(&[(word, "")]),
        Meaning::Command(command) => Some(
            run(&[(word, command)])
                .unwrap_or_else(|| format!("`quota-check {command} --help` shows how to use it.")),
        ),
        Meaning::Other(hint) => Some(format!("This program changes nothing and prints no logs. {hint}")),
    };
    Some(hint.into_iter().fold(Failure::new(ExitCode::Usage, message), Failure::hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn synonyms_are_not_commands_themselves() {
        let program = crate::command();
        for (words, meaning) in SYNONYMS {
            for word in words {
                assert!(program.find_subcommand(word).is_none(), "{word}");
            }
            if let Meaning::Command(command) = meaning {
                assert!(program.find_subcommand(command).is_some(), "{command}");
            }
        }
    }
}
