use toolforge_cli::{ExitCode, Failure, Session};
use toolforge_render::web_service::StartTime;

use super::start;
use crate::arguments::Arguments;
use crate::invocation::Invocation;

/// Replaces all pods, with the changes that are asked for.
pub(super) fn run(
    session: &Session,
    arguments: &Arguments,
    invocation: &Invocation,
) -> Result<ExitCode, Failure> {
    start::apply(session, (arguments, invocation), StartTime::Always, |facts| {
        if facts.live.deployment.is_some() { "Restarting..." } else { "Your job is not running, starting" }
    })
}
