//! The differences of the web service's objects, and the patch that removes what a server-side apply cannot remove.

use k8s_openapi::api::core::v1::{Container, ContainerPort, ServicePort};
use serde_json::{Map, Value, json};
use toolforge_model::{MountStorage, Untrusted, platform};

use crate::object::{Difference, FieldPath, Object, deployment_spec, differences};
use crate::web_service::{LiveWebService, mount, web_container};

/// The name of the web service's port.
const PORT_NAME: &str = "http";

/// Returns all differences of an object from the live one, including those that do not count as a change.
pub(super) fn all_differences(object: &Object, live: &LiveWebService, found: &Value) -> Vec<Difference> {
    let mut all = differences(&with_cleared_fields(object, live), found);
    if let Object::Deployment(_) = object {
        let containers = FieldPath::of(&["spec", "template", "spec", "containers"]);
        all.extend(replaced_containers(live).iter().enumerate().map(|(index, container)| {
            let image = container.image.clone().unwrap_or_default();
            let path = containers.item(index, Some(&container.name));
            Difference::new(path, Some(Untrusted::new(image)), None)
        }));
    }
    all
}

/// Returns the containers of the live Deployment that the web service's container replaces: all of them, if none has its
/// name. This is like `webservice restart` of May 2023, which replaces the whole Deployment; a container alongside the web
/// service's is kept.
pub(super) fn replaced_containers(live: &LiveWebService) -> &[Container] {
    let Some(deployment) = &live.deployment else { return &[] };
    if web_container(deployment).is_some() {
        return &[];
    }
    let pod = deployment_spec(deployment).and_then(|spec| spec.template.spec.as_ref());
    pod.map_or(&[], |pod| pod.containers.as_slice())
}

/// Returns the numbers of the live ports that cannot be kept together with the object's own: two ports may not have the same
/// name, and if there are several, each needs one.
pub(super) fn replaced_ports(object: &Object, live: &LiveWebService) -> Vec<i32> {
    let own = i32::from(platform::WEB_PORT);
    match object {
        Object::Deployment(_) => {
            let container = live.deployment.as_ref().and_then(web_container);
            let ports = container.and_then(|container| container.ports.as_ref()).into_iter().flatten();
            let is_replaced =
                |port: &&ContainerPort| port.name.as_deref() == Some(PORT_NAME) && port.container_port != own;
            ports.filter(is_replaced).map(|port| port.container_port).collect()
        }
        Object::Service(_) => {
            let spec = live.service.as_ref().and_then(|service| service.spec.as_ref());
            let ports = spec.and_then(|spec| spec.ports.as_ref()).into_iter().flatten();
            let is_replaced = |port: &&ServicePort| {
                port.name.as_deref().is_none_or(|name| name == PORT_NAME) && port.port != own
            };
            ports.filter(is_replaced).map(|port| port.port).collect()
        }
        Object::CronJob(_) | Object::Job(_) | Object::Ingress(_) | Object::HttpRoute(_) => Vec::new(),
    }
}

/// Returns the patch that removes what apply cannot remove.
pub(super) fn clearing_patch(object: &Object, live: &LiveWebService) -> Value {
    let mut json = merge_patch(object, live);
    let (pointer, key) = match object {
        Object::Deployment(_) => ("/spec/template/spec/containers/0/ports", "containerPort"),
        Object::Service(_) => ("/spec/ports", "port"),
        Object::CronJob(_) | Object::Job(_) | Object::Ingress(_) | Object::HttpRoute(_) => return json,
    };
    if let Some(ports) = json.pointer_mut(pointer).and_then(Value::as_array_mut) {
        ports.extend(replaced_ports(object, live).iter().map(|port| json!({key: port, "$patch": "delete"})));
    }
    if let (Object::Deployment(_), Some(containers)) =
        (object, json.pointer_mut("/spec/template/spec/containers").and_then(Value::as_array_mut))
    {
        let delete = |container: &Container| json!({"name": container.name, "$patch": "delete"});
        containers.extend(replaced_containers(live).iter().map(delete));
    }
    json
}

/// Returns the object with an explicit `null` for each field that must be absent, for comparing.
fn with_cleared_fields(object: &Object, live: &LiveWebService) -> Value {
    let mut json = merge_patch(object, live);
    if let (Object::Deployment(_), Some(annotations)) = (object, map(&mut json, "/metadata/annotations")) {
        for annotation in [platform::ANNOTATION_DEFAULT_CPU, platform::ANNOTATION_DEFAULT_MEMORY] {
            annotations.entry(annotation).or_insert(Value::Null);
        }
    }
    json
}

/// Returns the object as a strategic merge patch with an explicit `null` for each field that the platform's tools or a
/// person may have set for another request.
///
/// Another manager owns such a field, so apply does not remove it.
fn merge_patch(object: &Object, live: &LiveWebService) -> Value {
    let mut json = object.to_json();
    let Object::Deployment(_) = object else { return json };
    // A paused Deployment does not roll out changes.
    if let Some(spec) = map(&mut json, "/spec") {
        spec.entry("paused").or_insert(Value::Null);
    }
    // The API server sets it by default, and rejects it with another type of strategy.
    if let Some(strategy) = map(&mut json, "/spec/strategy") {
        strategy.entry("rollingUpdate").or_insert(Value::Null);
    }
    let has_mount = live.deployment.as_ref().is_some_and(|deployment| mount(deployment) != MountStorage::All);
    if let Some(labels) = map(&mut json, "/spec/template/metadata/labels").filter(|_| has_mount) {
        labels.entry(platform::LABEL_MOUNT_STORAGE).or_insert(Value::Null);
    }
    if let Some(container) = map(&mut json, "/spec/template/spec/containers/0") {
        clear_container(container, live);
    }
    json
}

fn clear_container(container: &mut Map<String, Value>, live: &LiveWebService) {
    for field in ["command", "args", "env", "workingDir"] {
        container.entry(field).or_insert(Value::Null);
    }
    let current = live.deployment.as_ref().and_then(web_container);
    for (field, probe) in [
        ("livenessProbe", current.and_then(|container| container.liveness_probe.as_ref())),
        ("startupProbe", current.and_then(|container| container.startup_probe.as_ref())),
    ] {
        // A probe of another kind was not written by these tools.
        if probe.is_some_and(|probe| probe.http_get.is_some()) {
            container.entry(field).or_insert(Value::Null);
        }
    }
    // The API server rejects a probe with two handlers, and a variable with two sources of its value.
    for probe in ["readinessProbe", "livenessProbe", "startupProbe"] {
        clear_others(container.get_mut(probe), &["httpGet", "tcpSocket", "exec", "grpc"]);
    }
    let pause = container.get_mut("lifecycle").and_then(|lifecycle| lifecycle.get_mut("preStop"));
    clear_others(pause, &["exec", "httpGet", "sleep", "tcpSocket"]);
    for variable in container.get_mut("env").and_then(Value::as_array_mut).into_iter().flatten() {
        clear_others(Some(variable), &["value", "valueFrom"]);
    }
}

/// Sets all mutually exclusive fields to `null`, except the one that is set.
fn clear_others(object: Option<&mut Value>, fields: &[&str]) {
    let Some(object) = object.and_then(Value::as_object_mut) else { return };
    for field in fields {
        object.entry(*field).or_insert(Value::Null);
    }
}

fn map<'a>(json: &'a mut Value, pointer: &str) -> Option<&'a mut Map<String, Value>> {
    json.pointer_mut(pointer)?.as_object_mut()
}
