//! One request and its response: repeated if that helps, limited in size and time, with refusals parsed.
//!
//! The client's own methods use [`Exchange`] directly. As a tower service it is also the layer below the
//! [`kube::Client`] that [`Client::kube`](crate::Client::kube) returns, so requests of `kube::Api` are treated alike.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, DATE, LOCATION, UPGRADE};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri};
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use kube::client::Body;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use toolforge_model::Untrusted;
use tower_service::Service;

use crate::Error;
use crate::connect::ClientCertificate;
use crate::foreign::describe_foreign;
use crate::request_limits::{
    ANSWER_LIMIT, OBJECT_LIMIT, RequestLimits, SMALL_LIMIT, SharedTime, Times, is_stream,
};
use crate::request_name::{name, tidy};
use crate::response::{collect, read_json};
use crate::retry::{Idempotency, RetryPolicy};
use crate::status::{ApiStatus, StatusKind};
use crate::transport::TransportError;

/// How long to wait for the beginning of a response that is only described in an error.
const DESCRIPTION_TIMEOUT: Duration = Duration::from_secs(1);

/// Sends requests through another kube client.
#[derive(Clone)]
pub(crate) struct Exchange {
    pub(crate) inner: kube::Client,
    pub(crate) certificate: Option<ClientCertificate>,
    pub(crate) retry: RetryPolicy,
    pub(crate) limits: RequestLimits,
    /// The time limit that all read requests share; `None` if each has its own.
    pub(crate) shared_time: Option<Arc<SharedTime>>,
}

impl Exchange {
    /// Sends a request, repeatedly if that helps, and reads the JSON of its response, which is one object.
    pub(crate) async fn json<T: DeserializeOwned>(&self, request: Request<Vec<u8>>) -> Result<T, Error> {
        let request = request.map(Bytes::from);
        let answer = self.send(&request, OBJECT_LIMIT).await?;
        read_json(&request, &answer).map_err(|error| error.of_request(&request))
    }

    /// Sends a request, repeatedly if that helps, and returns its whole response of at most `limit` bytes.
    ///
    /// # Errors
    /// When there is no response, or it is a refusal.
    pub(crate) async fn send(
        &self,
        request: &Request<Bytes>,
        limit: usize,
    ) -> Result<Response<Bytes>, Error> {
        let mut attempts = Attempts::new(request);
        loop {
            match self.attempt(request, limit).await {
                Ok(answer) => return Ok(answer),
                Err(error) => {
                    let error = attempts
                        .pause(&self.retry, self.times().deadline_of_repetition(request), error)
                        .await;
                    error.map_err(|error| error.of_request(request))?;
                }
            }
        }
    }

    async fn attempt(&self, request: &Request<Bytes>, limit: usize) -> Result<Response<Bytes>, Error> {
        let start = Instant::now();
        let (parts, body) = self.open(request).await?.into_parts();
        let body = collect(body, request, (&self.times(), start, limit)).await?;
        Ok(Response::from_parts(parts, body))
    }

    /// Sends a request, repeatedly if that helps, and returns its response, whose body is still to be read.
    async fn open_stream(&self, request: &Request<Bytes>) -> Result<Response<Body>, Error> {
        let mut attempts = Attempts::new(request);
        loop {
            match self.open(request).await {
                Ok(answer) => return Ok(answer),
                Err(error) => attempts.pause(&self.retry, None, error).await?,
            }
        }
    }

    /// Sends a request once and returns its response, whose body is still to be read, without a limit.
    ///
    /// # Errors
    /// When there is no response in time, or it is a refusal.
    pub(crate) async fn open(&self, request: &Request<Bytes>) -> Result<Response<Body>, Error> {
        let (start, times, sent) = (Instant::now(), self.times(), self.inner.send(prepare(request)?));
        let deadline = times.deadline_of_beginning(request, start);
        let response = timeout_at(deadline, sent).await.map_err(|_| times.too_late(start, 0))??;
        let is_upgrade = request.headers().contains_key(UPGRADE);
        match response.status() {
            StatusCode::SWITCHING_PROTOCOLS if is_upgrade => Ok(response),
            status if status.is_success() && !is_upgrade => Ok(response),
            status if status.is_success() => Err(not_upgraded(response, request).await),
            _ => Err(self.refused(response, request).await),
        }
    }

    fn times(&self) -> Times {
        Times { limits: self.limits, shared: self.shared_time.clone() }
    }

    async fn refused(&self, response: Response<Body>, request: &Request<Bytes>) -> Error {
        let (parts, body) = response.into_parts();
        if parts.status.is_redirection() {
            let location = parts.headers.get(LOCATION).map(|value| String::from_utf8_lossy(value.as_bytes()));
            let location = Untrusted::new(location.unwrap_or_default());
            return Error::Redirected { request: name(request), location };
        }
        let times = self.times();
        let bounds = (&times, Instant::now(), SMALL_LIMIT);
        let body = match collect(body, request, bounds).await {
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

/// The attempts at one request.
struct Attempts {
    start: Instant,
    idempotency: Idempotency,
    count: u32,
}

impl Attempts {
    fn new(request: &Request<Bytes>) -> Self {
        Self { start: Instant::now(), idempotency: Idempotency::of(request), count: 0 }
    }

    /// Waits before the next attempt, or returns the error if another one does not help or would begin after the
    /// deadline.
    async fn pause(
        &mut self,
        retry: &RetryPolicy,
        deadline: Option<Instant>,
        error: Error,
    ) -> Result<(), Error> {
        let deadline = deadline.unwrap_or(self.start + retry.deadline).min(self.start + retry.deadline);
        let wait = retry.wait(&error, self.idempotency, self.count);
        let Some(wait) = wait.filter(|wait| Instant::now() + *wait <= deadline) else {
            return Err(error);
        };
        self.count += 1;
        sleep(wait).await;
        Ok(())
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
                exchange.open_stream(&request).await
            } else {
                exchange.send(&request, ANSWER_LIMIT).await.map(|answer| answer.map(Body::from))
            };
            match answer {
                // kube reads refusals itself, from a `Status`: `Api::get_opt` looks at its code.
                Err(Error::Api(refusal)) => Ok(refusal.into_response()),
                Err(Error::OutcomeUnknown(error)) => match *error {
                    Error::Api(refusal) => Ok(refusal.into_response()),
                    error => Err(Error::OutcomeUnknown(Box::new(error))),
                },
                answer => answer,
            }
        })
    }
}

/// Returns the error for a response that does not switch to the protocol of the request.
async fn not_upgraded(mut response: Response<Body>, request: &Request<Bytes>) -> Error {
    let beginning = match timeout(DESCRIPTION_TIMEOUT, response.body_mut().frame()).await {
        Ok(Some(Ok(frame))) => frame.into_data().unwrap_or_default(),
        _ => Bytes::new(),
    };
    let reason = describe_foreign(response.headers(), &beginning).filter(|_| !beginning.is_empty());
    let reason = reason.unwrap_or_else(|| "it does not switch to the protocol for running commands".into());
    Error::Malformed { request: name(request), reason }
}

/// Returns the time on the server's clock, in whole seconds, if the response states it.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dot_segments_are_refused() {
        for path in ["/api/v1/namespaces/../pods", "/api/v1/pods/.?&limit=1"] {
            let request = Request::get(path).body(Bytes::new()).unwrap();
            assert!(matches!(prepare(&request), Err(Error::InvalidName { .. })), "{path}");
        }
    }
}
