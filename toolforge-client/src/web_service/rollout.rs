//! Waiting until a web service is rolled out, or until that is known to fail.

use std::ops::ControlFlow;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use tokio::time::Instant;
use toolforge_model::ToolName;
use toolforge_render::pod::{Cause, Evidence};
use toolforge_render::web_service::{
    LiveWebService, RolloutProgress, web_service_causes, web_service_progress,
};

use crate::web_service::patience::Patience;
use crate::{Client, Error, ResourceType, WaitOptions, WaitOutcome};

/// The Deployment whose rollout is waited for, as it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RolloutTarget {
    /// Its UID; `None` if any Deployment with the tool's name is meant.
    pub uid: Option<String>,
    /// Its generation; `None` if the current one is meant.
    pub generation: Option<i64>,
}

impl From<&ObjectMeta> for RolloutTarget {
    fn from(metadata: &ObjectMeta) -> Self {
        Self { uid: metadata.uid.clone(), generation: metadata.generation }
    }
}

/// How a rollout ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum RolloutOutcome {
    /// Every pod is of the newest revision and ready.
    Ready,
    /// It cannot become ready without a change.
    Failed {
        /// Why, most important first.
        causes: Vec<Evidence>,
        /// The objects at that moment.
        live: Box<LiveWebService>,
    },
    /// The deadline passed.
    TimedOut {
        /// Why it was not ready, most important first.
        causes: Vec<Evidence>,
    },
    /// The Deployment was deleted.
    Deleted,
    /// The Deployment was deleted, and another one was created.
    Replaced,
}

/// An observation while waiting for a rollout.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RolloutEvent {
    /// Pods are not ready yet.
    Waiting {
        /// The number of ready pods of the newest revision.
        ready: u32,
        /// The desired number.
        desired: u32,
        /// What it may be waiting for, if known.
        evidence: Option<Evidence>,
    },
    /// The quota has no room for the next pod yet.
    WaitingForQuota {
        /// The number of pods that terminate; what they used is free when they are gone.
        terminating: usize,
    },
    /// Somebody else changed the Deployment; the rollout of that change is waited for.
    ChangedMeanwhile,
}

impl Client {
    /// Waits until a Deployment is rolled out, and calls `event` with each observation.
    ///
    /// A rollout that is slow is waited for until the deadline; one that is blocked ends the wait: at once if something has
    /// to be changed first, after 15 seconds of a failing health check, after 30 seconds without an answer on the port, and
    /// after 30 to 60 seconds in which the API server refuses pods and no pod starts, becomes ready or terminates.
    ///
    /// # Errors
    /// When the objects cannot be watched.
    pub async fn wait_rollout(
        &self,
        tool: &ToolName,
        target: &RolloutTarget,
        options: WaitOptions,
        mut event: impl FnMut(RolloutEvent),
    ) -> Result<RolloutOutcome, Error> {
        let mut patience = Patience::new(Instant::now());
        let mut is_changed = false;
        let waited = self
            .wait_web_service(tool, options, |live| {
                if let Some(outcome) = lost(live, target) {
                    return ControlFlow::Break(outcome);
                }
                let generation = live.deployment.as_ref().and_then(|found| found.metadata.generation);
                if target.generation.is_some() && generation > target.generation && !is_changed {
                    is_changed = true;
                    event(RolloutEvent::ChangedMeanwhile);
                }
                let (now, instant) = (Timestamp::now(), Instant::now());
                let progress = web_service_progress(live, target.generation, now);
                let causes = match &progress {
                    RolloutProgress::Ready => return ControlFlow::Break(RolloutOutcome::Ready),
                    RolloutProgress::Waiting { evidence, .. } => evidence.as_slice(),
                    RolloutProgress::Failed(causes) => causes,
                };
                patience.look(live, causes, instant);
                if causes.iter().any(|evidence| patience.is_over(evidence, now, instant)) {
                    let causes = web_service_causes(live, now);
                    return ControlFlow::Break(RolloutOutcome::Failed {
                        causes,
                        live: Box::new(live.clone()),
                    });
                }
                if causes.first().is_some_and(|first| first.cause == Cause::QuotaExceeded) {
                    event(RolloutEvent::WaitingForQuota { terminating: patience.terminating() });
                } else if let RolloutProgress::Waiting { ready, desired, evidence } = progress {
                    event(RolloutEvent::Waiting { ready, desired, evidence });
                }
                ControlFlow::Continue(())
            })
            .await?;
        Ok(match waited {
            WaitOutcome::Done(outcome) => outcome,
            WaitOutcome::DeadlineExceeded(live) => {
                RolloutOutcome::TimedOut { causes: web_service_causes(&live, Timestamp::now()) }
            }
        })
    }

    /// Waits until a Deployment that is being deleted is gone; returns whether it is before the deadline.
    ///
    /// # Errors
    /// When the Deployment cannot be watched.
    pub async fn wait_deployment_gone(&self, tool: &ToolName, deadline: Duration) -> Result<bool, Error> {
        let path = ResourceType::of::<Deployment>().in_namespace(tool.namespace()).named(tool.as_str());
        let gone = self.wait_object(&path, deadline, |found: Option<&Deployment>| match found {
            Some(found) if found.metadata.deletion_timestamp.is_some() => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        });
        Ok(gone.await?.is_some())
    }
}

/// Returns how the wait ends if the Deployment is no longer the one that is waited for.
fn lost(live: &LiveWebService, target: &RolloutTarget) -> Option<RolloutOutcome> {
    let wanted = target.uid.as_ref()?;
    let Some(found) = &live.deployment else { return Some(RolloutOutcome::Deleted) };
    if found.metadata.deletion_timestamp.is_some() {
        return Some(RolloutOutcome::Deleted);
    }
    (found.metadata.uid.as_ref() != Some(wanted)).then_some(RolloutOutcome::Replaced)
}
