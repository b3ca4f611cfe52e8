//! A proxy between the programs and the API server that injects a fault into every answer.

use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join;
use futures_util::{StreamExt as _, stream};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderValue, LOCATION, RETRY_AFTER, UPGRADE};
use http::uri::PathAndQuery;
use http::{Method, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http2::SendRequest;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio_rustls::client::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::fault::{Fault, Scope, WatchFault};

/// The size of a flood in bytes.
const FLOOD: usize = 100 * 1024 * 1024;

type Failure = Box<dyn std::error::Error + Send + Sync>;
type Body = UnsyncBoxBody<Bytes, Failure>;

/// The credentials of a tool, in PEM.
pub(crate) struct Credentials {
    pub(crate) authority: String,
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// A proxy with one fault; its tasks end with the runtime.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    state: Arc<State>,
}

struct State {
    fault: Fault,
    scope: Scope,
    upstream: Upstream,
    /// The number of requests so far that write.
    writes: AtomicUsize,
    /// The number of upgrades so far of each path.
    upgrades: Mutex<HashMap<String, usize>>,
}

/// The API server: one HTTP/2 connection for all requests, and one more for each upgrade.
struct Upstream {
    port: u16,
    tls: Arc<ClientConfig>,
    shared: Mutex<Option<SendRequest<Incoming>>>,
}

impl Proxy {
    pub(crate) async fn start(fault: Fault, scope: Scope, tls: Arc<ClientConfig>, port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let upstream = Upstream { port, tls, shared: Mutex::new(None) };
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State {
            fault,
            scope,
            upstream,
            writes: AtomicUsize::new(0),
            upgrades: Mutex::default(),
        });
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self { port, state }
    }

    /// Returns the number of requests so far that write.
    pub(crate) fn writes(&self) -> usize {
        self.state.writes.load(Ordering::Relaxed)
    }
}

/// The certificate of all proxies in PEM, and their TLS configuration.
pub(crate) static SERVER: LazyLock<(String, Arc<ServerConfig>)> = LazyLock::new(|| {
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().self_signed(&key).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    (certificate.pem(), Arc::new(config))
});

