//! Following the objects of a collection from now on.

mod frames;
mod known;
mod until;

pub(crate) use known::Known;
pub(crate) use until::until;

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, Stream};
use kube::api::{ListParams, WatchParams};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep};

use crate::error::{Refusal, RefusalKind};
use crate::transport::TransportError;
use crate::watch::frames::{Frame, Frames};
use crate::{Client, Collection, Error};

/// The seconds after which the server ends a watch; client-go asks for 300 to 600.
const SERVER_TIMEOUT: u32 = 290;

/// A watch that stood this long was not refused in disguise.
const STEADY: Duration = Duration::from_secs(1);

/// A change of a collection that is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change<T> {
    /// All objects, at the beginning and whenever what happened in between cannot be told: what was known
    /// before no longer counts.
    Reset(Vec<T>),
    /// An object is new or changed.
    Applied(T),
    /// An object is gone; this is its last state.
    Deleted(T),
}

/// How a watch bears with the network and the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WatchOptions {
    /// How long the server may be unreachable or failing before the watch gives up.
    pub outage: Duration,
    /// How long a watch may be silent before it is begun anew: the API server sends a bookmark every minute.
    pub idle: Duration,
    /// How often the collection is listed where the user may list it, but not watch it.
    pub poll: Duration,
}

impl Default for WatchOptions {
    /// Returns 15 s of outage, 90 s of silence, and a list every 2 s.
    fn default() -> Self {
        Self { outage: Duration::from_secs(15), idle: Duration::from_secs(90), poll: Duration::from_secs(2) }
    }
}

impl Client {
    /// Returns the changes of a collection, beginning with all objects as they are now.
    ///
    /// It goes on by itself where the server ends the watch, the connection breaks, or what happened in between
    /// can no longer be told, and falls back to listing where watching is forbidden. It ends after its first error.
    pub fn watch<T>(
        &self,
        collection: Collection,
        params: ListParams,
        options: WatchOptions,
    ) -> impl Stream<Item = Result<Change<T>, Error>> + Send + use<T>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let watcher = Watcher {
            client: self.clone(),
            collection,
            params,
            options,
            state: State::List,
            begun: false,
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
    /// Whether the cluster has answered at all; until then its first failure is the last.
    begun: bool,
    failing_since: Option<Instant>,
    failures: u32,
}

enum State {
    /// Everything has to be listed.
    List,
    /// A watch has to be opened from this version on.
    Open(String),
    /// A watch is open since then, and this is the last version that it told.
    Follow(Frames, Instant, String),
    /// Watching is forbidden, so the next list comes after a pause.
    Poll,
    /// The last word is said.
    Ended,
}

impl Watcher {
    async fn next<T: DeserializeOwned>(&mut self) -> Option<Result<Change<T>, Error>> {
        loop {
            let state = std::mem::replace(&mut self.state, State::Ended);
            if matches!(state, State::Ended) {
                return None;
            }
            if let Some(told) = self.step(state).await.transpose() {
                return Some(told);
            }
        }
    }

    async fn step<T: DeserializeOwned>(&mut self, state: State) -> Result<Option<Change<T>>, Error> {
        match state {
            State::Ended => Ok(None),
            State::List => match self.client.list(&self.collection, &self.params).await {
                Ok(list) => {
                    self.begun = true;
                    self.state = State::Open(list.resource_version);
                    Ok(Some(Change::Reset(list.items)))
                }
                Err(error) => self.bear(error, State::List).await,
            },
            State::Poll => {
                sleep(self.options.poll).await;
                match self.client.list(&self.collection, &self.params).await {
                    Ok(list) => {
                        self.recovered();
                        self.state = State::Poll;
                        Ok(Some(Change::Reset(list.items)))
                    }
                    Err(error) => self.bear(error, State::Poll).await,
                }
            }
            State::Open(version) => match self.open(&version).await {
                Ok(frames) => {
                    self.state = State::Follow(frames, Instant::now(), version);
                    Ok(None)
                }
                Err(error) if is_forbidden(&error) => {
                    self.state = State::Poll;
                    Ok(None)
                }
                Err(error) if error.is_gone() => self.bear(error, State::List).await,
                Err(error) => self.bear(error, State::Open(version)).await,
            },
            State::Follow(frames, since, version) => self.follow(frames, since, version).await,
        }
    }

    async fn follow<T: DeserializeOwned>(
        &mut self,
        mut frames: Frames,
        since: Instant,
        version: String,
    ) -> Result<Option<Change<T>>, Error> {
        let (change, told) = match frames.next().await {
            Some(Frame::Applied(object, told)) => (Some(Change::Applied(object)), told),
            Some(Frame::Deleted(object, told)) => (Some(Change::Deleted(object)), told),
            Some(Frame::Bookmark(told)) => (None, told),
            Some(Frame::Ended(status)) => {
                let error = Error::Refused(Box::new(Refusal::of_status(*status, 0, None)));
                let next = if error.is_gone() { State::List } else { State::Open(version) };
                return self.bear(error, next).await;
            }
            None => {
                // A quiet watch that the server ends in time is no failure.
                if since.elapsed() > STEADY {
                    self.recovered();
                }
                let lost = TransportError::Lost { reason: "the watch ended".into() };
                return self.bear(lost.into(), State::Open(version)).await;
            }
        };
        self.recovered();
        let version = told.filter(|told| !told.is_empty()).unwrap_or(version);
        self.state = State::Follow(frames, since, version);
        Ok(change)
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

    /// Waits and goes on in another state, or gives the error back where waiting cannot help or was in vain.
    async fn bear<T>(&mut self, error: Error, next: State) -> Result<Option<T>, Error> {
        let since = *self.failing_since.get_or_insert_with(Instant::now);
        if !self.begun || !error.is_passing() || since.elapsed() > self.options.outage {
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

fn is_forbidden(error: &Error) -> bool {
    let refusal = error.refusal();
    refusal.is_some_and(|refusal| {
        matches!(refusal.kind(), RefusalKind::Forbidden { .. }) || refusal.code() == 405
    })
}
