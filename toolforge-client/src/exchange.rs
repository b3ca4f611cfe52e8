//! One request and its answer: sent again where that helps, limited in size and time, and refusals understood.
//!
//! The client's own methods use [`Exchange`] directly. As a tower service it is also the layer below the
//! [`kube::Client`] that [`Client::kube`](crate::Client::kube) returns, so that requests of `kube::Api` are treated alike.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, DATE, LOCATION, UPGRADE};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use jiff::Timestamp;
use kube::client::Body;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep, timeout};
use toolforge_model::Untrusted;
use tower_service::Service;

use crate::Error;
use crate::connect::ClientCertificate;
use crate::retry::{Idempotency, RetryPolicy};
use crate::status::{ApiStatus, StatusKind};
use crate::transport::TransportError;

/// The maximum size of an answer in bytes: a page of 500 pods has about 5 MB, one object at most etcd's 1.5 MB.
const ANSWER_LIMIT: usize = 64 * 1024 * 1024;

/// The time from the first to the last byte of an answer.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);

/// Sends requests through another kube client.
#[derive(Clone)]
pub(crate) struct Exchange {
    pub(crate) inner: kube::Client,
    pub(crate) certificate: Option<ClientCertificate>,
    pub(crate) retry: RetryPolicy,
}

impl Exchange {
    /// Sends a request, again where that helps, and reads the JSON of its answer.
    pub(crate) async fn json<T: DeserializeOwned>(&self, request: Request<Vec<u8>>) -> Result<T, Error> {
        let request = request.map(Bytes::from);
        let answer = self.send(&request).await?;
        read_json(&request, answer.body())
    }

    /// Sends a request, again where that helps, and returns its whole answer.
    ///
    /// # Errors
    /// When there is no answer, or it is a refusal.
    pub(crate) async fn send(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, Error> {
        let start = Instant::now();
        let idempotency = Idempotency::of(request);
        let mut attempt = 0;
        loop {
            let error = match self.attempt(request).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            match self.retry.wait(&error, idempotency, attempt) {
                Some(wait) if start.elapsed().saturating_add(wait) <= self.retry.deadline => {
                    sleep(wait).await;
                }
                _ => return Err(error),
            }
            attempt += 1;
        }
    }

    async fn attempt(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, Error> {
        let (parts, body) = self.open(request).await?.into_parts();
        let body = collect(body, request).await?;
        Ok(Response::from_parts(parts, body))
    }

    /// Sends a request once and returns its answer, whose body is still to be read, without a limit.
    ///
    /// # Errors
    /// When there is no answer, or it is a refusal.
    pub(crate) async fn open(&self, request: &Request<Bytes>) -> Result<Response<Body>, Error> {
        let response = self.inner.send(prepare(request)?).await?;
        if response.status().is_success() || response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return Ok(response);
        }
        Err(self.refused(response, request).await)
    }

    async fn refused(&self, response: Response<Body>, request: &Request<Bytes>) -> Error {
        let (parts, body) = response.into_parts();
        if parts.status.is_redirection() {
            let location = parts.headers.get(LOCATION).map(|value| String::from_utf8_lossy(value.as_bytes()));
            let location = Untrusted::new(location.unwrap_or_default());
            return Error::Redirected { request: name(request), location };
        }
        let body = match collect(body, request).await {
            Ok(body) => body,
            Err(error) => return error,
        };
        let refusal = ApiStatus::of_answer(parts.status.as_u16(), &parts.headers, &body);
        if *refusal.kind() == StatusKind::Unauthorized
            && let Some(expired) = self.expired_certificate(&parts.headers)
        {
            return expired;
        }
        Error::Api(Box::new(refusal))
    }

    /// Returns the error for a certificate that has expired by the server's clock, the likely reason why the server does not
    /// accept it.
    fn expired_certificate(&self, headers: &HeaderMap) -> Option<Error> {
        let certificate = self.certificate.as_ref()?;
        let now = server_time(headers).unwrap_or_else(Timestamp::now);
        let not_after = certificate.not_after();
        (now > not_after)
            .then(|| Error::CertificateExpired { origin: certificate.origin().clone(), not_after })
    }
}

impl Service<Request<Body>> for Exchange {
    type Response = Response<Body>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let exchange = self.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.map_err(|error| TransportError::of_foreign(&error))?;
            let request = Request::from_parts(parts, body.to_bytes());
            let answer = if is_stream(&request) {
                exchange.open(&request).await
            } else {
                exchange.send(&request).await.map(|answer| answer.map(Body::from))
            };
            match answer {
                // kube reads refusals itself, from a `Status`: `Api::get_opt` looks at its code.
                Err(Error::Api(refusal)) => Ok(refusal.into_response()),
                answer => answer,
            }
        })
    }
}