/// Returns the TLS configuration for a tool's requests.
pub(crate) fn client_config(credentials: &Credentials) -> Arc<ClientConfig> {
    let mut authorities = RootCertStore::empty();
    authorities.add(CertificateDer::from_pem_slice(credentials.authority.as_bytes()).unwrap()).unwrap();
    let certificate = CertificateDer::from_pem_slice(credentials.certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(credentials.key.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(authorities)
        .with_client_auth_cert(vec![certificate], key)
        .unwrap();
    Arc::new(config)
}

impl Upstream {
    async fn connect(&self, protocol: &[u8]) -> Result<TlsStream<TcpStream>, Failure> {
        let mut config = ClientConfig::clone(&self.tls);
        config.alpn_protocols = vec![protocol.to_vec()];
        let tcp = TcpStream::connect(("127.0.0.1", self.port)).await?;
        Ok(TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("127.0.0.1")?, tcp).await?)
    }

    async fn send(&self, request: Request<Incoming>) -> Result<Response<Incoming>, Failure> {
        let mut shared = self.shared.lock().await;
        let sender = match &mut *shared {
            Some(sender) if !sender.is_closed() => sender.clone(),
            shared => {
                let io = TokioIo::new(self.connect(b"h2").await?);
                let (sender, connection) =
                    hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await?;
                tokio::spawn(connection);
                shared.insert(sender).clone()
            }
        };
        drop(shared);
        let mut sender = sender;
        Ok(sender.send_request(request).await?)
    }
}

/// A connection that breaks when so many bytes have been written.
struct Limited<S> {
    inner: S,
    left: usize,
}

impl<S: AsyncRead + Unpin> AsyncRead for Limited<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Limited<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.left == 0 {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let allowed = bytes.len().min(self.left);
        let written = ready!(Pin::new(&mut self.inner).poll_write(context, &bytes[..allowed]))?;
        self.left -= written;
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

async fn serve(stream: TcpStream, state: Arc<State>) {
    let Ok(stream) = TlsAcceptor::from(Arc::clone(&SERVER.1)).accept(stream).await else { return };
    let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    if state.fault == Fault::HalfOpen {
        // Nothing more is read or written, and the connection stays open.
        std::future::pending::<()>().await;
    }
    let (shared, requests) = (Arc::clone(&state), Arc::new(AtomicUsize::new(0)));
    let service = service_fn(move |request| answer(request, Arc::clone(&shared), Arc::clone(&requests)));
    let left = match state.fault {
        Fault::Reset { after } => after,
        _ => usize::MAX,
    };
    let io = TokioIo::new(Limited { inner: stream, left });
    // A connection that breaks is one of the faults.
    let _ = if is_http2 {
        hyper::server::conn::http2::Builder::new(TokioExecutor::new())
            .serve_connection(io, service)
            .await
            .map_err(drop)
    } else {
        let connection = hyper::server::conn::http1::Builder::new().serve_connection(io, service);
        connection.with_upgrades().await.map_err(drop)
    };
}

/// Returns the answer to a request. `requests` is the number of requests of the connection that the fault may have.
async fn answer(
    request: Request<Incoming>,
    state: Arc<State>,
    requests: Arc<AtomicUsize>,
) -> Result<Response<Body>, Failure> {
    let is_write =
        request.method() != Method::GET && !request.uri().path().contains("/authorization.k8s.io/");
    let writes = if is_write { state.writes.fetch_add(1, Ordering::Relaxed) } else { 0 };
    let is_list = request.method() == Method::GET && is_collection(request.uri().path());
    let is_watch = request.uri().query().is_some_and(|query| query.contains("watch=true"));
    let is_upgrade = request.headers().contains_key(UPGRADE);
    let forwards_first = match state.scope {
        Scope::All => false,
        Scope::Writes { .. } if !is_write => return forward(request, &state).await,
        Scope::Writes { forwards } => forwards,
        Scope::WritesAfter { count, .. } if !is_write || writes < count => {
            return forward(request, &state).await;
        }
        Scope::WritesAfter { forwards, .. } => {
            if forwards {
                forward(request, &state).await?.into_body().collect().await?;
            }
            return std::future::pending().await;
        }
    };
    // Each upgrade has a connection of its own.
    let number = if is_upgrade {
        let mut upgrades = state.upgrades.lock().await;
        let count = upgrades.entry(request.uri().path().to_owned()).or_insert(0);
        *count += 1;
        *count - 1
    } else {
        requests.fetch_add(1, Ordering::Relaxed)
    };
    if forwards_first && has_own_answer(state.fault) {
        forward(request, &state).await?.into_body().collect().await?;
        return invented(state.fault, number, false).await.unwrap_or_else(|| Err("no answer".into()));
    }
    if let Some(answer) = invented(state.fault, number, is_list && !is_watch).await {
        return answer;
    }
    if state.fault == Fault::Broken && state.scope == (Scope::Writes { forwards: false }) {
        return Err("the request is lost".into());
    }
    if let Fault::Latency(latency) = state.fault {
        tokio::time::sleep(latency).await;
    }
    let answered = forward(request, &state).await?;
    if is_upgrade { Ok(answered) } else { spoiled(answered, state.fault, is_watch).await }
}

/// Returns whether the answer of a fault does not depend on the server's.
fn has_own_answer(fault: Fault) -> bool {
    !matches!(fault, Fault::Truncated | Fault::WrongType | Fault::Broken | Fault::None | Fault::Latency(_))
}

/// Returns the answer of a fault that needs no server.
async fn invented(fault: Fault, number: usize, is_list: bool) -> Option<Result<Response<Body>, Failure>> {
    let status = |code: u16, reason: &str| {
        let body = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": "injected", "reason": reason, "code": code,
        });
        let mut answer = text(StatusCode::from_u16(code).unwrap(), &body.to_string());
        answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        answer
    };
    let answer = match fault {
        Fault::NeverAnswers => std::future::pending().await,
        Fault::Code(code) => status(code, ""),
        Fault::Busy { code, times, retry_after } if number < times => {
            let mut answer = status(code, "");
            if retry_after {
                answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            answer
        }
        Fault::Html(code) => {
            let mut answer =
                text(StatusCode::from_u16(code).unwrap(), "<html><body>Please log in</body></html>");
            answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
            answer
        }
        Fault::Garbage => text(StatusCode::OK, "}\u{1b}[2J rubbish"),
        Fault::Empty => text(StatusCode::OK, ""),
        Fault::Redirect => {
            let mut answer = text(StatusCode::FOUND, "");
            answer.headers_mut().insert(LOCATION, HeaderValue::from_static("https://elsewhere.example/"));
            answer
        }
        Fault::Flood => {
            let mut answer =
                endless(Bytes::from(vec![b' '; 64 * 1024]), Duration::ZERO, Some(FLOOD / 64 / 1024));
            answer.headers_mut().insert(CONTENT_LENGTH, FLOOD.into());
            answer
        }
        Fault::Drip { bytes } => endless(vec![b' '; bytes].into(), Duration::from_secs(1), None),
        Fault::EndlessPages { repeats } if is_list => {
            let token = if repeats { "same".to_owned() } else { number.to_string() };
            let page = json!({
                "kind": "List", "apiVersion": "v1", "items": [],
                "metadata": {"resourceVersion": "1", "continue": token},
            });
            text(StatusCode::OK, &page.to_string())
        }
        Fault::None
        | Fault::Busy { .. }
        | Fault::Latency(_)
        | Fault::HalfOpen
        | Fault::Reset { .. }
        | Fault::Broken
        | Fault::Truncated
        | Fault::WrongType
        | Fault::EndlessPages { .. }
        | Fault::Watch(_) => return None,
    };
    Some(Ok(answer))
}

/// Returns a body of one chunk after the other.
fn endless(chunk: Bytes, pause: Duration, count: Option<usize>) -> Response<Body> {
    let chunks = stream::unfold(0, move |sent| {
        let chunk = chunk.clone();
        async move {
            if count.is_some_and(|count| sent >= count) {
                return None;
            }
            tokio::time::sleep(pause).await;
            Some((Ok::<_, Failure>(Frame::data(chunk)), sent + 1))
        }
    });
    Response::new(StreamBody::new(chunks).boxed_unsync())
}

async fn forward(mut request: Request<Incoming>, state: &State) -> Result<Response<Body>, Failure> {
    let path = request.uri().path_and_query().map_or("/", PathAndQuery::as_str).to_owned();
    if !request.headers().contains_key(UPGRADE) {
        *request.uri_mut() = format!("https://127.0.0.1{path}").parse()?;
        *request.version_mut() = http::Version::HTTP_2;
        request.headers_mut().remove(HOST);
        let answer = state.upstream.send(request).await?;
        return Ok(answer.map(|body| body.map_err(Failure::from).boxed_unsync()));
    }
    let io = TokioIo::new(state.upstream.connect(b"http/1.1").await?);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await?;
    tokio::spawn(connection.with_upgrades());
    *request.uri_mut() = path.parse()?;
    request.headers_mut().insert(HOST, HeaderValue::from_static("127.0.0.1"));
    *request.version_mut() = http::Version::HTTP_11;
    let of_client = hyper::upgrade::on(&mut request);
    let mut response = sender.send_request(request).await?;
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        let of_server = hyper::upgrade::on(&mut response);
        let fault = state.fault;
        tokio::spawn(async move {
            if let (Ok(client), Ok(server)) = join(of_client, of_server).await {
                connect(TokioIo::new(client), TokioIo::new(server), fault).await;
            }
        });
    }
    Ok(response.map(|body| body.map_err(Failure::from).boxed_unsync()))
}

