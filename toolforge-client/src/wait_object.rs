//! Waiting for one object.

use std::ops::ControlFlow;
use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt as _;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::path::named;
use crate::{Change, Client, Error, ObjectPath, WatchOptions};

impl Client {
    /// Follows an object and asks the caller after every change, until it breaks off; `None` once the deadline has
    /// passed. The caller is given `None` where there is no such object. `K` may have only the fields that are wanted.
    ///
    /// # Errors
    /// When the objects cannot be listed, or the cluster is away for longer than a watch bears.
    pub async fn wait_object<K, T>(
        &self,
        object: &ObjectPath,
        deadline: Duration,
        mut decide: impl FnMut(Option<&K>) -> ControlFlow<T>,
    ) -> Result<Option<T>, Error>
    where
        K: DeserializeOwned + Send + 'static,
    {
        let one = named(object.name());
        let mut changes = pin!(self.watch::<K>(object.collection().clone(), one, WatchOptions::default()));
        let following = async {
            while let Some(change) = changes.next().await {
                let found = match change? {
                    Change::Reset(objects) => objects.into_iter().next(),
                    Change::Applied(object) => Some(object),
                    Change::Deleted(_) => None,
                };
                if let ControlFlow::Break(result) = decide(found.as_ref()) {
                    return Ok(Some(result));
                }
            }
            Ok(None)
        };
        timeout(deadline, following).await.unwrap_or(Ok(None))
    }
}
