//! `webservice`: starts, stops, restarts and explains the web service of a Toolforge tool.
//!
//! A thin layer: the command line becomes a request, facts come from the cluster or from files, the libraries decide,
//! and what they decided is sent and followed. One file for each verb in `commands`.
//!
//! ```
//! // What `webservice php8.2 start -m 1Gi` is understood as.
//! let words = ["webservice", "php8.2", "start", "-m", "1Gi"];
//! assert_eq!(webservice::understood(words).unwrap(), "start of php8.2");
//! assert!(webservice::understood(["webservice", "php8.2", "strat"]).unwrap_err().contains("did you mean `start`?"));
//! ```

mod advice;
mod arguments;
mod commands;
mod process;
mod report;
mod words;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use toolforge_cli::{ExitKind, Failure, Session};

use crate::arguments::Arguments;

/// Runs the program with the process's own arguments.
#[must_use]
pub fn main() -> ExitCode {
    toolforge_cli::run(|| {
        let mut command = Arguments::command();
        // The platform's `toolforge` calls this program and says so.
        if std::env::var_os("TOOLFORGE_CLI").is_some() {
            command = command
                .bin_name("toolforge webservice")
                .override_usage(arguments::usage("toolforge webservice"));
        }
        match toolforge_cli::parse::<Arguments>(command) {
            Ok(arguments) => commands::dispatch(&arguments),
            Err(kind) => Ok(kind),
        }
    })
}

/// Runs a command line in a session of the caller's own.
///
/// # Errors
/// When it is not understood, or does not do what was asked.
pub fn run_in<'a>(session: &Session, words: impl IntoIterator<Item = &'a str>) -> Result<ExitKind, Failure> {
    let arguments =
        Arguments::try_parse_from(words).map_err(|error| Failure::new(ExitKind::Usage, error.to_string()))?;
    commands::run(session, &arguments, &arguments.words()?)
}

/// Returns the description of the command line, from which help, completions, the man page and the reference are made.
#[must_use]
pub fn command() -> clap::Command {
    Arguments::command()
}

/// Returns what a command line is understood as, in words, without doing anything.
///
/// # Errors
/// When it is not understood: what is wrong with it.
pub fn understood<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<String, String> {
    let arguments = Arguments::try_parse_from(words).map_err(|error| error.to_string())?;
    let words = arguments.words().map_err(|failure: Failure| failure.to_string())?;
    let type_name = words.type_name.map(|name| format!(" of {name}")).unwrap_or_default();
    Ok(format!("{}{type_name}", words.action.as_str()))
}
