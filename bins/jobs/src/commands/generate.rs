use toolforge_cli::{DescribedProgram, ExitCode, Failure};

use crate::arguments::GenerateArguments;
use crate::help;

/// Prints a completion script or a man page.
pub(super) fn run(options: &GenerateArguments) -> Result<ExitCode, Failure> {
    let GenerateArguments { what } = options;
    // In a shell, `jobs` is a builtin.
    let command = help::command();
    DescribedProgram { name: "toolforge-jobs", word: Some("jobs"), command }.generate(what)
}
