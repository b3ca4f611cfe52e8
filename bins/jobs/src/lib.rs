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
mod completion;
mod failures;
mod help;
mod report;
mod synonyms;

use std::ffi::OsString;

use clap::Command;
use clap::error::ErrorKind;
use toolforge_cli::{CompletionRequest, ExitCode, Failure, Session, parse, separate_command};
use toolforge_model::{JobRequest, ToolName};

use crate::arguments::{Arguments, Verb};

/// Runs the program with the arguments of the process.
#[must_use]
pub fn main() -> std::process::ExitCode {
    toolforge_cli::run(|| {
        if let Some(request) = CompletionRequest::of_process() {
            return request.answer(completion::described);
        }
        let command = help::command();
        let line = separated(&command, std::env::args_os());
        if let Some(exit_code) = help::print_requested(&command, &line)? {
            return Ok(exit_code);
        }
        match parse::<Arguments>(command, &line) {
            Ok(Some(arguments)) => commands::dispatch(&arguments),
            Ok(None) => Ok(ExitCode::Success),
            Err(error)
                if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
                    && !toolforge_cli::prints_documents() =>
            {
                // A closed pipe is not an error.
                let _ = error.print();
                Ok(ExitCode::Usage)
            }
            Err(error) => Err(synonyms::usage_failure(&error, &line)),
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
pub fn command() -> Command {
    arguments::command()
}

fn parsed<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Result<Arguments, Failure> {
    let command = command();
    let line = separated(&command, arguments.into_iter().map(OsString::from));
    match parse(command, &line) {
        Ok(Some(arguments)) => Ok(arguments),
        Ok(None) => Err(Failure::new(ExitCode::Usage, "help was requested")),
        Err(error) => Err(synonyms::usage_failure(&error, &line)),
    }
}

/// Returns the arguments with a `--` before the command of `exec`, whose options are its own.
fn separated(command: &Command, arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
    separate_command(command, arguments.collect(), |before| matches!(before, ["exec", _name]))
}
