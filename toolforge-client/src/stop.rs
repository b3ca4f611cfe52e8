//! Waiting until a web service that was deleted is gone.

use std::ops::ControlFlow;
use std::time::Duration;

use toolforge_model::ToolName;
use toolforge_render::change::{Change, ChangeSet, Step, StepAction};
use toolforge_render::web_service::{is_web_service_pod, web_service_deletion};

use crate::{ApplyError, ApplyOptions, Client, Error, WaitOptions, WaitOutcome, WebServiceFetchOptions};

/// How often the objects that a start at the same time has left are deleted.
const TRIES: u32 = 3;

/// How waiting for the end of a web service ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StopOutcome {
    /// Its objects and its pods are gone.
    Gone,
    /// Its objects are gone, and its pods take longer than the deadline; until then they count for the quota.
    PodsRemain,
    /// Somebody else has started it again.
    StartedAgain,
}

impl Client {
    /// Waits until a web service that `deletion` has deleted is gone, and calls `event` with the number of its pods that
    /// terminate. Objects without a Deployment, which a start at the same time has left, are deleted, too.
    ///
    /// # Errors
    /// When objects cannot be read, watched or deleted.
    pub async fn wait_stopped(
        &self,
        tool: &ToolName,
        deletion: &ChangeSet,
        deadline: Duration,
        mut event: impl FnMut(usize),
    ) -> Result<StopOutcome, ApplyError> {
        let mut remainder: Option<ChangeSet> = None;
        let mut tries = 0;
        loop {
            if let Some(remainder) = &remainder {
                self.apply_changes(tool, remainder, ApplyOptions::default()).await.into_result()?;
            }
            let deletion = remainder.as_ref().unwrap_or(deletion);
            let stopped = self.wait_deleted(tool, deletion, deadline, &mut event).await?;
            let wanted = WebServiceFetchOptions {
                deployment: true,
                service: true,
                routes: true,
                ..WebServiceFetchOptions::default()
            };
            let live = self.fetch_web_service(tool, wanted).await?.live;
            let is_running = live.deployment.as_ref().is_some_and(|found| {
                found.metadata.deletion_timestamp.is_none() && !live.has_foreign_deployment()
            });
            if is_running {
                return Ok(StopOutcome::StartedAgain);
            }
            let left = web_service_deletion(tool, &live);
            tries += 1;
            if tries == TRIES || left.changes.iter().all(Change::is_keep) {
                return Ok(stopped);
            }
            remainder = Some(left);
        }
    }

    /// Waits until the deleted Deployment and the web service's pods are gone.
    async fn wait_deleted(
        &self,
        tool: &ToolName,
        deletion: &ChangeSet,
        deadline: Duration,
        mut event: impl FnMut(usize),
    ) -> Result<StopOutcome, Error> {
        let deleted: Vec<&str> =
            deletion.changes.iter().flat_map(|change| &change.steps).filter_map(uid).collect();
        let waited = self.wait_web_service(tool, WaitOptions::new(deadline), |live| {
            let deployment = live.deployment.as_ref().filter(|_| !live.has_foreign_deployment());
            if let Some(found) = deployment
                && !found.metadata.uid.as_deref().is_some_and(|uid| deleted.contains(&uid))
            {
                return ControlFlow::Break(StopOutcome::StartedAgain);
            }
            let left = live.pods.iter().filter(|pod| is_web_service_pod(pod)).count();
            if left == 0 && deployment.is_none() {
                return ControlFlow::Break(StopOutcome::Gone);
            }
            event(left);
            ControlFlow::Continue(())
        });
        Ok(match waited.await? {
            WaitOutcome::Done(stopped) => stopped,
            WaitOutcome::DeadlineExceeded(_) => StopOutcome::PodsRemain,
        })
    }
}

fn uid(step: &Step) -> Option<&str> {
    match &step.action {
        StepAction::Delete { uid } => uid.as_deref(),
        _ => None,
    }
}
