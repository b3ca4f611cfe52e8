//! Placeholder.

use std::process::ExitCode;

use crate::arguments::ToolVerb;
use crate::failure::Failure;
use crate::folder::Sandbox;
use crate::report::Report;

pub(crate) fn run(_sandbox: &Sandbox, _verb: ToolVerb, _report: &Report) -> Result<ExitCode, Failure> {
    Err(Failure::new("not there yet"))
}
