use toolforge_cli::{ExitCode, Failure, Generated, print_text};

use crate::arguments::GenerateArguments;

/// Prints a completion script or the man page.
pub(super) fn run(options: &GenerateArguments) -> Result<ExitCode, Failure> {
    let GenerateArguments { what } = options;
    print_text(&Generated::from_arguments(what, "jobs")?.text(crate::command()))?;
    Ok(ExitCode::Success)
}
