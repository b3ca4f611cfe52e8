use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use rustls::{AlertDescription, CertificateError};
use toolforge_model::Untrusted;

/// Why a request did not reach the cluster, or its response was not received.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// The host name has no address.
    #[error("cannot resolve the host name {}", host.quoted())]
    NameNotFound {
        /// The host name.
        host: Untrusted,
        /// The resolver's error.
        #[source]
        source: io::Error,
    },
    /// Nothing listens on the port.
    #[error("{} refused the connection; nothing is listening on that port", server.escaped())]
    Refused {
        /// The host and port.
        server: Untrusted,
    },
    /// The connection timed out.
    #[error("{} did not answer within {} ms", server.escaped(), after.as_millis())]
    ConnectTimeout {
        /// The host and port.
        server: Untrusted,
        /// The timeout.
        after: Duration,
    },
    /// The machine cannot be reached.
    #[error("{} cannot be reached", server.escaped())]
    NoRoute {
        /// The host and port.
        server: Untrusted,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// The server's certificate is not signed by the kubeconfig's certificate authority.
    #[error("the certificate of {} is not signed by the kubeconfig's certificate authority", server.escaped())]
    ForeignAuthority {
        /// The host and port.
        server: Untrusted,
    },
    /// The server's certificate is for other names.
    #[error("the certificate of {} is for {}", server.escaped(), presented.quoted())]
    WrongName {
        /// The host and port.
        server: Untrusted,
        /// The names in the certificate.
        presented: Untrusted,
    },
    /// The server's certificate has expired, or this machine's clock is wrong.
    #[error("the certificate of {} has expired by this machine's clock", server.escaped())]
    ServerCertificateExpired {
        /// The host and port.
        server: Untrusted,
    },
    /// The server's certificate is not valid yet, or this machine's clock is wrong.
    #[error("the certificate of {} is not valid yet by this machine's clock", server.escaped())]
    ServerCertificateNotYetValid {
        /// The host and port.
        server: Untrusted,
    },
    /// The server rejects the client certificate.
    #[error("the server refuses the client certificate: {}", alert.escaped())]
    ClientCertificateRefused {
        /// The server's alert, like `CertificateExpired`.
        alert: Untrusted,
    },
    /// The server does not speak TLS.
    #[error("{} does not speak TLS; is its address right?", server.escaped())]
    NotTls {
        /// The host and port.
        server: Untrusted,
    },
    /// Another TLS error.
    #[error("the TLS connection to {} failed: {}", server.escaped(), reason.escaped())]
    Tls {
        /// The host and port.
        server: Untrusted,
        /// The error.
        reason: Untrusted,
    },
    /// The connection was lost before the response was complete.
    #[error("the connection to the cluster was lost: {}", reason.escaped())]
    Lost {
        /// The error.
        reason: Untrusted,
    },
    /// The server does not respond on an open connection.
    #[error("the cluster stopped answering")]
    Silent,
    /// The response arrives more slowly than [`RequestLimits`](crate::RequestLimits) allow.
    #[error("the response is too slow: {received} bytes in {} s", after.as_secs())]
    Slow {
        /// The bytes that were received.
        received: usize,
        /// The time since the request was sent.
        after: Duration,
    },
    /// An error of a kube client that the caller provided.
    #[error("the request failed: {}", reason.escaped())]
    Other {
        /// The error.
        reason: Untrusted,
    },
}

