//! What a web service takes of the quotas.

use k8s_openapi::api::apps::v1::DeploymentSpec;
use toolforge_quota::{ContainerResources, Demand, LimitRange, Pods, Resource};

use crate::pod::{containers_of_pod, has_ended, of_pod};
use crate::web_service::{LiveWebService, Route, WebServiceManifests};

/// Returns what a web service's objects take of the quotas once all of its pods run.
#[must_use]
pub fn of_manifests(manifests: &WebServiceManifests, limit_ranges: &[LimitRange]) -> Demand {
    let Pods { count, each } = pods_of_manifests(manifests, limit_ranges);
    let mut demand = each.times(count);
    demand.add_all(&besides_pods(manifests));
    demand
}

/// Returns the pods that a web service's Deployment keeps running.
#[must_use]
pub fn pods_of_manifests(manifests: &WebServiceManifests, limit_ranges: &[LimitRange]) -> Pods {
    let spec = manifests.deployment.spec.as_ref();
    let replicas = spec.and_then(|spec| spec.replicas).unwrap_or(1);
    let pod = spec.and_then(|spec| spec.template.spec.as_ref());
    Pods {
        count: u64::try_from(replicas).unwrap_or(0),
        each: pod.map(|pod| of_pod(pod, limit_ranges)).unwrap_or_default(),
    }
}

/// Returns the live pods that stay until they are replaced, each as large as the largest of them.
#[must_use]
pub fn staying_pods(live: &LiveWebService, limit_ranges: &[LimitRange]) -> Pods {
    let staying = live.pods.iter().filter(|pod| !has_ended(pod) && pod.metadata.deletion_timestamp.is_none());
    let demands: Vec<Demand> =
        staying.filter_map(|pod| pod.spec.as_ref()).map(|spec| of_pod(spec, limit_ranges)).collect();
    Pods {
        count: u64::try_from(demands.len()).unwrap_or(u64::MAX),
        each: demands.iter().fold(Demand::default(), Demand::max),
    }
}

/// Returns what a web service's objects take of the quotas besides its pods.
#[must_use]
pub fn besides_pods(manifests: &WebServiceManifests) -> Demand {
    let WebServiceManifests { deployment: _, service: _, route } = manifests;
    let mut demand = Demand::default();
    demand.add(Resource::Count("deployments.apps".to_owned()), 1);
    // The pods' ReplicaSet is an object of the namespace, too.
    demand.add(Resource::Count("replicasets.apps".to_owned()), 1);
    demand.add(Resource::Services, 1);
    demand.add(Resource::Count("services".to_owned()), 1);
    demand.add(Resource::Count(count_of_route(matches!(route, Route::Ingress(_))).to_owned()), 1);
    demand
}

/// Returns what the live objects of a web service hold of the quotas now.
///
/// Pods that have ended hold nothing but their place in `count/pods`; pods that are on their way out hold all
/// that they held.
#[must_use]
pub fn of_live(live: &LiveWebService, limit_ranges: &[LimitRange]) -> Demand {
    let LiveWebService { deployment, service, ingress, http_route, pods, replica_sets, events: _ } = live;
    let mut demand = Demand::default();
    for pod in pods {
        if has_ended(pod) {
            demand.add(Resource::Count("pods".to_owned()), 1);
        } else if let Some(spec) = &pod.spec {
            demand.add_all(&of_pod(spec, limit_ranges));
        }
    }
    let objects = [
        (Resource::Count("deployments.apps".to_owned()), u64::from(deployment.is_some())),
        (
            Resource::Count("replicasets.apps".to_owned()),
            u64::try_from(replica_sets.len()).unwrap_or(0).max(u64::from(deployment.is_some())),
        ),
        (Resource::Services, u64::from(service.is_some())),
        (Resource::Count("services".to_owned()), u64::from(service.is_some())),
        (Resource::Count(count_of_route(true).to_owned()), u64::from(ingress.is_some())),
        (Resource::Count(count_of_route(false).to_owned()), u64::from(http_route.is_some())),
    ];
    for (resource, count) in objects {
        demand.add(resource, count);
    }
    demand
}

/// Returns the resources of a Deployment's containers after the LimitRanges' defaults.
#[must_use]
pub fn containers(spec: &DeploymentSpec, limit_ranges: &[LimitRange]) -> Vec<ContainerResources> {
    let pod = spec.template.spec.as_ref();
    pod.into_iter().flat_map(|pod| containers_of_pod(pod, limit_ranges)).collect()
}

fn count_of_route(ingress: bool) -> &'static str {
    if ingress { "ingresses.networking.k8s.io" } else { "httproutes.gateway.networking.k8s.io" }
}
