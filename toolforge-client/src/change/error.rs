//! Why a change set could not be applied.

use std::time::Duration;

use toolforge_model::Untrusted;
use toolforge_render::change::ChangeSet;
use toolforge_render::object::ObjectId;
use toolforge_render::pod::AdmissionRefusal;

use crate::{ApiStatus, Error, Exceeded, StatusKind};

/// How long a gateway may take to accept a route. After that, a route without a status counts as accepted, as in a
/// cluster without a controller.
pub(crate) const ROUTE_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a change set could not be applied.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApplyError {
    /// A request failed.
    #[error(transparent)]
    Request(#[from] Error),
    /// The changes exceed a quota or a limit; none of them was sent.
    #[error("the changes do not fit: {}", exceeded_lines(set))]
    DoesNotFit {
        /// The changes, with the limits that they exceed.
        set: Box<ChangeSet>,
    },
    /// The command was interrupted between two attempts.
    #[error("interrupted before it was applied again")]
    Interrupted,
    /// The gateway refuses the new route, so the old one was kept.
    #[error("the gateway refuses the new route, so the old one was kept: {}", message.escaped())]
    RouteRefused {
        /// The gateway's message.
        message: Untrusted,
    },
    /// The gateway has not reported yet whether it accepts the changed route, so the old one was kept.
    #[error("the gateway has not accepted the changed route within {} seconds, so the old one was kept", ROUTE_TIMEOUT.as_secs())]
    RouteNotAccepted,
    /// An object was changed, deleted or replaced by somebody else since it was read; it was not written.
    #[error("{id} was changed or deleted by somebody else since it was read")]
    ChangedMeanwhile {
        /// The object.
        id: ObjectId,
    },
    /// A deleted object still exists after the timeout.
    #[error("{id} still exists after {} seconds", timeout.as_secs())]
    StillExists {
        /// The object.
        id: ObjectId,
        /// The timeout.
        timeout: Duration,
    },
}

impl ApplyError {
    /// Returns whether the request may have been applied, because its response was lost.
    #[must_use]
    pub fn outcome_unknown(&self) -> bool {
        match self {
            Self::Request(error) => error.outcome_unknown(),
            Self::DoesNotFit { .. }
            | Self::Interrupted
            | Self::RouteRefused { .. }
            | Self::RouteNotAccepted
            | Self::ChangedMeanwhile { .. }
            | Self::StillExists { .. } => false,
        }
    }

    /// Returns whether the change set may be outdated, because objects were created, changed or deleted since they were read:
    /// another one, planned from the current objects, may succeed.
    pub(crate) fn is_outdated(&self) -> bool {
        match self {
            Self::ChangedMeanwhile { .. } => true,
            Self::Request(error) => match error.api_status().map(ApiStatus::kind) {
                Some(StatusKind::AlreadyExists | StatusKind::Conflict | StatusKind::NotFound) => true,
                Some(_) | None => self.exceeded().next().is_some(),
            },
            Self::DoesNotFit { .. }
            | Self::Interrupted
            | Self::RouteRefused { .. }
            | Self::RouteNotAccepted
            | Self::StillExists { .. } => false,
        }
    }

    /// Returns the resources for which the API server reports an exceeded quota.
    pub(crate) fn exceeded(&self) -> impl Iterator<Item = &Exceeded> {
        let exceeded = match self {
            Self::Request(error) => exceeded_by(error),
            _ => &[],
        };
        exceeded.iter()
    }
}

/// Returns the resources for which the API server reports an exceeded quota.
pub(crate) fn exceeded_by(error: &Error) -> &[Exceeded] {
    match error.api_status().map(ApiStatus::kind) {
        Some(StatusKind::Admission(AdmissionRefusal::Quota { exceeded, .. })) => exceeded,
        _ => &[],
    }
}

/// Returns the limits that changes exceed: at rest, else at the peak.
fn exceeded_lines(set: &ChangeSet) -> String {
    let check = if set.at_rest.fits() { &set.at_peak } else { &set.at_rest };
    check.to_string().replace('\n', "; ")
}
