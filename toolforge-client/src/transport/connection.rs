use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::header::{AUTHORIZATION, HeaderName, HeaderValue, USER_AGENT};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, Request, Response, Uri};
use hyper::body::Incoming;
use kube::client::Body;
use rustls::pki_types::ServerName;
use toolforge_model::Untrusted;
use tower_service::Service;

use crate::connect::{ConnectError, Kubeconfig};
use crate::transport::connector::Connector;
use crate::transport::pool::Pool;
use crate::transport::{TransportError, tls};

/// Options of a connection.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ConnectOptions {
    /// The program's name and version, like `webservice/0.1.0`, for the API server's audit log.
    pub user_agent: String,
    /// The user to impersonate, like kubectl's `--as`. Default: the kubeconfig's own `as`.
    pub impersonate: Option<String>,
    /// Whether to accept a kubeconfig that disables the verification of the server's certificate.
    pub allow_insecure: bool,
    /// The maximum time to connect, including TLS. Default: 5 s.
    pub timeout: Duration,
    /// The maximum time without a response to a ping, which is sent after half of it; with HTTP/2 only. Default: 10 s.
    pub silence: Duration,
}

impl ConnectOptions {
    /// Returns options with this user agent and the defaults.
    #[must_use]
    pub fn new(user_agent: impl Into<String>) -> Self {
        Self {
            user_agent: user_agent.into(),
            impersonate: None,
            allow_insecure: false,
            timeout: Duration::from_secs(5),
            silence: Duration::from_secs(10),
        }
    }

    /// Returns the options, accepting a kubeconfig that disables the verification of the server's certificate.
    #[must_use]
    pub fn with_allow_insecure(self) -> Self {
        Self { allow_insecure: true, ..self }
    }

    /// Returns the options with this maximum time to connect.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Returns the options with this maximum time without a response to a ping.
    #[must_use]
    pub fn with_silence(self, silence: Duration) -> Self {
        Self { silence, ..self }
    }

    /// Returns the options with a user to impersonate, if one is given.
    #[must_use]
    pub fn with_impersonate(self, user: Option<String>) -> Self {
        Self { impersonate: user, ..self }
    }
}

/// A tower service that sends requests to one API server.
#[derive(Clone)]
pub(crate) struct Transport(Arc<Shared>);

struct Shared {
    pool: Pool,
    scheme: Scheme,
    authority: Authority,
    /// The path of the server's address, without the final slash.
    prefix: String,
    headers: HeaderMap,
}

impl Transport {
    pub(crate) fn new(kubeconfig: &Kubeconfig, options: &ConnectOptions) -> Result<Self, ConnectError> {
        if kubeconfig.insecure && !options.allow_insecure {
            return Err(ConnectError::Insecure);
        }
        let server = &kubeconfig.server;
        let scheme = server.scheme().cloned().unwrap_or(Scheme::HTTPS);
        let authority = server.authority().cloned().expect("a kubeconfig's server has a host");
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let is_tls = scheme == Scheme::HTTPS;
        let tls = if is_tls {
            let name = kubeconfig.tls_server_name.clone().unwrap_or_else(|| host.clone());
            let name = ServerName::try_from(name)
                .map_err(|error| ConnectError::Tls { reason: error.to_string() })?;
            Some((Arc::new(tls::config(kubeconfig)?), name))
        } else {
            None
        };
        let port = authority.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let connector = Connector { host, port, tls, timeout: options.timeout };
        Ok(Self(Arc::new(Shared {
            pool: Pool::new(connector, options.silence),
            scheme,
            authority,
            prefix: server.path().trim_end_matches('/').to_owned(),
            headers: headers(kubeconfig, options)?,
        })))
    }
}

impl Service<Request<Body>> for Transport {
    type Response = Response<Incoming>;
    type Error = TransportError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let shared = Arc::clone(&self.0);
        Box::pin(async move {
            let request = shared.address(request)?;
            shared.pool.send(request).await
        })
    }
}

impl Shared {
    /// Adds the server's address and this client's headers to a request whose address is a path.
    fn address(&self, mut request: Request<Body>) -> Result<Request<Body>, TransportError> {
        let path = request.uri().path_and_query().map_or("/", PathAndQuery::as_str);
        let uri = Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(format!("{}{path}", self.prefix))
            .build()
            .map_err(|error| TransportError::Other { reason: Untrusted::new(error.to_string()) })?;
        *request.uri_mut() = uri;
        for (name, value) in &self.headers {
            request.headers_mut().append(name, value.clone());
        }
        Ok(request)
    }
}

fn headers(kubeconfig: &Kubeconfig, options: &ConnectOptions) -> Result<HeaderMap, ConnectError> {
    let value = |header: &'static str, text: &str| {
        HeaderValue::from_str(text).map_err(|_| ConnectError::Header { header, value: Untrusted::new(text) })
    };
    let mut headers = HeaderMap::new();
    headers.insert(USER_AGENT, value("the user agent", &options.user_agent)?);
    if let Some(authorization) = &kubeconfig.authorization {
        headers.insert(AUTHORIZATION, authorization.clone());
    }
    // Kubernetes' own header names (`kubectl --as`).
    if let Some(user) = &options.impersonate {
        headers.insert(HeaderName::from_static("impersonate-user"), value("the user name", user)?);
    } else if let Some(user) = &kubeconfig.impersonate {
        headers.insert(HeaderName::from_static("impersonate-user"), value("the user name", user)?);
        for group in &kubeconfig.impersonate_groups {
            headers.append(HeaderName::from_static("impersonate-group"), value("the group name", group)?);
        }
    }
    Ok(headers)
}
