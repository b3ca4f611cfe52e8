//! Waiting until a web service is rolled out, or until that is known to fail.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use k8s_openapi::api::apps::v1::Deployment;
use toolforge_model::ToolName;
use toolforge_render::pod::{Cause, Evidence};
use toolforge_render::web_service::{
    LiveWebService, RolloutProgress, web_service_causes, web_service_progress,
};

use crate::{Client, Error, ResourceType, WaitOptions, WaitOutcome};

/// How long an exceeded quota is not a failure after a pod has terminated: the ReplicaSet controller retries after a pause
/// that doubles with each refusal; with a pod that terminates slowly it reaches several seconds.
const QUOTA_RETRY: Duration = Duration::from_secs(30);

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
    /// A terminated pod has freed quota, which the controller has not used yet.
    WaitingForQuota,
}

impl Client {
    /// Waits until the Deployment's generation is rolled out, and calls `event` with each change; `None` waits for the
    /// current generation.
    ///
    /// # Errors
    /// When the objects cannot be watched.
    pub async fn wait_rollout(
        &self,
        tool: &ToolName,
        generation: Option<i64>,
        options: WaitOptions,
        mut event: impl FnMut(RolloutEvent),
    ) -> Result<RolloutOutcome, Error> {
        let mut last_termination: Option<Instant> = None;
        let waited = self
            .wait_web_service(tool, options, |live| {
                if live.pods.iter().any(|pod| pod.metadata.deletion_timestamp.is_some()) {
                    last_termination = Some(Instant::now());
                }
                match web_service_progress(live, generation) {
                    RolloutProgress::Ready => ControlFlow::Break(RolloutOutcome::Ready),
                    RolloutProgress::Failed(causes)
                        if is_only_quota(&causes)
                            && last_termination.is_some_and(|moment| moment.elapsed() < QUOTA_RETRY) =>
                    {
                        event(RolloutEvent::WaitingForQuota);
                        ControlFlow::Continue(())
                    }
                    RolloutProgress::Failed(causes) => {
                        ControlFlow::Break(RolloutOutcome::Failed { causes, live: Box::new(live.clone()) })
                    }
                    RolloutProgress::Waiting { ready, desired, evidence } => {
                        event(RolloutEvent::Waiting { ready, desired, evidence });
                        ControlFlow::Continue(())
                    }
                }
            })
            .await?;
        Ok(match waited {
            WaitOutcome::Done(outcome) => outcome,
            WaitOutcome::DeadlineExceeded(live) => {
                RolloutOutcome::TimedOut { causes: web_service_causes(&live) }
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

/// Returns whether nothing but a full quota keeps pods from being created.
fn is_only_quota(causes: &[Evidence]) -> bool {
    causes
        .iter()
        .filter(|evidence| evidence.cause.is_terminal())
        .all(|evidence| evidence.cause == Cause::QuotaExceeded)
}
