use std::ops::ControlFlow;
use std::time::Duration;

use toolforge_cli::{DryRunOption, ExitCode, Failure, ProgressLine, Session, print_text};
use toolforge_client::{WaitOptions, WaitOutcome};
use toolforge_render::web_service::removals;

use super::{apply, state};
use crate::arguments::Arguments;
use crate::fetch;

/// How long pods may take to leave: Kubernetes' grace of 30 s, and some for the kubelet.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Stops the web service: its own objects only, and each by the uid that was seen.
pub(super) fn run(session: &Session, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let (runtime, client) = session.cluster()?;
    let tool = &session.tool;
    let facts = fetch::status_facts(session)?;
    let removals = removals(&facts.live);
    if removals.is_empty() {
        if arguments.dry_run.is_none() {
            state::forget(session);
        }
        print_text("Your webservice is not running\n")?;
        return Ok(ExitCode::Success);
    }
    if let Some(dry_run) = arguments.dry_run {
        let lines: String =
            removals.iter().map(|removal| format!("delete {} {}\n", removal.kind, removal.name)).collect();
        if dry_run == DryRunOption::Server {
            runtime.block_on(apply::delete_all(client, tool, &removals, true))?;
        }
        print_text(&format!("{lines}nothing was deleted (dry run)\n"))?;
        return Ok(ExitCode::Success);
    }
    print_text("Stopping webservice\n")?;
    let gone = runtime.block_on(async {
        apply::delete_all(client, tool, &removals, false).await?;
        let mut line = ProgressLine::new();
        let waited = client.wait_web_service(tool, WaitOptions::new(TIMEOUT), |live| {
            match live.pods.len() {
                0 if live.deployment.is_none() => return ControlFlow::Break(()),
                1 => line.show("1 pod is leaving"),
                left => line.show(&format!("{left} pods are leaving")),
            }
            ControlFlow::Continue(())
        });
        Ok::<_, Failure>(matches!(waited.await?, WaitOutcome::Done(())))
    })?;
    state::forget(session);
    if !gone {
        anstream::eprintln!("warning: pods are still leaving; they count for the quota until they are gone");
    }
    Ok(ExitCode::Success)
}
