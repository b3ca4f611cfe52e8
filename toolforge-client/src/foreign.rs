//! Responses that do not come from an API server.

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use toolforge_model::Untrusted;

/// Describes a response that does not come from an API server; `None` if it may.
pub(crate) fn describe_foreign(headers: &HeaderMap, body: &[u8]) -> Option<Untrusted> {
    let content_type = headers.get(CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let is_html = content_type.as_deref().is_some_and(|found| found.starts_with("text/html"))
        || body.trim_ascii_start().starts_with(b"<");
    match content_type {
        _ if is_html => Some(Untrusted::new("it is an HTML page; is a proxy in between?")),
        _ if body.trim_ascii().is_empty() => Some(Untrusted::new("it is empty")),
        _ => None,
    }
}
