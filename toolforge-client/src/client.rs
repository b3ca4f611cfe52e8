use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, DATE, LOCATION};
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use jiff::Timestamp;
use kube::client::Body;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep, timeout};
use toolforge_model::Untrusted;

use crate::Error;
use crate::connect::{ClientCertificate, ConnectError, Kubeconfig};
use crate::error::{Refusal, RefusalKind};
use crate::retry::{Repeat, RetryPolicy};
use crate::transport::{ConnectOptions, Transport, TransportError};

/// The most bytes of one answer: a page of 500 pods has about 5 MB, one object at most etcd's 1.5 MB.
const ANSWER_LIMIT: usize = 64 * 1024 * 1024;

/// How long an answer that has begun may take to its end.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);

/// A client of one cluster's API server.
///
/// A clone shares its connection.
#[derive(Clone)]
pub struct Client {
    kube: kube::Client,
    certificate: Option<ClientCertificate>,
    retry: RetryPolicy,
}

/// One request, which can be sent more than once.
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) content_type: Option<&'static str>,
    pub(crate) body: Bytes,
    pub(crate) repeat: Repeat,
}

impl Call {
    pub(crate) fn get(path: String) -> Self {
        Self { method: Method::GET, path, content_type: None, body: Bytes::new(), repeat: Repeat::Always }
    }

    pub(crate) fn name(&self) -> Untrusted {
        Untrusted::new(format!("{} {}", self.method, self.path))
    }

    pub(crate) fn request(&self) -> Result<Request<Body>, Error> {
        let mut request = Request::builder().method(self.method.clone()).uri(&self.path);
        if let Some(content_type) = self.content_type {
            request = request.header(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        request
            .header(ACCEPT, HeaderValue::from_static("application/json"))
            .body(Body::from(self.body.clone()))
            .map_err(|_| Error::InvalidName { name: Untrusted::new(self.path.clone()) })
    }
}

impl Client {
    /// Returns a client for a kubeconfig's cluster. Nothing is sent before the first request, and then one
    /// connection serves all of them.
    ///
    /// # Errors
    /// When the kubeconfig asks not to check the server and the options do not agree, or a text of the options
    /// cannot stand in a header.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn connect(kubeconfig: &Kubeconfig, options: &ConnectOptions) -> Result<Self, ConnectError> {
        let transport = Transport::new(kubeconfig, options)?;
        let namespace = kubeconfig.namespace().unwrap_or("default");
        Ok(Self {
            kube: kube::Client::new(transport, namespace),
            certificate: kubeconfig.certificate().cloned(),
            retry: RetryPolicy::default(),
        })
    }

    /// Returns a client that sends its requests through the caller's.
    #[must_use]
    pub fn from_kube(client: kube::Client) -> Self {
        Self { kube: client, certificate: None, retry: RetryPolicy::default() }
    }

    /// Returns the client with another patience.
    #[must_use]
    pub fn with_retry(self, retry: RetryPolicy) -> Self {
        Self { retry, ..self }
    }

    /// Returns the client of kube through which the requests go, for what this crate does not offer.
    #[must_use]
    pub fn kube(&self) -> &kube::Client {
        &self.kube
    }

    pub(crate) fn retry(&self) -> &RetryPolicy {
        &self.retry
    }

    /// Sends a request, again where that helps, and returns its answer.
    pub(crate) async fn json<T: DeserializeOwned>(&self, call: &Call) -> Result<T, Error> {
        let answer = self.answer(call).await?;
        serde_json::from_slice(&answer).map_err(|error| Error::Malformed {
            request: call.name(),
            reason: Untrusted::new(error.to_string()),
        })
    }

    /// Sends a request, again where that helps, and returns the bytes of its answer.
    pub(crate) async fn answer(&self, call: &Call) -> Result<Bytes, Error> {
        let start = Instant::now();
        let mut attempt = 0;
        loop {
            let error = match self.attempt(call).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            match self.retry.wait(&error, call.repeat, attempt) {
                Some(wait) if start.elapsed().saturating_add(wait) <= self.retry.deadline => {
                    sleep(wait).await;
                }
                _ => return Err(error),
            }
            attempt += 1;
        }
    }

    async fn attempt(&self, call: &Call) -> Result<Bytes, Error> {
        let response = self.open(call).await?;
        collect(response.into_body(), call).await
    }

    /// Sends a request once and returns its answer, whose body is still to come.
    pub(crate) async fn open(&self, call: &Call) -> Result<Response<Body>, Error> {
        let response = self.kube.send(call.request()?).await.map_err(of_kube)?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(self.refused(response, call).await)
    }

    /// Returns what an answer says that is not the one that was asked for.
    pub(crate) async fn refused(&self, response: Response<Body>, call: &Call) -> Error {
        let (parts, body) = response.into_parts();
        if parts.status.is_redirection() {
            let location = parts.headers.get(LOCATION).map(|value| String::from_utf8_lossy(value.as_bytes()));
            let location = Untrusted::new(location.unwrap_or_default());
            return Error::Redirected { request: call.name(), location };
        }
        let body = match collect(body, call).await {
            Ok(body) => body,
            Err(error) => return error,
        };
        let refusal = Refusal::of_answer(parts.status.as_u16(), &parts.headers, &body);
        self.of_refusal(refusal, &parts.headers)
    }

    /// Tells an expired certificate apart from one that the server does not know, by the server's clock.
    fn of_refusal(&self, refusal: Refusal, headers: &HeaderMap) -> Error {
        if *refusal.kind() == RefusalKind::Unauthorized
            && let Some(certificate) = &self.certificate
        {
            let date = headers.get(DATE).and_then(|value| value.to_str().ok());
            let now = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
            let now = now.map_or_else(Timestamp::now, |now| now.timestamp());
            if now > certificate.not_after() {
                let place = certificate.place().clone();
                return Error::CertificateExpired { place, not_after: certificate.not_after() };
            }
        }
        Error::Refused(Box::new(refusal))
    }
}

async fn collect(body: Body, call: &Call) -> Result<Bytes, Error> {
    let limited = Limited::new(body, ANSWER_LIMIT);
    match timeout(BODY_TIMEOUT, limited.collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Err(Error::TooLarge { request: call.name(), limit: ANSWER_LIMIT })
        }
        Ok(Err(error)) => Err(TransportError::of_exchange(&*error).into()),
        Err(_) => Err(TransportError::Silent.into()),
    }
}

pub(crate) fn of_kube(error: kube::Error) -> Error {
    match error {
        kube::Error::Service(error) => match error.downcast::<TransportError>() {
            Ok(error) => Error::Transport(*error),
            Err(error) => TransportError::of_foreign(&*error).into(),
        },
        error => TransportError::of_foreign(&error).into(),
    }
}
