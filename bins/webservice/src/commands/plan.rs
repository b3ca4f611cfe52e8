use toolforge_cli::{ExitCode, Failure, Session, print};
use toolforge_render::web_service::{StartTime, web_service_changes};

use super::facts;
use crate::arguments::Arguments;
use crate::fetch;
use crate::invocation::Invocation;
use crate::report;

/// Prints what `start` would change, and whether it fits.
pub(super) fn run(
    session: &Session,
    arguments: &Arguments,
    invocation: &Invocation,
) -> Result<ExitCode, Failure> {
    let facts = fetch::facts(session)?;
    let planned = facts::plan(session, arguments, invocation, &facts)?;
    facts::warn_of_needs(session, &planned, invocation.action);
    let plan = planned.plan;
    let set = web_service_changes(&plan, &facts, StartTime::Keep);
    print(&report::plan(&plan, &set)?, arguments.output.output)?;
    Ok(if set.fits() { ExitCode::Success } else { ExitCode::DoesNotFit })
}
