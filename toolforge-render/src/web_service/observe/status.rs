use std::fmt;

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::Timestamp;
use toolforge_model::{Untrusted, WebServiceRequest, platform};

use crate::object::{ObjectId, ObjectKind, created_by, deployment_spec, has_label};
use crate::pod::{Evidence, LastTermination, RolloutProgress};
use crate::web_service::observe::request::web_container;
use crate::web_service::{LiveWebService, Routing, WebServiceFacts, is_web_service};

/// The state of a web service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WebServiceState {
    /// None of its objects exists.
    Stopped,
    /// All pods are ready, and the Service and a route exist.
    Running,
    /// Pods of an older revision serve while the newest starts.
    Updating,
    /// No pod is ready yet, and none has failed.
    Starting,
    /// Fewer pods are ready than desired, or the newest revision fails while an older one serves.
    Degraded,
    /// No pod is ready, and waiting cannot help.
    Failing,
    /// Pods are ready, but unreachable, because the Service or the route is missing.
    Unreachable,
    /// It is scaled to zero pods.
    ScaledToZero,
    /// It is being deleted.
    Stopping,
}

impl WebServiceState {
    /// Returns the code, in kebab-case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Running => "running",
            Self::Updating => "updating",
            Self::Starting => "starting",
            Self::Degraded => "degraded",
            Self::Failing => "failing",
            Self::Unreachable => "unreachable",
            Self::ScaledToZero => "scaled-to-zero",
            Self::Stopping => "stopping",
        }
    }

    /// Returns whether requests from outside are answered.
    #[must_use]
    pub fn is_up(self) -> bool {
        match self {
            Self::Running | Self::Updating | Self::Degraded => true,
            Self::Stopped
            | Self::Starting
            | Self::Failing
            | Self::Unreachable
            | Self::ScaledToZero
            | Self::Stopping => false,
        }
    }
}

impl fmt::Display for WebServiceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The observed status of a web service.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WebServiceStatus {
    /// The state.
    pub state: WebServiceState,
    /// The type; `None` if the live objects match no request.
    pub type_name: Option<String>,
    /// The image of the Deployment.
    pub image: Option<Untrusted>,
    /// The desired number of pods.
    pub desired: u32,
    /// The number of ready pods.
    pub ready: u32,
    /// How many of them belong to older revisions.
    pub outdated: u32,
    /// The number of restarts of containers, in pods of the newest revision that are not terminating.
    pub restarts: u32,
    /// The last termination of a container, in the same pods.
    pub last_termination: Option<LastTermination>,
    /// The start time of the oldest pod.
    pub started: Option<Timestamp>,
    /// The route from outside.
    pub route: Option<RouteStatus>,
    /// The objects that are missing; empty if none exists.
    pub missing: Vec<ObjectKind>,
    /// An object that has the name of one of the web service's objects, but was not created for a web service.
    pub foreign: Option<ObjectId>,
    /// The program that created the Deployment, by its managed fields.
    pub created_by: Option<Untrusted>,
    /// Why pods do not run, terminal causes first.
    pub causes: Vec<Evidence>,
}

/// The route of a web service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteStatus {
    /// The kind of the route.
    pub routing: Routing,
    /// The host name.
    pub host: Untrusted,
}

/// Returns the status of a live web service at `now`; `request` is the observed request of its objects.
pub(super) fn status(
    facts: &WebServiceFacts,
    request: Option<&WebServiceRequest>,
    now: Timestamp,
) -> WebServiceStatus {
    let foreign = facts.live.foreign().map(|(kind, metadata)| {
        ObjectId::new(kind, metadata.name.as_deref().unwrap_or(facts.namespace.tool.as_str()))
    });
    // Without a Deployment, only objects with its labels are remains of a web service; with one, others may be part of it.
    let live = &match facts.live.deployment.is_none() || facts.live.has_foreign_deployment() {
        true => facts.live.clone().without_foreign_objects(),
        false => facts.live.clone(),
    };
    let deployment = live.deployment.as_ref();
    let desired = deployment
        .map_or(0, |deployment| deployment_spec(deployment).and_then(|spec| spec.replicas).unwrap_or(1));
    let ready = deployment.and_then(|deployment| deployment.status.as_ref()?.ready_replicas).unwrap_or(0);
    let route = route(live);
    let mut missing = Vec::new();
    if !live.is_absent() {
        if deployment.is_none() {
            missing.push(ObjectKind::Deployment);
        }
        let is_read = |kind| !facts.unread_kinds.contains(&kind);
        if live.service.is_none() && is_read(ObjectKind::Service) {
            missing.push(ObjectKind::Service);
        }
        if route.is_none() && is_read(ObjectKind::Ingress) && is_read(ObjectKind::HttpRoute) {
            missing.push(if facts.http_routes { ObjectKind::HttpRoute } else { ObjectKind::Ingress });
        }
    }
    let causes = web_service_causes(live, now);
    let pods = live.pods.iter().filter(|pod| pod.metadata.deletion_timestamp.is_none());
    WebServiceStatus {
        state: state(live, (desired, ready), &missing, now),
        type_name: request.map(|request| request.image.type_name().to_owned()),
        image: deployment
            .and_then(web_container)
            .and_then(|container| container.image.clone())
            .map(Untrusted::new),
        desired: u32::try_from(desired).unwrap_or(0),
        ready: u32::try_from(ready).unwrap_or(0),
        outdated: u32::try_from(live.rollout().outdated_ready_replicas()).unwrap_or(0),
        restarts: live.rollout().restarts(),
        last_termination: live.rollout().last_termination(),
        started: pods.filter_map(started).min(),
        route,
        missing,
        created_by: live.deployment.as_ref().and_then(|found| created_by(&found.metadata)),
        foreign,
        causes,
    }
}

