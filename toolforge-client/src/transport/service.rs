use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::{AUTHORIZATION, HeaderName, HeaderValue, USER_AGENT};
use http::uri::PathAndQuery;
use http::{Request, Response, Uri};
use hyper::body::Incoming;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::TokioExecutor;
use kube::client::Body;
use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore, SignatureScheme};

use super::connector::Connector;
use crate::connect::Identity;
use crate::connect::{CertificateError, Kubeconfig, KubeconfigError};

/// The header by which an admin asks as somebody else (Kubernetes' user impersonation).
const IMPERSONATE_USER: HeaderName = HeaderName::from_static("impersonate-user");

/// What is said with every request.
#[derive(Clone, Debug)]
pub(crate) struct Credentials {
    pub(crate) user_agent: HeaderValue,
    pub(crate) impersonate: Option<HeaderValue>,
}

/// Returns a client for the API server of a kubeconfig; no request is made. Needs a tokio runtime.
pub(crate) fn client(
    kubeconfig: &Kubeconfig,
    credentials: &Credentials,
) -> Result<kube::Client, KubeconfigError> {
    let mut headers = vec![(USER_AGENT, credentials.user_agent.clone())];
    if let Some(user) = &credentials.impersonate {
        headers.push((IMPERSONATE_USER, user.clone()));
    }
    if let Identity::Token(token) = &kubeconfig.identity {
        let mut value =
            HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| KubeconfigError::Field {
                path: kubeconfig.path().to_path_buf(),
                field: "token",
                reason: "it has characters that no token has",
            })?;
        value.set_sensitive(true);
        headers.push((AUTHORIZATION, value));
    }
    let secure = kubeconfig.server.scheme_str() == Some("https");
    let client = Client::builder(TokioExecutor::new())
        // One connection for all requests of a command: it signs once with the tool's RSA-4096 key.
        .http2_only(secure)
        .build(Connector::new(tls(kubeconfig)?));
    let service = ToServer { client, server: kubeconfig.server.clone(), headers: headers.into() };
    let namespace = kubeconfig.namespace.clone().unwrap_or_else(|| "default".to_owned());
    Ok(kube::Client::new(service, namespace))
}

fn tls(kubeconfig: &Kubeconfig) -> Result<ClientConfig, KubeconfigError> {
    let unusable = |source| KubeconfigError::Authority { path: kubeconfig.path().to_path_buf(), source };
    let mut roots = RootCertStore::empty();
    for certificate in &kubeconfig.authority {
        roots.add(certificate.clone()).map_err(|_| unusable(CertificateError::NotACertificate))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring speaks TLS 1.2 and 1.3")
        .with_root_certificates(roots);
    let mut config = match &kubeconfig.identity {
        Identity::Certificate(certificate) => {
            builder.with_client_cert_resolver(Arc::new(OneCertificate(Arc::clone(&certificate.key))))
        }
        Identity::Token(_) | Identity::Nobody => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(config)
}

/// The tool's certificate, whatever the server asks for: it has only this one.
#[derive(Debug)]
struct OneCertificate(Arc<CertifiedKey>);

impl ResolvesClientCert for OneCertificate {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// Sends requests for paths to one server, with the same headers each.
struct ToServer {
    client: Client<Connector, Body>,
    server: Uri,
    headers: Arc<[(HeaderName, HeaderValue)]>,
}

impl tower_service::Service<Request<Body>> for ToServer {
    type Response = Response<Incoming>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        *request.uri_mut() = below(&self.server, request.uri());
        for (name, value) in self.headers.iter() {
            request.headers_mut().insert(name.clone(), value.clone());
        }
        Box::pin(self.client.request(request))
    }
}

/// Returns a path below a server's address, which may have a path of its own.
fn below(server: &Uri, path: &Uri) -> Uri {
    let prefix = server.path().trim_end_matches('/');
    let path = path.path_and_query().map_or("/", PathAndQuery::as_str);
    let mut parts = server.clone().into_parts();
    parts.path_and_query = PathAndQuery::try_from(format!("{prefix}{path}")).ok();
    Uri::from_parts(parts).unwrap_or_else(|_| server.clone())
}
