use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{ExitCode, Failure, Session};
use toolforge_render::web_service::StartTime;

use super::{facts, start};
use crate::arguments::Arguments;
use crate::invocation::Invocation;

/// Replaces all pods, with the changes that are asked for.
pub(super) fn run(
    session: &Session,
    arguments: &Arguments,
    invocation: &Invocation,
) -> Result<ExitCode, Failure> {
    let facts = facts::settled(session)?;
    let plan = facts::plan(session, arguments, invocation, &facts)?;
    let start = StartTime::Always(Timestamp::now());
    let announcement =
        if facts.live.deployment.is_some() { "Restarting..." } else { "Your job is not running, starting" };
    start::carry_out(session, (arguments, invocation), &facts, &plan, start, announcement)
}
