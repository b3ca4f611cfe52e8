use http::Request;
use jiff::Timestamp;
use kube::core::request;
use toolforge_model::Untrusted;

use crate::connect::CredentialSource;
use crate::request_limits::is_read;
use crate::status::{ApiStatus, StatusKind};
use crate::transport::TransportError;

/// Why a request to the cluster did not succeed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The API server refused the request.
    #[error("{0}")]
    Api(Box<ApiStatus>),
    /// There was no response.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// A request that writes may have been applied: its response was lost, cannot be read, or does not say.
    #[error(transparent)]
    OutcomeUnknown(Box<Self>),
    /// The API server does not know the caller, and the client certificate has expired.
    #[error("the client certificate {origin} expired at {not_after}")]
    CertificateExpired {
        /// The source of the certificate.
        origin: CredentialSource,
        /// The last moment at which it is valid.
        not_after: Timestamp,
    },
    /// The response cannot be parsed.
    #[error("cannot read the response to {}: {}", request.escaped(), reason.escaped())]
    Malformed {
        /// The request's method and path.
        request: Untrusted,
        /// What is wrong with the response.
        reason: Untrusted,
    },
    /// The response is a redirect; credentials are not sent elsewhere.
    #[error("the response to {} redirects to {}; redirects are not followed", request.escaped(), location.quoted())]
    Redirected {
        /// The request's method and path.
        request: Untrusted,
        /// The target of the redirect.
        location: Untrusted,
    },
    /// The response is larger than a client accepts.
    #[error("the response to {} has more than {limit} bytes", request.escaped())]
    TooLarge {
        /// The request's method and path.
        request: Untrusted,
        /// The limit in bytes.
        limit: usize,
    },
    /// A name cannot be a segment of a path.
    #[error("{} cannot be used as a name in an API path", name.quoted())]
    InvalidName {
        /// The name.
        name: Untrusted,
    },
    /// The request cannot be built from its parameters.
    #[error("the request cannot be built: {}", reason.escaped())]
    InvalidRequest {
        /// What is wrong with it.
        reason: Untrusted,
    },
}

impl Error {
    /// Returns the refusal of the API server, if it is one.
    #[must_use]
    pub fn api_status(&self) -> Option<&ApiStatus> {
        match self {
            Self::Api(status) => Some(status),
            Self::OutcomeUnknown(error) => error.api_status(),
            Self::Transport(_)
            | Self::CertificateExpired { .. }
            | Self::Malformed { .. }
            | Self::Redirected { .. }
            | Self::TooLarge { .. }
            | Self::InvalidName { .. }
            | Self::InvalidRequest { .. } => None,
        }
    }

    /// Returns whether the request writes and may have been applied: its response was lost, or does not say.
    #[must_use]
    pub fn outcome_unknown(&self) -> bool {
        matches!(self, Self::OutcomeUnknown(_))
    }

    /// Returns the error of a request.
    pub(crate) fn of_request<B>(self, request: &Request<B>) -> Self {
        let may_be_applied = match &self {
            Self::Api(status) => {
                matches!(status.kind(), StatusKind::Timeout | StatusKind::Internal) || status.code() == 502
            }
            Self::Transport(error) => error.is_after_request(),
            Self::Malformed { .. } | Self::TooLarge { .. } => true,
            Self::OutcomeUnknown(_)
            | Self::CertificateExpired { .. }
            | Self::Redirected { .. }
            | Self::InvalidName { .. }
            | Self::InvalidRequest { .. } => false,
        };
        if may_be_applied && !is_read(request) { Self::OutcomeUnknown(Box::new(self)) } else { self }
    }

    /// Returns whether the same request may succeed later.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Api(status) => matches!(
                status.kind(),
                StatusKind::Gone
                    | StatusKind::TooManyRequests
                    | StatusKind::Unavailable
                    | StatusKind::Timeout
                    | StatusKind::Internal
            ),
            Self::Transport(error) => error.is_transient(),
            Self::OutcomeUnknown(error) => error.is_transient(),
            Self::CertificateExpired { .. }
            | Self::Malformed { .. }
            | Self::Redirected { .. }
            | Self::TooLarge { .. }
            | Self::InvalidName { .. }
            | Self::InvalidRequest { .. } => false,
        }
    }

    /// Returns whether the API server says that the object does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.api_status().is_some_and(|status| *status.kind() == StatusKind::NotFound)
    }

    /// Returns whether the API server says that the user is not authorized.
    #[must_use]
    pub fn is_forbidden(&self) -> bool {
        self.api_status().is_some_and(ApiStatus::is_forbidden)
    }

    /// Returns whether a resource version or continue token has expired.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.api_status().is_some_and(|status| *status.kind() == StatusKind::Gone)
    }
}

impl From<request::Error> for Error {
    fn from(error: request::Error) -> Self {
        Self::InvalidRequest { reason: Untrusted::new(error.to_string()) }
    }
}

impl From<kube::Error> for Error {
    /// Returns an error of a request that was made through [`Client::kube`](crate::Client::kube).
    fn from(error: kube::Error) -> Self {
        let unread = |reason: String| Self::Malformed {
            request: Untrusted::new("the request"),
            reason: Untrusted::new(reason),
        };
        match error {
            kube::Error::Api(status) => Self::Api(Box::new(ApiStatus::of_kube(&status))),
            kube::Error::BuildRequest(error) => error.into(),
            kube::Error::SerdeError(error) => unread(error.to_string()),
            kube::Error::FromUtf8(error) => unread(error.to_string()),
            kube::Error::UpgradeConnection(_) => {
                unread("the server does not support the protocol for running commands".to_owned())
            }
            kube::Error::Service(error) => match error.downcast::<Self>() {
                Ok(error) => *error,
                Err(error) => match error.downcast::<TransportError>() {
                    Ok(error) => Self::Transport(*error),
                    Err(error) => TransportError::of_foreign(&*error).into(),
                },
            },
            error => TransportError::of_foreign(&error).into(),
        }
    }
}
