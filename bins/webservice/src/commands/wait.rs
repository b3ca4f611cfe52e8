//! Waiting until the new pods are ready, or can not become so.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use toolforge_cli::{ExitCode, Failure, FileMark, Notice, ProgressLine};
use toolforge_client::kube::api::LogParams;
use toolforge_client::{Client, ResourceType, RolloutEvent, RolloutOutcome, RolloutTarget, WaitOptions};
use toolforge_model::{ToolName, Untrusted, platform, quote_word};
use toolforge_render::pod::{Cause, Evidence, LiveRollout, RolloutObjects};
use toolforge_render::web_service::WebServicePlan;

use toolforge_report::{DetailCode, FailureCode};

use crate::advice::{ReadyPods, advice};
use crate::invocation::Action;

/// How long a rollout may take: as the platform's readers know it, an image's first pull included.
const TIMEOUT: Duration = Duration::from_mins(5);

/// How many of a crashed container's last lines are shown.
const LAST_LINES: u32 = 20;

/// How a rollout that did not fail ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RolloutWait {
    Ready,
    /// The Deployment was deleted by somebody else.
    Deleted,
}

/// Waits until a Deployment is rolled out. `log` is the end of the type's log file before the change.
pub(super) async fn until_ready(
    client: &Client,
    plan: &WebServicePlan,
    target: &RolloutTarget,
    log: Option<&FileMark>,
) -> Result<RolloutWait, Failure> {
    let tool = &plan.request().tool;
    let mut line = ProgressLine::new();
    let mut options = WaitOptions::new(TIMEOUT);
    // The answer to a health check is in events alone.
    options.events = plan.request().health_check.path().is_some();
    let mut is_changed = false;
    let waited = client
        .wait_rollout(tool, target, options, |event| match event {
            RolloutEvent::Waiting { ready, desired, evidence } => {
                let why = evidence.map(|evidence| format!(": {}", evidence.cause)).unwrap_or_default();
                line.show(&format!("{ready} of {desired} pods ready{why}"));
            }
            RolloutEvent::WaitingForQuota { terminating: 0 } => {
                line.show("the quota does not allow the next pod yet");
            }
            RolloutEvent::WaitingForQuota { terminating } => {
                line.show(&format!("waiting for the quota of {}", pods_that_terminate(terminating)));
            }
            RolloutEvent::ChangedMeanwhile => is_changed = true,
            _ => {}
        })
        .await;
    line.clear();
    if is_changed {
        Notice::note(
            "the web service was changed by somebody else meanwhile; `webservice status` shows its state",
        )
        .print();
    }
    match waited? {
        RolloutOutcome::Failed { causes, live } => {
            let failure = failed(client, tool, &live, causes, log).await;
            Err(kept_arguments(plan).into_iter().fold(failure, Failure::hint))
        }
        RolloutOutcome::TimedOut { causes } => {
            let seconds = TIMEOUT.as_secs();
            let why = causes.first().map(|evidence| format!(": {}", evidence.cause)).unwrap_or_default();
            let failure = Failure::new(
                ExitCode::Rollout,
                format!("the web service was not ready within {seconds} seconds{why}"),
            )
            .with_code(FailureCode::TimedOut);
            let failure = causes.iter().fold(failure, Failure::cause);
            Err(failure.hint("It may still come up; `webservice status` shows its state."))
        }
        RolloutOutcome::Replaced => Err(Failure::new(
            ExitCode::Rollout,
            "the web service was stopped and started again by somebody else meanwhile",
        )
        .hint("`webservice status` shows its state.")),
        RolloutOutcome::Deleted => Ok(RolloutWait::Deleted),
        _ => Ok(RolloutWait::Ready),
    }
}

fn pods_that_terminate(count: usize) -> String {
    if count == 1 {
        "1 pod that is terminating".to_owned()
    } else {
        format!("{count} pods that are terminating")
    }
}

