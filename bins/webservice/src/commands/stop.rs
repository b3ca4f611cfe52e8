use std::ops::ControlFlow;
use std::time::Duration;

use toolforge_cli::{
    DryRunOption, ExitCode, Failure, ProgressLine, Session, applied_changes, planned_changes,
    print_for_people, unchanged,
};
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
    let format = arguments.output.output;
    let finish = |changes, ended| report::finish(session, format, (&set, changes), arguments.dry_run, ended);
    if set.changes.iter().all(Change::is_keep) {
        if arguments.dry_run.is_none() {
            state::forget(session);
        }
        print_for_people("Your webservice is not running\n", format)?;
        return finish(unchanged(&set), Ok(ExitCode::Success));
    }
    if let Some(dry_run) = arguments.dry_run {
        let (mut changes, mut failure) = (planned_changes(&set), None);
        if dry_run == DryRunOption::Server {
            let report = runtime.block_on(client.apply_changes(tool, &set, ApplyOptions::dry_run()));
            changes = applied_changes(&report);
            failure = failures::of_apply(report, Action::Stop);
        }
        if failure.is_none() {
            let text = format!("{}nothing was deleted (dry run)\n", report::change_lines(&set));
            print_for_people(&text, format)?;
        }
        return finish(changes, failure.map_or(Ok(ExitCode::Success), Err));
    }
    print_for_people("Stopping webservice\n", format)?;
    let mut changes = Vec::new();
    let waited = runtime.block_on(async {
        let report = client.apply_changes(tool, &set, ApplyOptions::default()).await;
        changes = applied_changes(&report);
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
    });
    let is_gone = match waited {
        Ok(is_gone) => is_gone,
        Err(failure) => return finish(changes, Err(failure)),
    };
    state::forget(session);
    if !is_gone {
        anstream::eprintln!(
            "warning: pods are still terminating; they count for the quota until they are gone"
        );
    }
    finish(changes, Ok(ExitCode::Success))
}
