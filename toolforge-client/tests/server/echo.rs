//! A server on this machine that answers every request with a description of it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use bytes::Bytes;
use http::{Request, Response, Version};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// A certificate authority.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    der: rustls::pki_types::CertificateDer<'static>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::new(Vec::<String>::new()).unwrap();
        // Certificate authorities are distinguished by their names first.
        parameters.distinguished_name.push(DnType::CommonName, format!("authority {}", number()));
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = parameters.self_signed(&key).unwrap();
        let (pem, der) = (certificate.pem(), certificate.der().clone());
        Self { issuer: Issuer::new(parameters, key), pem, der }
    }

    fn signs(&self, name: &str, from: i32, until: i32) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::new(vec![name.to_owned()]).unwrap();
        parameters.distinguished_name.push(DnType::CommonName, "x");
        parameters.not_before = date_time_ymd(from, 1, 1);
        parameters.not_after = date_time_ymd(until, 2, 3);
        (parameters.signed_by(&key, &self.issuer).unwrap(), key)
    }

    fn store(&self) -> Arc<RootCertStore> {
        let mut store = RootCertStore::empty();
        store.add(self.der.clone()).unwrap();
        Arc::new(store)
    }
}

/// The behavior of a server.
pub(crate) struct Style {
    pub(crate) tls: bool,
    pub(crate) http2: bool,
    /// The name in its certificate, and the years of its validity.
    pub(crate) name: &'static str,
    pub(crate) from: i32,
    pub(crate) until: i32,
    /// The certificate authority of accepted client certificates; by default its own.
    pub(crate) believes: Option<Authority>,
    pub(crate) code: u16,
    pub(crate) date: Option<&'static str>,
    /// Closes each connection after one answer.
    pub(crate) closes: bool,
    /// Stops reading and writing after a request.
    pub(crate) hangs: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            tls: true,
            http2: true,
            name: "localhost",
            from: 2020,
            until: 2040,
            believes: None,
            code: 200,
            date: None,
            closes: false,
            hangs: false,
        }
    }
}

/// A server; its tasks end with the runtime.
pub(crate) struct Server {
    port: u16,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    handshakes: AtomicUsize,
    requests: AtomicUsize,
}

impl Server {
    pub(crate) async fn start(authority: &Authority, style: Style) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Seen::default());
        let acceptor = style.tls.then(|| TlsAcceptor::from(Arc::new(config(authority, &style))));
        let style = Arc::new(style);
        let shared = Arc::clone(&seen);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (seen, style, acceptor) = (Arc::clone(&shared), Arc::clone(&style), acceptor.clone());
                tokio::spawn(async move {
                    match acceptor {
                        None => serve(stream, false, &seen, &style).await,
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                seen.handshakes.fetch_add(1, Ordering::Relaxed);
                                let (_, session) = stream.get_ref();
                                let is_known = session.peer_certificates().is_some();
                                serve(stream, is_known, &seen, &style).await;
                            }
                        }
                    }
                });
            }
        });
        Self { port, seen }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self, host: &str) -> String {
        format!("https://{host}:{}", self.port)
    }

    pub(crate) fn handshakes(&self) -> usize {
        self.seen.handshakes.load(Ordering::Relaxed)
    }

    pub(crate) fn requests(&self) -> usize {
        self.seen.requests.load(Ordering::Relaxed)
    }
}

fn config(authority: &Authority, style: &Style) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let clients = style.believes.as_ref().unwrap_or(authority).store();
    let verifier =
        WebPkiClientVerifier::builder_with_provider(clients, Arc::clone(&provider)).build().unwrap();
    let (certificate, key) = authority.signs(style.name, style.from, style.until);
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    let protocols: &[&[u8]] = if style.http2 { &[b"h2", b"http/1.1"] } else { &[b"http/1.1"] };
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    config
}

async fn serve<S>(stream: S, is_known: bool, seen: &Arc<Seen>, style: &Arc<Style>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let closing = Arc::new(tokio::sync::Notify::new());
    let service = service_fn(|request: Request<Incoming>| {
        seen.requests.fetch_add(1, Ordering::Relaxed);
        let (style, closing) = (Arc::clone(style), Arc::clone(&closing));
        async move {
            if style.hangs {
                // The whole connection stops, like that of a stopped process.
                closing.notify_one();
                std::future::pending::<()>().await;
            }
            if style.closes {
                closing.notify_one();
            }
            Ok::<_, std::convert::Infallible>(answer(&request, is_known, &style))
        }
    });
    let io = TokioIo::new(stream);
    if style.http2 && style.tls {
        let connection =
            hyper::server::conn::http2::Builder::new(TokioExecutor::new()).serve_connection(io, service);
        let mut connection = std::pin::pin!(connection);
        tokio::select! {
            _ = connection.as_mut() => {}
            () = closing.notified() => {
                if style.hangs {
                    std::future::pending::<()>().await;
                }
                connection.as_mut().graceful_shutdown();
                let _ = connection.await;
            }
        }
    } else {
        let _ = hyper::server::conn::http1::Builder::new().serve_connection(io, service).await;
    }
}

fn answer(request: &Request<Incoming>, is_known: bool, style: &Style) -> Response<Full<Bytes>> {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let version = if request.version() == Version::HTTP_2 { "HTTP/2.0" } else { "HTTP/1.1" };
    let body = json!({
        "version": version,
        "path": request.uri().path(),
        "userAgent": header("user-agent"),
        "impersonate": header("impersonate-user"),
        "client": is_known,
    });
    let mut response = Response::builder().status(style.code);
    if let Some(date) = style.date {
        response = response.header("date", date);
    }
    response.body(Full::new(body.to_string().into())).unwrap()
}

/// A home directory with a kubeconfig for a server, removed at the end.
pub(crate) struct Home(PathBuf);

impl Home {
    pub(crate) fn new(authority: &Authority, url: &str) -> Self {
        Self::with(authority, url, "", 2040)
    }

    /// Adds fields to the cluster, and sets the last year of the client certificate.
    pub(crate) fn with(authority: &Authority, url: &str, fields: &str, until: i32) -> Self {
        let number = number();
        let home = std::env::temp_dir().join(format!("toolforge-tls-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&home).unwrap();
        let (certificate, key) = authority.signs("x", 2020, until);
        std::fs::write(home.join("ca.crt"), &authority.pem).unwrap();
        std::fs::write(home.join("client.crt"), certificate.pem()).unwrap();
        std::fs::write(home.join("client.key"), key.serialize_pem()).unwrap();
        let config = format!(
            "current-context: c
clusters: [{{name: c, cluster: {{server: '{url}', certificate-authority: ca.crt{fields}}}}}]
users: [{{name: u, user: {{client-certificate: client.crt, client-key: client.key}}}}]
contexts: [{{name: c, context: {{cluster: c, user: u, namespace: tool-x}}}}]
"
        );
        std::fs::write(home.join("config"), config).unwrap();
        Self(home)
    }

    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.0.join("config")
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn number() -> u32 {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    NUMBER.fetch_add(1, Ordering::Relaxed)
}
