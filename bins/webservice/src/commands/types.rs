use toolforge_cli::{ExitCode, Failure, Session, print};
use toolforge_images::Catalog;

use super::facts::default_type;
use crate::arguments::Arguments;
use crate::failures;
use crate::invocation::Invocation;
use crate::report;

/// Shows the image types, or one of them in full: the cluster's catalogue, or, without a cluster, the one that the
/// program brings.
pub(super) fn run(
    session: Result<&Session, Failure>,
    arguments: &Arguments,
    invocation: &Invocation,
) -> Result<ExitCode, Failure> {
    let catalog = match session.and_then(Session::catalog) {
        Ok(catalog) => catalog,
        Err(failure) => {
            let failure = failure.to_string();
            let why = failure.lines().next().unwrap_or_default().trim_start_matches("error: ");
            anstream::eprintln!("note: the cluster's types are not known: {why}");
            anstream::eprintln!(
                "note: these are the types that this program knows by itself, of August 2025"
            );
            Catalog::bundled()
        }
    };
    for problem in catalog.problems() {
        anstream::eprintln!("warning: {problem}");
    }
    let default = default_type(&catalog, None).ok();
    let document = match &invocation.type_name {
        Some(name) => report::one_type(
            &catalog,
            catalog.find(name).map_err(|error| failures::of_type_lookup(&error, invocation.action))?,
            default.as_ref(),
        )?,
        None => report::types(&catalog, default.as_ref())?,
    };
    print(&document, arguments.output.output)?;
    Ok(ExitCode::Success)
}
