use toolforge_cli::{ExitCode, Failure, Session, print, warn_of_unread};

use crate::arguments::Arguments;
use crate::report;

/// Prints the quota and its usage.
pub(super) fn run(session: &Session, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let limits = session.limits()?;
    print(&report::quota(&session.tool, &limits)?, arguments.output.of_document())?;
    Ok(warn_of_unread(&limits))
}
