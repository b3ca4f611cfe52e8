use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{ExitKind, Failure, Session, print};
use toolforge_render::observe::observe;

use crate::arguments::Arguments;
use crate::report;

/// Says what is deployed and how it fares; it succeeds whenever it could answer.
pub(super) fn run(session: &Session, arguments: &Arguments) -> Result<ExitKind, Failure> {
    let facts = session.web_service_state()?;
    let observation = observe(&session.tool, &facts);
    let document = report::status(&session.tool, &observation, Timestamp::now())?;
    print(&document, arguments.global.output)?;
    Ok(ExitKind::Done)
}
