//! `jobs`: runs and inspects the jobs of a Toolforge tool.
//!
//! A thin layer: it parses arguments and files, fetches facts from the cluster or from files, lets the libraries decide,
//! applies the result and reports it. Each verb has a file in `commands`.
//!
//! ```
//! // The request of `jobs run bot --image python3.13 --command ./bot.py --continuous`.
//! let arguments = ["jobs", "run", "bot", "--image", "python3.13", "--command", "./bot.py", "--continuous"];
//! let request = jobs::requested(arguments, &"stashbot".parse().unwrap()).unwrap();
//! assert_eq!(request.kind.as_str(), "continuous");
//! ```

mod advice;
mod arguments;
mod commands;
mod failures;
mod report;

use clap::{CommandFactory as _, Parser as _};
use toolforge_cli::{ExitCode, Failure, Session};
use toolforge_model::{JobRequest, ToolName};

use crate::arguments::{Arguments, Verb};

/// Runs the program with the arguments of the process.
#[must_use]
pub fn main() -> std::process::ExitCode {
    toolforge_cli::run(|| {
        let mut command = Arguments::command();
        // Set by the platform's `toolforge`, which calls this program.
        if std::env::var_os("TOOLFORGE_CLI").is_some() {
            command = command.bin_name("toolforge jobs");
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
    let arguments = parsed(arguments)?;
    arguments.check()?;
    commands::run(session, &arguments)
}

/// Returns the request of a command line of `run` for a tool.
///
/// # Errors
/// When the arguments are invalid, or are not those of `run`.
pub fn requested<'a>(
    arguments: impl IntoIterator<Item = &'a str>,
    tool: &ToolName,
) -> Result<JobRequest, Failure> {
    match parsed(arguments)?.verb {
        Verb::Run(options) => options.job.request(tool),
        _ => Err(Failure::new(ExitCode::Usage, "only `run` describes a job")),
    }
}

/// Returns the clap command, from which help, completions, the man page and the reference page are generated.
#[must_use]
pub fn command() -> clap::Command {
    Arguments::command()
}

fn parsed<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Result<Arguments, Failure> {
    Arguments::try_parse_from(arguments).map_err(|error| Failure::new(ExitCode::Usage, error.to_string()))
}
