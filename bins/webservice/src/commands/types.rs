use toolforge_cli::{ExitCode, Failure, Notice, Session, images_to_show, print};
use toolforge_render::web_service::default_type;

use crate::arguments::Arguments;
use crate::failures::{self, TypeOrigin};
use crate::invocation::Invocation;
use crate::report;

/// Prints the image types, or one in detail: those of the cluster's catalog, or of the bundled one.
pub(super) fn run(
    session: Result<&Session, Failure>,
    arguments: &Arguments,
    invocation: &Invocation,
) -> Result<ExitCode, Failure> {
    let catalog = images_to_show(session);
    for problem in catalog.problems() {
        Notice::warning(problem.to_string()).print();
    }
    let default = default_type(&catalog);
    let document = match &invocation.type_name {
        Some(name) => report::one_type(
            &catalog,
            catalog.find(name).map_err(|error| {
                let line = |type_name: &str| arguments.line_with_type(type_name);
                failures::of_type_lookup(&error, invocation.action, &TypeOrigin::Other, line)
            })?,
        )?,
        None => report::types(&catalog, default.as_ref())?,
    };
    print(&document, arguments.output.of_document())?;
    Ok(ExitCode::Success)
}
