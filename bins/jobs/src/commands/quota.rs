use toolforge_cli::{ExitCode, Failure, Notice, OutputFormat, Session, print, warn_of_unread};

use crate::arguments::Arguments;
use crate::report;

/// Prints the quota and its usage.
pub(super) fn run(session: &Session, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let limits = session.limits()?;
    let format = arguments.output.of_document();
    print(&report::quota(&session.tool, &limits)?, format)?;
    if format == OutputFormat::Table {
        // The document has them next to the amounts.
        report::quota_warnings(&session.tool, &limits)
            .into_iter()
            .for_each(|warning| Notice::warning(warning).print());
    }
    Ok(warn_of_unread(&limits))
}
