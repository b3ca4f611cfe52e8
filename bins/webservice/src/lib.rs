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
mod completion;
mod failures;
mod fetch;
mod help;
mod invocation;
mod report;
mod shell_process;

use std::ffi::OsString;

use clap::{Command, CommandFactory as _};
use toolforge_cli::{
    CompletionRequest, ExitCode, Failure, Session, help_option, parse, positionals, separate_command,
    usage_failure,
};

use crate::arguments::Arguments;
use crate::invocation::Action;

/// Runs the program with the arguments of the process.
#[must_use]
pub fn main() -> std::process::ExitCode {
    toolforge_cli::run(|| {
        if let Some(request) = CompletionRequest::of_process() {
            return request.answer(completion::described);
        }
        // Set by the platform's `toolforge`, which calls this program.
        let is_called = std::env::var_os("TOOLFORGE_CLI").is_some();
        let name = if is_called { "toolforge webservice" } else { "webservice" };
        let command = help::command(name);
        let line = separated(&command, std::env::args_os());
        let option = help_option(&command, &line);
        if let Some(exit_code) = help::print_requested(&command, name, &line, option)? {
            return Ok(exit_code);
        }
        match parse::<Arguments>(command, &line) {
            Ok(Some(arguments)) => commands::dispatch(&arguments.typed_as(line)),
            Ok(None) => Ok(ExitCode::Success),
            Err(error) => Err(usage_failure(&error, &command_of_action(&line), &line)),
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
    let command = command();
    let line = separated(&command, arguments.into_iter().map(OsString::from));
    match parse::<Arguments>(command, &line) {
        Ok(Some(arguments)) => {
            let arguments = arguments.typed_as(line);
            commands::run(session, &arguments, &arguments.invocation()?)
        }
        Ok(None) => Ok(ExitCode::Success),
        Err(error) => Err(usage_failure(&error, &command_of_action(&line), &line)),
    }
}

/// Returns the clap command, in which the options that the action of a command line does not use are hidden.
fn command_of_action(line: &[OsString]) -> Command {
    let command = command();
    let words = positionals(&command, line);
    let Some(action) = words.iter().take(2).find_map(|word| Action::from_word(word)) else { return command };
    let used = action.options();
    command.mut_args(|option| {
        let is_unused = !option.is_positional() && !used.contains(&option.get_id().as_str());
        if is_unused { option.hide(true) } else { option }
    })
}

/// Returns the arguments with a `--` before the command of `shell` and `exec`, whose options are its own.
fn separated(command: &Command, arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let runs = |word: &str| matches!(Action::from_word(word), Some(Action::Shell | Action::Exec));
    separate_command(command, arguments.collect(), |before| match before {
        [first] => runs(first),
        [first, second] => Action::from_word(first).is_none() && runs(second),
        _ => false,
    })
}

/// Returns the clap command, from which help, completions, the man page and the reference page are generated.
#[must_use]
pub fn command() -> Command {
    Arguments::command()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the type, the action and its arguments, and the memory.
    fn read(line: &str) -> (String, &'static str, Vec<String>, Option<String>) {
        let line = shlex::split(line).unwrap().into_iter().map(OsString::from);
        let arguments: Arguments = parse(command(), &separated(&command(), line)).unwrap().unwrap();
        let invocation = arguments.invocation().unwrap();
        let type_name = invocation.type_name.map(|name| name.to_string()).unwrap_or_default();
        (
            type_name,
            invocation.action.as_str(),
            invocation.arguments,
            arguments.mem.map(|mem| mem.to_string()),
        )
    }

    #[test]
    fn lines_of_tutorials_run_the_command_as_written() {
        for (line, type_name, expected) in [
            (
                "webservice python3.11 shell python3 -m venv www/python/venv",
                "python3.11",
                "python3 -m venv www/python/venv",
            ),
            (
                "webservice python3.11 shell -- python3 -m venv www/python/venv",
                "python3.11",
                "python3 -m venv www/python/venv",
            ),
            (
                "webservice python3.9 shell pip install -r requirements.txt",
                "python3.9",
                "pip install -r requirements.txt",
            ),
            ("webservice shell tail -f error.log", "", "tail -f error.log"),
            ("webservice shell rm -f x", "", "rm -f x"),
            ("webservice node18 shell npm --version", "node18", "npm --version"),
            ("webservice node18 shell -- npm install", "node18", "npm install"),
            ("webservice --backend=kubernetes node18 shell npm install", "node18", "npm install"),
            (
                "webservice php8.2 shell composer install --no-dev -o",
                "php8.2",
                "composer install --no-dev -o",
            ),
            ("webservice shell git log -- README", "", "git log -- README"),
            ("webservice shell -- -- bash -c id", "", "bash -c id"),
            ("webservice php8.2 shell", "php8.2", ""),
            ("webservice shell restart --help", "", "restart --help"),
        ] {
            let (found_type, action, command, memory) = read(line);
            let found = (found_type.as_str(), action, command.join(" "), memory);
            assert_eq!(found, (type_name, "shell", expected.to_owned(), None), "{line}");
        }
        let (_, action, command, _) = read("webservice exec sh -c 'ls -l && pwd'");
        assert_eq!((action, command), ("exec", ["sh", "-c", "ls -l && pwd"].map(str::to_owned).to_vec()));
    }

    #[test]
    fn own_options_come_before_the_command() {
        for line in [
            "webservice -m 1Gi shell bash -c id",
            "webservice shell --mem 1Gi bash -c id",
            "webservice shell -m1Gi -- bash -c id",
            "webservice --mem=1Gi shell -- -- bash -c id",
        ] {
            let (_, action, command, memory) = read(line);
            assert_eq!((action, command.join(" ").as_str()), ("shell", "bash -c id"), "{line}");
            assert_eq!(memory.as_deref(), Some("1Gi"), "{line}");
        }
        let (type_name, action, command, memory) = read("webservice jdk17 start java -m 1Gi");
        assert_eq!((type_name.as_str(), action, command.join(" ").as_str()), ("jdk17", "start", "java"));
        assert_eq!(memory.as_deref(), Some("1Gi"));
    }
}
