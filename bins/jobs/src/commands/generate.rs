use toolforge_cli::{ExitKind, Failure, Generated, say};

use crate::arguments::GenerateArguments;

/// Prints a completion script or the man page; nothing is asked for and nothing is read.
pub(super) fn run(options: &GenerateArguments) -> Result<ExitKind, Failure> {
    let GenerateArguments { what } = options;
    say(&Generated::named(what)?.text(crate::command()))?;
    Ok(ExitKind::Done)
}
