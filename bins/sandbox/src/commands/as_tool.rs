//! Placeholder.

use std::process::ExitCode;

use crate::arguments::{AsArguments, EnterArguments};
use crate::failure::Failure;
use crate::folder::Sandbox;

/// Is a tool, in a mount namespace of its own: runs after the private root is assembled.
pub(crate) fn enter(sandbox: &Sandbox, _arguments: &EnterArguments) -> Result<ExitCode, Failure> {
    crate::root::enter(sandbox, crate::root::View::Tool)?;
    Err(Failure::new("not there yet"))
}

pub(crate) fn run(_sandbox: &Sandbox, _arguments: &AsArguments) -> Result<ExitCode, Failure> {
    Err(Failure::new("not there yet"))
}
