use std::time::Duration;

use toolforge_cli::{
    DryRunOption, ExitCode, Failure, Interruption, Notice, OutputFormat, ProgressLine, Session,
    applied_changes, interrupted, planned_changes, print_for_people, unchanged,
};
use toolforge_client::{ApplyOptions, Attempt, Client, Planner, StopOutcome, Written};
use toolforge_model::ToolName;
use toolforge_render::change::{Change, ChangeSet};
use toolforge_render::web_service::web_service_deletion;

use super::config_files;
use crate::arguments::Arguments;
use crate::invocation::Action;
use crate::{failures, fetch, report};

/// How long pods may take to terminate: Kubernetes' grace of 30 s, and some for the kubelet.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Stops the web service: its own objects only, and each by the uid that was seen.
pub(super) fn run(session: &Session, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let tool = &session.tool;
    let format = arguments.output.of_document();
    let stop = Stop { session, arguments, signal: Interruption::default() };
    if arguments.dry_run == Some(DryRunOption::Client) {
        let set = session.block_on(stop.plan(&Attempt::default()))??;
        let changes = if is_stopped(&set) { unchanged(&set) } else { planned_changes(&set) };
        print_planned(&set, format)?;
        return report::finish(session, format, (&set, changes), arguments.dry_run, Ok(ExitCode::Success));
    }
    let (runtime, client) = session.cluster_to_change()?;
    let options = if arguments.dry_run.is_some() { ApplyOptions::dry_run() } else { ApplyOptions::default() };
    let (set, report) = runtime.block_on(client.apply_planned(tool, options, &stop))?.into_parts();
    let changes = if is_stopped(&set) { unchanged(&set) } else { applied_changes(&report) };
    let written: Vec<Written> = report.changes.iter().flat_map(|change| change.written.clone()).collect();
    let finish = |ended| report::finish(session, format, (&set, changes), arguments.dry_run, ended);
    if let Some(failure) = failures::of_apply(report, Action::Stop) {
        return finish(Err(failure));
    }
    if let Some(signal) = stop.signal.exit_code() {
        Notice::note("interrupted while objects were deleted; run `webservice stop` again to finish").print();
        return finish(Ok(signal));
    }
    if arguments.dry_run.is_some() || is_stopped(&set) {
        if arguments.dry_run.is_none() {
            config_files::forget(session);
        }
        print_planned(&set, format)?;
        return finish(Ok(ExitCode::Success));
    }
    let ended = runtime.block_on(async {
        tokio::select! {
            stopped = until_stopped(client, tool, &set) => {
                let stopped = stopped.map_err(|failure| failures::of_wait(failure, &written));
                stopped.map(Ended::Stopped)
            }
            signal = interrupted() => {
                Notice::note("its pods continue to terminate; until then they count against the quota").print();
                signal.map(Ended::Interrupted)
            }
        }
    });
    match ended {
        Err(failure) => return finish(Err(failure)),
        Ok(Ended::Interrupted(exit_code)) => return finish(Ok(exit_code)),
        Ok(Ended::Stopped(StopOutcome::StartedAgain)) => {
            Notice::note("somebody else started the web service again; `webservice status` shows its state")
                .print();
            return finish(Ok(ExitCode::Success));
        }
        Ok(Ended::Stopped(StopOutcome::PodsRemain)) => {
            Notice::warning("pods are still terminating; they count against the quota until they are gone")
                .print();
        }
        Ok(Ended::Stopped(_)) => {}
    }
    config_files::forget(session);
    finish(Ok(ExitCode::Success))
}

/// Stops the web service.
struct Stop<'a> {
    session: &'a Session,
    arguments: &'a Arguments,
    /// The signal that has interrupted the deletion.
    signal: Interruption,
}

impl Planner for Stop<'_> {
    type Plan = ChangeSet;
    type Error = Failure;

    async fn plan(&self, attempt: &Attempt) -> Result<ChangeSet, Failure> {
        let facts = fetch::fetch_live_facts(self.session).await;
        let facts = facts.map_err(|failure| failures::after_writes(failure, attempt))?;
        Ok(web_service_deletion(&self.session.tool, &facts.live))
    }

    fn check(&self, set: &ChangeSet, attempt: &Attempt) -> Result<(), Failure> {
        if attempt.is_first() && self.arguments.dry_run.is_none() && !is_stopped(set) {
            print_for_people("Stopping webservice\n", self.arguments.output.of_document())?;
        }
        Ok(())
    }

    async fn interrupted(&self) {
        self.signal.wait().await;
    }

    fn interruption(&self, attempt: &Attempt) -> Failure {
        failures::after_writes(self.signal.failure(), attempt)
    }
}

/// Returns whether there is nothing to delete.
fn is_stopped(set: &ChangeSet) -> bool {
    set.changes.iter().all(Change::is_keep)
}

fn print_planned(set: &ChangeSet, format: OutputFormat) -> Result<(), Failure> {
    let text = if is_stopped(set) {
        "Your webservice is not running\n".to_owned()
    } else {
        format!("{}nothing was deleted (dry run)\n", report::change_lines(set))
    };
    print_for_people(&text, format)
}

/// How the command went on after it had deleted the objects.
enum Ended {
    Stopped(StopOutcome),
    Interrupted(ExitCode),
}

/// Waits until the web service is gone.
async fn until_stopped(client: &Client, tool: &ToolName, set: &ChangeSet) -> Result<StopOutcome, Failure> {
    let mut line = ProgressLine::new();
    let stopped = client.wait_stopped(tool, set, TIMEOUT, |left| match left {
        0 => {}
        1 => line.show("1 pod is terminating"),
        left => line.show(&format!("{left} pods are terminating")),
    });
    Ok(stopped.await?)
}
