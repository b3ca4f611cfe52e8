//! Waiting until the new pods are ready, or can not become so.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use toolforge_cli::{ExitCode, Failure, ProgressLine};
use toolforge_client::kube::api::LogParams;
use toolforge_client::{Client, ResourceType, RolloutEvent, RolloutOutcome, WaitOptions};
use toolforge_model::{ToolName, platform};
use toolforge_render::pod::{Cause, Evidence};
use toolforge_render::web_service::{LiveWebService, WebServicePlan};

use toolforge_report::{DetailCode, FailureCode};

use crate::advice::advice;

/// How long a rollout may take: as the platform's readers know it, an image's first pull included.
const TIMEOUT: Duration = Duration::from_mins(5);

/// How many of a crashed container's last lines are shown.
const LAST_LINES: u32 = 20;

/// Waits until the Deployment's generation is rolled out.
pub(super) async fn until_ready(
    client: &Client,
    plan: &WebServicePlan,
    generation: Option<i64>,
) -> Result<(), Failure> {
    let tool = &plan.request().tool;
    let mut line = ProgressLine::new();
    let mut options = WaitOptions::new(TIMEOUT);
    // The answer to a health check is in events alone.
    options.events = plan.request().health_check.path().is_some();
    let waited = client
        .wait_rollout(tool, generation, options, |event| match event {
            RolloutEvent::Waiting { ready, desired, evidence } => {
                let why = evidence.map(|evidence| format!(": {}", evidence.cause)).unwrap_or_default();
                line.show(&format!("{ready} of {desired} pods ready{why}"));
            }
            RolloutEvent::WaitingForQuota => line.show("waiting for quota that a terminated pod has freed"),
            _ => {}
        })
        .await;
    line.clear();
    match waited? {
        RolloutOutcome::Failed { causes, live } => Err(failed(client, tool, &live, causes).await),
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
        _ => Ok(()),
    }
}

async fn failed(client: &Client, tool: &ToolName, live: &LiveWebService, causes: Vec<Evidence>) -> Failure {
    let Some(first) = causes.first() else {
        return Failure::new(ExitCode::Rollout, "the web service does not come up");
    };
    let serves = live.deployment.as_ref().and_then(|deployment| deployment.status.as_ref()?.ready_replicas);
    let subject = if serves.unwrap_or(0) > 0 {
        "the new pods do not come up, and the old ones keep running"
    } else {
        "the web service does not come up"
    };
    let mut failure = Failure::new(ExitCode::Rollout, format!("{subject}: {}", first.cause));
    failure = causes.iter().fold(failure, Failure::cause);
    let has_run =
        matches!(first.cause, Cause::CrashLoop { .. } | Cause::OutOfMemory | Cause::HealthCheckFails);
    if has_run && let Some(lines) = last_lines(client, tool, &live.pods).await {
        failure = failure.detail("the last lines of its log:").coded_detail(DetailCode::Log, lines);
    }
    failure.hint(advice(&first.cause))
}

/// Returns the last lines of a container that has ended, of its previous run where it is between two.
async fn last_lines(client: &Client, tool: &ToolName, pods: &[Pod]) -> Option<String> {
    for pod in pods {
        let status = pod.status.as_ref()?.container_statuses.as_ref()?.iter().find(|status| {
            status.name == platform::CONTAINER_WEBSERVICE
                && (status.restart_count > 0
                    || status.state.as_ref().is_some_and(|state| state.terminated.is_some()))
        });
        let (Some(status), Some(name)) = (status, pod.metadata.name.as_deref()) else { continue };
        let previous = status.state.as_ref().is_none_or(|state| state.terminated.is_none());
        let path = ResourceType::of::<Pod>().in_namespace(tool.namespace()).named(name);
        // The failure is complete without them, so a log that cannot be read is ignored.
        let params = LogParams {
            container: Some(platform::CONTAINER_WEBSERVICE.to_owned()),
            previous,
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
