use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::networking::v1::Ingress;
use serde_json::Value;
use toolforge_model::{MountStorage, platform, yaml};

use crate::object::{HttpRoute, ObjectKind};
use crate::web_service::{LiveWebService, mount, web_container};

/// One rendered object.
#[derive(Clone, Copy, Debug)]
pub enum Manifest<'a> {
    /// A Deployment.
    Deployment(&'a Deployment),
    /// A Service.
    Service(&'a Service),
    /// An Ingress.
    Ingress(&'a Ingress),
    /// An HTTPRoute.
    HttpRoute(&'a HttpRoute),
}

impl Manifest<'_> {
    /// Returns the object's kind.
    #[must_use]
    pub fn kind(&self) -> ObjectKind {
        match self {
            Self::Deployment(_) => ObjectKind::Deployment,
            Self::Service(_) => ObjectKind::Service,
            Self::Ingress(_) => ObjectKind::Ingress,
            Self::HttpRoute(_) => ObjectKind::HttpRoute,
        }
    }

    /// Returns the object's name.
    #[must_use]
    pub fn name(&self) -> &str {
        let metadata = match self {
            Self::Deployment(object) => &object.metadata,
            Self::Service(object) => &object.metadata,
            Self::Ingress(object) => &object.metadata,
            Self::HttpRoute(object) => &object.metadata,
        };
        metadata.name.as_deref().unwrap_or_default()
    }

    /// Returns the object as JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let json = match self {
            Self::Deployment(object) => serde_json::to_value(object),
            Self::Service(object) => serde_json::to_value(object),
            Self::Ingress(object) => serde_json::to_value(object),
            Self::HttpRoute(object) => serde_json::to_value(object),
        };
        json.expect("a Kubernetes object has text keys and whole numbers, which JSON can hold")
    }

    /// Returns the object as a YAML document.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        let text = match self {
            Self::Deployment(object) => yaml::to_text(object),
            Self::Service(object) => yaml::to_text(object),
            Self::Ingress(object) => yaml::to_text(object),
            Self::HttpRoute(object) => yaml::to_text(object),
        };
        text.expect("a Kubernetes object has text keys and whole numbers, which YAML can hold")
    }

    /// Returns the object as a strategic merge patch that removes what has to go from the live one: with an explicit
    /// `null` for each field of the pods that the platform's tools may have written for another request.
    ///
    /// Another manager owns such a field, so that applying without it would leave it standing.
    #[must_use]
    pub fn to_merge_patch(&self, live: &LiveWebService) -> Value {
        let mut json = self.to_json();
        // A Deployment that somebody paused would never roll out what is asked for.
        if let Some(spec) = json
            .pointer_mut("/spec")
            .and_then(Value::as_object_mut)
            .filter(|spec| spec.contains_key("template"))
        {
            spec.entry("paused").or_insert(Value::Null);
        }
        // The API server has filled it in where nobody wrote it, and then refuses a strategy that does not know it.
        if let Some(strategy) = json.pointer_mut("/spec/strategy").and_then(Value::as_object_mut) {
            strategy.entry("rollingUpdate").or_insert(Value::Null);
        }
        if let Some(labels) =
            json.pointer_mut("/spec/template/metadata/labels").and_then(Value::as_object_mut)
            && live.deployment.as_ref().is_some_and(|deployment| mount(deployment) != MountStorage::All)
        {
            labels.entry(platform::LABEL_MOUNT_STORAGE).or_insert(Value::Null);
        }
        if let Some(container) =
            json.pointer_mut("/spec/template/spec/containers/0").and_then(Value::as_object_mut)
        {
            for field in ["command", "args", "env", "workingDir"] {
                container.entry(field).or_insert(Value::Null);
            }
            let standing = live.deployment.as_ref().and_then(web_container);
            for (field, standing) in [
                ("livenessProbe", standing.and_then(|container| container.liveness_probe.as_ref())),
                ("startupProbe", standing.and_then(|container| container.startup_probe.as_ref())),
            ] {
                // A probe of another kind is somebody's own, and no health check of a page.
                if standing.is_some_and(|probe| probe.http_get.is_some()) {
                    container.entry(field).or_insert(Value::Null);
                }
            }
            for probe in ["readinessProbe", "livenessProbe", "startupProbe"] {
                // A probe with two handlers is refused.
                if let Some(probe) = container.get_mut(probe).and_then(Value::as_object_mut) {
                    for handler in ["httpGet", "tcpSocket", "exec", "grpc"] {
                        probe.entry(handler).or_insert(Value::Null);
                    }
                }
            }
        }
        json
    }

    /// Returns the object with an explicit `null` for each field that must not stand, for comparing.
    pub(crate) fn to_json_with_absent(self, live: &LiveWebService) -> Value {
        let mut json = self.to_merge_patch(live);
        if let Some(annotations) = json.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
            for annotation in [platform::ANNOTATION_DEFAULT_CPU, platform::ANNOTATION_DEFAULT_MEMORY] {
                annotations.entry(annotation).or_insert(Value::Null);
            }
        }
        json
    }
}
