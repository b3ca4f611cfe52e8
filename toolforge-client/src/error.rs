use crate::refusal::{Refusal, RefusalKind};
use crate::transport::ConnectError;

/// Why a request has no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// No connection was made; nothing was sent.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The API server refused the request.
    #[error("the cluster refused: {}", .0.message().escaped())]
    Refused(Refusal),
    /// The connection broke before the answer was whole; whether a change was made is not known.
    #[error("the connection to the API server broke off")]
    Broken {
        /// What the connection says.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// There was no answer in time; whether a change was made is not known.
    #[error("the API server did not answer within {seconds} seconds")]
    NoAnswer {
        /// How long was waited.
        seconds: u64,
    },
    /// The answer is not what the API promises.
    #[error("the API server's answer to {request} cannot be understood")]
    NotUnderstood {
        /// The request's method and path.
        request: String,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
}

impl ClientError {
    /// Returns the API server's refusal, where that is what it is.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            Self::Connect(_) | Self::Broken { .. } | Self::NoAnswer { .. } | Self::NotUnderstood { .. } => {
                None
            }
        }
    }

    /// Returns whether a change that was asked for may have been made all the same.
    #[must_use]
    pub fn may_have_happened(&self) -> bool {
        match self {
            Self::Broken { .. } | Self::NoAnswer { .. } | Self::NotUnderstood { .. } => true,
            Self::Connect(_) => false,
            // Behind an internal error the change may have been stored, but not behind a webhook that did not answer.
            Self::Refused(refusal) => {
                refusal.code() >= 500
                    && !refusal.is_passing()
                    && !matches!(refusal.kind(), RefusalKind::Webhook { .. })
            }
        }
    }
}
