//! Placeholder.

use std::process::ExitCode;

use crate::arguments::TestArguments;
use crate::failure::Failure;
use crate::folder::Sandbox;
use crate::report::Report;

pub(crate) fn run(
    _sandbox: &Sandbox,
    _arguments: &TestArguments,
    _report: &Report,
) -> Result<ExitCode, Failure> {
    Err(Failure::new("not there yet"))
}
