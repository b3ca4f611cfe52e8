//! From Kubernetes objects to the plain numbers that quotas are counted in.

use k8s_openapi::api::core::v1::{Container, Pod, PodSpec};
use toolforge_quota::{
    Amounts, ContainerResources, Demand, InitContainer, LimitRange, PodDemand, apply_defaults,
};

use crate::pod::{cpu_of, memory_of};

/// Returns the resources of a pod's containers after the LimitRanges' defaults.
pub(crate) fn containers_of_pod(pod: &PodSpec, limit_ranges: &[LimitRange]) -> Vec<ContainerResources> {
    pod.containers.iter().map(|container| apply_defaults(limit_ranges, of_container(container))).collect()
}

/// Returns what one pod takes, with the LimitRanges' defaults where it asks for nothing.
#[must_use]
pub fn of_pod(pod: &PodSpec, limit_ranges: &[LimitRange]) -> Demand {
    let resources = |container: &Container| apply_defaults(limit_ranges, of_container(container));
    let init_containers = pod.init_containers.iter().flatten().map(|container| InitContainer {
        resources: resources(container),
        is_sidecar: container.restart_policy.as_deref() == Some("Always"),
    });
    PodDemand {
        containers: pod.containers.iter().map(resources).collect(),
        init_containers: init_containers.collect(),
    }
    .demand()
}

fn of_container(container: &Container) -> ContainerResources {
    let resources = container.resources.as_ref();
    let (limits, requests) = (
        resources.and_then(|resources| resources.limits.as_ref()),
        resources.and_then(|resources| resources.requests.as_ref()),
    );
    ContainerResources {
        limits: Amounts { cpu: cpu_of(limits), memory: memory_of(limits) },
        requests: Amounts { cpu: cpu_of(requests), memory: memory_of(requests) },
    }
}

/// Returns whether a pod's containers have all ended for good: it takes no cpu or memory any more.
pub(crate) fn has_ended(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    matches!(phase, Some("Succeeded" | "Failed"))
}
