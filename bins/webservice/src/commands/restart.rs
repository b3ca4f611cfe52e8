use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{ExitCode, Failure, Session};
use toolforge_render::web_service::with_room;

use super::{facts, start};
use crate::arguments::Arguments;
use crate::invocation::Invocation;

/// Makes every pod anew, with what is asked over what stands.
pub(super) fn run(
    session: &Session,
    arguments: &Arguments,
    invocation: &Invocation,
) -> Result<ExitCode, Failure> {
    let facts = facts::settled(session)?;
    let plan = facts::plan(session, arguments, invocation, &facts)?.started_at(&Timestamp::now());
    let announcement =
        if facts.live.deployment.is_some() { "Restarting..." } else { "Your job is not running, starting" };
    start::carry_out(session, arguments, &facts, &with_room(plan, &facts), announcement)
}
