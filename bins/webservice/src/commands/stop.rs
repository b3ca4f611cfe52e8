use std::cell::RefCell;
use std::time::Duration;

use toolforge_cli::{
    DryRunOption, ExitCode, Failure, ProgressLine, Session, applied_changes, interrupted, planned_changes,
    print_for_people, unchanged,
};
use toolforge_client::{ApplyOptions, Client, StopOutcome, Written};
use toolforge_model::ToolName;
use toolforge_render::change::{Change, ChangeSet};
use toolforge_render::web_service::web_service_deletion;
use toolforge_report::AppliedChange;

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
    let applied = RefCell::new(None);
    let ended = runtime.block_on(async {
        tokio::select! {
            ended = delete(client, tool, &set, &applied) => ended,
            signal = interrupted() => {
                anstream::eprintln!("note: {}", if applied.borrow().is_some() {
                    "its pods continue to terminate; until then they count for the quota"
                } else {
                    "interrupted while objects were deleted; `webservice stop` again does the rest"
                });
                signal.map(Ended::Interrupted)
            }
        }
    });
    let changes = applied.take().unwrap_or_default();
    match ended {
        Err(failure) => return finish(changes, Err(failure)),
        Ok(Ended::Interrupted(exit_code)) => return finish(changes, Ok(exit_code)),
        Ok(Ended::Stopped(StopOutcome::StartedAgain)) => {
            anstream::eprintln!(
                "note: somebody else started the web service again meanwhile; `webservice status` shows its state"
            );
            return finish(changes, Ok(ExitCode::Success));
        }
        Ok(Ended::Stopped(StopOutcome::PodsRemain)) => anstream::eprintln!(
            "warning: pods are still terminating; they count for the quota until they are gone"
        ),
        Ok(Ended::Stopped(_)) => {}
    }
    state::forget(session);
    finish(changes, Ok(ExitCode::Success))
}

/// How the command went on after it had begun to delete objects.
enum Ended {
    Stopped(StopOutcome),
    Interrupted(ExitCode),
}

/// Deletes the web service and waits until it is gone.
async fn delete(
    client: &Client,
    tool: &ToolName,
    set: &ChangeSet,
    applied: &RefCell<Option<Vec<AppliedChange>>>,
) -> Result<Ended, Failure> {
    let report = client.apply_changes(tool, set, ApplyOptions::default()).await;
    applied.replace(Some(applied_changes(&report)));
    let written: Vec<Written> = report.changes.iter().flat_map(|change| change.written.clone()).collect();
    failures::of_apply(report, Action::Stop).map_or(Ok(()), Err)?;
    let mut line = ProgressLine::new();
    let stopped = client.wait_stopped(tool, set, TIMEOUT, |left| match left {
        0 => {}
        1 => line.show("1 pod is terminating"),
        left => line.show(&format!("{left} pods are terminating")),
    });
    let stopped = stopped.await.map_err(|error| failures::of_wait(error.into(), &written))?;
    Ok(Ended::Stopped(stopped))
}
