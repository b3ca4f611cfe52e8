//! Waiting for a web service by watch.

use std::ops::ControlFlow;
use std::time::Duration;

use futures_util::stream::{self, Stream};
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::api::ListParams;
use toolforge_model::ToolName;
use toolforge_render::web_service::LiveWebService;

use crate::path::named;
use crate::watch::{Known, until};
use crate::web_service::selector;
use crate::{Change, Client, Error, WatchOptions};

/// How long and by what is waited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitOptions {
    /// How long in all.
    pub deadline: Duration,
    /// Whether the namespace's events are followed, too.
    pub events: bool,
    /// How the watches bear with the network and the server.
    pub watch: WatchOptions,
}

impl WaitOptions {
    /// Returns options with this deadline, without events.
    #[must_use]
    pub fn new(deadline: Duration) -> Self {
        Self { deadline, events: false, watch: WatchOptions::default() }
    }
}

/// What came of waiting; `L` are the objects that were followed.
#[derive(Clone, Debug)]
pub enum Waited<T, L = LiveWebService> {
    /// The caller has seen what it waited for.
    Done(T),
    /// The deadline passed; this is how the objects were then.
    DeadlineExceeded(Box<L>),
}

/// A change of one of the kinds that are followed.
enum Told {
    Deployment(Change<Deployment>),
    ReplicaSet(Change<ReplicaSet>),
    Pod(Change<Pod>),
    Event(Change<Event>),
}

impl Client {
    /// Follows a web service's Deployment, ReplicaSets and pods, and asks the caller after every change,
    /// until it breaks off or the deadline passes.
    ///
    /// The caller sees the objects as they are for the first time when all kinds have been listed. Service and
    /// routes are not followed, so they are always absent.
    ///
    /// # Errors
    /// When a kind cannot be listed, or the cluster is away for longer than the options allow.
    pub async fn wait_web_service<T>(
        &self,
        tool: &ToolName,
        options: WaitOptions,
        decide: impl FnMut(&LiveWebService) -> ControlFlow<T>,
    ) -> Result<Waited<T>, Error> {
        let WaitOptions { deadline, events, watch } = options;
        let mut seen = Seen { events_wanted: events, ..Seen::default() };
        let take = |told| {
            seen.take(told);
            seen.live()
        };
        until(self.told(tool, events, watch), deadline, take, decide).await
    }

    fn told(
        &self,
        tool: &ToolName,
        events: bool,
        options: WatchOptions,
    ) -> impl Stream<Item = Result<Told, Error>> + use<> {
        let namespace = tool.namespace();
        let one = named(tool.as_str());
        let mut kinds = vec![
            self.followed(&namespace, one, options, Told::Deployment),
            self.followed(&namespace, selector(tool), options, Told::ReplicaSet),
            self.followed(&namespace, selector(tool), options, Told::Pod),
        ];
        if events {
            kinds.push(self.followed(&namespace, ListParams::default(), options, Told::Event));
        }
        stream::select_all(kinds)
    }
}

/// What is known so far.
#[derive(Default)]
struct Seen {
    events_wanted: bool,
    deployments: Known<Deployment>,
    replica_sets: Known<ReplicaSet>,
    pods: Known<Pod>,
    events: Known<Event>,
}

impl Seen {
    fn take(&mut self, told: Told) {
        match told {
            Told::Deployment(change) => self.deployments.take(change),
            Told::ReplicaSet(change) => self.replica_sets.take(change),
            Told::Pod(change) => self.pods.take(change),
            Told::Event(change) => self.events.take(change),
        }
    }

    /// Returns the objects, or `None` where a kind has not been listed yet.
    fn live(&self) -> Option<LiveWebService> {
        let (deployments, replica_sets, pods) =
            (self.deployments.all()?, self.replica_sets.all()?, self.pods.all()?);
        let events = match self.events.all() {
            None if self.events_wanted => return None,
            events => events.unwrap_or_default(),
        };
        let deployment = deployments.into_iter().next();
        Some(LiveWebService { deployment, replica_sets, pods, events, ..LiveWebService::default() })
    }
}
