use std::cell::RefCell;
use std::ops::ControlFlow;
use std::time::Duration;

use toolforge_cli::{
    DryRunOption, ExitCode, Failure, ProgressLine, Session, applied_changes, interrupted, planned_changes,
    print_for_people, unchanged,
};
use toolforge_client::{ApplyOptions, Client, WaitOptions, WaitOutcome, WebServiceFetchOptions};
use toolforge_model::ToolName;
use toolforge_render::change::{Change, ChangeSet, Step, StepAction};
use toolforge_render::web_service::{is_web_service_pod, web_service_deletion};
use toolforge_report::AppliedChange;

use super::state;
use crate::arguments::Arguments;
use crate::invocation::Action;
use crate::{failures, fetch, report};

/// How long pods may take to terminate: Kubernetes' grace of 30 s, and some for the kubelet.
const TIMEOUT: Duration = Duration::from_secs(60);

/// How often what a start of somebody else has left behind is deleted.
const TRIES: u32 = 3;

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
    let stopped = runtime.block_on(async {
        tokio::select! {
            stopped = delete(client, tool, &set, &applied) => stopped,
            signal = interrupted() => {
                anstream::eprintln!("note: {}", if applied.borrow().is_some() {
                    "its pods continue to terminate; until then they count for the quota"
                } else {
                    "interrupted while objects were deleted; `webservice stop` again does the rest"
                });
                signal.map(Stopped::Interrupted)
            }
        }
    });
    let changes = applied.take().unwrap_or_default();
    match stopped {
        Err(failure) => return finish(changes, Err(failure)),
        Ok(Stopped::Interrupted(exit_code)) => return finish(changes, Ok(exit_code)),
        Ok(Stopped::StartedAgain) => {
            anstream::eprintln!(
                "note: somebody else started the web service again meanwhile; `webservice status` shows its state"
            );
            return finish(changes, Ok(ExitCode::Success));
        }
        Ok(Stopped::Gone) => {}
        Ok(Stopped::PodsRemain) => anstream::eprintln!(
            "warning: pods are still terminating; they count for the quota until they are gone"
        ),
    }
    state::forget(session);
    finish(changes, Ok(ExitCode::Success))
}

enum Stopped {
    /// Everything is gone.
    Gone,
    /// Pods take longer to terminate.
    PodsRemain,
    /// There is a new Deployment.
    StartedAgain,
    Interrupted(ExitCode),
}

/// Deletes the web service and waits for its pods. What somebody else's start has written meanwhile without a Deployment is
/// deleted, too.
async fn delete(
    client: &Client,
    tool: &ToolName,
    set: &ChangeSet,
    applied: &RefCell<Option<Vec<AppliedChange>>>,
) -> Result<Stopped, Failure> {
    let mut remainder: Option<ChangeSet> = None;
    let mut tries = 0;
    loop {
        let set = remainder.as_ref().unwrap_or(set);
        let report = client.apply_changes(tool, set, ApplyOptions::default()).await;
        if tries == 0 {
            applied.replace(Some(applied_changes(&report)));
        }
        failures::of_apply(report, Action::Stop).map_or(Ok(()), Err)?;
        let stopped = until_gone(client, tool, set).await?;
        let mut wanted = WebServiceFetchOptions::default();
        wanted.deployment = true;
        wanted.service = true;
        wanted.routes = true;
        let live = client.fetch_web_service(tool, wanted).await?.live;
        let is_running = live.deployment.as_ref().is_some_and(|found| {
            found.metadata.deletion_timestamp.is_none() && !live.has_foreign_deployment()
        });
        if is_running {
            return Ok(Stopped::StartedAgain);
        }
        let left = web_service_deletion(tool, &live);
        tries += 1;
        if tries == TRIES || left.changes.iter().all(Change::is_keep) {
            return Ok(stopped);
        }
        remainder = Some(left);
    }
}

/// Waits until the deleted Deployment and its pods are gone.
async fn until_gone(client: &Client, tool: &ToolName, set: &ChangeSet) -> Result<Stopped, Failure> {
    let deleted: Vec<&str> = set.changes.iter().flat_map(|change| &change.steps).filter_map(uid).collect();
    let mut line = ProgressLine::new();
    let waited = client.wait_web_service(tool, WaitOptions::new(TIMEOUT), |live| {
        let deployment = live.deployment.as_ref().filter(|_| !live.has_foreign_deployment());
        if let Some(found) = deployment
            && !found.metadata.uid.as_deref().is_some_and(|uid| deleted.contains(&uid))
        {
            return ControlFlow::Break(Stopped::StartedAgain);
        }
        match live.pods.iter().filter(|pod| is_web_service_pod(pod)).count() {
            0 if deployment.is_none() => return ControlFlow::Break(Stopped::Gone),
            1 => line.show("1 pod is terminating"),
            left => line.show(&format!("{left} pods are terminating")),
        }
        ControlFlow::Continue(())
    });
    Ok(match waited.await? {
        WaitOutcome::Done(stopped) => stopped,
        WaitOutcome::DeadlineExceeded(_) => Stopped::PodsRemain,
    })
}

fn uid(step: &Step) -> Option<&str> {
    match &step.action {
        StepAction::Delete { uid } => uid.as_deref(),
        _ => None,
    }
}
