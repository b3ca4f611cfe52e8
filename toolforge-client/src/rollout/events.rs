//! Watching the objects of a rollout.

use std::ops::ControlFlow;

use futures_util::stream::{self, Stream};
use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec, ReplicaSet};
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::api::ListParams;
use kube::core::Selector;
use toolforge_model::{JobName, ToolName};
use toolforge_render::job::{JobObjects, JobWorkload};
use toolforge_render::pod::LiveRollout;
use toolforge_render::web_service::LiveWebService;

use crate::api_path::named;
use crate::log::{LogOwner, LogTarget};
use crate::watch::{Store, wait_until};
use crate::web_service::selector;
use crate::{Client, Error, WaitOptions, WaitOutcome, WatchOptions, WatcherEvent};

/// The Deployment of a rollout, and how its ReplicaSets and pods are found.
pub(super) struct RolloutSelector {
    namespace: String,
    name: String,
    labels: ListParams,
}

impl RolloutSelector {
    pub(super) fn web_service(tool: &ToolName) -> Self {
        Self { namespace: tool.namespace(), name: tool.to_string(), labels: selector(tool) }
    }

    pub(super) fn job(tool: &ToolName, job: &JobName) -> Self {
        let labels = LogTarget::job(tool, job.as_str(), LogOwner::Deployment).list_params();
        Self { namespace: tool.namespace(), name: job.to_string(), labels }
    }

    /// Selects the pods of a Deployment that no tool manages by its own selector.
    pub(super) fn workload(tool: &ToolName, job: &JobObjects) -> Self {
        let JobWorkload::Continuous(deployment) = &job.workload else { return Self::job(tool, &job.name) };
        if job.is_managed() {
            return Self::job(tool, &job.name);
        }
        let spec: Option<&DeploymentSpec> = Option::from(&deployment.spec);
        let selector = spec.map(|spec| spec.selector.clone()).unwrap_or_default();
        // An operator that kube does not know selects all pods of the namespace.
        let selector = Selector::try_from(selector).unwrap_or_default();
        let labels = ListParams::default().labels_from(&selector);
        Self { namespace: tool.namespace(), name: job.name.to_string(), labels }
    }
}

/// An event of one of the watched kinds.
enum RolloutObjectEvent {
    Deployment(WatcherEvent<Deployment>),
    ReplicaSet(WatcherEvent<ReplicaSet>),
    Pod(WatcherEvent<Pod>),
    Event(WatcherEvent<Event>),
}

impl Client {
    /// Watches a web service's Deployment, ReplicaSets, pods and, if requested, the namespace's events. Calls `decide` after
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
        let selector = RolloutSelector::web_service(tool);
        self.wait_rollout_objects(selector, options, LiveWebService::from, decide).await
    }

    /// Watches the objects of a rollout and calls `decide` as [`Client::wait_web_service`] does.
    pub(super) async fn wait_rollout_objects<L: Default, T>(
        &self,
        selector: RolloutSelector,
        options: WaitOptions,
        convert: fn(LiveRollout) -> L,
        decide: impl FnMut(&L) -> ControlFlow<T>,
    ) -> Result<WaitOutcome<T, L>, Error> {
        let WaitOptions { deadline, events, watch } = options;
        let mut stores = Stores { events_wanted: events, ..Stores::default() };
        let take = |event| {
            stores.take(event);
            stores.live().map(convert)
        };
        wait_until(self.rollout_events(selector, events, watch), deadline, take, decide).await
    }

    fn rollout_events(
        &self,
        selector: RolloutSelector,
        events: bool,
        options: WatchOptions,
    ) -> impl Stream<Item = Result<RolloutObjectEvent, Error>> + use<> {
        let RolloutSelector { namespace, name, labels } = selector;
        let mut kinds = vec![
            self.watch_kind(&namespace, named(&name), options, RolloutObjectEvent::Deployment),
            self.watch_kind(&namespace, labels.clone(), options, RolloutObjectEvent::ReplicaSet),
            self.watch_kind(&namespace, labels, options, RolloutObjectEvent::Pod),
        ];
        if events {
            kinds.push(self.watch_kind(
                &namespace,
                ListParams::default(),
                options,
                RolloutObjectEvent::Event,
            ));
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
    fn take(&mut self, event: RolloutObjectEvent) {
        match event {
            RolloutObjectEvent::Deployment(event) => self.deployments.apply(event),
            RolloutObjectEvent::ReplicaSet(event) => self.replica_sets.apply(event),
            RolloutObjectEvent::Pod(event) => self.pods.apply(event),
            RolloutObjectEvent::Event(event) => self.events.apply(event),
        }
    }

    /// Returns the objects, or `None` if a kind has not been listed yet.
    fn live(&self) -> Option<LiveRollout> {
        let (deployments, replica_sets, pods) =
            (self.deployments.all()?, self.replica_sets.all()?, self.pods.all()?);
        let events = match self.events.all() {
            None if self.events_wanted => return None,
            events => events.unwrap_or_default(),
        };
        let deployment = deployments.into_iter().next();
        Some(LiveRollout { deployment, replica_sets, pods, events })
    }
}
