use toolforge_cli::{ExitCode, Failure, Generated, print_text};

use crate::arguments::GenerateArguments;

/// Prints a completion script or the man page.
pub(super) fn run(options: &GenerateArguments) -> Result<ExitCode, Failure> {
    let GenerateArguments { what } = options;
    let generated = Generated::from_arguments(what, "toolforge-jobs")?;
    let command = match generated {
        // In a shell, `jobs` is a builtin.
        Generated::Completion(_) => crate::command().name("toolforge-jobs"),
        Generated::ManPage => crate::command(),
    };
    print_text(&generated.text(command))?;
    Ok(ExitCode::Success)
}
