//! The facts that a plan for a web service needs.

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1 as core;
use k8s_openapi::api::core::v1::{Event, Pod, Service};
use k8s_openapi::api::networking::v1::Ingress;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;
use serde_json::Value;
use toolforge_model::{ToolName, platform};

use crate::namespace::{Documents, DocumentsError, Namespace};
use crate::object::{HttpRoute, Object, ObjectKind, has_label, is_web_service};
use crate::pod::{FetchTime, LiveRollout, RolloutObjects, remove_terminating_pods, with_unsettled_pods};

/// Everything that a plan for a web service needs in addition to the request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WebServiceFacts {
    /// The facts of the namespace.
    pub namespace: Namespace,
    /// Whether the cluster serves HTTPRoutes and the tool may write them.
    pub http_routes: bool,
    /// The live objects of the web service.
    pub live: LiveWebService,
    /// The kinds for which `live` may lack objects, because the user may not read them.
    pub unread_kinds: Vec<ObjectKind>,
}

impl WebServiceFacts {
    /// Returns facts without live objects, and with Ingress as the only routing.
    #[must_use]
    pub fn new(namespace: Namespace) -> Self {
        Self { namespace, http_routes: false, live: LiveWebService::default(), unread_kinds: Vec::new() }
    }

    /// Returns the facts after all terminating pods are gone.
    pub(crate) fn without_terminating_pods(mut self) -> Self {
        remove_terminating_pods(&mut self.namespace.limits, &mut self.live.pods);
        self
    }
}

/// The live objects of one tool's web service; an object that does not exist is `None`.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct LiveWebService {
    /// The Deployment with the tool's name.
    pub deployment: Option<Deployment>,
    /// The Service with the tool's name.
    pub service: Option<Service>,
    /// The Ingress `NAME-subdomain`.
    pub ingress: Option<Ingress>,
    /// The HTTPRoute with the tool's name.
    pub http_route: Option<HttpRoute>,
    /// The pods with the tool's `name` label.
    pub pods: Vec<Pod>,
    /// The ReplicaSets of the namespace; only needed for the causes of missing pods.
    pub replica_sets: Vec<ReplicaSet>,
    /// The events of the namespace; only needed for causes.
    pub events: Vec<Event>,
}

impl LiveWebService {
    /// Returns whether none of the web service's objects exists.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        self.ids().next().is_none()
    }

    /// Returns the first object that has the name of a web service's object but is not a web service's: its labels are missing.
    pub(crate) fn foreign(&self) -> Option<(ObjectKind, &ObjectMeta)> {
        self.ids().find(|(_, metadata)| !is_web_service(metadata.labels.as_ref()))
    }

    /// Returns whether the Deployment with the tool's name is not a web service's: its labels are missing.
    #[must_use]
    pub fn has_foreign_deployment(&self) -> bool {
        self.deployment.as_ref().is_some_and(|found| !is_web_service(found.metadata.labels.as_ref()))
    }

    /// Returns the objects without a Deployment that is not a web service's, and without its pods.
    #[must_use]
    pub fn without_foreign_deployment(mut self) -> Self {
        if self.has_foreign_deployment() {
            self.deployment = None;
            self.pods.retain(|pod| is_web_service(pod.metadata.labels.as_ref()));
        }
        self
    }

    /// Returns the objects without those that are not a web service's, for commands that neither need nor write their names, such
    /// as a shell.
    #[must_use]
    pub fn without_foreign_objects(self) -> Self {
        let own = self.without_foreign_deployment();
        let service = own.service.filter(|object| is_web_service(object.metadata.labels.as_ref()));
        let ingress = own.ingress.filter(|object| is_web_service(object.metadata.labels.as_ref()));
        let http_route = own.http_route.filter(|object| is_web_service(object.metadata.labels.as_ref()));
        Self { service, ingress, http_route, ..own }
    }

    /// Returns the objects of the Deployment's rollout.
    #[must_use]
    pub fn rollout(&self) -> RolloutObjects<'_> {
        let Self { deployment, replica_sets, pods, events, service: _, ingress: _, http_route: _ } = self;
        RolloutObjects { deployment: deployment.as_ref(), replica_sets, pods, events }
    }

    /// Returns the number of ready pods in the Deployment's status.
    #[must_use]
    pub fn ready_replicas(&self) -> i32 {
        self.rollout().ready_replicas()
    }

    /// Returns whether these programs have applied the Deployment before.
    pub(crate) fn is_ours(&self) -> bool {
        let annotations = self.deployment.as_ref().and_then(|object| object.metadata.annotations.as_ref());
        annotations.is_some_and(|annotations| annotations.contains_key(platform::ANNOTATION_TYPE))
    }

    /// Returns the kind and metadata of each existing object, in apply order.
    pub(crate) fn ids(&self) -> impl Iterator<Item = (ObjectKind, &ObjectMeta)> {
        let Self { deployment, service, ingress, http_route, pods: _, replica_sets: _, events: _ } = self;
        [
            (ObjectKind::Deployment, deployment.as_ref().map(|object| &object.metadata)),
            (ObjectKind::Service, service.as_ref().map(|object| &object.metadata)),
            (ObjectKind::Ingress, ingress.as_ref().map(|object| &object.metadata)),
            (ObjectKind::HttpRoute, http_route.as_ref().map(|object| &object.metadata)),
        ]
        .into_iter()
        .filter_map(|(kind, metadata)| Some((kind, metadata?)))
    }

    /// Returns the object of a kind as JSON.
    pub(crate) fn json(&self, kind: ObjectKind) -> Option<Value> {
        fn json(object: Option<&impl Serialize>) -> Option<Value> {
            serde_json::to_value(object?).ok()
        }
        match kind {
            ObjectKind::Deployment => json(self.deployment.as_ref()),
            ObjectKind::Service => json(self.service.as_ref()),
            ObjectKind::Ingress => json(self.ingress.as_ref()),
            ObjectKind::HttpRoute => json(self.http_route.as_ref()),
            ObjectKind::CronJob
            | ObjectKind::Job
            | ObjectKind::Pod
            | ObjectKind::ContinuousJobRecord
            | ObjectKind::ScheduledJobRecord => None,
        }
    }
}

