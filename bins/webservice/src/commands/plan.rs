use toolforge_cli::{ExitCode, Failure, Session, print};
use toolforge_render::web_service::{verdict, with_room};

use super::facts;
use crate::arguments::Arguments;
use crate::fetch;
use crate::invocation::Invocation;
use crate::report;

/// Says what `start` would change, and whether it fits.
pub(super) fn run(
    session: &Session,
    arguments: &Arguments,
    invocation: &Invocation,
) -> Result<ExitCode, Failure> {
    let facts = fetch::facts(session)?;
    let plan = with_room(facts::plan(session, arguments, invocation, &facts)?, &facts);
    facts::warn_of_needs(session, &plan, &facts);
    let verdict = verdict(&plan, &facts);
    let document = report::plan(&plan, &facts, &verdict)?;
    print(&document, arguments.output.output)?;
    Ok(if verdict.fits() { ExitCode::Success } else { ExitCode::DoesNotFit })
}
