//! `webservice`: starts, stops and inspects the web service of a Toolforge tool.
//!
//! A thin layer: it parses arguments, fetches facts from the cluster or from files, lets the libraries decide, applies
//! the result and reports it. Each action has a file in `commands`.
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

/// Runs the program with the arguments of the process.
#[must_use]
pub fn main() -> std::process::ExitCode {
    toolforge_cli::run(|| {
        let mut command = Arguments::command();
        // Set by the platform's `toolforge`, which calls this program.
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

/// Returns the clap command, from which help, completions, the man page and the reference page are generated.
#[must_use]
pub fn command() -> clap::Command {
    Arguments::command()
}
