//! Waiting until the new pods are ready, or can not become so.

use toolforge_cli::{
    ExitCode, Failure, FileMark, Notice, RolloutLine, failed_rollout, rollout_failure, rollout_timeout,
};
use toolforge_client::{Client, ROLLOUT_TIMEOUT, RolloutOutcome, RolloutTarget, WaitOptions};
use toolforge_model::{Untrusted, quote_word};
use toolforge_render::pod::{Cause, Evidence, ReadyPods, RolloutObjects};
use toolforge_render::web_service::WebServicePlan;

use crate::advice::advice;
use crate::invocation::Action;

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
    let mut line = RolloutLine::new();
    let mut options = WaitOptions::new(ROLLOUT_TIMEOUT);
    // The response to a health check is only in events.
    options.events = plan.request().health_check.path().is_some();
    let waited = client.wait_rollout(tool, target, options, |event| line.show(&event)).await;
    if line.finish() {
        Notice::note("the web service was changed by somebody else; `webservice status` shows its state")
            .print();
    }
    match waited? {
        RolloutOutcome::Failed { causes, live, log: lines } => {
            let failure = failed(live.objects(), &causes, lines.as_ref(), log);
            Err(kept_arguments(plan).into_iter().fold(failure, Failure::hint))
        }
        RolloutOutcome::TimedOut { causes } => Err(rollout_timeout("the web service", &causes)
            .hint("It may still become ready; `webservice status` shows its state.")),
        RolloutOutcome::Replaced => Err(Failure::new(
            ExitCode::Rollout,
            "the web service was stopped and started again by somebody else",
        )
        .hint("`webservice status` shows its state.")),
        RolloutOutcome::Deleted => Ok(RolloutWait::Deleted),
        _ => Ok(RolloutWait::Ready),
    }
}

fn failed(
    objects: RolloutObjects<'_>,
    causes: &[Evidence],
    lines: Option<&Untrusted>,
    log: Option<&FileMark>,
) -> Failure {
    let ready = objects.ready_pods();
    let cause = causes.first().map(|first| &first.cause);
    let what = match (cause, ready) {
        (Some(Cause::NotListening { .. } | Cause::NotHealthy { .. }), ReadyPods::None) => {
            "the web service is not ready".to_owned()
        }
        (_, ReadyPods::None) => "the web service does not start".to_owned(),
        _ => failed_rollout(objects, ""),
    };
    let failure = rollout_failure(&what, causes, lines);
    let Some(cause) = cause else { return failure };
    let failure = match log.filter(|_| cause.has_run()).and_then(FileMark::last_lines) {
        Some(last) => failure.last_lines(&last),
        None => failure,
    };
    failure.hint(advice(cause, ready, Action::Start))
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
