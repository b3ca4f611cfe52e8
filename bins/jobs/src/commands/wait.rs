//! Waiting for the end of one run.

use std::time::Duration;

use toolforge_cli::{
    ExitCode, Failure, FileMark, LastLines, Notice, ProgressLine, interrupted, print_message,
};
use toolforge_client::{Client, Error, JobRun, RunWaitOutcome, WaitOptions, WatchOptions};
use toolforge_model::{JobName, JobRequest, Untrusted};
use toolforge_render::job::{FailureReason, LiveJobs, RunOutcome};
use toolforge_render::object::is_owned_by;
use toolforge_render::pod::{Cause, LastTermination, TerminationKind};

use crate::advice::{Asked, advice, exit_code_hint};

/// How long the cluster may be unreachable during the wait.
const OUTAGE: Duration = Duration::from_secs(60);

/// Waits for the end of a run, the Job named `object`, and ends as it ends. `is_managed` is `false` for an object that no tool
/// manages. `logs` are the ends of the log files before it.
pub(super) async fn until_end(
    client: &Client,
    (request, is_managed): (&JobRequest, bool),
    object: &str,
    seconds: u32,
    logs: &LogMarks,
) -> Result<ExitCode, Failure> {
    let mut line = ProgressLine::new();
    let deadline = Duration::from_secs(seconds.into());
    let options =
        WaitOptions::new(deadline).with_events().with_watch(WatchOptions::default().with_outage(OUTAGE));
    let run = JobRun { tool: &request.tool, job: &request.name, run: object, is_managed };
    let waiting = client.wait_run_finished(run, options, |outcome| line.show(&progress(outcome)));
    let waited = tokio::select! {
        waited = waiting => waited.map_err(|error| not_seen(error, &request.name))?,
        signal = interrupted() => {
            line.clear();
            Notice::note(format!("job {} continues; `toolforge jobs show {0}` shows its state", request.name)).print();
            return signal;
        }
    };
    line.clear();
    let name = &request.name;
    match waited {
        RunWaitOutcome::Finished { outcome: RunOutcome::Succeeded { .. }, .. } => {
            print_message(&format!("job '{name}' completed"));
            Ok(ExitCode::Success)
        }
        RunWaitOutcome::Finished { outcome, live } => {
            Err(failed(client, request, &outcome, &live, logs).await)
        }
        RunWaitOutcome::Blocked(evidence) => {
            let failure = Failure::new(
                ExitCode::Rollout,
                format!("job '{name}' cannot start, and is retried: {}", evidence.cause),
            );
            Err(failure.cause(&evidence).hint(advice(&evidence.cause, Asked::from(request))))
        }
        RunWaitOutcome::TimedOut { outcome } => {
            let how = outcome.as_ref().map(progress).unwrap_or_default();
            let failure = Failure::new(
                ExitCode::Rollout,
                format!("timed out {seconds} seconds waiting for job '{name}' to complete"),
            );
            Err(failure
                .detail(how)
                .hint(format!("It continues; `toolforge jobs show {name}` shows its state.")))
        }
        // It was deleted.
        _ => Err(Failure::new(
            ExitCode::Failed,
            format!("job '{name}' was deleted while waiting for it to finish"),
        )
        .hint(format!("`toolforge jobs logs {name}` may still show its output."))),
    }
}

/// Returns the failure of a wait after the job was changed: its end was not seen.
pub(super) fn not_seen(error: Error, name: &JobName) -> Failure {
    Failure::from(error)
        .with_exit_code(ExitCode::Partial)
        .detail(format!("the change of job {name} was accepted"))
        .hint(format!("`toolforge jobs show {name}` shows its state."))
}

fn progress(outcome: &RunOutcome) -> String {
    match outcome {
        RunOutcome::Running { failures: 0, .. } => "running".to_owned(),
        RunOutcome::Running { failures, .. } => format!("running again, after {failures} failed"),
        RunOutcome::Retrying { failures, end } => {
            let end = end.as_ref().map(|end| format!(", {end}")).unwrap_or_default();
            format!("{failures} failed{end}; waiting for the next attempt")
        }
        RunOutcome::Starting { evidence, .. } => match evidence {
            Some(evidence) => format!("starting: {}", evidence.cause),
            None => "starting".to_owned(),
        },
        RunOutcome::Suspended => "suspended".to_owned(),
        _ => String::new(),
    }
}

async fn failed(
    client: &Client,
    request: &JobRequest,
    outcome: &RunOutcome,
    live: &LiveJobs,
    logs: &LogMarks,
) -> Failure {
    let name = &request.name;
    let (reason, end) = match outcome {
        RunOutcome::Failed { reason, end, .. } => (Some(reason), end.as_ref()),
        _ => (None, None),
    };
    let why = match (reason, end) {
        (Some(FailureReason::DeadlineExceeded), _) => "it took longer than its timeout".to_owned(),
        (_, Some(end)) => end.to_string(),
        (reason, None) => reason.map(ToString::to_string).unwrap_or_default(),
    };
    let code = end.and_then(|end| u8::try_from(end.exit_code).ok()).filter(|code| *code > 0).unwrap_or(1);
    let mut failure = Failure::new(ExitCode::Propagated(code), format!("job '{name}' failed: {why}"));
    let lines = last_lines(client, request, live).await;
    for last in [lines, logs.last_lines()].into_iter().flatten() {
        failure = failure.last_lines(&last);
    }
    match exit_code_hint(i32::from(code)) {
        _ if end.map(LastTermination::kind) == Some(TerminationKind::OutOfMemory) => {
            failure.hint("Increase the memory limit with a larger `--mem`.")
        }
        Some(hint) => failure.hint(hint),
        // It has no log lines.
        None if end.map(LastTermination::kind) == Some(TerminationKind::NotStarted) => {
            let cause = Cause::ContainerStart { reason: Untrusted::default() };
            failure.hint(advice(&cause, Asked::from(request)))
        }
        None => failure.hint(format!("`{}` shows its output.", Asked::from(request).log_command())),
    }
}

/// Returns the last lines of the newest pod's log.
async fn last_lines(client: &Client, request: &JobRequest, live: &LiveJobs) -> Option<LastLines> {
    // Another run of the same job may have started in the meantime.
    let run = live.jobs.first()?.metadata.uid.as_deref();
    let own = live.pods.iter().filter(|pod| is_owned_by(&pod.metadata, run));
    let lines = client.last_lines(&request.tool, own).await?;
    Some(LastLines::of_its_log(&lines))
}

/// The ends of a job's log files before a run: what is in them then was written by earlier runs.
#[derive(Clone, Debug)]
pub(super) struct LogMarks(Vec<FileMark>);

impl LogMarks {
    /// Returns the last lines that were written since, of the first file that has any.
    pub(super) fn last_lines(&self) -> Option<LastLines> {
        self.0.iter().find_map(FileMark::last_lines)
    }

    /// Returns the present ends of a job's log files, that of the errors first.
    pub(super) fn of(request: &JobRequest) -> Self {
        let (stdout, stderr) = (request.file_log.stdout(), request.file_log.stderr());
        Self([stderr, stdout].into_iter().flatten().map(|path| FileMark::of(path.as_str())).collect())
    }
}
