//! Distinguishes a rollout that is slow from one that is blocked.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use tokio::time::Instant;
use toolforge_render::pod::{Cause, Evidence, RolloutObjects};

/// How long the API server may refuse pods while nothing else happens: the ReplicaSet controller tries again after pauses
/// that double with each refusal.
const REFUSED: Duration = Duration::from_secs(30);

/// The same if a pod is terminating or has terminated: its grace period is 30 seconds, and by then the controller's pauses are
/// as long.
const REFUSED_BEHIND_PODS: Duration = Duration::from_secs(60);

/// How long a pod may wait for a node or for a volume while nothing else happens: other pods may terminate, and the kubelet
/// retries a mount after pauses that double.
const NODE: Duration = Duration::from_secs(60);

/// How long an image that cannot be pulled may still become available: the kubelet's first pauses are 10 and 20 seconds.
pub(crate) const IMAGE: Duration = Duration::from_secs(8);

/// How long pods without a startup or readiness probe must be ready: they are ready as soon as they run.
const RUNS: Duration = Duration::from_secs(5);

/// The clock of a rollout: when something last happened, and since when failures have persisted.
pub(super) struct Patience {
    /// The UIDs of the pods, with whether they terminate and are ready.
    pods: BTreeSet<(String, bool, bool)>,
    changed: Instant,
    has_terminated: bool,
    image_since: Option<Instant>,
    /// When all pods became ready, and how often their containers had been restarted.
    ready: Option<(Instant, u32)>,
}

impl Patience {
    pub(super) fn new(now: Instant) -> Self {
        Self { pods: BTreeSet::new(), changed: now, has_terminated: false, image_since: None, ready: None }
    }

    /// Records the current pods and causes.
    pub(super) fn look(&mut self, all: &[Pod], causes: &[Evidence], now: Instant) {
        let state = |pod: &Pod| {
            let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
            let mut ready = conditions.filter(|condition| condition.type_ == "Ready");
            let uid = pod.metadata.uid.clone().unwrap_or_default();
            let is_terminating = pod.metadata.deletion_timestamp.is_some();
            (uid, is_terminating, ready.any(|condition| condition.status == "True"))
        };
        let pods: BTreeSet<_> = all.iter().map(state).collect();
        let is_gone = |(uid, ..): &(String, bool, bool)| !pods.iter().any(|(other, ..)| other == uid);
        self.has_terminated |=
            pods.iter().any(|(_, is_terminating, _)| *is_terminating) || self.pods.iter().any(is_gone);
        if pods != self.pods {
            self.changed = now;
        }
        self.pods = pods;
        let is_image = causes.iter().any(|evidence| matches!(evidence.cause, Cause::ImagePull { .. }));
        self.image_since = is_image.then(|| self.image_since.unwrap_or(now));
    }

    /// Records whether all pods are ready, and returns whether they stay ready: without a probe, a program that terminates soon
    /// is briefly ready again and again.
    pub(super) fn stays_ready(&mut self, objects: RolloutObjects<'_>, is_ready: bool, now: Instant) -> bool {
        let restarts = objects.restarts();
        let is_same = |(_, before): &(Instant, u32)| *before == restarts;
        self.ready = is_ready.then(|| self.ready.filter(is_same).unwrap_or((now, restarts)));
        let has_run = self.ready.is_some_and(|(since, _)| now.duration_since(since) >= RUNS);
        is_ready && (has_run || objects.is_probed() || objects.desired_replicas() == 0)
    }

    /// Returns the number of terminating pods.
    pub(super) fn terminating(&self) -> usize {
        self.pods.iter().filter(|(_, is_terminating, _)| *is_terminating).count()
    }

    /// Returns whether waiting no longer helps. Quota may become free and an image may become available a moment later, so
    /// these causes are given some time.
    pub(super) fn is_over(&self, evidence: &Evidence, now: Timestamp, instant: Instant) -> bool {
        let limit = if self.has_terminated { REFUSED_BEHIND_PODS } else { REFUSED };
        match evidence.cause {
            Cause::QuotaExceeded | Cause::RefusedForNow => instant.duration_since(self.changed) >= limit,
            Cause::Unschedulable | Cause::VolumeMount | Cause::PodSandbox => {
                instant.duration_since(self.changed) >= NODE
            }
            Cause::ImagePull { .. } => {
                self.image_since.is_some_and(|since| instant.duration_since(since) >= IMAGE)
            }
            _ => evidence.is_failure(now),
        }
    }
}
