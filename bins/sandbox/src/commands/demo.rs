//! Placeholder.

use std::process::ExitCode;

use crate::arguments::DemoArguments;
use crate::failure::Failure;
use crate::folder::Sandbox;
use crate::report::Report;

pub(crate) fn run(
    _sandbox: &Sandbox,
    _arguments: &DemoArguments,
    _report: &Report,
) -> Result<ExitCode, Failure> {
    Err(Failure::new("not there yet"))
}
