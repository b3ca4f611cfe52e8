use std::ops::ControlFlow;
use std::time::Duration;

use toolforge_cli::{DryRunOption, ExitCode, Failure, ProgressLine, Session, print_text};
use toolforge_client::{ApplyOptions, WaitOptions, WaitOutcome};
use toolforge_render::change::Change;
use toolforge_render::web_service::web_service_deletion;

use super::state;
use crate::arguments::Arguments;
use crate::invocation::Action;
use crate::{failures, fetch, report};

/// How long pods may take to terminate: Kubernetes' grace of 30 s, and some for the kubelet.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Stops the web service: its own objects only, and each by the uid that was seen.
pub(super) fn run(session: &Session, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let (runtime, client) = session.cluster()?;
    let tool = &session.tool;
    let facts = fetch::status_facts(session)?;
    let set = web_service_deletion(tool, &facts.live);
    if set.changes.iter().all(Change::is_keep) {
        if arguments.dry_run.is_none() {
            state::forget(session);
        }
        print_text("Your webservice is not running\n")?;
        return Ok(ExitCode::Success);
    }
    if let Some(dry_run) = arguments.dry_run {
        if dry_run == DryRunOption::Server {
            let report = runtime.block_on(client.apply_changes(tool, &set, ApplyOptions::dry_run()));
            failures::of_apply(report, Action::Stop).map_or(Ok(()), Err)?;
        }
        print_text(&format!("{}nothing was deleted (dry run)\n", report::change_lines(&set)))?;
        return Ok(ExitCode::Success);
    }
    print_text("Stopping webservice\n")?;
    let gone = runtime.block_on(async {
        let report = client.apply_changes(tool, &set, ApplyOptions::default()).await;
        failures::of_apply(report, Action::Stop).map_or(Ok(()), Err)?;
        let mut line = ProgressLine::new();
        let waited = client.wait_web_service(tool, WaitOptions::new(TIMEOUT), |live| {
            match live.pods.len() {
                0 if live.deployment.is_none() => return ControlFlow::Break(()),
                1 => line.show("1 pod is terminating"),
                left => line.show(&format!("{left} pods are terminating")),
            }
            ControlFlow::Continue(())
        });
        Ok::<_, Failure>(matches!(waited.await?, WaitOutcome::Done(())))
    })?;
    state::forget(session);
    if !gone {
        anstream::eprintln!(
            "warning: pods are still terminating; they count for the quota until they are gone"
        );
    }
    Ok(ExitCode::Success)
}
