//! Stopping a web service: waiting until it is gone, and deleting the objects that a concurrent start has left.

use std::ops::ControlFlow;
use std::time::Duration;

use toolforge_model::ToolName;
use toolforge_render::change::{Change, ChangeSet, Step, StepAction};
use toolforge_render::object::{ObjectId, ObjectKind};
use toolforge_render::web_service::{is_web_service_pod, web_service_deletion};

use crate::{
    ApplyError, ApplyOptions, Client, Error, FetchedWebService, WaitOptions, WaitOutcome,
    WebServiceFetchOptions, Written,
};

/// How long the deletion of a Deployment may take: Kubernetes' grace period of 30 s, and some time for its controllers.
const DELETION_TIMEOUT: Duration = Duration::from_secs(90);

/// How often the objects that a concurrent start has left are deleted.
const TRIES: u32 = 3;

/// The outcome of waiting until a web service is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StopOutcome {
    /// Its objects and its pods are gone.
    Gone,
    /// Its objects are gone, but its pods take longer than the deadline; until they are gone, they count against the quota.
    PodsRemain,
    /// Somebody else has started it again.
    StartedAgain,
}

impl Client {
    /// Fetches a tool's web service as [`fetch_web_service`](Self::fetch_web_service) does; if its Deployment is being deleted,
    /// this waits for that first, at most 90 seconds. `waiting` is called before the wait.
    ///
    /// # Errors
    /// When a request fails, or the Deployment still exists after that time.
    pub async fn fetch_web_service_after_deletion(
        &self,
        tool: &ToolName,
        wanted: WebServiceFetchOptions,
        waiting: impl FnOnce(),
    ) -> Result<FetchedWebService, ApplyError> {
        let found = self.fetch_web_service(tool, wanted).await?;
        let deployment = found.live.deployment.as_ref();
        if deployment.is_none_or(|found| found.metadata.deletion_timestamp.is_none()) {
            return Ok(found);
        }
        waiting();
        if !self.wait_deployment_gone(tool, DELETION_TIMEOUT).await? {
            let id = ObjectId::new(ObjectKind::Deployment, tool.as_str());
            return Err(ApplyError::StillExists { id, timeout: DELETION_TIMEOUT });
        }
        Ok(self.fetch_web_service(tool, wanted).await?)
    }

    /// Waits until a web service that `deletion` has deleted is gone, and calls `event` with the number of its terminating
    /// pods. Objects without a Deployment, which a concurrent start has left, are also deleted.
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
            let live = self.fetch_web_service(tool, own_objects()).await?.live;
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

    /// Deletes the objects that a start has written for a web service whose Deployment somebody else has deleted in the
    /// meantime; other objects, and all of them if there is a Deployment again, are kept.
    ///
    /// # Errors
    /// When objects cannot be read or deleted.
    pub async fn delete_remainder(&self, tool: &ToolName, written: &[Written]) -> Result<(), ApplyError> {
        let live = self.fetch_web_service(tool, own_objects()).await?.live;
        if live.deployment.is_some() {
            return Ok(());
        }
        let mut set = web_service_deletion(tool, &live);
        let is_own = |step: &Step| written.iter().any(|written| written.id == step.id);
        set.changes.iter_mut().for_each(|change| change.steps.retain(is_own));
        self.apply_changes(tool, &set, ApplyOptions::default()).await.into_result().map(|_| ())
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

/// Returns the options for fetching the remaining objects of a web service.
fn own_objects() -> WebServiceFetchOptions {
    WebServiceFetchOptions {
        deployment: true,
        service: true,
        routes: true,
        ..WebServiceFetchOptions::default()
    }
}

fn uid(step: &Step) -> Option<&str> {
    match &step.action {
        StepAction::Delete { uid, .. } => uid.as_deref(),
        _ => None,
    }
}
