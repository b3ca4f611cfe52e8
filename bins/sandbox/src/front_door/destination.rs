//! From a host name to the address of a ready pod.

use std::net::{IpAddr, SocketAddr};

use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::networking::v1::Ingress;
use kube::api::{DynamicObject, ListParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client};
use serde_json::Value;

use crate::settings::{Routing, Settings};

/// The domain below which the sandbox serves tools.
const DOMAIN: &str = ".localhost";

/// Why there is no way from a host name to a pod.
#[derive(Debug)]
pub(super) enum Missing {
    /// No route has the host name.
    Route,
    /// The route's Service has no ready pod.
    Endpoint,
    /// The API server does not answer.
    Cluster(String),
}

/// A Service that a route leads to, with its port.
#[derive(Debug, PartialEq, Eq)]
struct Backend {
    service: String,
    port: i32,
}

impl From<kube::Error> for Missing {
    fn from(error: kube::Error) -> Self {
        Self::Cluster(error.to_string())
    }
}

/// Returns the address of a ready pod for a host name, as the cluster's routes say now.
pub(super) async fn destination(
    client: &Client,
    settings: &Settings,
    host: &str,
) -> Result<SocketAddr, Missing> {
    let tool = host.strip_suffix(DOMAIN).filter(|tool| tool.parse::<toolforge_model::ToolName>().is_ok());
    let namespace = format!("tool-{}", tool.ok_or(Missing::Route)?);
    let mut backend = None;
    if settings.routing == Routing::Gateway {
        let kind = GroupVersionKind::gvk("gateway.networking.k8s.io", "v1", "HTTPRoute");
        let api: Api<DynamicObject> =
            Api::namespaced_with(client.clone(), &namespace, &ApiResource::from_gvk(&kind));
        let routes = api.list(&ListParams::default()).await?;
        backend = routes.items.iter().find_map(|route| of_http_route(&route.data["spec"], host));
    }
    if backend.is_none() {
        let api: Api<Ingress> = Api::namespaced(client.clone(), &namespace);
        let routes = api.list(&ListParams::default()).await?;
        backend = routes.items.iter().find_map(|route| of_ingress(route, host));
    }
    let Backend { service, port } = backend.ok_or(Missing::Route)?;
    let api: Api<EndpointSlice> = Api::namespaced(client.clone(), &namespace);
    let of_service = ListParams::default().labels(&format!("kubernetes.io/service-name={service}"));
    let slices = api.list(&of_service).await?;
    slices.items.iter().find_map(|slice| ready_address(slice, port)).ok_or(Missing::Endpoint)
}

fn of_http_route(spec: &Value, host: &str) -> Option<Backend> {
    let items = |field: &Value| field.as_array().cloned().unwrap_or_default();
    let is_parent = |parent: &Value| parent["name"] == "toolforge" && parent["namespace"] == "istio-gateway";
    if !items(&spec["parentRefs"]).iter().any(is_parent)
        || !items(&spec["hostnames"]).iter().any(|name| name == host)
    {
        return None;
    }
    let backend = &spec["rules"][0]["backendRefs"][0];
    Some(Backend {
        service: backend["name"].as_str()?.to_owned(),
        port: i32::try_from(backend["port"].as_i64()?).ok()?,
    })
}

fn of_ingress(ingress: &Ingress, host: &str) -> Option<Backend> {
    let rules = ingress.spec.as_ref()?.rules.as_ref()?;
    let rule = rules.iter().find(|rule| rule.host.as_deref() == Some(host))?;
    let service = rule.http.as_ref()?.paths.first()?.backend.service.as_ref()?;
    Some(Backend { service: service.name.clone(), port: service.port.as_ref()?.number? })
}

/// Returns the address of a ready pod of a slice. Services of tools lead to the port of the same number.
fn ready_address(slice: &EndpointSlice, port: i32) -> Option<SocketAddr> {
    let port = slice.ports.iter().flatten().find_map(|found| found.port).unwrap_or(port);
    let is_ready = |conditions: &Option<k8s_openapi::api::discovery::v1::EndpointConditions>| {
        conditions.as_ref().is_none_or(|conditions| conditions.ready != Some(false))
    };
    let endpoint = slice.endpoints.iter().find(|endpoint| is_ready(&endpoint.conditions))?;
    let address: IpAddr = endpoint.addresses.first()?.parse().ok()?;
    Some(SocketAddr::new(address, u16::try_from(port).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_route_of_the_platforms_gateway_leads_to_its_service() {
        let spec = |gateway: &str| {
            json!({
                "parentRefs": [{"name": gateway, "namespace": "istio-gateway"}],
                "hostnames": ["x.localhost"],
                "rules": [{"backendRefs": [{"name": "x", "port": 8000}]}],
            })
        };
        let backend = Some(Backend { service: "x".to_owned(), port: 8000 });
        assert_eq!(of_http_route(&spec("toolforge"), "x.localhost"), backend);
        assert_eq!(of_http_route(&spec("another"), "x.localhost"), None);
        assert_eq!(of_http_route(&spec("toolforge"), "y.localhost"), None);
    }

    #[test]
    fn pods_that_are_not_ready_get_no_requests() {
        let slice = |ready: bool| -> EndpointSlice {
            serde_json::from_value(json!({
                "addressType": "IPv4", "metadata": {},
                "ports": [{"port": 8000}],
                "endpoints": [{"addresses": ["10.244.0.7"], "conditions": {"ready": ready}}],
            }))
            .unwrap()
        };
        assert_eq!(ready_address(&slice(true), 8000), Some("10.244.0.7:8000".parse().unwrap()));
        assert_eq!(ready_address(&slice(false), 8000), None);
    }
}
