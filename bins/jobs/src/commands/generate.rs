use toolforge_cli::{ExitCode, Failure, Generated, print_text};

use crate::arguments::GenerateArguments;

/// Prints a completion script or the man page; nothing is asked for and nothing is read.
pub(super) fn run(options: &GenerateArguments) -> Result<ExitCode, Failure> {
    let GenerateArguments { what } = options;
    print_text(&Generated::named(what)?.text(crate::command()))?;
    Ok(ExitCode::Success)
}
