//! Waiting until the new pods of a continuous job run, or cannot.

use std::time::Duration;

use toolforge_cli::{ExitCode, Failure, Notice, ProgressLine, interrupted};
use toolforge_client::{Client, RolloutEvent, RolloutOutcome, RolloutTarget, WaitOptions};
use toolforge_model::{JobKind, JobRequest, Untrusted};
use toolforge_render::job::JobObjects;
use toolforge_render::pod::Evidence;
use toolforge_report::FailureCode;

use super::facts;
use super::wait::{LogMarks, not_seen};
use crate::advice::{Asked, advice};

/// How long a rollout may take, the first pull of an image included: as for a web service.
const TIMEOUT: Duration = Duration::from_mins(5);

/// Waits until the Deployment of a continuous job is rolled out. `logs` are the ends of its log files before.
pub(super) async fn until_ready(
    client: &Client,
    (job, request): (&JobObjects, &JobRequest),
    target: &RolloutTarget,
    logs: &LogMarks,
) -> Result<ExitCode, Failure> {
    let (name, subject) = (&facts::reference(job), &facts::subject(job));
    let mut line = ProgressLine::new();
    let mut options = WaitOptions::new(TIMEOUT);
    // The answers of checks are in events alone.
    options.events = is_checked(&request.kind);
    let mut is_changed = false;
    let waiting = client.wait_workload_rollout(&request.tool, job, target, options, |event| match event {
        RolloutEvent::Waiting { ready, desired, evidence } => {
            let why = evidence.map(|evidence| format!(": {}", evidence.cause)).unwrap_or_default();
            line.show(&format!("{ready} of {desired} pods ready{why}"));
        }
        RolloutEvent::WaitingForQuota { .. } => line.show("the quota does not allow the next pod yet"),
        RolloutEvent::ChangedMeanwhile => is_changed = true,
        _ => {}
    });
    let waited = tokio::select! {
        waited = waiting => waited,
        signal = interrupted() => {
            line.clear();
            Notice::note(format!("the restart of {subject} continues; `toolforge jobs show {name}` shows its state")).print();
            return signal;
        }
    };
    line.clear();
    let quoted = if job.is_managed() { format!("job '{name}'") } else { name.clone() };
    if is_changed {
        Notice::note(format!("{subject} was changed by somebody else meanwhile")).print();
    }
    let (message, causes) = match waited.map_err(|error| not_seen(error, &job.name))? {
        RolloutOutcome::Failed { causes, live } => {
            let objects = live.objects();
            let (ready, old) = (objects.ready_replicas(), objects.outdated_ready_replicas());
            let what = match (ready, old) {
                (1.., 0) => {
                    format!("only {ready} of {} pods of {quoted} are ready", objects.desired_replicas())
                }
                (_, 1..) => {
                    format!("the new pods of {quoted} do not come up, and the old ones keep running")
                }
                _ => format!("the new pods of {quoted} do not come up"),
            };
            (format!("{what}{}", first(&causes)), causes)
        }
        RolloutOutcome::TimedOut { causes } => {
            let seconds = TIMEOUT.as_secs();
            let message = format!("{quoted} was not ready within {seconds} seconds{}", first(&causes));
            let failure = failure(message, &causes, logs).with_code(FailureCode::TimedOut);
            return Err(
                failure.hint(format!("It may still come up; `toolforge jobs show {name}` shows its state."))
            );
        }
        RolloutOutcome::Deleted => (format!("{quoted} was deleted by somebody else meanwhile"), Vec::new()),
        RolloutOutcome::Replaced => {
            let message = format!("{quoted} was deleted and created again by somebody else meanwhile");
            (message, Vec::new())
        }
        _ => return Ok(ExitCode::Success),
    };
    let failure = failure(message, &causes, logs);
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

fn first(causes: &[Evidence]) -> String {
    causes.first().map(|evidence| format!(": {}", evidence.cause)).unwrap_or_default()
}

fn failure(message: String, causes: &[Evidence], logs: &LogMarks) -> Failure {
    let failure = causes.iter().fold(Failure::new(ExitCode::Rollout, message), Failure::cause);
    match logs.last_lines() {
        Some((path, lines)) => failure
            .detail(format!("the last lines of {}:", Untrusted::new(path.display().to_string()).escaped()))
            .detail(lines),
        None => failure,
    }
}
