//! TCP and TLS, on the calling thread.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use toolforge_model::Untrusted;

use crate::transport::error::TransportError;

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

    /// Connects, including TLS, within the timeout. Resolving the host name comes on top: it runs on this thread and
    /// takes as long as `/etc/resolv.conf` allows.
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
        let tcp = self.tcp(&addresses, deadline).await?;
        // A request is written in one piece; Nagle's algorithm would only delay it.
        tcp.set_nodelay(true).map_err(|error| TransportError::of_connect(&self.server(), error))?;
        let (Some(config), Some((_, name))) = (config, &self.tls) else { return Ok(Connected::Plain(tcp)) };
        let handshake = TlsConnector::from(config).connect(name.clone(), tcp);
        match timeout_at(deadline, handshake).await {
            Ok(Ok(stream)) => Ok(Connected::Tls(Box::new(stream))),
            Ok(Err(error)) => Err(TransportError::of_handshake(&self.server(), error)),
            Err(_) => Err(self.too_late()),
        }
    }

    /// Tries the addresses in order, each with its share of the remaining time.
    async fn tcp(&self, addresses: &[SocketAddr], deadline: Instant) -> Result<TcpStream, TransportError> {
        let mut failure = None;
        for (number, address) in addresses.iter().enumerate() {
            let left = deadline.saturating_duration_since(Instant::now());
            let untried = u32::try_from(addresses.len() - number).unwrap_or(u32::MAX);
            match timeout_at(Instant::now() + left / untried, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => failure = Some(TransportError::of_connect(&self.server(), error)),
                Err(_) => failure = Some(self.too_late()),
            }
        }
        Err(failure.unwrap_or_else(|| self.too_late()))
    }

    /// Calls the system's resolver on this thread: `ulimit -u 1` does not allow another one.
    fn addresses(&self) -> Result<Vec<SocketAddr>, TransportError> {
        if let Ok(address) = self.host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, self.port)]);
        }
        let unknown =
            |source| TransportError::NameNotFound { host: Untrusted::new(self.host.clone()), source };
        let addresses: Vec<_> = (self.host.as_str(), self.port).to_socket_addrs().map_err(unknown)?.collect();
        if addresses.is_empty() { Err(unknown(std::io::ErrorKind::NotFound.into())) } else { Ok(addresses) }
    }

    fn too_late(&self) -> TransportError {
        TransportError::ConnectTimeout { server: Untrusted::new(self.server()), after: self.timeout }
    }
}
