use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::Timestamp;
use toolforge_model::{ToolName, Untrusted, platform};

use crate::object::{ObjectKind, deployment_spec};
use crate::pod::{Evidence, LastEnd, last_end, restarts};
use crate::web_service::observe::causes::causes;
use crate::web_service::observe::progress::{Progress, progress};
use crate::web_service::observe::request::{observe_request, web_container};
use crate::web_service::{Facts, LiveWebService, Routing, is_web_service};

/// How a web service fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WebServiceState {
    /// Nothing of it exists.
    Stopped,
    /// All pods are ready, and the Service and a route stand.
    Running,
    /// Pods of an older revision serve while the newest comes up.
    Updating,
    /// No pod is ready yet, and none has failed.
    Starting,
    /// Pods are ready, but not as many as wanted, or the newest revision fails while an older one serves.
    Degraded,
    /// No pod is ready, and waiting cannot help.
    Failing,
    /// Pods are ready, but the Service or the route is missing, so nobody reaches them.
    Unreachable,
    /// It was scaled to no pods.
    ScaledToZero,
    /// It is being removed.
    Stopping,
}

impl WebServiceState {
    /// Returns the word that people and programs read.
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

/// What is deployed, not what was asked for.
#[derive(Clone, Debug)]
pub struct WebServiceStatus {
    /// How it fares.
    pub state: WebServiceState,
    /// The type, where the live objects are of one.
    pub type_name: Option<String>,
    /// The image that the Deployment names.
    pub image: Option<Untrusted>,
    /// How many pods are wanted.
    pub desired: u32,
    /// How many pods are ready.
    pub ready: u32,
    /// How often containers of the present pods were started again.
    pub restarts: u32,
    /// How a container of the present pods ended the last time, where one did.
    pub last_end: Option<LastEnd>,
    /// When the oldest pod that serves was started.
    pub started: Option<Timestamp>,
    /// The way in from outside.
    pub route: Option<RouteStatus>,
    /// The objects of a whole web service that do not exist; empty where nothing exists.
    pub missing: Vec<ObjectKind>,
    /// Why pods do not run, most telling first.
    pub causes: Vec<Evidence>,
}

/// The way in from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteStatus {
    /// The kind of the route.
    pub routing: Routing,
    /// The host name.
    pub host: Untrusted,
}

/// Returns how the live objects fare.
#[must_use]
pub fn status(tool: &ToolName, facts: &Facts) -> WebServiceStatus {
    let live = &facts.live;
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
        if live.service.is_none() {
            missing.push(ObjectKind::Service);
        }
        if route.is_none() {
            missing.push(if facts.http_routes { ObjectKind::HttpRoute } else { ObjectKind::Ingress });
        }
    }
    let causes = causes(live);
    let pods = live.pods.iter().filter(|pod| pod.metadata.deletion_timestamp.is_none());
    WebServiceStatus {
        state: state(live, desired, ready, &missing),
        type_name: observe_request(tool, facts).ok().map(|request| request.image.type_name().to_owned()),
        image: deployment
            .and_then(web_container)
            .and_then(|container| container.image.clone())
            .map(Untrusted::new),
        desired: u32::try_from(desired).unwrap_or(0),
        ready: u32::try_from(ready).unwrap_or(0),
        restarts: pods.clone().map(restarts).sum(),
        last_end: last_end(&live.pods),
        started: pods.filter_map(started).min(),
        route,
        missing,
        causes,
    }
}

fn state(live: &LiveWebService, desired: i32, ready: i32, missing: &[ObjectKind]) -> WebServiceState {
    let Some(deployment) = &live.deployment else {
        let leaving = live.pods.iter().any(|pod| pod.metadata.deletion_timestamp.is_some());
        return match (live.is_absent(), leaving) {
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
    match (progress(live, None), ready > 0) {
        (Progress::Failed(_), false) => WebServiceState::Failing,
        (Progress::Waiting { .. }, false) => WebServiceState::Starting,
        (_, true) if !missing.is_empty() => WebServiceState::Unreachable,
        (Progress::Ready, _) => WebServiceState::Running,
        (Progress::Failed(_), true) => WebServiceState::Degraded,
        (Progress::Waiting { .. }, true) if ready < desired => WebServiceState::Degraded,
        (Progress::Waiting { .. }, true) => WebServiceState::Updating,
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

/// Returns the name of the youngest pod of a web service that is ready.
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

/// Returns whether a pod serves: it is labelled as a web service's, of whatever age, and has the container that
/// serves. Shells and jobs are not.
#[must_use]
pub fn serves(pod: &Pod) -> bool {
    let label = |key: &str| pod.metadata.labels.as_ref()?.get(key).map(String::as_str);
    let is_web = label(platform::LABEL_COMPONENT) == Some(platform::COMPONENT_WEB)
        || label(platform::LABEL_WEBSERVICE_2019) == Some("true");
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    is_web && containers.into_iter().any(|container| container.name == platform::CONTAINER_WEBSERVICE)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn shells_and_pods_without_the_container_serve_nothing() {
        let pod = |labels: Value, container: &str| -> Pod {
            let spec = json!({"containers": [{"name": container}]});
            serde_json::from_value(json!({"metadata": {"labels": labels}, "spec": spec})).unwrap()
        };
        let component = |value: &str| json!({"app.kubernetes.io/component": value});
        assert!(serves(&pod(component("web"), "webservice")));
        assert!(serves(&pod(json!({"tools.wmflabs.org/webservice": "true"}), "webservice")));
        assert!(!serves(&pod(component("webservice-interactive"), "webservice")));
        assert!(!serves(&pod(component("web"), "sidecar")));
        assert!(!serves(&pod(json!({}), "webservice")));
    }
}
