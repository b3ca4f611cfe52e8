//! When a failed request is repeated, and after which pause.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::header::{CONTENT_TYPE, UPGRADE};
use http::{HeaderValue, Method, Request};

use crate::Error;
use crate::request_limits::is_read;
use crate::status::StatusKind;
use crate::transport::TransportError;

/// Whether a request may be repeated although it may have been applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Idempotency {
    /// Applying it twice is the same as once.
    Always,
    /// Only if it was certainly not applied.
    OnlyIfNotApplied,
}

impl Idempotency {
    /// Returns the idempotency of a request's method. Reviews are created, but nothing is stored; a JSON patch can append to a
    /// list; a request for another protocol runs a command.
    pub(crate) fn of<B>(request: &Request<B>) -> Self {
        let content_type = request.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes);
        match *request.method() {
            _ if is_read(request) => Self::Always,
            _ if request.headers().contains_key(UPGRADE) => Self::OnlyIfNotApplied,
            Method::POST | Method::PUT => Self::OnlyIfNotApplied,
            Method::PATCH if content_type == Some(b"application/json-patch+json") => Self::OnlyIfNotApplied,
            _ => Self::Always,
        }
    }
}

/// How long and how often requests are repeated when the API server is busy.
#[derive(Clone, Debug)]
pub struct RetryPolicy {
    /// How long after its first attempt a request may be repeated. If the server asks for a longer wait, the request
    /// fails at once. Default: 20 s.
    pub deadline: Duration,
    /// The pause before the second attempt, without jitter; it doubles with each attempt. Default: 100 ms.
    pub first_pause: Duration,
    /// The longest pause. Default: 5 s.
    pub longest_pause: Duration,
    jitter: Arc<AtomicU64>,
}

impl RetryPolicy {
    /// Returns the default policy with this seed for the jitter.
    #[must_use]
    pub(crate) fn seeded(seed: u64) -> Self {
        Self {
            deadline: Duration::from_secs(20),
            first_pause: Duration::from_millis(100),
            longest_pause: Duration::from_secs(5),
            jitter: Arc::new(AtomicU64::new(seed)),
        }
    }

    /// Returns the pause before attempt number `attempt + 1`: between half and all of the doubled pause.
    pub(crate) fn pause(&self, attempt: u32) -> Duration {
        let whole = self.first_pause.saturating_mul(2_u32.saturating_pow(attempt)).min(self.longest_pause);
        let half = u64::try_from(whole.as_millis()).unwrap_or(u64::MAX) / 2;
        Duration::from_millis(half + self.random() % (half + 1))
    }

    /// Returns the pause before a failed request is repeated, or `None` if it must not be.
    pub(crate) fn wait(&self, error: &Error, idempotency: Idempotency, attempt: u32) -> Option<Duration> {
        let pause = self.pause(attempt);
        match error {
            Error::Api(refusal) => {
                let again = match refusal.kind() {
                    // Neither was applied: the server rejected the first, and the second lost a race.
                    StatusKind::TooManyRequests | StatusKind::QuotaConflict => true,
                    // A server that is not ready yet, or a proxy without a server, states when to come back.
                    StatusKind::Unavailable => {
                        idempotency == Idempotency::Always || refusal.retry_after().is_some()
                    }
                    _ => false,
                };
                again.then(|| refusal.retry_after().map_or(pause, |asked| asked.max(pause)))
            }
            // One repetition: a restarting server closes its connections and accepts new ones immediately.
            Error::Transport(TransportError::Lost { .. }) => {
                (idempotency == Idempotency::Always && attempt == 0).then_some(pause)
            }
            Error::Transport(_)
            | Error::OutcomeUnknown(_)
            | Error::CertificateExpired { .. }
            | Error::Malformed { .. }
            | Error::Redirected { .. }
            | Error::TooLarge { .. }
            | Error::InvalidName { .. }
            | Error::InvalidRequest { .. } => None,
        }
    }

    /// The generator `SplitMix64` (Steele, Lea and Flood 2014): jitter needs spread, not secrecy.
    fn random(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut z = self.jitter.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

impl Default for RetryPolicy {
    /// Returns the default policy with a seed that differs from process to process.
    fn default() -> Self {
        Self::seeded(RandomState::new().hash_one(std::process::id()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_with_jitter() {
        let policy = RetryPolicy::seeded(7);
        for (attempt, whole) in [(0, 100), (1, 200), (3, 800), (10, 5000), (u32::MAX, 5000)] {
            for _ in 0..100 {
                let pause = policy.pause(attempt).as_millis();
                assert!((whole / 2..=whole).contains(&pause), "{attempt}: {pause}");
            }
        }
    }

    #[test]
    fn same_seed_gives_same_pauses() {
        let pauses = |seed| {
            let policy = RetryPolicy::seeded(seed);
            (0..5).map(|attempt| policy.pause(attempt)).collect::<Vec<_>>()
        };
        assert_eq!(pauses(1), pauses(1));
        assert_ne!(pauses(1), pauses(2));
    }

    #[test]
    fn writes_are_repeated_only_if_harmless() {
        const JSON: &str = "application/json";
        let of = |method: Method, path: &str, content_type: &str| {
            let request = Request::builder().method(method).uri(path).header(CONTENT_TYPE, content_type);
            Idempotency::of(&request.body(()).unwrap())
        };
        assert_eq!(of(Method::POST, "/api/v1/namespaces/tool-x/pods", JSON), Idempotency::OnlyIfNotApplied);
        assert_eq!(of(Method::PUT, "/api/v1/namespaces/tool-x/pods/x", JSON), Idempotency::OnlyIfNotApplied);
        let reviews = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        assert_eq!(of(Method::POST, reviews, JSON), Idempotency::Always);
        let pod = "/api/v1/namespaces/tool-x/pods/x";
        assert_eq!(of(Method::PATCH, pod, "application/apply-patch+yaml"), Idempotency::Always);
        assert_eq!(of(Method::PATCH, pod, "application/json-patch+json"), Idempotency::OnlyIfNotApplied);
        assert_eq!(of(Method::DELETE, pod, JSON), Idempotency::Always);
    }
}