impl TransportError {
    /// Returns whether the same request may succeed later without any change.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::NameNotFound { .. }
            | Self::Refused { .. }
            | Self::ConnectTimeout { .. }
            | Self::NoRoute { .. }
            | Self::Lost { .. }
            | Self::Silent
            | Self::Slow { .. }
            | Self::Other { .. } => true,
            Self::ForeignAuthority { .. }
            | Self::WrongName { .. }
            | Self::ServerCertificateExpired { .. }
            | Self::ServerCertificateNotYetValid { .. }
            | Self::ClientCertificateRefused { .. }
            | Self::NotTls { .. }
            | Self::Tls { .. } => false,
        }
    }

    /// Returns whether the request may have reached the cluster.
    pub(crate) fn is_after_request(&self) -> bool {
        matches!(self, Self::Lost { .. } | Self::Silent | Self::Slow { .. } | Self::Other { .. })
    }

    /// Classifies an error of a TCP connection.
    pub(crate) fn of_connect(server: &str, error: io::Error) -> Self {
        let server = Untrusted::new(server);
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::Refused { server },
            _ => Self::NoRoute { server, source: error },
        }
    }

    /// Classifies an error of a TLS handshake.
    pub(crate) fn of_handshake(server: &str, error: io::Error) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        let Some(reason) = inner.cloned() else {
            // A server that restarts, or a load balancer without a backend, closes the connection.
            return Self::NoRoute { server: Untrusted::new(server), source: error };
        };
        let server = Untrusted::new(server);
        Self::of_tls(server, &reason)
    }

    fn of_tls(server: Untrusted, reason: &rustls::Error) -> Self {
        match reason {
            rustls::Error::InvalidCertificate(certificate) => match certificate {
                CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                    Self::ForeignAuthority { server }
                }
                CertificateError::NotValidForName => {
                    Self::WrongName { server, presented: Untrusted::new("another name") }
                }
                CertificateError::NotValidForNameContext { presented, .. } => {
                    let names: Vec<&str> = presented.iter().map(|name| bare_name(name)).collect();
                    Self::WrongName { server, presented: Untrusted::new(names.join(", ")) }
                }
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                    Self::ServerCertificateExpired { server }
                }
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                    Self::ServerCertificateNotYetValid { server }
                }
                other => Self::Tls { server, reason: Untrusted::new(other.to_string()) },
            },
            rustls::Error::InvalidMessage(_) => Self::NotTls { server },
            rustls::Error::AlertReceived(alert) => Self::of_alert(*alert)
                .unwrap_or_else(|| Self::Tls { server, reason: Untrusted::new(reason.to_string()) }),
            other => Self::Tls { server, reason: Untrusted::new(other.to_string()) },
        }
    }

    /// Classifies an error of sending a request or reading its response.
    pub(crate) fn of_exchange(error: &(dyn StdError + 'static)) -> Self {
        let mut reasons: Vec<String> = Vec::new();
        let mut next = Some(error);
        while let Some(error) = next {
            if error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_timeout) {
                return Self::Silent;
            }
            next = error.source();
            // kube's wrapper only repeats its source.
            if matches!(error.downcast_ref::<kube::Error>(), Some(kube::Error::Service(_))) {
                continue;
            }
            let text = without_link(&error.to_string());
            if !reasons.iter().any(|known| known.contains(&text)) {
                reasons.push(text);
            }
        }
        let reason = reasons.join(": ");
        alert_of(&reason).and_then(Self::of_alert).unwrap_or(Self::Lost { reason: Untrusted::new(reason) })
    }

    /// Classifies an error of a kube client that the caller provided.
    pub(crate) fn of_foreign(error: &(dyn StdError + 'static)) -> Self {
        const SERVER: &str = "the cluster's API server";
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(io) = error.downcast_ref::<io::Error>() {
                if let Some(reason) = io.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
                    return Self::of_tls(Untrusted::new(SERVER), reason);
                }
                if io.kind() == io::ErrorKind::ConnectionRefused {
                    return Self::Refused { server: Untrusted::new(SERVER) };
                }
            }
            next = error.source();
        }
        match Self::of_exchange(error) {
            Self::Lost { reason } => Self::Other { reason },
            known => known,
        }
    }

    fn of_alert(alert: AlertDescription) -> Option<Self> {
        let is_about_the_certificate = matches!(
            alert,
            AlertDescription::NoCertificate
                | AlertDescription::BadCertificate
                | AlertDescription::UnsupportedCertificate
                | AlertDescription::CertificateRevoked
                | AlertDescription::CertificateExpired
                | AlertDescription::CertificateUnknown
                | AlertDescription::CertificateUnobtainable
                | AlertDescription::CertificateRequired
                | AlertDescription::UnknownCA
                | AlertDescription::AccessDenied
                | AlertDescription::DecryptError
        );
        is_about_the_certificate
            .then(|| Self::ClientCertificateRefused { alert: Untrusted::new(format!("{alert:?}")) })
    }
}

/// Returns the alert of TLS in an error's text, `received fatal alert: CertificateExpired` (rustls 0.23).
///
/// With TLS 1.3 the server rejects a client certificate only after the handshake, and h2 keeps only the text of the error.
fn alert_of(text: &str) -> Option<AlertDescription> {
    let name = text.split("received fatal alert: ").nth(1)?.split([':', ' ']).next()?;
    (0..=u8::MAX).map(AlertDescription::from).find(|alert| format!("{alert:?}") == name)
}

/// Returns the name in rustls' `DnsName("example.org")`.
fn bare_name(name: &str) -> &str {
    name.split_once("(\"").and_then(|(_, rest)| rest.strip_suffix("\")")).unwrap_or(name)
}

/// Returns a message without the link to documentation that rustls appends.
fn without_link(message: &str) -> String {
    message.split(": https://").next().unwrap_or(message).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn library_wrappers_are_left_out() {
        assert_eq!(bare_name("DnsName(\"elsewhere.example\")"), "elsewhere.example");
        assert_eq!(bare_name("192.0.2.1"), "192.0.2.1");
        let eof = io::Error::other("peer closed connection: https://docs.rs/rustls/#unexpected-eof");
        let error = kube::Error::Service(eof.into());
        let lost = TransportError::of_exchange(&error).to_string();
        assert_eq!(lost, "the connection to the cluster was lost: peer closed connection");
    }
}
