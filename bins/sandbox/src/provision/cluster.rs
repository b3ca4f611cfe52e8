//! The platform's objects that exist once per cluster.

use std::fs;

use kube::api::{DeleteParams, DynamicObject, ListParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client};
use serde_json::{Value, json};

use super::objects::{apply, parse};
use crate::build::gateway_api;
use crate::directory::Sandbox;
use crate::failure::{Failure, OrFail};
use crate::pki::INNER_SERVER;
use crate::progress::Report;
use crate::saved_state::{Routing, Settings};

const CLUSTER: &str = include_str!("../../../../fixtures/cluster/manifests/cluster.yaml");
const INGRESS: &str = include_str!("../../../../fixtures/cluster/manifests/ingress.yaml");
const GATEWAY: &str = include_str!("../../../../fixtures/cluster/manifests/gateway.yaml");
const METRICS: &str = include_str!("../../../../fixtures/cluster/manifests/metrics.yaml");
const WEBHOOKS: &str = include_str!("../../../../fixtures/cluster/manifests/webhooks.yaml");
const CATALOG: &str = include_str!("../../../../fixtures/cluster/images/image-config.yaml");

/// The role that every tool is bound to, and the API group that was added to it with the Gateway API.
const TOOLS_USER: &str = "tools-user";
const GATEWAY_API: &str = "gateway.networking.k8s.io";

/// Address of the admission webhooks inside.
const ADMISSION: &str = "https://127.0.0.1:8443";

/// Installs or updates the platform's objects that exist once per cluster.
pub(crate) async fn install(
    client: &Client,
    sandbox: &Sandbox,
    settings: &Settings,
    report: &Report,
) -> Result<(), Failure> {
    let authority = fs::read(sandbox.pki().join("ca.crt")).or_fail("cannot read the cluster's authority")?;
    let work = async {
        apply(client, platform(settings.routing)?).await?;
        // metrics-server waits for its rights.
        apply(client, metrics(&authority)?).await?;
        apply(client, published(&authority)).await?;
        match settings.routing {
            Routing::Ingress => {
                remove_gateway_api(client).await?;
                apply(client, parse(INGRESS)?).await?;
            }
            Routing::Gateway => {
                for definition in gateway_api::definitions()? {
                    apply(client, parse(&definition)?).await?;
                }
                apply(client, parse(GATEWAY)?).await?;
            }
        }
        apply(client, webhooks(&authority)?).await
    };
    report.wait("Install the platform's objects", work).await
}

/// Returns the namespaces and the roles of tools and admins. With the Gateway API, tools may also write HTTPRoutes.
fn platform(routing: Routing) -> Result<Vec<Value>, Failure> {
    let mut objects = parse(CLUSTER)?;
    let may_write =
        json!(["get", "list", "watch", "create", "delete", "deletecollection", "patch", "update"]);
    let routes = json!({"apiGroups": [GATEWAY_API], "resources": ["httproutes"], "verbs": may_write});
    for object in &mut objects {
        if routing == Routing::Gateway && object["metadata"]["name"] == TOOLS_USER {
            object["rules"]
                .as_array_mut()
                .or_fail("the ClusterRole tools-user has no rules")?
                .push(routes.clone());
        }
    }
    Ok(objects)
}

/// Removes the Gateway API, including all its routes, from a cluster that had it. Otherwise programs that find it would
/// write routes that have no effect.
async fn remove_gateway_api(client: &Client) -> Result<(), Failure> {
    let kind = GroupVersionKind::gvk("apiextensions.k8s.io", "v1", "CustomResourceDefinition");
    let api: Api<DynamicObject> = Api::all_with(client.clone(), &ApiResource::from_gvk(&kind));
    for definition in api.list_metadata(&ListParams::default()).await?.items {
        let name = definition.metadata.name.unwrap_or_default();
        if name.ends_with(&format!(".{GATEWAY_API}")) {
            api.delete(&name, &DeleteParams::default()).await?;
        }
    }
    Ok(())
}

/// Returns the ConfigMaps that everybody can read: the image catalog and the address of the cluster.
fn published(authority: &[u8]) -> Vec<Value> {
    let kubeconfig = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "", "cluster": {
            "server": INNER_SERVER, "certificate-authority-data": base64(authority),
        }}],
    });
    vec![
        json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "image-config", "namespace": "tf-public"},
            "data": {"images-v1.yaml": CATALOG},
        }),
        json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "cluster-info", "namespace": "kube-public"},
            "data": {"kubeconfig": kubeconfig.to_string()},
        }),
    ]
}

/// Returns the webhook configurations, with their addresses and the authority that signed their certificate.
fn webhooks(authority: &[u8]) -> Result<Vec<Value>, Failure> {
    let mut configurations = parse(WEBHOOKS)?;
    for configuration in &mut configurations {
        for webhook in configuration["webhooks"].as_array_mut().into_iter().flatten() {
            let path = webhook["clientConfig"]["url"].as_str().unwrap_or_default();
            webhook["clientConfig"] =
                json!({"url": format!("{ADMISSION}{path}"), "caBundle": base64(authority)});
        }
    }
    Ok(configurations)
}

/// Returns the objects of metrics-server, with the authority that signed its certificate.
fn metrics(authority: &[u8]) -> Result<Vec<Value>, Failure> {
    let mut objects = parse(METRICS)?;
    for object in objects.iter_mut().filter(|object| object["kind"] == "APIService") {
        object["spec"]["caBundle"] = base64(authority);
    }
    Ok(objects)
}

/// Encodes bytes in base64, as the API does.
pub(super) fn base64(bytes: &[u8]) -> Value {
    json!(k8s_openapi::ByteString(bytes.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the rules of the role that every tool is bound to.
    fn rules(routing: Routing) -> Vec<Value> {
        let objects = platform(routing).unwrap();
        let role = objects.iter().find(|object| object["metadata"]["name"] == TOOLS_USER).unwrap();
        role["rules"].as_array().unwrap().clone()
    }

    #[test]
    fn gateway_api_adds_only_httproutes() {
        let (before, now) = (rules(Routing::Ingress), rules(Routing::Gateway));
        assert_eq!(now[..before.len()], before);
        let [added] = &now[before.len()..] else { panic!() };
        assert_eq!(added["resources"], json!(["httproutes"]));
        // The same verbs as for other objects that a tool may write.
        assert!(before.iter().any(|rule| rule["verbs"] == added["verbs"]));
    }

    #[test]
    fn metrics_api_has_service_and_authority() {
        let objects = metrics(b"pem").unwrap();
        let of_kind = |kind: &str| objects.iter().find(|object| object["kind"] == kind).unwrap();
        let api = &of_kind("APIService")["spec"];
        assert_eq!(api["caBundle"], "cGVt");
        for kind in ["Service", "Endpoints"] {
            assert_eq!(api["service"]["name"], of_kind(kind)["metadata"]["name"], "{kind}");
            assert_eq!(api["service"]["namespace"], of_kind(kind)["metadata"]["namespace"], "{kind}");
        }
    }

    #[test]
    fn webhooks_have_address_and_authority() {
        for configuration in webhooks(b"pem").unwrap() {
            let configured = &configuration["webhooks"][0]["clientConfig"];
            assert!(
                configured["url"].as_str().unwrap().starts_with("https://127.0.0.1:8443/"),
                "{configured}"
            );
            assert_eq!(configured["caBundle"], "cGVt");
        }
    }
}
