//! Waiting with one or several watches, until a decision or a deadline.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::{BoxStream, Stream};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::{Metadata, Resource};
use kube::api::ListParams;
use serde::de::DeserializeOwned;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::api_path::named;
use crate::watch::{WatchOptions, WatcherEvent};
use crate::{Client, Error, ObjectPath, ResourceType};

/// How long to wait, and for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WaitOptions {
    /// The maximum time to wait.
    pub deadline: Duration,
    /// Whether the namespace's events are also watched.
    pub events: bool,
    /// How the watches deal with failures.
    pub watch: WatchOptions,
}

impl WaitOptions {
    /// Returns options with this deadline, without events.
    #[must_use]
    pub fn new(deadline: Duration) -> Self {
        Self { deadline, events: false, watch: WatchOptions::default() }
    }

    /// Returns the options with the namespace's events.
    #[must_use]
    pub fn with_events(self) -> Self {
        Self { events: true, ..self }
    }

    /// Returns the options with these options for the watches.
    #[must_use]
    pub fn with_watch(self, watch: WatchOptions) -> Self {
        Self { watch, ..self }
    }
}

/// The outcome of waiting; `L` are the objects that were watched.
#[derive(Clone, Debug)]
pub enum WaitOutcome<T, L> {
    /// The caller's decision.
    Done(T),
    /// The deadline passed; these are the objects at that moment.
    DeadlineExceeded(Box<L>),
}

/// The objects of one kind as a watch has reported them so far, by name; nothing before they have been listed.
pub(crate) struct Store<K>(Option<BTreeMap<String, K>>);

impl<K> Default for Store<K> {
    fn default() -> Self {
        Self(None)
    }
}

impl<K: Metadata<Ty = ObjectMeta> + Clone> Store<K> {
    /// Applies what the watch reports next.
    pub(crate) fn apply(&mut self, event: WatcherEvent<K>) {
        let name = |object: &K| object.metadata().name.clone().unwrap_or_default();
        match event {
            WatcherEvent::Init(objects) => {
                self.0 = Some(objects.into_iter().map(|object| (name(&object), object)).collect());
            }
            WatcherEvent::Apply(object) => {
                self.0.get_or_insert_default().insert(name(&object), object);
            }
            WatcherEvent::Delete(object) => {
                self.0.get_or_insert_default().remove(&name(&object));
            }
        }
    }

    /// Returns the objects, or `None` if they have not been listed yet.
    pub(crate) fn all(&self) -> Option<Vec<K>> {
        self.0.as_ref().map(|objects| objects.values().cloned().collect())
    }
}

impl Client {
    /// Watches one object and calls `decide` after every change until it breaks, with `None` while there is no such
    /// object. Returns `None` if the deadline passes. `K` may have only the fields that are needed.
    ///
    /// # Errors
    /// When the objects cannot be listed, or the cluster is unreachable for longer than the default [`WatchOptions`] allow.
    pub async fn wait_object<K, T>(
        &self,
        object: &ObjectPath,
        deadline: Duration,
        mut decide: impl FnMut(Option<&K>) -> ControlFlow<T>,
    ) -> Result<Option<T>, Error>
    where
        K: DeserializeOwned + Send + 'static,
    {
        let params = named(object.name());
        let mut events = pin!(self.watch::<K>(object.collection().clone(), params, WatchOptions::default()));
        let watching = async {
            while let Some(event) = events.next().await {
                let found = match event? {
                    WatcherEvent::Init(objects) => objects.into_iter().next(),
                    WatcherEvent::Apply(object) => Some(object),
                    WatcherEvent::Delete(_) => None,
                };
                if let ControlFlow::Break(result) = decide(found.as_ref()) {
                    return Ok(Some(result));
                }
            }
            Ok(None)
        };
        timeout(deadline, watching).await.unwrap_or(Ok(None))
    }

    /// Watches the objects of one kind in a namespace; `wrap` converts its events to those of several kinds.
    pub(crate) fn watch_kind<K, E>(
        &self,
        namespace: &str,
        params: ListParams,
        options: WatchOptions,
        wrap: fn(WatcherEvent<K>) -> E,
    ) -> BoxStream<'static, Result<E, Error>>
    where
        K: Resource + DeserializeOwned + Send + 'static,
        E: 'static,
    {
        let collection = ResourceType::of::<K>().in_namespace(namespace);
        self.watch::<K>(collection, params, options).map(move |event| event.map(wrap)).boxed()
    }
}

/// How often a wait calls `decide` although no object has changed: objects that do not change may be blocked.
const TICK: Duration = Duration::from_secs(1);

/// Takes events until `decide` breaks or the deadline passes. `take` returns the objects after an event, or `None` until
/// all kinds have been listed; `decide` is called after every event from then on, and every second.
pub(crate) async fn wait_until<E, L: Default, T>(
    events: impl Stream<Item = Result<E, Error>>,
    deadline: Duration,
    mut take: impl FnMut(E) -> Option<L>,
    mut decide: impl FnMut(&L) -> ControlFlow<T>,
) -> Result<WaitOutcome<T, L>, Error> {
    let mut events = pin!(events);
    let mut live = None;
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let watching = async {
        loop {
            tokio::select! {
                biased;
                event = events.next() => match event {
                    Some(event) => live = take(event?),
                    None => return Ok(None),
                },
                _ = ticks.tick() => {}
            }
            if let Some(live) = &live
                && let ControlFlow::Break(result) = decide(live)
            {
                return Ok(Some(result));
            }
        }
    };
    match timeout(deadline, watching).await {
        Ok(Ok(Some(result))) => Ok(WaitOutcome::Done(result)),
        Ok(Err(error)) => Err(error),
        Ok(Ok(None)) | Err(_) => Ok(WaitOutcome::DeadlineExceeded(Box::new(live.unwrap_or_default()))),
    }
}