/// Connects both ends of another protocol, or takes what the client sends and gives nothing.
async fn connect<A, B>(mut client: A, mut server: B, fault: Fault)
where
    A: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    if fault == Fault::Watch(WatchFault::Silent) {
        let mut sink = [0; 1024];
        while client.read(&mut sink).await.is_ok_and(|count| count > 0) {}
        return;
    }
    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
}

/// Returns an answer of the server with the fault.
async fn spoiled(answer: Response<Body>, fault: Fault, is_watch: bool) -> Result<Response<Body>, Failure> {
    let (mut parts, body) = answer.into_parts();
    Ok(match fault {
        Fault::Truncated | Fault::Broken if !is_watch => {
            let whole = body.collect().await?.to_bytes();
            parts.headers.remove(CONTENT_LENGTH);
            let half = Ok::<_, Failure>(Frame::data(whole.slice(..whole.len() / 2)));
            let end = (fault == Fault::Broken).then(|| Err("the answer breaks".into()));
            let chunks = stream::iter([Some(half), end].into_iter().flatten());
            Response::from_parts(parts, StreamBody::new(chunks).boxed_unsync())
        }
        Fault::WrongType => {
            parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
            Response::from_parts(parts, body)
        }
        Fault::Watch(WatchFault::Silent) if is_watch => {
            Response::from_parts(parts, StreamBody::new(stream::pending()).boxed_unsync())
        }
        Fault::Watch(WatchFault::EndlessLine) if is_watch => {
            endless(vec![b' '; 512].into(), Duration::from_millis(100), None)
        }
        Fault::Watch(fault) if is_watch => {
            let lines = frames(body).chunks(2).flat_map(move |pair| stream::iter(changed(fault, pair)));
            let lines = lines.map(|line| Ok::<_, Failure>(Frame::data(line)));
            if fault == WatchFault::Cut {
                Response::from_parts(parts, StreamBody::new(lines.take(2)).boxed_unsync())
            } else {
                Response::from_parts(parts, StreamBody::new(lines).boxed_unsync())
            }
        }
        _ => Response::from_parts(parts, body),
    })
}

