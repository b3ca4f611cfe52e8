//! Finds the address of a ready pod for a host name and a path.

use std::net::{IpAddr, SocketAddr};

use k8s_openapi::api::core::v1::{Namespace, Service};
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointSlice};
use k8s_openapi::api::networking::v1::Ingress;
use kube::api::{DynamicObject, ListParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client};

use super::route::{Backend, Port, Specificity, most_specific, of_http_route, of_ingress};
use crate::saved_state::{Routing, Settings};

/// The public domain of the sandbox.
const DOMAIN: &str = ".localhost";

/// Why no pod was found for a host name.
#[derive(Debug)]
pub(super) enum Missing {
    /// The host name belongs to no tool.
    Tool,
    /// No route of the tool matches the host name and the path.
    Route,
    /// The route's Service has no ready pod at the route's port.
    Endpoint,
    /// The API server does not respond.
    Cluster(String),
}

impl From<kube::Error> for Missing {
    fn from(error: kube::Error) -> Self {
        Self::Cluster(error.to_string())
    }
}

/// Returns the address of a ready pod for a host name and a path, by the cluster's current routes.
pub(super) async fn destination(
    client: &Client,
    settings: &Settings,
    (host, path): (&str, &str),
) -> Result<SocketAddr, Missing> {
    let tool = host.strip_suffix(DOMAIN).and_then(|tool| tool.parse::<toolforge_model::ToolName>().ok());
    let namespace = tool.ok_or(Missing::Tool)?.namespace();
    let found = match backend(client, settings, &namespace, (host, path)).await? {
        None => backend(client, settings, &namespace, (host, path)).await?,
        found => found,
    };
    let Some(Backend { service, port }) = found else {
        let namespaces: Api<Namespace> = Api::all(client.clone());
        let is_tool = namespaces.get_opt(&namespace).await?.is_some();
        return Err(if is_tool { Missing::Route } else { Missing::Tool });
    };
    let services: Api<Service> = Api::namespaced(client.clone(), &namespace);
    let slices: Api<EndpointSlice> = Api::namespaced(client.clone(), &namespace);
    let of_service = ListParams::default().labels(&format!("kubernetes.io/service-name={service}"));
    let (service, slices) = tokio::try_join!(services.get_opt(&service), slices.list(&of_service))?;
    let name = service.as_ref().and_then(|service| port_name(service, &port)).ok_or(Missing::Endpoint)?;
    slices.items.iter().find_map(|slice| ready_address(slice, name)).ok_or(Missing::Endpoint)
}

/// Returns the backend of the tool's routes. The two kinds are not read at one moment: if a route of one kind replaces
/// one of the other between the reads, neither is found, and only a second call finds the new one.
async fn backend(
    client: &Client,
    settings: &Settings,
    namespace: &str,
    (host, path): (&str, &str),
) -> Result<Option<Backend>, kube::Error> {
    let (of_gateway, of_ingresses) = tokio::try_join!(
        of_gateway(client, settings, namespace, (host, path)),
        of_ingresses(client, namespace, (host, path)),
    )?;
    // The gateway has precedence: a tool with both kinds of route is moving to it.
    Ok(of_gateway.or(of_ingresses).map(|(_, backend)| backend))
}

async fn of_gateway(
    client: &Client,
    settings: &Settings,
    namespace: &str,
    (host, path): (&str, &str),
) -> Result<Option<(Specificity, Backend)>, kube::Error> {
    if settings.routing != Routing::Gateway {
        return Ok(None);
    }
    let kind = GroupVersionKind::gvk("gateway.networking.k8s.io", "v1", "HTTPRoute");
    let api: Api<DynamicObject> =
        Api::namespaced_with(client.clone(), namespace, &ApiResource::from_gvk(&kind));
    let routes = api.list(&ListParams::default()).await?;
    Ok(most_specific(routes.items.iter().filter_map(|route| of_http_route(&route.data["spec"], host, path))))
}

async fn of_ingresses(
    client: &Client,
    namespace: &str,
    (host, path): (&str, &str),
) -> Result<Option<(Specificity, Backend)>, kube::Error> {
    let api: Api<Ingress> = Api::namespaced(client.clone(), namespace);
    let routes = api.list(&ListParams::default()).await?;
    Ok(most_specific(routes.items.iter().filter_map(|route| of_ingress(route, host, path))))
}

/// Returns the name of a Service's port, which its endpoint slices use. A single port may have none.
fn port_name<'a>(service: &'a Service, port: &Port) -> Option<&'a str> {
    let mut ports = service.spec.as_ref()?.ports.iter().flatten();
    let found = ports.find(|found| match port {
        Port::Number(number) => found.port == *number,
        Port::Name(name) => found.name.as_ref() == Some(name),
    })?;
    Some(found.name.as_deref().unwrap_or_default())
}

/// Returns the address of a ready pod of a slice, with the port of this name.
fn ready_address(slice: &EndpointSlice, port_name: &str) -> Option<SocketAddr> {
    let mut ports = slice.ports.iter().flatten();
    let port = ports.find(|port| port.name.as_deref().unwrap_or_default() == port_name)?.port?;
    // The API documents that unknown means ready.
    let is_ready = |endpoint: &&Endpoint| {
        endpoint.conditions.as_ref().and_then(|conditions| conditions.ready).unwrap_or(true)
    };
    let address: IpAddr = slice.endpoints.iter().find(is_ready)?.addresses.first()?.parse().ok()?;
    Some(SocketAddr::new(address, u16::try_from(port).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn ignores_pods_that_are_not_ready() {
        let slice = |ready: bool| -> EndpointSlice {
            serde_json::from_value(json!({
                "addressType": "IPv4", "metadata": {},
                "ports": [{"port": 8000}],
                "endpoints": [{"addresses": ["10.244.0.7"], "conditions": {"ready": ready}}],
            }))
            .unwrap()
        };
        assert_eq!(ready_address(&slice(true), ""), Some("10.244.0.7:8000".parse().unwrap()));
        assert_eq!(ready_address(&slice(false), ""), None);
    }

    #[test]
    fn service_port_maps_to_pod_port_by_name() {
        let service: Service = serde_json::from_value(json!({"metadata": {}, "spec": {"ports": [
            {"name": "admin", "port": 80}, {"name": "http", "port": 8000},
        ]}}))
        .unwrap();
        assert_eq!(port_name(&service, &Port::Number(8000)), Some("http"));
        assert_eq!(port_name(&service, &Port::Name("admin".to_owned())), Some("admin"));
        assert_eq!(port_name(&service, &Port::Number(1)), None);
        let slice: EndpointSlice = serde_json::from_value(json!({
            "addressType": "IPv4", "metadata": {},
            "ports": [{"name": "admin", "port": 9000}, {"name": "http", "port": 9001}],
            "endpoints": [{"addresses": ["10.244.0.7"]}],
        }))
        .unwrap();
        assert_eq!(ready_address(&slice, "http"), Some("10.244.0.7:9001".parse().unwrap()));
        assert_eq!(ready_address(&slice, "other"), None);
    }
}