impl From<LiveRollout> for LiveWebService {
    /// Returns a web service without the objects that do not belong to the rollout.
    fn from(live: LiveRollout) -> Self {
        let LiveRollout { deployment, replica_sets, pods, events } = live;
        Self { deployment, replica_sets, pods, events, ..Self::default() }
    }
}

impl Extend<Object> for LiveWebService {
    /// Adds rendered objects as if they existed.
    fn extend<I: IntoIterator<Item = Object>>(&mut self, objects: I) {
        for object in objects {
            match object {
                Object::Deployment(object) => self.deployment = Some(*object),
                Object::Service(object) => self.service = Some(*object),
                Object::Ingress(object) => self.ingress = Some(*object),
                Object::HttpRoute(object) => self.http_route = Some(*object),
                // A web service has none of these.
                Object::CronJob(_) | Object::Job(_) => {}
            }
        }
    }
}

impl FromIterator<Object> for LiveWebService {
    fn from_iter<I: IntoIterator<Item = Object>>(objects: I) -> Self {
        let mut live = Self::default();
        live.extend(objects);
        live
    }
}

impl Documents {
    /// Returns the facts for a web service: `facts`, which [`namespace`](Self::namespace) returned, and the live objects.
    ///
    /// Objects of other namespaces are skipped; objects without a namespace count as the tool's.
    ///
    /// # Errors
    /// When an object lacks required fields.
    pub fn web_service_facts(&self, mut facts: Namespace) -> Result<WebServiceFacts, DocumentsError> {
        let tool = &facts.tool;
        let namespace = tool.namespace();
        let pods = self.all_of_kind::<core::Pod>("Pod", &namespace)?;
        let web = |name: &str| name == tool.as_str();
        let subdomain = format!("{tool}-subdomain");
        let live = LiveWebService {
            deployment: self.of_kind("Deployment", &namespace, web)?.pop(),
            service: self.of_kind("Service", &namespace, web)?.pop(),
            ingress: self.of_kind("Ingress", &namespace, |name| name == subdomain)?.pop(),
            http_route: self.of_kind::<HttpRoute>("HTTPRoute", &namespace, web)?.pop(),
            pods: pods.iter().filter(|pod| is_named(pod, tool)).cloned().collect(),
            replica_sets: self.of_kind("ReplicaSet", &namespace, |_| true)?,
            events: self.of_kind("Event", &namespace, |_| true)?,
        };
        let deployments = self.all_of_kind::<Deployment>("Deployment", &namespace)?;
        let jobs = self.all_of_kind::<Job>("Job", &namespace)?;
        facts.limits = with_unsettled_pods(facts.limits, &deployments, &jobs, &pods, FetchTime::Unknown);
        Ok(WebServiceFacts {
            namespace: facts,
            http_routes: live.http_route.is_some(),
            live,
            unread_kinds: Vec::new(),
        })
    }
}

/// Returns whether a pod has the tool's `name` label, which the web service's Service selects.
fn is_named(pod: &core::Pod, tool: &ToolName) -> bool {
    has_label(pod.metadata.labels.as_ref(), platform::LABEL_NAME, tool.as_str())
}
