//! The waits of a change: until a gateway accepts a route, and until a workload and its pods are gone.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt as _;
use k8s_openapi::api::core::v1::Pod;
use tokio::time::timeout;
use toolforge_model::ToolName;
use toolforge_render::change::{Change, Step};
use toolforge_render::object::{HttpRoute, ObjectKind, RouteAcceptance};

use crate::change::apply::TERMINATION_TIMEOUT;
use crate::change::error::ROUTE_TIMEOUT;
use crate::change::seen::Stored;
use crate::{ApplyError, Client, Error, LogOwner, LogTarget, ObjectPath, WatchOptions, WatcherEvent};

impl Client {
    /// Waits until a gateway accepts the current version of a route.
    pub(crate) async fn await_accepted(&self, path: &ObjectPath) -> Result<(), ApplyError> {
        let mut is_outdated = false;
        let refused = self
            .wait_object(path, ROUTE_TIMEOUT, |route: Option<&HttpRoute>| {
                let acceptance = route.map_or(RouteAcceptance::NotReported, HttpRoute::acceptance);
                is_outdated = acceptance == RouteAcceptance::Outdated;
                match acceptance {
                    RouteAcceptance::Accepted => ControlFlow::Break(None),
                    RouteAcceptance::Refused { message } => ControlFlow::Break(Some(message)),
                    RouteAcceptance::NotReported | RouteAcceptance::Outdated => ControlFlow::Continue(()),
                }
            })
            .await?;
        match refused.flatten() {
            Some(message) => Err(ApplyError::RouteRefused { message }),
            None if is_outdated => Err(ApplyError::RouteNotAccepted),
            None => Ok(()),
        }
    }

    /// Waits until an object is gone, then for its job's pods; returns whether the pods are gone.
    pub(crate) async fn await_gone(
        &self,
        change: &Change,
        step: &Step,
        uid: Option<&String>,
        tool: &ToolName,
    ) -> Result<bool, ApplyError> {
        let path = ObjectPath::of(tool, &step.id);
        let gone = self
            .wait_object(&path, TERMINATION_TIMEOUT, |found: Option<&Stored>| match found {
                Some(found) if found.metadata.uid.as_ref() == uid => ControlFlow::Continue(()),
                _ => ControlFlow::Break(()),
            })
            .await?;
        if gone.is_none() {
            return Err(ApplyError::StillExists { id: step.id.clone(), timeout: TERMINATION_TIMEOUT });
        }
        let target = if change.is_managed {
            LogTarget::job(tool, &change.name, LogOwner::Job)
        } else if step.id.kind == ObjectKind::Pod {
            return Ok(true);
        } else {
            LogTarget::of_deleted(tool, &step.id, uid)
        };
        Ok(self.wait_pods_gone(&target, TERMINATION_TIMEOUT).await?)
    }

    /// Waits until a job has no pods; returns whether that was before the deadline.
    ///
    /// # Errors
    /// When the pods cannot be listed, or the cluster is unreachable for longer than a watch tolerates.
    async fn wait_pods_gone(&self, target: &LogTarget, deadline: Duration) -> Result<bool, Error> {
        let mut changes =
            pin!(self.watch::<Pod>(target.collection(), target.list_params(), WatchOptions::default()));
        let uid = |pod: &Pod| pod.metadata.uid.clone().unwrap_or_default();
        let following = async {
            let mut pods = BTreeSet::new();
            while let Some(change) = changes.next().await {
                match change? {
                    WatcherEvent::Init(found) => {
                        pods = found.iter().filter(|pod| target.includes(pod)).map(uid).collect();
                    }
                    WatcherEvent::Apply(pod) if !target.includes(&pod) => {}
                    WatcherEvent::Apply(pod) => {
                        pods.insert(uid(&pod));
                    }
                    WatcherEvent::Delete(pod) => {
                        pods.remove(&uid(&pod));
                    }
                }
                if pods.is_empty() {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        timeout(deadline, following).await.unwrap_or(Ok(false))
    }
}
