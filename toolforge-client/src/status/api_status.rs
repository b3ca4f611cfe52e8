use std::fmt;
use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderMap, Response, StatusCode};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Status;
use kube::client::Body;
use serde_json::Value;
use toolforge_model::Untrusted;

use crate::foreign::describe_foreign;
use crate::status::refusal::StatusKind;

/// The maximum length of a message in characters, if the response is not a `Status`.
const TEXT_LIMIT: usize = 1000;

/// The longest wait in seconds that a server can ask for.
const LONGEST_WAIT: u64 = 3600;

/// A refusal of the API server: its `Status`, and what it means.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiStatus {
    kind: StatusKind,
    code: u16,
    reason: Untrusted,
    message: Untrusted,
    object_kind: Untrusted,
    retry_after: Option<Duration>,
    /// The original.
    status: Box<Status>,
}

impl ApiStatus {
    /// Reads a response with an HTTP code of an error.
    pub(crate) fn of_answer(code: u16, headers: &HeaderMap, body: &[u8]) -> Self {
        let waits = |text: &str| text.trim().parse::<u64>().ok();
        let header = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()).and_then(waits);
        let status = serde_json::from_slice::<Value>(body)
            .ok()
            .filter(|document| document["kind"] == "Status")
            .and_then(|document| serde_json::from_value(document).ok())
            .unwrap_or_else(|| Status { message: Some(message_of(headers, body)), ..Status::default() });
        Self::of_status(status, code, header)
    }

    /// Reads a `Status`, also of a watch's `ERROR` frame.
    pub(crate) fn of_status(status: Status, code: u16, retry_after: Option<u64>) -> Self {
        let original = Box::new(status.clone());
        let Status { message, reason, code: stated, details, metadata: _, status: _ } = status;
        let details = details.unwrap_or_default();
        let (reason, message) = (reason.unwrap_or_default(), message.unwrap_or_default());
        let object_kind = details.kind.unwrap_or_default();
        let stated = stated.and_then(|code| u16::try_from(code).ok());
        let code = if code >= 400 { code } else { stated.unwrap_or(500) };
        let wait =
            retry_after.or_else(|| u64::try_from(details.retry_after_seconds?).ok().filter(|&wait| wait > 0));
        let is_terminating = details
            .causes
            .iter()
            .flatten()
            .any(|cause| cause.reason.as_deref() == Some("NamespaceTerminating"));
        let kind = if is_terminating {
            StatusKind::NamespaceTerminating
        } else {
            StatusKind::of(code, &reason, &message, &object_kind)
        };
        Self {
            kind,
            code,
            reason: reason.into(),
            message: message.into(),
            object_kind: object_kind.into(),
            retry_after: wait.map(|seconds| Duration::from_secs(seconds.min(LONGEST_WAIT))),
            status: original,
        }
    }

    /// Reads a `Status` as kube does.
    pub(crate) fn of_kube(status: &kube::core::Status) -> Self {
        let document = serde_json::to_value(status).and_then(serde_json::from_value::<Status>);
        Self::of_status(document.unwrap_or_default(), status.code, None)
    }

    /// Returns the response from which kube reads the refusal: a `Status`, with the facts that only the headers contained.
    pub(crate) fn into_response(self) -> Response<Body> {
        let Self { code, retry_after, status, .. } = self;
        let mut status = *status;
        status.code = Some(code.into());
        if let Some(seconds) = retry_after.and_then(|wait| i32::try_from(wait.as_secs()).ok()) {
            status.details.get_or_insert_default().retry_after_seconds = Some(seconds);
        }
        // A `Status` has only text keys.
        let body = serde_json::to_vec(&status).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        response
    }

    /// Returns the kind of the refusal.
    #[must_use]
    pub fn kind(&self) -> &StatusKind {
        &self.kind
    }

    /// Returns whether the user is not authorized.
    #[must_use]
    pub fn is_forbidden(&self) -> bool {
        matches!(self.kind, StatusKind::Forbidden { .. })
    }

    /// Returns the HTTP code.
    #[must_use]
    pub fn code(&self) -> u16 {
        self.code
    }

    /// Returns the reason, like `Forbidden`; empty for some refusals, like those of a webhook.
    #[must_use]
    pub fn reason(&self) -> &Untrusted {
        &self.reason
    }

    /// Returns the message.
    #[must_use]
    pub fn message(&self) -> &Untrusted {
        &self.message
    }

    /// Returns the resource that the refusal is about, like `deployments`; may be empty.
    #[must_use]
    pub fn object_kind(&self) -> &Untrusted {
        &self.object_kind
    }

    /// Returns the paths of the fields that the refusal is about, like `spec.ports[0].name`.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        let details = self.status.details.as_ref();
        let causes = details.and_then(|details| details.causes.as_deref()).unwrap_or_default();
        causes.iter().filter_map(|cause| cause.field.as_deref())
    }

    /// Returns how long the server asks to wait; at most an hour.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

/// Returns the message of a response that is not a `Status`.
fn message_of(headers: &HeaderMap, body: &[u8]) -> String {
    match describe_foreign(headers, body) {
        Some(foreign) => format!("the response does not come from the API server: {}", foreign.as_raw()),
        None => String::from_utf8_lossy(body).trim().chars().take(TEXT_LIMIT).collect(),
    }
}

impl fmt::Display for ApiStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the cluster refuses")?;
        let reason =
            if self.reason.is_empty() { String::new() } else { format!("{} ", self.reason.escaped()) };
        write!(f, " ({reason}{})", self.code)?;
        if self.message.is_empty() { Ok(()) } else { write!(f, ": {}", self.message.escaped()) }
    }
}

impl std::error::Error for ApiStatus {}