/// Returns the method, path and query of a request.
pub(crate) fn name<B>(request: &Request<B>) -> Untrusted {
    let path = request.uri().path_and_query().map_or("/", PathAndQuery::as_str);
    Untrusted::new(format!("{} {}", request.method(), tidy(path)))
}

/// Reads the JSON of an answer.
pub(crate) fn read_json<T: DeserializeOwned>(request: &Request<Bytes>, body: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(body).map_err(|error| Error::Malformed {
        request: name(request),
        reason: Untrusted::new(error.to_string()),
    })
}

/// Returns the time on the server's clock, in whole seconds, if the answer states it.
pub(crate) fn server_time(headers: &HeaderMap) -> Option<Timestamp> {
    let date = headers.get(DATE)?.to_str().ok()?;
    jiff::fmt::rfc2822::parse(date).ok().map(|moment| moment.timestamp())
}

/// Returns the request as it is sent. A path with `.` or `..` is refused: a server or a proxy could resolve it.
fn prepare(request: &Request<Bytes>) -> Result<Request<Body>, Error> {
    let path = request.uri().path_and_query().map_or("/", PathAndQuery::as_str);
    let invalid = || Error::InvalidName { name: Untrusted::new(path) };
    if request.uri().path().split('/').any(|segment| matches!(segment, "." | "..")) {
        return Err(invalid());
    }
    let mut prepared = request.clone().map(Body::from);
    *prepared.uri_mut() = tidy(path).parse::<Uri>().map_err(|_| invalid())?;
    prepared.headers_mut().entry(ACCEPT).or_insert(HeaderValue::from_static("application/json"));
    Ok(prepared)
}

/// Returns a path without what kube's request builder leaves in it: `?` before nothing and `?&`.
fn tidy(path: &str) -> String {
    let path = path.replacen("?&", "?", 1);
    path.strip_suffix('?').map(str::to_owned).unwrap_or(path)
}

/// Returns whether an answer is read while it is written: a watch, a log that is followed, another protocol.
fn is_stream(request: &Request<Bytes>) -> bool {
    let query = request.uri().query().unwrap_or_default();
    let mut parameters = query.split('&').filter_map(|parameter| parameter.split_once('='));
    request.headers().contains_key(UPGRADE)
        || parameters.any(|(name, value)| matches!(name, "watch" | "follow") && matches!(value, "true" | "1"))
}

async fn collect(body: Body, request: &Request<Bytes>) -> Result<Bytes, Error> {
    let limited = Limited::new(body, ANSWER_LIMIT);
    match timeout(BODY_TIMEOUT, limited.collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Err(Error::TooLarge { request: name(request), limit: ANSWER_LIMIT })
        }
        Ok(Err(error)) => Err(TransportError::of_exchange(&*error).into()),
        Err(_) => Err(TransportError::Silent.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tidy_drops_empty_query_parts() {
        for (path, expected) in [("/p?&limit=500", "/p?limit=500"), ("/p?", "/p"), ("/p", "/p")] {
            assert_eq!(tidy(path), expected);
        }
    }

    #[test]
    fn dot_segments_are_refused() {
        for path in ["/api/v1/namespaces/../pods", "/api/v1/pods/.?&limit=1"] {
            let request = Request::get(path).body(Bytes::new()).unwrap();
            assert!(matches!(prepare(&request), Err(Error::InvalidName { .. })), "{path}");
        }
    }

    #[test]
    fn watches_and_followed_logs_are_streams() {
        let is_stream = |path: &str| is_stream(&Request::get(path).body(Bytes::new()).unwrap());
        assert!(is_stream("/p?&watch=true&timeoutSeconds=290"));
        assert!(is_stream("/p/log?follow=true"));
        assert!(!is_stream("/p?labelSelector=watch%3Dtrue"));
    }
}
