use toolforge_cli::{ExitCode, Failure, Session, print};

use crate::arguments::Arguments;
use crate::report;

/// Prints the quota and its usage.
pub(super) fn run(session: &Session, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let limits = session.limits()?;
    let document = report::quota(&session.tool, &limits.quotas, &limits.limit_ranges)?;
    print(&document, arguments.output.of_document())?;
    Ok(ExitCode::Success)
}