fn changed(fault: WatchFault, pair: Vec<Bytes>) -> Vec<Bytes> {
    match fault {
        WatchFault::Duplicated => pair.into_iter().flat_map(|line| [line.clone(), line]).collect(),
        WatchFault::Reordered => pair.into_iter().rev().collect(),
        WatchFault::Cut => {
            let halved =
                |(index, line): (usize, Bytes)| if index == 0 { line } else { line.slice(..line.len() / 2) };
            pair.into_iter().enumerate().map(halved).collect()
        }
        WatchFault::Silent | WatchFault::EndlessLine => pair,
    }
}

/// Returns the lines of a body as they come.
fn frames(body: Body) -> impl stream::Stream<Item = Bytes> + Send {
    stream::unfold((body, Vec::new()), |(mut body, mut buffer): (Body, Vec<u8>)| async move {
        loop {
            if let Some(end) = buffer.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = buffer.drain(..=end).collect();
                return Some((Bytes::from(line), (body, buffer)));
            }
            let frame = body.frame().await?.ok()?;
            buffer.extend_from_slice(frame.data_ref()?);
        }
    })
}

fn text(code: StatusCode, body: &str) -> Response<Body> {
    let body = Full::new(Bytes::copy_from_slice(body.as_bytes())).map_err(|never| match never {});
    let mut answer = Response::new(body.boxed_unsync());
    *answer.status_mut() = code;
    answer
}

/// Returns whether a path is that of a collection: `…/namespaces/NAME/KIND`, or the same without a namespace.
fn is_collection(path: &str) -> bool {
    let mut segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let prefix = match segments.first() {
        Some(&"api") => 2,
        Some(&"apis") => 3,
        _ => return false,
    };
    segments.drain(..prefix.min(segments.len()));
    match segments.first() {
        Some(&"namespaces") => segments.len() == 3,
        _ => segments.len() == 1,
    }
}
