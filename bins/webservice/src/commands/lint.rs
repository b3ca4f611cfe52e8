use std::path::PathBuf;

use toolforge_cli::{ExitCode, Failure, Session, lint, lint_in};

use super::PROGRAM;
use crate::arguments::Arguments;
use crate::invocation::Invocation;

/// Checks files, with or without a cluster.
pub(super) fn dispatch(arguments: &Arguments, invocation: &Invocation) -> Result<ExitCode, Failure> {
    let output = arguments.output;
    lint(&arguments.global, PROGRAM, &files(invocation), arguments.lint, output)
}

/// Checks files in a session.
pub(super) fn run(
    session: &Session,
    arguments: &Arguments,
    invocation: &Invocation,
) -> Result<ExitCode, Failure> {
    let output = arguments.output;
    lint_in(session, &arguments.global, &files(invocation), arguments.lint, output)
}

fn files(invocation: &Invocation) -> Vec<PathBuf> {
    invocation.arguments.iter().map(PathBuf::from).collect()
}
