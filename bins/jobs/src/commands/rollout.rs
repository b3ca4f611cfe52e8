//! Waiting until the new pods of a continuous job run, or cannot.

use toolforge_cli::{
    ExitCode, Failure, Notice, RolloutLine, failed_rollout, interrupted, rollout_failure, rollout_timeout,
};
use toolforge_client::{Client, ROLLOUT_TIMEOUT, RolloutOutcome, RolloutTarget, WaitOptions};
use toolforge_model::{JobKind, JobRequest};
use toolforge_render::job::JobObjects;

use super::facts;
use super::wait::{LogMarks, not_seen};
use crate::advice::{Asked, advice};

/// Waits until the Deployment of a continuous job is rolled out. `logs` are the ends of its log files before.
pub(super) async fn until_ready(
    client: &Client,
    (job, request): (&JobObjects, &JobRequest),
    target: &RolloutTarget,
    logs: &LogMarks,
) -> Result<ExitCode, Failure> {
    let (name, subject) = (&facts::reference(job), &facts::subject(job));
    let mut line = RolloutLine::new();
    let mut options = WaitOptions::new(ROLLOUT_TIMEOUT);
    // The responses to checks are only in events.
    options.events = is_checked(&request.kind);
    let waiting =
        client.wait_workload_rollout(&request.tool, job, target, options, |event| line.show(&event));
    let waited = tokio::select! {
        waited = waiting => waited,
        signal = interrupted() => {
            line.finish();
            Notice::note(format!("the restart of {subject} continues; `toolforge jobs show {name}` shows its state")).print();
            return signal;
        }
    };
    let quoted = if job.is_managed() { format!("job '{name}'") } else { name.clone() };
    if line.finish() {
        Notice::note(format!("{subject} was changed by somebody else")).print();
    }
    let (what, causes, log) = match waited.map_err(|error| not_seen(error, &job.name))? {
        RolloutOutcome::Failed { causes, live, log } => {
            (failed_rollout(live.objects(), &format!(" of {quoted}")), causes, log)
        }
        RolloutOutcome::TimedOut { causes } => {
            let failure = with_lines(rollout_timeout(&quoted, &causes), logs);
            return Err(failure
                .hint(format!("It may still become ready; `toolforge jobs show {name}` shows its state.")));
        }
        RolloutOutcome::Deleted => (format!("{quoted} was deleted by somebody else"), Vec::new(), None),
        RolloutOutcome::Replaced => {
            let what = format!("{quoted} was deleted and created again by somebody else");
            (what, Vec::new(), None)
        }
        _ => return Ok(ExitCode::Success),
    };
    let failure = with_lines(rollout_failure(&what, &causes, log.as_ref()), logs);
    Err(match causes.first() {
        Some(evidence) => failure.hint(advice(
            &evidence.cause,
            Asked { name, is_managed: job.is_managed(), ..Asked::from(request) },
        )),
        None => failure,
    })
}

/// Returns whether a container of the job is only ready when a check says so.
fn is_checked(kind: &JobKind) -> bool {
    match kind {
        JobKind::Continuous { port, health_check, replicas: _ } => port.is_some() || health_check.is_some(),
        JobKind::OneOff { .. } | JobKind::Scheduled { .. } => false,
    }
}

/// Adds the last lines that were written since to a log file.
fn with_lines(failure: Failure, logs: &LogMarks) -> Failure {
    match logs.last_lines() {
        Some(last) => failure.last_lines(&last),
        None => failure,
    }
}
