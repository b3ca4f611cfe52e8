//! The body of a response: collected within bounds, parsed, and described if it is not what was requested.

use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use kube::client::Body;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use tokio::time::{Instant, timeout_at};
use toolforge_model::Untrusted;

use crate::Error;
use crate::foreign::describe_foreign;
use crate::request_limits::Times;
use crate::request_name::name;
use crate::transport::TransportError;

/// The number of characters of an unexpected response that are quoted.
const QUOTED: usize = 40;

/// Collects the body of a response to a request that was sent at `start`, of at most `limit` bytes.
pub(crate) async fn collect(
    mut body: Body,
    request: &Request<Bytes>,
    (times, start, limit): (&Times, Instant, usize),
) -> Result<Bytes, Error> {
    let too_large = || Error::TooLarge { request: name(request), limit };
    // A length that the server states.
    if body.size_hint().lower() > u64::try_from(limit).unwrap_or(u64::MAX) {
        return Err(too_large());
    }
    let mut bytes = BytesMut::new();
    loop {
        let deadline = times.deadline(request, start, bytes.len());
        let frame = match timeout_at(deadline, body.frame()).await {
            Ok(Some(frame)) => frame.map_err(|error| TransportError::of_exchange(&error))?,
            Ok(None) => return Ok(bytes.freeze()),
            Err(_) => return Err(times.too_late(start, bytes.len()).into()),
        };
        if let Some(data) = frame.data_ref() {
            if bytes.len() + data.len() > limit {
                return Err(too_large());
            }
            bytes.extend_from_slice(data);
            times.add(data.len());
        }
    }
}

/// Reads the JSON of a response.
pub(crate) fn read_json<T: DeserializeOwned>(
    request: &Request<Bytes>,
    answer: &Response<Bytes>,
) -> Result<T, Error> {
    serde_json::from_slice(answer.body()).map_err(|error| {
        let reason = match (error.classify(), describe_foreign(answer.headers(), answer.body())) {
            (_, Some(foreign)) => foreign,
            (Category::Eof, None) => Untrusted::new(format!("it ends after {} bytes", answer.body().len())),
            (Category::Data, None) => Untrusted::new(error.to_string()),
            (Category::Syntax | Category::Io, None) => {
                let text = String::from_utf8_lossy(answer.body());
                let beginning: String = text.chars().take(QUOTED).collect();
                Untrusted::new(format!("it is not JSON; it begins with `{beginning}`"))
            }
        };
        Error::Malformed { request: name(request), reason }
    })
}

#[cfg(test)]
mod tests {
    use http::header::CONTENT_TYPE;
    use serde_json::Value;

    use super::*;

    fn reason(content_type: &str, body: &str) -> String {
        let answer = Response::builder().header(CONTENT_TYPE, content_type);
        let answer = answer.body(Bytes::copy_from_slice(body.as_bytes())).unwrap();
        read_json::<Value>(&Request::new(Bytes::new()), &answer).unwrap_err().to_string()
    }

    #[test]
    fn unexpected_answers_are_described() {
        for (content_type, body, expected) in [
            ("text/html; charset=utf-8", "please log in", "it is an HTML page; is a proxy in between?"),
            ("application/json", "\n<html>", "it is an HTML page; is a proxy in between?"),
            ("application/json", "", "it is empty"),
            ("application/json", "{\"items\": [", "it ends after 11 bytes"),
            ("text/plain", "no \u{1b}backend", "it is not JSON; it begins with `no \\u{1b}backend`"),
        ] {
            let found = reason(content_type, body);
            assert_eq!(found, format!("cannot read the response to GET /: {expected}"));
        }
    }
}
