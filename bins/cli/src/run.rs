use std::io::Write;

use clap::error::{ContextKind, ErrorKind};
use clap::{Command, FromArgMatches};

use crate::failure::{ExitCode, Failure};

/// Runs a program to its end: prints what failed and returns the exit code.
#[must_use]
pub fn run(program: impl FnOnce() -> Result<ExitCode, Failure>) -> std::process::ExitCode {
    let kind = match program() {
        Ok(kind) => kind,
        Err(failure) => {
            // Where even standard error is gone, the exit code still tells.
            let _ = write!(anstream::stderr().lock(), "{failure}");
            failure.exit_code()
        }
    };
    std::process::ExitCode::from(kind.code())
}

/// Reads the process's own arguments.
///
/// # Errors
/// When there is nothing to do, because help or a version was asked for, or the line is not understood: that has been
/// printed, and this is how the program ends.
pub fn parse<A: FromArgMatches>(command: Command) -> Result<A, ExitCode> {
    let parsed = command.try_get_matches().and_then(|matches| A::from_arg_matches(&matches));
    parsed.map_err(|error| {
        // A closed pipe is no failure of ours.
        let _ = error.print();
        let unknown = error.get(ContextKind::InvalidArg).map(ToString::to_string);
        if error.kind() == ErrorKind::UnknownArgument && unknown.is_some_and(|word| !word.starts_with('-')) {
            anstream::eprintln!("\nhint: A value with blanks or `*` in it needs quotes around it.");
        }
        if error.exit_code() == 0 { ExitCode::Success } else { ExitCode::Usage }
    })
}
