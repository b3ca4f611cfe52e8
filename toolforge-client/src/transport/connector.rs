//! TCP and TLS, on the calling thread.

use std::convert::Infallible;
use std::error::Error as StdError;
use std::future::{Ready, ready};
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use toolforge_model::Untrusted;
use tower_service::Service;

use crate::transport::error::TransportError;

/// How long a connection may be idle before TCP probes it.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// The address of the API server, and how to connect to it.
pub(crate) struct Connector {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
    pub(crate) timeout: Duration,
}

pub(crate) enum Connected {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Connector {
    /// Returns the host and port, with brackets around an IPv6 address.
    pub(crate) fn server(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// Connects, including TLS, within the timeout. Resolving the host name takes additional time: it runs on this
    /// thread and takes as long as `/etc/resolv.conf` allows.
    pub(crate) async fn connect(&self) -> Result<Connected, TransportError> {
        self.connect_with(self.tls.as_ref().map(|(config, _)| Arc::clone(config))).await
    }

    /// Connects for an upgrade to another protocol, which only HTTP/1.1 offers.
    pub(crate) async fn connect_http1(&self) -> Result<Connected, TransportError> {
        let config = self.tls.as_ref().map(|(config, _)| {
            let mut config = ClientConfig::clone(config);
            config.alpn_protocols = vec![b"http/1.1".to_vec()];
            Arc::new(config)
        });
        self.connect_with(config).await
    }

    async fn connect_with(&self, config: Option<Arc<ClientConfig>>) -> Result<Connected, TransportError> {
        let addresses = self.addresses()?;
        let deadline = Instant::now() + self.timeout;
        let tcp = self.tcp(addresses, deadline).await?;
        let (Some(config), Some((_, name))) = (config, &self.tls) else { return Ok(Connected::Plain(tcp)) };
        let handshake = TlsConnector::from(config).connect(name.clone(), tcp);
        match timeout_at(deadline, handshake).await {
            Ok(Ok(stream)) => Ok(Connected::Tls(Box::new(stream))),
            Ok(Err(error)) => Err(TransportError::of_handshake(&self.server(), error)),
            Err(_) => Err(self.too_late()),
        }
    }

    /// Connects to the first address that responds; those of the other family are tried soon after the first (RFC 8305).
    async fn tcp(&self, addresses: Vec<SocketAddr>, deadline: Instant) -> Result<TcpStream, TransportError> {
        let mut connector = HttpConnector::new_with_resolver(Resolved(addresses));
        connector.enforce_http(false);
        // A request is written in one piece; Nagle's algorithm would only delay it.
        connector.set_nodelay(true);
        connector.set_keepalive(Some(KEEPALIVE));
        connector.set_connect_timeout(Some(self.timeout));
        let other = |reason: String| TransportError::Other { reason: Untrusted::new(reason) };
        let server =
            format!("http://{}", self.server()).parse::<Uri>().map_err(|error| other(error.to_string()))?;
        match timeout_at(deadline, connector.call(server)).await {
            Ok(Ok(stream)) => Ok(stream.into_inner()),
            Ok(Err(error)) => match io_error(&error) {
                Some(error) if error.kind() == io::ErrorKind::TimedOut => Err(self.too_late()),
                Some(error) => Err(TransportError::of_connect(&self.server(), error)),
                None => Err(other(error.to_string())),
            },
            Err(_) => Err(self.too_late()),
        }
    }

    /// Calls the system's resolver on this thread: `ulimit -u 1` does not allow another one.
    fn addresses(&self) -> Result<Vec<SocketAddr>, TransportError> {
        if let Ok(address) = self.host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, self.port)]);
        }
        let unknown =
            |source| TransportError::NameNotFound { host: Untrusted::new(self.host.clone()), source };
        let addresses: Vec<_> = (self.host.as_str(), self.port).to_socket_addrs().map_err(unknown)?.collect();
        if addresses.is_empty() { Err(unknown(io::ErrorKind::NotFound.into())) } else { Ok(addresses) }
    }

    fn too_late(&self) -> TransportError {
        TransportError::ConnectTimeout { server: Untrusted::new(self.server()), after: self.timeout }
    }
}

/// Addresses that are already known, as a resolver.
#[derive(Clone)]
struct Resolved(Vec<SocketAddr>);

impl Service<Name> for Resolved {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Name) -> Self::Future {
        ready(Ok(self.0.clone().into_iter()))
    }
}

/// Returns a copy of the system's error in an error's sources.
fn io_error(error: &(dyn StdError + 'static)) -> Option<io::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            let copy = |code| io::Error::from_raw_os_error(code);
            return Some(error.raw_os_error().map_or_else(|| error.kind().into(), copy));
        }
        next = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[tokio::test]
    async fn unreachable_family_does_not_delay() {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let timeout = Duration::from_secs(5);
        let connector = Connector { host: "api.example".to_owned(), port, tls: None, timeout };
        // An address for documentation (RFC 3849): silent or unreachable.
        let addresses = vec![
            SocketAddr::new("2001:db8::1".parse().unwrap(), port),
            SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port),
        ];
        let start = Instant::now();
        let stream = connector.tcp(addresses, start + timeout).await.unwrap();
        assert!(stream.peer_addr().unwrap().is_ipv4());
        assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    }
}
