//! What quotas count of Services in addition to their existence.

use k8s_openapi::api::core::v1::Service;
use toolforge_quota::{Demand, Resource};

/// Returns what quotas count of a Service in addition to its existence (Kubernetes 1.33): all ports of type NodePort and
/// LoadBalancer, whether or not a port number is requested.
pub(super) fn service_demand(service: &Service) -> Demand {
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
            assert_eq!(shown(&service_demand(&service)), expected, "{spec}");
        }
    }
}
