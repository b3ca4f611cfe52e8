//! Waiting for a web service.

use std::ops::ControlFlow;

use futures_util::stream::{self, Stream};
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::api::ListParams;
use toolforge_model::ToolName;
use toolforge_render::web_service::LiveWebService;

use crate::path::named;
use crate::watch::{Store, wait_until};
use crate::web_service::selector;
use crate::{Client, Error, WaitOptions, WaitOutcome, WatchEvent, WatchOptions};

/// An event of one of the watched kinds.
enum WebServiceEvent {
    Deployment(WatchEvent<Deployment>),
    ReplicaSet(WatchEvent<ReplicaSet>),
    Pod(WatchEvent<Pod>),
    Event(WatchEvent<Event>),
}

impl Client {
    /// Watches a web service's Deployment, ReplicaSets, pods and, if asked for, the namespace's events. Calls `decide` after
    /// every change and every second until it breaks or the deadline passes, for the first time when all kinds have been
    /// listed.
    ///
    /// Service and routes are not watched, so they are always absent.
    ///
    /// # Errors
    /// When a kind cannot be listed, or the cluster is unreachable for longer than the options allow.
    pub async fn wait_web_service<T>(
        &self,
        tool: &ToolName,
        options: WaitOptions,
        decide: impl FnMut(&LiveWebService) -> ControlFlow<T>,
    ) -> Result<WaitOutcome<T, LiveWebService>, Error> {
        let WaitOptions { deadline, events, watch } = options;
        let mut stores = Stores { events_wanted: events, ..Stores::default() };
        let take = |event| {
            stores.take(event);
            stores.live()
        };
        wait_until(self.web_service_events(tool, events, watch), deadline, take, decide).await
    }

    fn web_service_events(
        &self,
        tool: &ToolName,
        events: bool,
        options: WatchOptions,
    ) -> impl Stream<Item = Result<WebServiceEvent, Error>> + use<> {
        let namespace = tool.namespace();
        let one = named(tool.as_str());
        let mut kinds = vec![
            self.watch_kind(&namespace, one, options, WebServiceEvent::Deployment),
            self.watch_kind(&namespace, selector(tool), options, WebServiceEvent::ReplicaSet),
            self.watch_kind(&namespace, selector(tool), options, WebServiceEvent::Pod),
        ];
        if events {
            kinds.push(self.watch_kind(&namespace, ListParams::default(), options, WebServiceEvent::Event));
        }
        stream::select_all(kinds)
    }
}

/// The objects as the watches have reported them so far.
#[derive(Default)]
struct Stores {
    events_wanted: bool,
    deployments: Store<Deployment>,
    replica_sets: Store<ReplicaSet>,
    pods: Store<Pod>,
    events: Store<Event>,
}

impl Stores {
    fn take(&mut self, event: WebServiceEvent) {
        match event {
            WebServiceEvent::Deployment(event) => self.deployments.apply(event),
            WebServiceEvent::ReplicaSet(event) => self.replica_sets.apply(event),
            WebServiceEvent::Pod(event) => self.pods.apply(event),
            WebServiceEvent::Event(event) => self.events.apply(event),
        }
    }

    /// Returns the objects, or `None` if a kind has not been listed yet.
    fn live(&self) -> Option<LiveWebService> {
        let (deployments, replica_sets, pods) =
            (self.deployments.all()?, self.replica_sets.all()?, self.pods.all()?);
        let events = match self.events.all() {
            None if self.events_wanted => return None,
            events => events.unwrap_or_default(),
        };
        let deployment = deployments.into_iter().next();
        let mut live = LiveWebService::default();
        live.deployment = deployment;
        live.replica_sets = replica_sets;
        live.pods = pods;
        live.events = events;
        Some(live)
    }
}
