use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use rustls::CertificateError;
use toolforge_model::Untrusted;

/// Why a request did not reach the cluster, or its answer did not come back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// The host name has no address.
    #[error("the address of {} cannot be found", host.quoted())]
    NameNotFound {
        /// The host name.
        host: Untrusted,
        /// What the resolver says.
        #[source]
        source: io::Error,
    },
    /// The machine is there, and nothing listens on the port.
    #[error("{} refuses the connection: nothing listens there", server.escaped())]
    Refused {
        /// The host and port.
        server: Untrusted,
    },
    /// No connection came about in time.
    #[error("{} did not answer within {} ms", server.escaped(), after.as_millis())]
    ConnectTimeout {
        /// The host and port.
        server: Untrusted,
        /// How long was waited.
        after: Duration,
    },
    /// There is no way to the machine.
    #[error("{} cannot be reached", server.escaped())]
    NoRoute {
        /// The host and port.
        server: Untrusted,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The server's certificate was signed by another authority than the kubeconfig's.
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
    /// The server ends the TLS conversation because of the client certificate.
    #[error("the server refuses the client certificate: {}", alert.escaped())]
    ClientCertificateRefused {
        /// The server's alert, like `CertificateExpired`.
        alert: Untrusted,
    },
    /// What answers does not speak TLS.
    #[error("{} does not speak TLS; is its address right?", server.escaped())]
    NotTls {
        /// The host and port.
        server: Untrusted,
    },
    /// Any other fault of TLS.
    #[error("no TLS connection to {}: {}", server.escaped(), reason.escaped())]
    Tls {
        /// The host and port.
        server: Untrusted,
        /// What is wrong.
        reason: Untrusted,
    },
    /// The connection stood, and was lost before the answer was complete.
    #[error("the connection to the cluster was lost: {}", reason.escaped())]
    Lost {
        /// What is known of it.
        reason: Untrusted,
    },
    /// The connection stands, and the server is silent.
    #[error("the cluster stopped answering")]
    Silent,
    /// A fault of a connection that the caller brought along.
    #[error("the request failed: {}", reason.escaped())]
    Other {
        /// What is known of it.
        reason: Untrusted,
    },
}

impl TransportError {
    /// Returns whether the same request may succeed a little later, without anything being set right.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::NameNotFound { .. }
            | Self::Refused { .. }
            | Self::ConnectTimeout { .. }
            | Self::NoRoute { .. }
            | Self::Lost { .. }
            | Self::Silent
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
        matches!(self, Self::Lost { .. } | Self::Silent | Self::Other { .. })
    }

    /// Returns what failed while a TCP connection was made.
    pub(crate) fn of_connect(server: &str, error: io::Error) -> Self {
        let server = Untrusted::new(server);
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::Refused { server },
            _ => Self::NoRoute { server, source: error },
        }
    }

    /// Returns what failed while TLS was agreed upon.
    pub(crate) fn of_handshake(server: &str, error: io::Error) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        let Some(reason) = inner.cloned() else {
            // A server that restarts, or a balancer without one behind it, ends the connection.
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
                    Self::WrongName { server, presented: Untrusted::new(presented.join(", ")) }
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
            rustls::Error::AlertReceived(alert) => Self::of_alert(&format!("{alert:?}"))
                .unwrap_or_else(|| Self::Tls { server, reason: Untrusted::new(reason.to_string()) }),
            other => Self::Tls { server, reason: Untrusted::new(other.to_string()) },
        }
    }

    /// Returns what failed while a request was sent or its answer read.
    pub(crate) fn of_exchange(error: &(dyn StdError + 'static)) -> Self {
        let mut reasons: Vec<String> = Vec::new();
        let mut next = Some(error);
        while let Some(error) = next {
            if error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_timeout) {
                return Self::Silent;
            }
            let text = error.to_string();
            if !reasons.iter().any(|known| known.contains(&text)) {
                reasons.push(text);
            }
            next = error.source();
        }
        let reason = reasons.join(": ");
        // With TLS 1.3 the server refuses a client certificate only after the handshake, and h2 keeps no more
        // of that than rustls' text: "received fatal alert: CertificateExpired".
        let alert =
            reason.split("received fatal alert: ").nth(1).and_then(|rest| rest.split([':', ' ']).next());
        alert.and_then(Self::of_alert).unwrap_or(Self::Lost { reason: Untrusted::new(reason) })
    }

    /// Returns what failed in a connection that the caller brought along.
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

    fn of_alert(alert: &str) -> Option<Self> {
        let is_about_the_certificate =
            alert.contains("Certificate") || matches!(alert, "UnknownCA" | "AccessDenied" | "DecryptError");
        is_about_the_certificate.then(|| Self::ClientCertificateRefused { alert: Untrusted::new(alert) })
    }
}
