//! What the platform has once per cluster.

use std::fs;

use kube::Client;
use serde_json::{Value, json};

use super::objects::{apply, parse};
use crate::build::gateway_api;
use crate::failure::{Failure, OrFail};
use crate::folder::Sandbox;
use crate::pki::INNER_SERVER;
use crate::report::Report;
use crate::settings::{Routing, Settings};

const CLUSTER: &str = include_str!("../../../../fixtures/cluster/manifests/cluster.yaml");
const INGRESS: &str = include_str!("../../../../fixtures/cluster/manifests/ingress.yaml");
const GATEWAY: &str = include_str!("../../../../fixtures/cluster/manifests/gateway.yaml");
const WEBHOOKS: &str = include_str!("../../../../fixtures/cluster/manifests/webhooks.yaml");
const CATALOG: &str = include_str!("../../../../fixtures/cluster/images/image-config.yaml");

/// Where the admission webhooks listen inside.
const ADMISSION: &str = "https://127.0.0.1:8443";

/// Installs what the platform has once per cluster; what is there already stays or is brought up to date.
pub(crate) async fn install(
    client: &Client,
    sandbox: &Sandbox,
    settings: &Settings,
    report: &Report,
) -> Result<(), Failure> {
    let authority = fs::read(sandbox.pki().join("ca.crt")).or_fail("cannot read the cluster's authority")?;
    let work = async {
        apply(client, parse(CLUSTER)?).await?;
        apply(client, published(&authority)).await?;
        match settings.routing {
            Routing::Ingress => apply(client, parse(INGRESS)?).await?,
            Routing::Gateway => {
                for definition in gateway_api::definitions()? {
                    apply(client, parse(&definition)?).await?;
                }
                apply(client, parse(GATEWAY)?).await?;
            }
        }
        apply(client, webhooks(&authority)?).await
    };
    report.wait("Install what the platform has", work).await
}

/// Returns the ConfigMaps that everybody reads: the image catalogue, and where the cluster is.
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

/// Returns the webhooks' configurations with their addresses and the authority that signed their certificate.
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

/// Returns bytes in base64, as the API writes them.
pub(super) fn base64(bytes: &[u8]) -> Value {
    json!(k8s_openapi::ByteString(bytes.to_vec()))
}
