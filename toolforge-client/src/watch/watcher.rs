use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, Stream};
use kube::api::{ListParams, WatchParams};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep};

use crate::status::ApiStatus;
use crate::transport::TransportError;
use crate::watch::frames::{Frame, Frames};
use crate::watch::{WatchOptions, WatcherEvent};
use crate::{Client, Collection, Error};

/// The seconds after which the server ends a watch; client-go asks for 300 to 600.
const SERVER_TIMEOUT: u32 = 290;

/// A server that ends a watch sooner than this has failed, even if it reports no error.
const STEADY: Duration = Duration::from_secs(1);

impl Client {
    /// Returns the changes of a collection, beginning with all of its objects.
    ///
    /// The watch is opened again when the server ends it or the connection breaks; the objects are listed again when
    /// their changes have expired, and regularly where watching is forbidden. The stream ends after its first error.
    ///
    /// ```
    /// # async fn example(client: toolforge_client::Client) -> Result<(), toolforge_client::Error> {
    /// use std::pin::pin;
    ///
    /// use futures_util::StreamExt as _;
    /// use k8s_openapi::api::core::v1::Pod;
    /// use kube::api::ListParams;
    /// use toolforge_client::{ResourceType, WatcherEvent, WatchOptions};
    ///
    /// let pods = ResourceType::of::<Pod>().in_namespace("tool-stashbot");
    /// let mut events = pin!(client.watch::<Pod>(pods, ListParams::default(), WatchOptions::default()));
    /// while let Some(event) = events.next().await {
    ///     if let WatcherEvent::Delete(pod) = event? {
    ///         println!("deleted {}", pod.metadata.name.as_deref().unwrap_or_default());
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn watch<T>(
        &self,
        collection: Collection,
        params: ListParams,
        options: WatchOptions,
    ) -> impl Stream<Item = Result<WatcherEvent<T>, Error>> + Send + use<T>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let watcher = Watcher {
            client: self.clone(),
            collection,
            params,
            options,
            state: State::List,
            started: false,
            failing_since: None,
            failures: 0,
        };
        stream::unfold(watcher, |mut watcher| async move { Some((watcher.next().await?, watcher)) })
    }
}

struct Watcher {
    client: Client,
    collection: Collection,
    params: ListParams,
    options: WatchOptions,
    state: State,
    /// Whether the cluster has responded at all; until then the first failure is final.
    started: bool,
    failing_since: Option<Instant>,
    failures: u32,
}

enum State {
    /// The objects are to be listed.
    List,
    /// A watch is to be opened at this resource version.
    Open(String),
    /// A watch has been open since the moment, and this is the last resource version it reported.
    Follow(Frames, Instant, String),
    /// Watching is forbidden; the objects are listed after a pause.
    Poll,
    /// The stream has ended.
    Ended,
}

impl Watcher {
    async fn next<T: DeserializeOwned>(&mut self) -> Option<Result<WatcherEvent<T>, Error>> {
        loop {
            let state = std::mem::replace(&mut self.state, State::Ended);
            if matches!(state, State::Ended) {
                return None;
            }
            if let Some(event) = self.step(state).await.transpose() {
                return Some(event);
            }
        }
    }

    async fn step<T: DeserializeOwned>(&mut self, state: State) -> Result<Option<WatcherEvent<T>>, Error> {
        let start = Instant::now();
        match state {
            State::Ended => Ok(None),
            State::List => match self.client.list(&self.collection, &self.params).await {
                Ok(list) => {
                    self.started = true;
                    self.state = State::Open(list.resource_version);
                    Ok(Some(WatcherEvent::Init(list.items)))
                }
                Err(error) => self.retry_after(error, start, State::List).await,
            },
            State::Poll => {
                sleep(self.options.poll).await;
                let start = Instant::now();
                match self.client.list(&self.collection, &self.params).await {
                    Ok(list) => {
                        self.recovered();
                        self.state = State::Poll;
                        Ok(Some(WatcherEvent::Init(list.items)))
                    }
                    Err(error) => self.retry_after(error, start, State::Poll).await,
                }
            }
            State::Open(version) => match self.open(&version).await {
                Ok(frames) => {
                    self.state = State::Follow(frames, Instant::now(), version);
                    Ok(None)
                }
                Err(error) if error.is_forbidden() || is_not_allowed(&error) => {
                    self.state = State::Poll;
                    Ok(None)
                }
                Err(error) if error.is_gone() => self.retry_after(error, start, State::List).await,
                Err(error) => self.retry_after(error, start, State::Open(version)).await,
            },
            State::Follow(frames, since, version) => self.follow(frames, since, version).await,
        }
    }

    async fn follow<T: DeserializeOwned>(
        &mut self,
        mut frames: Frames,
        since: Instant,
        version: String,
    ) -> Result<Option<WatcherEvent<T>>, Error> {
        let (event, reported) = match frames.next().await {
            Frame::Applied(object, reported) => (Some(WatcherEvent::Apply(object)), reported),
            Frame::Deleted(object, reported) => (Some(WatcherEvent::Delete(object)), reported),
            Frame::Bookmark(reported) => (None, reported),
            // A list shows any missed changes.
            Frame::Stalled => {
                self.state = State::List;
                return Ok(None);
            }
            Frame::Refused(status) => {
                let error = Error::Api(Box::new(ApiStatus::of_status(*status, 0, None)));
                let next = if error.is_gone() { State::List } else { State::Open(version) };
                return self.retry_after(error, Instant::now(), next).await;
            }
            Frame::Ended => {
                // A server may end a watch without a change; that is not a failure.
                if since.elapsed() > STEADY {
                    self.recovered();
                }
                let lost = TransportError::Lost { reason: "the watch ended".into() };
                return self.retry_after(lost.into(), Instant::now(), State::Open(version)).await;
            }
        };
        self.recovered();
        let version = reported.filter(|version| !version.is_empty()).unwrap_or(version);
        self.state = State::Follow(frames, since, version);
        Ok(event)
    }

    async fn open(&mut self, version: &str) -> Result<Frames, Error> {
        let params = WatchParams {
            label_selector: self.params.label_selector.clone(),
            field_selector: self.params.field_selector.clone(),
            timeout: Some(SERVER_TIMEOUT),
            ..WatchParams::default()
        };
        let request = self.collection.requests()?.watch(&params, version)?.map(Bytes::from);
        Ok(Frames::new(self.client.exchange().open(&request).await?.into_body(), self.options.idle))
    }

    /// Waits and continues in another state, or returns the error if waiting does not help or took too long. The
    /// request that failed was sent at `start`.
    async fn retry_after<T>(
        &mut self,
        error: Error,
        start: Instant,
        next: State,
    ) -> Result<Option<T>, Error> {
        let since = *self.failing_since.get_or_insert(start);
        if !self.started || !error.is_transient() || since.elapsed() > self.options.outage {
            return Err(error);
        }
        sleep(self.client.retry().pause(self.failures)).await;
        self.failures = self.failures.saturating_add(1);
        self.state = next;
        Ok(None)
    }

    fn recovered(&mut self) {
        self.failing_since = None;
        self.failures = 0;
    }
}

/// Returns whether the resource cannot be watched.
fn is_not_allowed(error: &Error) -> bool {
    error.api_status().is_some_and(|status| status.code() == 405)
}
