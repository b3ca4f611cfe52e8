use std::future::Future;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{CertificateError, ClientConfig};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How long connecting and the TLS handshake may take together: an API server that is up takes milliseconds.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Why no connection to the API server was made.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The name of the host is not known.
    #[error("the API server's host name {host} is not known")]
    Name {
        /// The host.
        host: String,
        /// What the resolver says.
        #[source]
        source: Arc<io::Error>,
    },
    /// Nothing listens there.
    #[error("nothing answers at {address}: is the API server up?")]
    Refused {
        /// Host and port.
        address: String,
        /// What the system says.
        #[source]
        source: Arc<io::Error>,
    },
    /// There was no answer in time.
    #[error("{address} did not answer within {} seconds", CONNECT_TIMEOUT.as_secs())]
    Timeout {
        /// Host and port.
        address: String,
    },
    /// The server's certificate was signed by another authority than the kubeconfig's.
    #[error("{address} shows a certificate that the kubeconfig's authority has not signed")]
    ForeignAuthority {
        /// Host and port.
        address: String,
    },
    /// The server's certificate is for another name.
    #[error("{address} shows a certificate that is not for this name")]
    OtherName {
        /// Host and port.
        address: String,
    },
    /// The server's certificate has expired or is not valid yet.
    #[error("{address} shows a certificate that is not valid now; is this machine's clock right?")]
    ServerCertificateTime {
        /// Host and port.
        address: String,
    },
    /// TLS failed in another way.
    #[error("no secure connection to {address}")]
    Tls {
        /// Host and port.
        address: String,
        /// What TLS or the connection says.
        #[source]
        source: Arc<io::Error>,
    },
}

/// Makes connections: resolving on the calling thread, so that no thread is needed where none may be had.
#[derive(Clone)]
pub(super) struct Connector {
    tls: Arc<ClientConfig>,
}

impl Connector {
    pub(super) fn new(tls: ClientConfig) -> Self {
        Self { tls: Arc::new(tls) }
    }
}

impl tower_service::Service<Uri> for Connector {
    type Response = Stream;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, ConnectError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let tls = Arc::clone(&self.tls);
        Box::pin(async move {
            let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
            let secure = uri.scheme_str() == Some("https");
            let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
            let address = format!("{host}:{port}");
            let connected =
                tokio::time::timeout(CONNECT_TIMEOUT, connect(&host, port, secure.then_some(tls)));
            connected.await.unwrap_or(Err(ConnectError::Timeout { address }))
        })
    }
}

async fn connect(host: &str, port: u16, tls: Option<Arc<ClientConfig>>) -> Result<Stream, ConnectError> {
    let address = format!("{host}:{port}");
    let found: Vec<SocketAddr> = (host, port)
        .to_socket_addrs()
        .map_err(|error| ConnectError::Name { host: host.to_owned(), source: Arc::new(error) })?
        .collect();
    let refused = |error| ConnectError::Refused { address: address.clone(), source: Arc::new(error) };
    let tcp = TcpStream::connect(&*found).await.map_err(refused)?;
    // Small requests must not wait for the answer to the last one.
    tcp.set_nodelay(true).map_err(refused)?;
    let Some(tls) = tls else { return Ok(Stream::Plain(TokioIo::new(tcp))) };
    let failed = |error: io::Error| tls_error(address.clone(), error);
    let name = ServerName::try_from(host.to_owned()).map_err(|error| failed(io::Error::other(error)))?;
    let stream = TlsConnector::from(tls).connect(name, tcp).await.map_err(failed)?;
    Ok(Stream::Tls(Box::new(TokioIo::new(stream))))
}

fn tls_error(address: String, error: io::Error) -> ConnectError {
    let cause = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match cause {
        Some(rustls::Error::InvalidCertificate(certificate)) => match certificate {
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                ConnectError::OtherName { address }
            }
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => ConnectError::ServerCertificateTime { address },
            _ => ConnectError::ForeignAuthority { address },
        },
        _ => ConnectError::Tls { address, source: Arc::new(error) },
    }
}

/// A connection, plain or secure.
pub(super) enum Stream {
    Plain(TokioIo<TcpStream>),
    Tls(Box<TokioIo<TlsStream<TcpStream>>>),
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        match self {
            Self::Plain(_) => Connected::new(),
            Self::Tls(stream) => {
                let (_, session) = stream.inner().get_ref();
                if session.alpn_protocol() == Some(b"h2") {
                    Connected::new().negotiated_h2()
                } else {
                    Connected::new()
                }
            }
        }
    }
}

impl Read for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl Write for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
