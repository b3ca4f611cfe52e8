//! The HTTPS server of the webhooks.

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;

use super::review::{Answer, Review};
use super::{ingress, pod_policy, registry, volumes};
use crate::failure::Failure;

/// Pause after a connection could not be accepted, for example because no file descriptors are left.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves the admission webhooks on a listener inside the sandbox, with a certificate and a key in PEM. Returns only
/// on an error.
pub(crate) async fn serve(listener: TcpListener, (certificate, key): (&Path, &Path)) -> Result<(), Failure> {
    let acceptor = acceptor(certificate, key)?;
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            sleep(PAUSE).await;
            continue;
        };
        let acceptor = acceptor.clone();
        tokio::task::spawn_local(async move {
            // A client that disconnects must not affect the others.
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let service = service_fn(answer);
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

fn acceptor(certificate: &Path, key: &Path) -> Result<TlsAcceptor, Failure> {
    let unusable =
        |error: &dyn std::fmt::Display| Failure::new(format!("the webhooks' certificate: {error}"));
    let chain: Vec<_> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(|error| unusable(&error))?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(|error| unusable(&error))?;
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|error| unusable(&error))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let path = request.uri().path().to_owned();
    let body = request.into_body().collect().await?.to_bytes();
    let review: Value = serde_json::from_slice(&body).unwrap_or_default();
    let mut response = Response::new(Full::new(Bytes::from(reviewed(&path, &review).to_string())));
    response
        .headers_mut()
        .insert("content-type", hyper::header::HeaderValue::from_static("application/json"));
    Ok(response)
}

/// Returns the response to an AdmissionReview sent to the path of a webhook.
fn reviewed(path: &str, review: &Value) -> Value {
    let request = &review["request"];
    let text = |pointer: &str| request.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let object_review = Review {
        namespace: text("/namespace"),
        name: if text("/name").is_empty() { text("/object/metadata/generateName") } else { text("/name") },
        kind: text("/kind/kind"),
        object: &request["object"],
    };
    let answer = match path {
        "/volume-admission" => volumes::review(&object_review),
        "/registry-admission" => registry::review(&object_review),
        "/ingress-admission" => ingress::review(&object_review),
        "/pod-policy/mutate" => pod_policy::mutate(&object_review, &owner_of_home),
        "/pod-policy/validate" => pod_policy::validate(&object_review, &owner_of_home),
        _ => Answer::Denied(format!("unknown webhook {path}")),
    };
    let mut response = json!({"uid": request["uid"], "allowed": true});
    match answer {
        Answer::Allowed => {}
        Answer::Changed(spec) => {
            let patch = json!([{"op": "replace", "path": "/spec", "value": spec}]).to_string();
            response["patchType"] = json!("JSONPatch");
            response["patch"] = json!(k8s_openapi::ByteString(patch.into_bytes()));
        }
        Answer::Denied(message) => {
            response["allowed"] = json!(false);
            response["status"] = json!({"message": message});
        }
    }
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response})
}

/// Returns a tool's user ID: the owner of its home, as it is mounted in the sandbox.
fn owner_of_home(tool: &str) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(Path::new("/data/project").join(tool)).ok().map(|metadata| metadata.uid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn denial_has_only_a_message() {
        let review = json!({"request": {
            "uid": "1", "namespace": "tool-x", "kind": {"kind": "Pod"},
            "object": {"spec": {"containers": [{"image": "docker.io/x"}]}},
        }});
        let answer = reviewed("/registry-admission", &review);
        assert_eq!(
            answer["response"],
            json!({"uid": "1", "allowed": false, "status": {"message": "Only WMCS-approved docker registry allowed"}})
        );
    }
}