async fn failed(
    client: &Client,
    tool: &ToolName,
    live: &LiveRollout,
    causes: Vec<Evidence>,
    log: Option<&FileMark>,
) -> Failure {
    let Some(first) = causes.first() else {
        return Failure::new(ExitCode::Rollout, "the web service does not come up");
    };
    let ready = ReadyPods::from(live.objects());
    let subject = match (&first.cause, ready) {
        (_, ReadyPods::Old) => "the new pods do not come up, and the old ones keep running".to_owned(),
        (_, ReadyPods::New) => some_are_ready(live.objects()),
        (Cause::NotListening { .. } | Cause::NotHealthy { .. }, ReadyPods::None) => {
            "the web service is not ready".to_owned()
        }
        (_, ReadyPods::None) => "the web service does not come up".to_owned(),
    };
    let mut failure = Failure::new(ExitCode::Rollout, format!("{subject}: {}", first.cause));
    failure = causes.iter().fold(failure, Failure::cause);
    if has_run(&first.cause) {
        if let Some(lines) = last_lines(client, tool, &live.pods).await {
            failure = failure.detail("the last lines of its log:").coded_detail(DetailCode::Log, lines);
        }
        if let Some((title, lines)) = log.and_then(log_lines) {
            failure = failure.detail(title).coded_detail(DetailCode::Log, lines);
        }
    }
    failure.hint(advice(&first.cause, ready, Action::Start))
}

/// Returns the hint about arguments of an earlier start, which a restart keeps.
fn kept_arguments(plan: &WebServicePlan) -> Option<String> {
    let words: Vec<_> = plan.request().arguments.iter().map(|word| quote_word(word)).collect();
    (!words.is_empty()).then(|| {
        format!(
            "It runs with the arguments `{}`, which a restart keeps: `webservice stop` and then `webservice TYPE start` leaves them out.",
            Untrusted::new(words.join(" ")).escaped()
        )
    })
}

/// Returns how many pods are ready; where enough are, old ones are among them.
fn some_are_ready(objects: RolloutObjects<'_>) -> String {
    if objects.ready_replicas() >= objects.desired_replicas() {
        return "the new pods do not come up, and the old ones keep running".to_owned();
    }
    format!("only {} of {} pods are ready", objects.ready_replicas(), objects.desired_replicas())
}

/// Returns whether the program ran, so that its log may show why.
fn has_run(cause: &Cause) -> bool {
    matches!(
        cause,
        Cause::CrashLoop { .. }
            | Cause::OutOfMemory
            | Cause::HealthCheckFails { .. }
            | Cause::NotHealthy { .. }
            | Cause::NotListening { .. }
    )
}

/// Returns the last lines of the type's log file since a mark below a title; `None` if there are none.
pub(super) fn log_lines(log: &FileMark) -> Option<(String, String)> {
    let lines = log.last_lines(LAST_LINES as usize)?;
    let path = Untrusted::new(log.path().display().to_string());
    Some((format!("the last lines of {}:", path.escaped()), lines))
}

/// Returns the last lines of a container, of its previous run if it is between two.
async fn last_lines(client: &Client, tool: &ToolName, pods: &[Pod]) -> Option<String> {
    let mut pods: Vec<&Pod> = pods.iter().filter(|pod| pod.metadata.deletion_timestamp.is_none()).collect();
    pods.sort_by_key(|pod| std::cmp::Reverse(pod.metadata.creation_timestamp.as_ref().map(|time| time.0)));
    for pod in pods {
        let statuses = pod.status.as_ref().and_then(|status| status.container_statuses.as_ref());
        let status = statuses.into_iter().flatten().find(|status| {
            status.name == platform::CONTAINER_WEBSERVICE && !status.ready && status.container_id.is_some()
        });
        let (Some(status), Some(name)) = (status, pod.metadata.name.as_deref()) else { continue };
        let is_between =
            status.state.as_ref().is_none_or(|state| state.terminated.is_none() && state.running.is_none());
        let path = ResourceType::of::<Pod>().in_namespace(tool.namespace()).named(name);
        // The failure is complete without them, so a log that cannot be read is ignored.
        let params = LogParams {
            container: Some(platform::CONTAINER_WEBSERVICE.to_owned()),
            previous: is_between,
            tail_lines: Some(LAST_LINES.into()),
            ..LogParams::default()
        };
        let Ok(lines) = client.logs(&path, &params).await else { continue };
        let lines = lines.lines_escaped().to_string();
        if !lines.trim().is_empty() {
            return Some(lines.trim_end().to_owned());
        }
    }
    None
}
