//! The open connections: one of HTTP/2 for everything, or, if the server does not speak it, one of HTTP/1.1 for each
//! concurrent request.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::header::{HOST, UPGRADE};
use http::{HeaderValue, Request, Response, Uri};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use kube::client::Body;

use crate::transport::connector::{Connected, Connector};
use crate::transport::error::TransportError;

/// The flow control window of one response in bytes.
const ANSWER_WINDOW: u32 = 1 << 20;

/// The flow control window of the connection in bytes: enough for more concurrent logs and watches than a tool can have
/// pods, because a log reader waits for one response while the others fill their windows.
const CONNECTION_WINDOW: u32 = 64 * ANSWER_WINDOW;

pub(crate) struct Pool {
    connector: Connector,
    silence: Duration,
    /// Locked while a connection is opened, so concurrent requests share one.
    http2: tokio::sync::Mutex<Shared>,
    http1: Mutex<Vec<http1::SendRequest<Body>>>,
}

enum Shared {
    /// The server's protocol is not known yet, or its connection is closed.
    None,
    Http2(http2::SendRequest<Body>),
    /// The server does not speak HTTP/2.
    Refused,
}

enum Sender {
    Http2(http2::SendRequest<Body>),
    Http1(http1::SendRequest<Body>),
}

impl Pool {
    pub(crate) fn new(connector: Connector, silence: Duration) -> Self {
        let shared = if connector.tls.is_some() { Shared::None } else { Shared::Refused };
        Self { connector, silence, http2: tokio::sync::Mutex::new(shared), http1: Mutex::default() }
    }

    pub(crate) async fn send(
        &self,
        mut request: Request<Body>,
    ) -> Result<Response<Incoming>, TransportError> {
        // An upgrade to another protocol needs a connection of its own, of HTTP/1.1.
        if request.headers().contains_key(UPGRADE) {
            let mut sender = http1(self.connector.connect_http1().await?).await?;
            let sent = sender.send_request(origin_form(request)).await;
            return sent.map_err(|error| TransportError::of_exchange(&error));
        }
        // An idle connection may be closed before this request is sent; then the request is returned unsent, and a new
        // connection sends it.
        let mut retried = false;
        loop {
            let sent = match self.sender().await? {
                Sender::Http2(mut sender) => sender.try_send_request(request).await,
                Sender::Http1(mut sender) => {
                    let origin = origin_form(request);
                    let sent = sender.try_send_request(origin).await;
                    if !sender.is_closed() {
                        self.idle().push(sender);
                    }
                    sent
                }
            };
            match sent {
                Ok(response) => return Ok(response),
                Err(mut failure) => match failure.take_message() {
                    Some(unsent) if !retried => {
                        retried = true;
                        request = unsent;
                    }
                    _ => return Err(TransportError::of_exchange(failure.error())),
                },
            }
        }
    }

    async fn sender(&self) -> Result<Sender, TransportError> {
        let mut shared = self.http2.lock().await;
        match &*shared {
            Shared::Http2(sender) if !sender.is_closed() => return Ok(Sender::Http2(sender.clone())),
            Shared::Http2(_) | Shared::None => {}
            Shared::Refused => {
                drop(shared);
                return self.http1().await.map(Sender::Http1);
            }
        }
        *shared = Shared::None;
        let connected = self.connector.connect().await?;
        if let Connected::Tls(stream) = &connected
            && stream.get_ref().1.alpn_protocol() == Some(b"h2")
        {
            let sender = http2(connected, self.silence).await?;
            *shared = Shared::Http2(sender.clone());
            return Ok(Sender::Http2(sender));
        }
        *shared = Shared::Refused;
        http1(connected).await.map(Sender::Http1)
    }

    async fn http1(&self) -> Result<http1::SendRequest<Body>, TransportError> {
        let idle = {
            let mut idle = self.idle();
            idle.retain(|sender| !sender.is_closed());
            let ready = idle.iter().position(http1::SendRequest::is_ready);
            ready.map(|place| idle.swap_remove(place))
        };
        match idle {
            Some(sender) => Ok(sender),
            None => http1(self.connector.connect().await?).await,
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<http1::SendRequest<Body>>> {
        self.http1.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn http2(connected: Connected, silence: Duration) -> Result<http2::SendRequest<Body>, TransportError> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder.timer(TokioTimer::new()).keep_alive_interval(silence / 2).keep_alive_timeout(silence / 2);
    builder.initial_stream_window_size(ANSWER_WINDOW).initial_connection_window_size(CONNECTION_WINDOW);
    let lost = |error: hyper::Error| TransportError::of_exchange(&error);
    let sender = match connected {
        Connected::Plain(stream) => {
            let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(lost)?;
            tokio::spawn(connection);
            sender
        }
        Connected::Tls(stream) => {
            let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(lost)?;
            tokio::spawn(connection);
            sender
        }
    };
    Ok(sender)
}

async fn http1(connected: Connected) -> Result<http1::SendRequest<Body>, TransportError> {
    let lost = |error: hyper::Error| TransportError::of_exchange(&error);
    let builder = http1::Builder::new();
    let sender = match connected {
        Connected::Plain(stream) => {
            let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(lost)?;
            tokio::spawn(connection.with_upgrades());
            sender
        }
        Connected::Tls(stream) => {
            let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(lost)?;
            tokio::spawn(connection.with_upgrades());
            sender
        }
    };
    Ok(sender)
}

/// Replaces a request's address by its path and a `Host` header, as HTTP/1.1 needs it.
fn origin_form(mut request: Request<Body>) -> Request<Body> {
    let host = request.uri().authority().and_then(|authority| HeaderValue::from_str(authority.as_str()).ok());
    if let Some(host) = host {
        request.headers_mut().insert(HOST, host);
    }
    if let Some(path) = request.uri().path_and_query().cloned() {
        *request.uri_mut() = Uri::from(path);
    }
    request
}
