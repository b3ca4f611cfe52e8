//! Bounds of requests and responses: no server or proxy can make a request endless.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::header::UPGRADE;
use http::{Method, Request};
use tokio::time::Instant;

use crate::transport::TransportError;

/// The maximum size of a response in bytes: a page of 500 pods has about 5 MB, and a log is as large as its file.
pub(crate) const ANSWER_LIMIT: usize = 64 * 1024 * 1024;

/// The maximum size of one object in bytes; etcd stores at most 1.5 MB, and its JSON is a little larger.
pub(crate) const OBJECT_LIMIT: usize = 8 * 1024 * 1024;

/// The maximum size in bytes of a response that is never large: the version, or a refusal.
pub(crate) const SMALL_LIMIT: usize = 1024 * 1024;

/// The received bytes that extend the time for a response by one second.
const BYTES_PER_SECOND: u64 = 256 * 1024;

/// Practically never; the maximum duration cannot be added to a moment.
const FAR_AWAY: Duration = Duration::from_secs(365 * 24 * 3600);

/// How long a request may take. A request that takes longer fails with [`TransportError::Silent`] or
/// [`TransportError::Slow`].
///
/// [`TransportError::Silent`]: crate::TransportError::Silent
/// [`TransportError::Slow`]: crate::TransportError::Slow
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestLimits {
    /// The time limit of a read request, until the last byte of its response. Every 256 KiB that have been received add one
    /// second. A followed log has no limit. Default: 30 s.
    pub read: Duration,
    /// The time limit of a write request. Default: 65 s, because the API server itself ends a request after 60 s
    /// (kube-apiserver's `--request-timeout`).
    pub write: Duration,
    /// The maximum number of pages of one list, with 500 objects each. Default: 200.
    pub pages: u32,
}

impl RequestLimits {
    /// Returns the limits with this maximum number of pages.
    #[must_use]
    pub fn with_pages(self, pages: u32) -> Self {
        Self { pages, ..self }
    }

    /// Returns the time until the last byte of a response when `received` bytes have been received.
    pub(crate) fn of_answer(&self, request: &Request<Bytes>, received: usize) -> Duration {
        let base = if is_read(request) { self.read } else { self.write };
        base.saturating_add(extension(received))
    }

    /// Returns the time until a response begins; none for a followed log, because the kubelet begins its response with the
    /// first line.
    pub(crate) fn of_beginning(&self, request: &Request<Bytes>) -> Duration {
        if has_parameter(request, "follow") { Duration::MAX } else { self.of_answer(request, 0) }
    }
}

impl Default for RequestLimits {
    fn default() -> Self {
        Self { read: Duration::from_secs(30), write: Duration::from_secs(65), pages: 200 }
    }
}

/// The time limit that several read requests share.
#[derive(Debug)]
pub(crate) struct SharedTime {
    start: Instant,
    received: AtomicUsize,
}

impl SharedTime {
    pub(crate) fn new() -> Self {
        Self { start: Instant::now(), received: AtomicUsize::new(0) }
    }

    /// Returns the moment at which the last byte of every response is due.
    pub(crate) fn deadline(&self, limits: RequestLimits) -> Instant {
        self.start + limits.read.saturating_add(extension(self.received()))
    }

    /// Returns the time since the first request.
    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// Returns the received bytes of all responses.
    pub(crate) fn received(&self) -> usize {
        self.received.load(Ordering::Relaxed)
    }
}

/// The time limits of a client's requests.
#[derive(Clone, Debug)]
pub(crate) struct Times {
    pub(crate) limits: RequestLimits,
    /// The time limit that all read requests share; `None` if each has its own.
    pub(crate) shared: Option<Arc<SharedTime>>,
}

impl Times {
    /// Returns when the last byte of a response is due when `received` bytes have been received.
    pub(crate) fn deadline(&self, request: &Request<Bytes>, start: Instant, received: usize) -> Instant {
        self.earliest(request, start + self.limits.of_answer(request, received))
    }

