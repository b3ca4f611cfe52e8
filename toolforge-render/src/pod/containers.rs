//! The containers of a pod, of every kind.

use k8s_openapi::api::core::v1::{Container, ContainerStatus, Event, Pod};

/// What a container of a pod is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ContainerRole {
    /// It is one of the pod's containers.
    Main,
    /// It runs alongside them, and is an init container that is always restarted (Kubernetes 1.29).
    Sidecar,
    /// It runs to completion before they start.
    Init,
}

/// Returns the statuses of a pod's containers; init containers and sidecars, which start first, come first.
pub(crate) fn container_statuses(pod: &Pod) -> impl Iterator<Item = &ContainerStatus> {
    let status = pod.status.as_ref();
    let init = status.and_then(|status| status.init_container_statuses.as_ref());
    let main = status.and_then(|status| status.container_statuses.as_ref());
    init.into_iter().chain(main).flatten()
}

/// Returns a container of a pod by its name, which is unique among all of them.
pub(crate) fn container<'a>(pod: &'a Pod, name: &str) -> Option<&'a Container> {
    let spec = pod.spec.as_ref()?;
    let mut all = spec.init_containers.iter().flatten().chain(&spec.containers);
    all.find(|container| container.name == name)
}

/// Returns what a container of a pod is for.
pub(super) fn role(pod: &Pod, name: &str) -> ContainerRole {
    let init = pod.spec.iter().flat_map(|spec| spec.init_containers.iter().flatten());
    match init.into_iter().find(|container| container.name == name) {
        Some(container) if container.restart_policy.as_deref() == Some("Always") => ContainerRole::Sidecar,
        Some(_) => ContainerRole::Init,
        None => ContainerRole::Main,
    }
}

/// Returns whether an event is about a pod, and not about a container of it other than the one with the name `container`.
pub(super) fn is_about(event: &Event, pod: &Pod, container: &str) -> bool {
    let object = &event.involved_object;
    let uid = pod.metadata.uid.as_deref();
    // The kubelet writes `spec.containers{NAME}` or `spec.initContainers{NAME}`; events about the whole pod have no path.
    let named = object.field_path.as_deref().and_then(|path| path.split_once('{')?.1.strip_suffix('}'));
    uid.is_some() && object.uid.as_deref() == uid && named.is_none_or(|named| named == container)
}
