//! Waiting by several watches at once.

use std::ops::ControlFlow;
use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::{BoxStream, Stream};
use k8s_openapi::Resource;
use kube::api::ListParams;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::{Change, Client, Error, ResourceType, Waited, WatchOptions};

impl Client {
    /// Watches the objects of one kind in a namespace; `wrap` makes what is told one of several kinds' news.
    pub(crate) fn followed<K, N>(
        &self,
        namespace: &str,
        params: ListParams,
        options: WatchOptions,
        wrap: fn(Change<K>) -> N,
    ) -> BoxStream<'static, Result<N, Error>>
    where
        K: Resource + DeserializeOwned + Send + 'static,
        N: 'static,
    {
        let collection = ResourceType::of::<K>().in_namespace(namespace);
        self.watch::<K>(collection, params, options).map(move |change| change.map(wrap)).boxed()
    }
}

/// Takes news until the caller breaks off or the deadline passes. `take` returns the objects as they are then, or `None`
/// where not all of them have been told yet; `decide` is asked after every change from then on.
pub(crate) async fn until<N, L: Default, T>(
    news: impl Stream<Item = Result<N, Error>>,
    deadline: Duration,
    mut take: impl FnMut(N) -> Option<L>,
    mut decide: impl FnMut(&L) -> ControlFlow<T>,
) -> Result<Waited<T, L>, Error> {
    let mut news = pin!(news);
    let mut live = None;
    let following = async {
        while let Some(told) = news.next().await {
            live = take(told?);
            if let Some(live) = &live
                && let ControlFlow::Break(result) = decide(live)
            {
                return Ok(Some(result));
            }
        }
        Ok(None)
    };
    match timeout(deadline, following).await {
        Ok(Ok(Some(result))) => Ok(Waited::Done(result)),
        Ok(Err(error)) => Err(error),
        Ok(Ok(None)) | Err(_) => Ok(Waited::DeadlineExceeded(Box::new(live.unwrap_or_default()))),
    }
}
