use std::io::Write;
use std::process::ExitCode;

use crate::failure::{ExitKind, Failure};

/// Runs a program to its end: prints what failed and returns the exit code.
#[must_use]
pub fn run(program: impl FnOnce() -> Result<ExitKind, Failure>) -> ExitCode {
    let kind = match program() {
        Ok(kind) => kind,
        Err(failure) => {
            // Where even standard error is gone, the exit code still tells.
            let _ = write!(anstream::stderr().lock(), "{failure}");
            failure.kind()
        }
    };
    ExitCode::from(kind.code())
}
