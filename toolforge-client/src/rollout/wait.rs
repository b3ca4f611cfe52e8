//! Waiting until a Deployment is rolled out, or until that is known to fail.

use std::ops::ControlFlow;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::Deployment;
use tokio::time::Instant;
use toolforge_model::ToolName;
use toolforge_render::job::JobObjects;
use toolforge_render::pod::{Cause, RolloutObjects, RolloutProgress};

use crate::rollout::events::RolloutSelector;
use crate::rollout::patience::Patience;
use crate::rollout::{RolloutEvent, RolloutOutcome, RolloutTarget};
use crate::{Client, Error, ResourceType, WaitOptions, WaitOutcome};

/// How long a rollout may take, the first pull of an image included.
pub const ROLLOUT_TIMEOUT: Duration = Duration::from_secs(300);

impl Client {
    /// Waits until the Deployment of a web service is rolled out, and calls `event` with each observation.
    ///
    /// For a slow rollout, the wait continues until the deadline; a blocked one ends it: at once if something has to be changed
    /// first, after 15 seconds of a failing health check, after 30 seconds without a response on the port, and after 30 to 60
    /// seconds in which the API server refuses pods and no pod starts, becomes ready or terminates. Pods without a startup or
    /// readiness probe must be ready for 5 seconds without a restart.
    ///
    /// # Errors
    /// When the objects cannot be watched.
    pub async fn wait_rollout(
        &self,
        tool: &ToolName,
        target: &RolloutTarget,
        options: WaitOptions,
        event: impl FnMut(RolloutEvent),
    ) -> Result<RolloutOutcome, Error> {
        self.wait_rollout_of(tool, RolloutSelector::web_service(tool), target, options, event).await
    }

    /// Waits until the Deployment of a continuous job or one that no tool manages is rolled out, as
    /// [`Client::wait_rollout`].
    ///
    /// # Errors
    /// When the objects cannot be watched.
    pub async fn wait_workload_rollout(
        &self,
        tool: &ToolName,
        job: &JobObjects,
        target: &RolloutTarget,
        options: WaitOptions,
        event: impl FnMut(RolloutEvent),
    ) -> Result<RolloutOutcome, Error> {
        self.wait_rollout_of(tool, RolloutSelector::workload(tool, job), target, options, event).await
    }

    async fn wait_rollout_of(
        &self,
        tool: &ToolName,
        selector: RolloutSelector,
        target: &RolloutTarget,
        options: WaitOptions,
        mut event: impl FnMut(RolloutEvent),
    ) -> Result<RolloutOutcome, Error> {
        let mut patience = Patience::new(Instant::now());
        let mut is_changed = false;
        let waited = self
            .wait_rollout_objects(
                selector,
                options,
                |live| live,
                |live| {
                    let objects = live.objects();
                    if let Some(outcome) = lost(objects, target) {
                        return ControlFlow::Break(outcome);
                    }
                    let generation = objects.deployment.and_then(|found| found.metadata.generation);
                    if target.generation.is_some() && generation > target.generation && !is_changed {
                        is_changed = true;
                        event(RolloutEvent::ChangedMeanwhile);
                    }
                    let (now, instant) = (Timestamp::now(), Instant::now());
                    let progress = objects.progress(target.generation, now);
                    let is_ready = progress == RolloutProgress::Ready;
                    if patience.stays_ready(objects, is_ready, instant) {
                        return ControlFlow::Break(RolloutOutcome::Ready);
                    }
                    let progress = if is_ready { just_ready(objects, now) } else { progress };
                    let causes = match &progress {
                        RolloutProgress::Waiting { evidence, .. } => evidence.as_slice(),
                        RolloutProgress::Failed(causes) => causes,
                        _ => &[],
                    };
                    patience.look(objects.pods, causes, instant);
                    if causes.iter().any(|evidence| patience.is_over(evidence, now, instant)) {
                        let causes = objects.causes(now);
                        return ControlFlow::Break(RolloutOutcome::Failed {
                            causes,
                            live: Box::new(live.clone()),
                            log: None,
                        });
                    }
                    if causes.first().is_some_and(|first| first.cause == Cause::QuotaExceeded) {
                        event(RolloutEvent::WaitingForQuota { terminating: patience.terminating() });
                    } else if let RolloutProgress::Waiting { ready, desired, evidence } = progress {
                        event(RolloutEvent::Waiting { ready, desired, evidence });
                    }
                    ControlFlow::Continue(())
                },
            )
            .await?;
        Ok(match waited {
            WaitOutcome::Done(RolloutOutcome::Failed { causes, live, .. }) => {
                let has_run = causes.first().is_some_and(|first| first.cause.has_run());
                let log = if has_run { self.last_lines(tool, &live.pods).await } else { None };
                RolloutOutcome::Failed { causes, live, log }
            }
            WaitOutcome::Done(outcome) => outcome,
            WaitOutcome::DeadlineExceeded(live) => {
                RolloutOutcome::TimedOut { causes: live.objects().causes(Timestamp::now()) }
            }
        })
    }

    /// Waits until a Deployment that is being deleted is gone; returns whether it is gone before the deadline.
    ///
    /// # Errors
    /// When the Deployment cannot be watched.
    pub(crate) async fn wait_deployment_gone(
        &self,
        tool: &ToolName,
        deadline: Duration,
    ) -> Result<bool, Error> {
        let path = ResourceType::of::<Deployment>().in_namespace(tool.namespace()).named(tool.as_str());
        let gone = self.wait_object(&path, deadline, |found: Option<&Deployment>| match found {
            Some(found) if found.metadata.deletion_timestamp.is_some() => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        });
        Ok(gone.await?.is_some())
    }
}

/// Returns the progress of pods that are ready and may not stay ready: they show that a program has terminated earlier than the
/// Deployment does.
fn just_ready(objects: RolloutObjects<'_>, now: Timestamp) -> RolloutProgress {
    let mut causes = objects.causes(now);
    causes.retain(|evidence| {
        matches!(
            evidence.cause,
            Cause::CrashLoop { .. }
                | Cause::InitCrashLoop { .. }
                | Cause::OutOfMemory
                | Cause::ContainerStart { .. }
        )
    });
    if !causes.is_empty() {
        return RolloutProgress::Failed(causes);
    }
    let desired = u32::try_from(objects.desired_replicas()).unwrap_or(0);
    RolloutProgress::Waiting { ready: desired, desired, evidence: None }
}

/// Returns the outcome of the wait if the Deployment is no longer that of the target.
fn lost(live: RolloutObjects<'_>, target: &RolloutTarget) -> Option<RolloutOutcome> {
    let wanted = target.uid.as_ref()?;
    let Some(found) = live.deployment else { return Some(RolloutOutcome::Deleted) };
    if found.metadata.deletion_timestamp.is_some() {
        return Some(RolloutOutcome::Deleted);
    }
    (found.metadata.uid.as_ref() != Some(wanted)).then_some(RolloutOutcome::Replaced)
}
