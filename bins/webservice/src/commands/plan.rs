use toolforge_cli::{ExitKind, Failure, Session, print};
use toolforge_render::web_service::{verdict, with_room};

use super::facts;
use crate::arguments::Arguments;
use crate::report;
use crate::words::Words;

/// Says what `start` would change, and whether it fits.
pub(super) fn run(session: &Session, arguments: &Arguments, words: &Words) -> Result<ExitKind, Failure> {
    let facts = session.web_service_facts()?;
    let plan = with_room(facts::plan(session, arguments, words, &facts)?, &facts);
    facts::warn_of_needs(session, &plan, &facts);
    let verdict = verdict(&plan, &facts);
    let document = report::plan(&plan, &facts, &verdict)?;
    print(&document, arguments.output.output)?;
    Ok(if verdict.fits() { ExitKind::Done } else { ExitKind::DoesNotFit })
}