    /// Returns when the first byte of a response is due.
    pub(crate) fn deadline_of_beginning(&self, request: &Request<Bytes>, start: Instant) -> Instant {
        self.earliest(request, start + self.limits.of_beginning(request).min(FAR_AWAY))
    }

    /// Returns until when a request may be repeated; `None` for one that has its own time.
    pub(crate) fn deadline_of_repetition(&self, request: &Request<Bytes>) -> Option<Instant> {
        let shared = self.shared.as_ref().filter(|_| is_read(request) && !is_stream(request));
        shared.map(|shared| shared.deadline(self.limits))
    }

    fn earliest(&self, request: &Request<Bytes>, own: Instant) -> Instant {
        self.deadline_of_repetition(request).map_or(own, |shared| shared.min(own))
    }

    /// Returns the error of a response that is not complete at its deadline.
    pub(crate) fn too_late(&self, start: Instant, received: usize) -> TransportError {
        let (received, after) = match &self.shared {
            Some(shared) => (shared.received(), shared.elapsed()),
            None => (received, start.elapsed()),
        };
        if received == 0 { TransportError::Silent } else { TransportError::Slow { received, after } }
    }

    /// Counts received bytes.
    pub(crate) fn add(&self, received: usize) {
        if let Some(shared) = &self.shared {
            shared.received.fetch_add(received, Ordering::Relaxed);
        }
    }
}

/// Returns the time that received bytes add.
fn extension(received: usize) -> Duration {
    let millis = u64::try_from(received).unwrap_or(u64::MAX).saturating_mul(1000) / BYTES_PER_SECOND;
    Duration::from_millis(millis)
}

/// Returns whether a response is read while it is written: a watch, a log that is followed, another protocol.
pub(crate) fn is_stream(request: &Request<Bytes>) -> bool {
    request.headers().contains_key(UPGRADE)
        || has_parameter(request, "watch")
        || has_parameter(request, "follow")
}

/// Returns whether a request changes nothing. Reviews are created, but nothing is stored.
pub(crate) fn is_read<B>(request: &Request<B>) -> bool {
    *request.method() == Method::GET && !request.headers().contains_key(UPGRADE)
        || request.uri().path().starts_with("/apis/authorization.k8s.io/")
}

/// Returns whether a parameter of a request's query is true.
pub(crate) fn has_parameter(request: &Request<Bytes>, name: &str) -> bool {
    let query = request.uri().query().unwrap_or_default();
    let mut parameters = query.split('&').filter_map(|parameter| parameter.split_once('='));
    parameters.any(|(found, value)| found == name && matches!(value, "true" | "1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(path: &str) -> Request<Bytes> {
        Request::get(path).body(Bytes::new()).unwrap()
    }

    #[test]
    fn received_bytes_extend_the_time() {
        let limits = RequestLimits::default();
        assert_eq!(limits.of_answer(&get("/p"), 0).as_secs(), 30);
        assert_eq!(limits.of_answer(&get("/p"), 1000).as_secs(), 30);
        assert_eq!(limits.of_answer(&get("/p"), ANSWER_LIMIT).as_secs(), 30 + 256);
    }

    #[test]
    fn quiet_log_may_begin_at_any_time() {
        let limits = RequestLimits::default();
        assert_eq!(limits.of_beginning(&get("/p/log?follow=true")), Duration::MAX);
        assert_eq!(limits.of_beginning(&get("/p?watch=true")).as_secs(), 30);
    }

    #[test]
    fn watches_and_followed_logs_are_streams() {
        let is_stream = |path: &str| is_stream(&Request::get(path).body(Bytes::new()).unwrap());
        assert!(is_stream("/p?&watch=true&timeoutSeconds=290"));
        assert!(is_stream("/p/log?follow=true"));
        assert!(!is_stream("/p?labelSelector=watch%3Dtrue"));
    }
}
