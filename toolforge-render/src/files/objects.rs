//! What quotas count of single objects besides their pods.

use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Service};
use toolforge_quota::{Amounts, ComputeResource, Demand, Resource};

/// The annotation that named the storage class before it was a field (Kubernetes 1.33 still reads it).
const STORAGE_CLASS: &str = "volume.beta.kubernetes.io/storage-class";

/// Returns what quotas count of a Service besides that it exists (Kubernetes 1.33): all ports of type NodePort and
/// LoadBalancer, whether or not a port number is requested.
pub(super) fn of_service(service: &Service) -> Demand {
    let mut demand = Demand::default();
    let Some(spec) = &service.spec else { return demand };
    let ports = || spec.ports.iter().flatten();
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    match spec.type_.as_deref() {
        Some("NodePort") => demand.add(Resource::ServicesNodeports, count(ports().count())),
        Some("LoadBalancer") => {
            let is_requested = spec.allocate_load_balancer_node_ports == Some(false);
            let ports = ports().filter(|port| !is_requested || port.node_port.is_some_and(|port| port != 0));
            demand.add(Resource::ServicesNodeports, count(ports.count()));
            demand.add(Resource::ServicesLoadbalancers, 1);
        }
        _ => {}
    }
    demand
}

/// Returns what a claim requests.
pub(super) fn claimed(claim: &PersistentVolumeClaim) -> Amounts {
    let requests = claim.spec.as_ref().and_then(|spec| spec.resources.as_ref()?.requests.as_ref());
    let amount = |(key, quantity): (&String, &k8s_openapi::apimachinery::pkg::api::resource::Quantity)| {
        let resource = ComputeResource::from(key.as_str());
        let amount = resource.parse_amount(&quantity.0).ok()?;
        Some((resource, amount))
    };
    requests.into_iter().flatten().filter_map(amount).collect()
}

/// Returns what quotas count of a claim besides that it exists: its storage, and both also for its storage class. The class
/// that the cluster chooses for a claim without one is not known.
pub(super) fn of_claim(claim: &PersistentVolumeClaim) -> Demand {
    let storage = claimed(claim).get(&ComputeResource::Storage).unwrap_or(0);
    let annotations = claim.metadata.annotations.as_ref();
    let class = annotations.and_then(|annotations| annotations.get(STORAGE_CLASS));
    let class = class.or_else(|| claim.spec.as_ref()?.storage_class_name.as_ref());
    let mut demand = Demand::default();
    demand.add(Resource::from("requests.storage"), storage);
    if let Some(class) = class.filter(|class| !class.is_empty()) {
        let key =
            |counted: &str| Resource::from(format!("{class}.storageclass.storage.k8s.io/{counted}").as_str());
        demand.add(key("requests.storage"), storage);
        demand.add(key("persistentvolumeclaims"), 1);
    }
    demand
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(demand: &Demand) -> String {
        let amounts: Vec<String> = demand
            .iter()
            .map(|(resource, amount)| format!("{resource}={}", resource.amount(amount)))
            .collect();
        amounts.join(" ")
    }

    #[test]
    fn services_count_their_ports() {
        let ports = json!([{"port": 80}, {"port": 443, "nodePort": 30443}]);
        for (spec, expected) in [
            (json!({"ports": ports}), ""),
            (json!({"type": "ClusterIP", "ports": ports}), ""),
            (json!({"type": "NodePort", "ports": ports}), "services.nodeports=2"),
            (
                json!({"type": "LoadBalancer", "ports": ports}),
                "services.nodeports=2 services.loadbalancers=1",
            ),
            (
                json!({"type": "LoadBalancer", "allocateLoadBalancerNodePorts": false, "ports": ports}),
                "services.nodeports=1 services.loadbalancers=1",
            ),
        ] {
            let service = serde_json::from_value(json!({"spec": spec})).unwrap();
            assert_eq!(shown(&of_service(&service)), expected, "{spec}");
        }
    }

    #[test]
    fn claims_count_storage_and_class() {
        let claim = |extra: &str| {
            let text =
                format!(r#"{{"spec": {{"resources": {{"requests": {{"storage": "1.5Gi"}}}}{extra}}}}}"#);
            shown(&of_claim(&serde_json::from_str(&text).unwrap()))
        };
        assert_eq!(claim(""), "requests.storage=1536Mi");
        assert_eq!(
            claim(r#", "storageClassName": "gold""#),
            "gold.storageclass.storage.k8s.io/persistentvolumeclaims=1 \
             gold.storageclass.storage.k8s.io/requests.storage=1536Mi requests.storage=1536Mi"
        );
    }
}
