use toolforge_cli::{ExitCode, Failure, Session, lint, lint_in};

use super::PROGRAM;
use crate::arguments::{Arguments, LintArguments};

/// Checks files, with or without a cluster.
pub(super) fn dispatch(arguments: &Arguments, options: &LintArguments) -> Result<ExitCode, Failure> {
    let LintArguments { files, output, lint: wanted } = options;
    lint(&arguments.global, PROGRAM, files, *wanted, output.of_findings())
}

/// Checks files in a session.
pub(super) fn run(
    session: &Session,
    arguments: &Arguments,
    options: &LintArguments,
) -> Result<ExitCode, Failure> {
    let LintArguments { files, output, lint: wanted } = options;
    lint_in(session, &arguments.global, files, *wanted, output.of_findings())
}
