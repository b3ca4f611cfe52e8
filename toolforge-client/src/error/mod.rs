//! What a request can come to besides its answer.

mod kind;
mod refusal;

pub use kind::{Denied, Exceeded, RefusalKind};
pub use refusal::Refusal;

use jiff::Timestamp;
use toolforge_model::Untrusted;

use crate::connect::Place;
use crate::transport::TransportError;

/// Why a request to the cluster did not succeed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The API server answered, and said no.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// There was no answer.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The API server does not know the caller, and the client certificate's time is over.
    #[error("the client certificate {place} expired at {not_after}")]
    CertificateExpired {
        /// Where the certificate stands.
        place: Place,
        /// Its last moment.
        not_after: Timestamp,
    },
    /// The answer is not what was asked for.
    #[error("the answer to {} cannot be read: {}", request.escaped(), reason.escaped())]
    Malformed {
        /// The request's method and path.
        request: Untrusted,
        /// What is wrong with the answer.
        reason: Untrusted,
    },
    /// The answer sends elsewhere; credentials are not carried there.
    #[error("the answer to {} leads elsewhere, to {}; that is not followed", request.escaped(), location.quoted())]
    Redirected {
        /// The request's method and path.
        request: Untrusted,
        /// Where the answer leads.
        location: Untrusted,
    },
    /// The answer has more bytes than a client should hold.
    #[error("the answer to {} has more than {limit} bytes", request.escaped())]
    TooLarge {
        /// The request's method and path.
        request: Untrusted,
        /// The most bytes that are read.
        limit: usize,
    },
    /// A name cannot stand in a path.
    #[error("{} cannot be a name in a path of the API", name.quoted())]
    InvalidName {
        /// The name.
        name: Untrusted,
    },
}

impl Error {
    /// Returns the API server's refusal, where there is one.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            Self::Transport(_)
            | Self::CertificateExpired { .. }
            | Self::Malformed { .. }
            | Self::Redirected { .. }
            | Self::TooLarge { .. }
            | Self::InvalidName { .. } => None,
        }
    }

    /// Returns whether a request that writes may have been carried out in spite of the error: the answer was
    /// lost, or does not say.
    #[must_use]
    pub fn may_have_happened(&self) -> bool {
        match self {
            Self::Refused(refusal) => matches!(refusal.kind(), RefusalKind::Timeout),
            Self::Transport(error) => error.is_after_request(),
            Self::Malformed { .. } | Self::TooLarge { .. } => true,
            Self::CertificateExpired { .. } | Self::Redirected { .. } | Self::InvalidName { .. } => false,
        }
    }

    /// Returns whether the same request may succeed a little later.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Refused(refusal) => matches!(
                refusal.kind(),
                RefusalKind::Gone
                    | RefusalKind::TooManyRequests
                    | RefusalKind::Unavailable
                    | RefusalKind::Timeout
                    | RefusalKind::Internal
            ),
            Self::Transport(error) => error.is_passing(),
            Self::CertificateExpired { .. }
            | Self::Malformed { .. }
            | Self::Redirected { .. }
            | Self::TooLarge { .. }
            | Self::InvalidName { .. } => false,
        }
    }

    /// Returns whether the API server says that the object does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.refusal().is_some_and(|refusal| *refusal.kind() == RefusalKind::NotFound)
    }
}
