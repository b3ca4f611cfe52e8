//! `webservice`: starts, stops, restarts and explains the web service of a Toolforge tool.
//!
//! A thin layer: the command line becomes a request, facts come from the cluster or from files, the libraries decide,
//! and what they decided is sent and followed. One file for each verb in `commands`.
//!
//! ```
//! // The description of the command line, from which help, completions and the man page are generated.
//! let command = webservice::command();
//! assert!(command.get_arguments().any(|option| option.get_long() == Some("mem")));
//! ```

mod advice;
mod arguments;
mod commands;
mod failures;
mod fetch;
mod invocation;
mod process;
mod report;

use clap::{CommandFactory, Parser};
use toolforge_cli::{ExitCode, Failure, Session};

use crate::arguments::Arguments;

/// Runs the program with the process's own arguments.
#[must_use]
pub fn main() -> std::process::ExitCode {
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
            Err(exit_code) => Ok(exit_code),
        }
    })
}

/// Runs a command line in the caller's session; tests pass one with recorded answers.
///
/// # Errors
/// When the arguments are invalid, or the command fails.
pub fn run_in<'a>(
    session: &Session,
    arguments: impl IntoIterator<Item = &'a str>,
) -> Result<ExitCode, Failure> {
    let arguments = Arguments::try_parse_from(arguments)
        .map_err(|error| Failure::new(ExitCode::Usage, error.to_string()))?;
    commands::run(session, &arguments, &arguments.invocation()?)
}

/// Returns the description of the command line, from which help, completions, the man page and the reference are made.
#[must_use]
pub fn command() -> clap::Command {
    Arguments::command()
}
