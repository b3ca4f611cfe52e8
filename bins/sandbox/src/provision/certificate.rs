//! A tool's key and certificate, signed through the cluster's signing API.

use std::path::Path;
use std::time::Duration;

use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use kube::api::{DeleteParams, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::json;
use tokio::process::Command;
use tokio::time::sleep;
use toolforge_model::ToolName;

use super::cluster::base64;
use crate::build::debian::program;
use crate::directory::Sandbox;
use crate::failure::{Failure, OrFail};

/// How often, and at which interval, to check whether the certificate has been issued.
const ATTEMPTS: u32 = 150;
const PAUSE: Duration = Duration::from_millis(100);

/// A key and its certificate request, both in PEM.
pub(super) struct Request {
    pub(super) key: Vec<u8>,
    request: Vec<u8>,
}

/// Creates an RSA key of 4096 bits, as maintain-kubeusers does, and its certificate request, with the organization
/// `toolforge` and the tool's name as common name. The directory for temporary files must be readable by root only.
pub(super) async fn request(tool: &ToolName, directory: &Path) -> Result<Request, Failure> {
    let (key, request) = (directory.join(format!("{tool}.key")), directory.join(format!("{tool}.csr")));
    let openssl = program("openssl")?;
    let run = async |arguments: &[&str]| {
        let output = Command::new(&openssl).args(arguments).output().await.or_fail("cannot run openssl")?;
        if output.status.success() {
            return Ok(());
        }
        let stderr = String::from_utf8_lossy(&output.stderr).trim().escape_debug().to_string();
        Err(Failure::new(format!("openssl cannot create a key: {stderr}")))
    };
    let (key_path, request_path) = (key.display().to_string(), request.display().to_string());
    run(&["genrsa", "-traditional", "-out", &key_path, "4096"]).await?;
    let subject = format!("/O=toolforge/CN={tool}");
    run(&["req", "-new", "-sha256", "-key", &key_path, "-subj", &subject, "-out", &request_path]).await?;
    let created = Request { key: tokio::fs::read(&key).await?, request: tokio::fs::read(&request).await? };
    tokio::fs::remove_file(&key).await?;
    tokio::fs::remove_file(&request).await?;
    Ok(created)
}

/// Lets the cluster sign a request, as maintain-kubeusers does, and returns the certificate in PEM.
pub(super) async fn sign(
    sandbox: &Sandbox,
    client: &Client,
    tool: &ToolName,
    request: &Request,
) -> Result<Vec<u8>, Failure> {
    let api: Api<CertificateSigningRequest> = Api::all(client.clone());
    let name = tool.namespace();
    // An interrupted run may have left one.
    let _ = api.delete(&name, &DeleteParams::default()).await;
    let signing: CertificateSigningRequest = serde_json::from_value(json!({
        "metadata": {"name": name},
        "spec": {
            "request": base64(&request.request),
            "signerName": "kubernetes.io/kube-apiserver-client",
            "groups": ["system:authenticated", "toolforge"],
            "usages": ["digital signature", "key encipherment", "client auth"],
        },
    }))?;
    let mut created = api.create(&PostParams::default(), &signing).await?;
    created.status = serde_json::from_value(json!({"conditions": [{
        "type": "Approved", "status": "True", "reason": "Authorized User",
        "message": "This certificate was approved by maintain_kubeusers",
    }]}))?;
    let approval = kube::api::Patch::Merge(json!({"status": created.status}));
    api.patch_approval(&name, &PatchParams::default(), &approval).await?;
    for _ in 0..ATTEMPTS {
        let certificate = api.get(&name).await?.status.and_then(|status| status.certificate);
        if let Some(certificate) = certificate {
            api.delete(&name, &DeleteParams::default()).await?;
            return Ok(certificate.0);
        }
        sleep(PAUSE).await;
    }
    Err(Failure::new(format!("the cluster has not signed the certificate of {tool}"))
        .hint(format!("See its log: `{}`.", sandbox.typed("logs kube-controller-manager"))))
}
