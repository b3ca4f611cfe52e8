//! Waiting for one pod.

use std::ops::ControlFlow;
use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt as _;
use k8s_openapi::api::core::v1::Pod;
use tokio::time::timeout;

use crate::{Change, Client, Error, ResourceType, Selector, WatchOptions};

impl Client {
    /// Follows a pod of a namespace and asks the caller after every change, until it breaks off; `None` once the
    /// deadline has passed. The caller is given `None` where there is no such pod.
    ///
    /// # Errors
    /// When pods cannot be listed, or the cluster is away for longer than a watch bears.
    pub async fn wait_pod<T>(
        &self,
        namespace: &str,
        name: &str,
        deadline: Duration,
        mut decide: impl FnMut(Option<&Pod>) -> ControlFlow<T>,
    ) -> Result<Option<T>, Error> {
        let pods = ResourceType::of::<Pod>().in_namespace(namespace);
        let one = Selector::all().field("metadata.name", name);
        let mut changes = pin!(self.watch::<Pod>(pods, one, WatchOptions::default()));
        let following = async {
            while let Some(change) = changes.next().await {
                let pod = match change? {
                    Change::Reset(pods) => pods.into_iter().next(),
                    Change::Applied(pod) => Some(pod),
                    Change::Deleted(_) => None,
                };
                if let ControlFlow::Break(result) = decide(pod.as_ref()) {
                    return Ok(Some(result));
                }
            }
            Ok(None)
        };
        timeout(deadline, following).await.unwrap_or(Ok(None))
    }
}