fn state(
    live: &LiveWebService,
    (desired, ready): (i32, i32),
    missing: &[ObjectKind],
    now: Timestamp,
) -> WebServiceState {
    let Some(deployment) = &live.deployment else {
        let terminating = live.pods.iter().any(|pod| pod.metadata.deletion_timestamp.is_some());
        return match (live.is_absent(), terminating) {
            (true, false) => WebServiceState::Stopped,
            (true, true) => WebServiceState::Stopping,
            (false, _) => WebServiceState::Unreachable,
        };
    };
    if deployment.metadata.deletion_timestamp.is_some() {
        return WebServiceState::Stopping;
    }
    if desired == 0 {
        return WebServiceState::ScaledToZero;
    }
    match (web_service_progress(live, None, now), ready > 0) {
        (RolloutProgress::Failed(_), false) => WebServiceState::Failing,
        (RolloutProgress::Waiting { .. }, false) => WebServiceState::Starting,
        (_, true) if !missing.is_empty() => WebServiceState::Unreachable,
        (RolloutProgress::Ready, _) => WebServiceState::Running,
        (RolloutProgress::Failed(_), true) => WebServiceState::Degraded,
        (RolloutProgress::Waiting { .. }, true) if ready < desired => WebServiceState::Degraded,
        (RolloutProgress::Waiting { .. }, true) => WebServiceState::Updating,
    }
}

fn route(live: &LiveWebService) -> Option<RouteStatus> {
    if let Some(http_route) = &live.http_route {
        let host = http_route.spec.hostnames.first().cloned().unwrap_or_default();
        return Some(RouteStatus { routing: Routing::HttpRoute, host: Untrusted::new(host) });
    }
    let rules = live.ingress.as_ref()?.spec.as_ref().and_then(|spec| spec.rules.as_ref());
    let host = rules.and_then(|rules| rules.first()?.host.clone()).unwrap_or_default();
    Some(RouteStatus { routing: Routing::Ingress, host: Untrusted::new(host) })
}

/// Returns the name of the newest ready pod of a web service.
#[must_use]
pub fn newest_ready_pod(pods: &[Pod]) -> Option<&str> {
    let is_ready = |pod: &&Pod| {
        let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
        let mut ready = conditions.filter(|condition| condition.type_ == "Ready");
        pod.metadata.deletion_timestamp.is_none() && ready.any(|condition| condition.status == "True")
    };
    let serving = pods.iter().filter(|pod| is_web_service(pod.metadata.labels.as_ref())).filter(is_ready);
    serving.max_by_key(|pod| started(pod))?.metadata.name.as_deref()
}

fn started(pod: &Pod) -> Option<Timestamp> {
    pod.status.as_ref()?.start_time.as_ref().map(|time| time.0)
}

/// Returns whether a pod belongs to a web service, of any version of the platform's tool: it has its labels and its
/// container. Pods of shells and jobs do not.
#[must_use]
pub fn is_web_service_pod(pod: &Pod) -> bool {
    let labels = pod.metadata.labels.as_ref();
    let is_web = has_label(labels, platform::LABEL_COMPONENT, platform::COMPONENT_WEB)
        || has_label(labels, platform::LABEL_WEBSERVICE_2019, "true");
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    is_web && containers.into_iter().any(|container| container.name == platform::CONTAINER_WEBSERVICE)
}

/// Returns why the pods of the Deployment's newest revision do not run or are not ready at `now`: terminal causes first,
/// each cause once.
#[must_use]
pub fn web_service_causes(live: &LiveWebService, now: Timestamp) -> Vec<Evidence> {
    live.rollout().causes(now)
}

/// Returns the progress of the rollout of the Deployment's `generation` at `now`; `None` means the current generation.
#[must_use]
pub fn web_service_progress(
    live: &LiveWebService,
    generation: Option<i64>,
    now: Timestamp,
) -> RolloutProgress {
    live.rollout().progress(generation, now)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn shells_are_not_web_service_pods() {
        let pod = |labels: Value, container: &str| -> Pod {
            let spec = json!({"containers": [{"name": container}]});
            serde_json::from_value(json!({"metadata": {"labels": labels}, "spec": spec})).unwrap()
        };
        let component = |value: &str| json!({"app.kubernetes.io/component": value});
        assert!(is_web_service_pod(&pod(component("web"), "webservice")));
        assert!(is_web_service_pod(&pod(json!({"tools.wmflabs.org/webservice": "true"}), "webservice")));
        assert!(!is_web_service_pod(&pod(component("webservice-interactive"), "webservice")));
        assert!(!is_web_service_pod(&pod(component("web"), "sidecar")));
        assert!(!is_web_service_pod(&pod(json!({}), "webservice")));
    }
}
