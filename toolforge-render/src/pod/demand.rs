//! From Kubernetes objects to the numbers that quotas count.

use k8s_openapi::api::core::v1::{Container, Pod, PodSpec};
use toolforge_quota::{
    Amounts, ContainerResources, Demand, InitContainer, LimitRange, PodDemand, Pods, Resource, apply_defaults,
};

use crate::object::{Object, ObjectKind, deployment_spec};
use crate::pod::{cpu_of, memory_of};

/// The resource, without `count/`, that counts ReplicaSets.
pub(crate) const REPLICA_SETS: &str = "replicasets.apps";

/// Returns the resources of a pod's containers, init containers included, after the LimitRanges' defaults.
pub(crate) fn containers_of_pod(pod: &PodSpec, limit_ranges: &[LimitRange]) -> Vec<ContainerResources> {
    let containers = pod.containers.iter().chain(pod.init_containers.iter().flatten());
    containers.map(|container| apply_defaults(limit_ranges, of_container(container))).collect()
}

/// Returns what one pod requests, with the LimitRanges' defaults if it sets no resources.
#[must_use]
pub fn pod_demand(pod: &PodSpec, limit_ranges: &[LimitRange]) -> Demand {
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

/// Returns what the live pods of a workload use of the quotas now.
///
/// Pods whose containers have terminated for good count for `count/pods` only; a terminating pod still counts in full.
pub(crate) fn of_live_pods<'a>(
    pods: impl IntoIterator<Item = &'a Pod>,
    limit_ranges: &[LimitRange],
) -> Demand {
    let mut demand = Demand::default();
    for pod in pods {
        if has_ended(pod) {
            demand.add(Resource::Count("pods".to_owned()), 1);
        } else if let Some(spec) = &pod.spec {
            demand.add_all(&pod_demand(spec, limit_ranges));
        }
    }
    demand
}

/// Returns the pods that an object keeps running: all replicas of a Deployment, the pod of a Job. A CronJob has none
/// between its runs.
pub(crate) fn pods_of(object: &Object, limit_ranges: &[LimitRange]) -> Pods {
    let count = match object {
        Object::Deployment(deployment) => {
            let replicas = deployment_spec(deployment).and_then(|spec| spec.replicas).unwrap_or(1);
            u64::try_from(replicas).unwrap_or(0)
        }
        Object::Job(_) => 1,
        Object::CronJob(_) | Object::Service(_) | Object::Ingress(_) | Object::HttpRoute(_) => 0,
    };
    Pods { count, each: one_pod_of(object, limit_ranges) }
}

/// Returns what one pod that an object creates requests.
pub(crate) fn one_pod_of(object: &Object, limit_ranges: &[LimitRange]) -> Demand {
    let spec = object.pod_template().and_then(|template| template.spec.as_ref());
    spec.map(|spec| pod_demand(spec, limit_ranges)).unwrap_or_default()
}

/// Returns what an object of a kind counts for in the quotas, without its pods.
pub(crate) fn count_demand(kind: ObjectKind) -> Demand {
    let mut demand = Demand::default();
    demand.add(Resource::Count(kind.count_name()), 1);
    match kind {
        // The pods' ReplicaSet is an object of the namespace, too.
        ObjectKind::Deployment => demand.add(Resource::Count(REPLICA_SETS.to_owned()), 1),
        ObjectKind::Service => demand.add(Resource::Services, 1),
        ObjectKind::CronJob
        | ObjectKind::Job
        | ObjectKind::Ingress
        | ObjectKind::HttpRoute
        | ObjectKind::ContinuousJobRecord
        | ObjectKind::ScheduledJobRecord => {}
    }
    demand
}

/// Returns whether all containers of a pod have terminated for good, so that it uses no CPU or memory.
pub(crate) fn has_ended(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    matches!(phase, Some("Succeeded" | "Failed"))
}
