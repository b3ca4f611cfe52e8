use toolforge_cli::{ExitCode, Failure, Notice, Session, print};
use toolforge_images::Catalog;

use crate::arguments::Arguments;
use crate::report;

/// Prints the images of the cluster's catalog, or of the bundled one.
pub(super) fn run(session: &Session, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let catalog = catalog(session);
    for problem in catalog.problems() {
        Notice::warning(problem.to_string()).print();
    }
    print(&report::images(&catalog, arguments.output)?, arguments.output.of_document())?;
    Ok(ExitCode::Success)
}

/// Returns the cluster's catalog, or, with a note, the bundled one.
pub(super) fn catalog(session: &Session) -> Catalog {
    session.catalog().unwrap_or_else(|failure| {
        Notice::note(format!("the cluster's catalog is not available: {}", failure.message())).print();
        Notice::note("using the bundled catalog of August 2025").print();
        Catalog::bundled()
    })
}
