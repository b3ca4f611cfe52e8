use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{ExitKind, Failure, Session};
use toolforge_render::web_service::with_room;

use super::{facts, start};
use crate::arguments::Arguments;
use crate::words::Words;

/// Makes every pod anew, with what is asked over what stands.
pub(super) fn run(session: &Session, arguments: &Arguments, words: &Words) -> Result<ExitKind, Failure> {
    let facts = facts::settled(session)?;
    let plan = facts::plan(session, arguments, words, &facts)?.started_at(&Timestamp::now());
    let announcement =
        if facts.live.deployment.is_some() { "Restarting..." } else { "Your job is not running, starting" };
    start::carry_out(session, arguments, &facts, &with_room(plan, &facts), announcement)
}
