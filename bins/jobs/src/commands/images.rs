use toolforge_cli::{ExitCode, Failure, Notice, Session, images_to_show, print};

use crate::arguments::Arguments;
use crate::report;

/// Prints the images of the cluster's catalog, or of the bundled one.
pub(super) fn run(session: Result<&Session, Failure>, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let catalog = images_to_show(session);
    for problem in catalog.problems() {
        Notice::warning(problem.to_string()).print();
    }
    print(&report::images(&catalog, arguments.output)?, arguments.output.of_document())?;
    Ok(ExitCode::Success)
}
