//! Objects that keep a number of equal pods running, other than Deployments and Jobs.

use k8s_openapi::api::core::v1::{Pod, PodSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;
use toolforge_quota::{LimitRange, Limits, ObjectName, WaitingPods};

use crate::object::{KnownKind, controller_of};
use crate::pod::missing_pods::{is_within_limits, missing_pods};
use crate::pod::unsettled::{REPLICA_FAILURE, may_be_admitted, pod_id};

/// A kind of object that keeps a number of equal pods running, other than a Deployment. Programs fetch each kind on its own, so
/// the enum is exhaustive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PodSetKind {
    /// A StatefulSet of `apps/v1`.
    StatefulSet,
    /// A DaemonSet of `apps/v1`.
    DaemonSet,
    /// A ReplicaSet of `apps/v1`.
    ReplicaSet,
    /// A replication controller of `v1`.
    ReplicationController,
}

impl PodSetKind {
    /// Every kind.
    pub const ALL: &'static [Self] =
        &[Self::StatefulSet, Self::DaemonSet, Self::ReplicaSet, Self::ReplicationController];

    /// Returns the kind as the API spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StatefulSet => "StatefulSet",
            Self::DaemonSet => "DaemonSet",
            Self::ReplicaSet => "ReplicaSet",
            Self::ReplicationController => "ReplicationController",
        }
    }

    /// Returns the kind with a name in an API group.
    #[must_use]
    pub fn find(group: &str, name: &str) -> Option<Self> {
        let kind = Self::named(name)?;
        KnownKind::find(group, name).map(|_| kind)
    }

    /// Returns the kind with a name; the name of an owner or of an object of an event, which is one of Kubernetes' kinds.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == name)
    }

    /// Returns whether an object is of the kind.
    pub(crate) fn is_of(self, object: &ObjectName) -> bool {
        object.group.is_empty() && object.kind == self.as_str()
    }
}

/// A `StatefulSet`, a `DaemonSet`, a `ReplicationController`, or a `ReplicaSet` without a Deployment.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PodSet {
    /// The kind.
    pub kind: PodSetKind,
    /// The name.
    pub name: String,
    /// How many pods it wants: for a `DaemonSet`, one on each of its nodes.
    pub wanted: u64,
    /// How many there are.
    pub created: u64,
    /// Its pods.
    pub pod: PodSpec,
    /// The API server's message, if it refuses pods, and since when.
    pub refused: Option<(String, Option<Timestamp>)>,
}

impl PodSet {
    /// Returns an object of a kind as its status describes it; `None` for one that has no status or is being deleted, and for one
    /// that another object owns.
    #[must_use]
    pub fn of_json(kind: PodSetKind, json: &Value) -> Option<Self> {
        let metadata: ObjectMeta = typed(json, "/metadata")?;
        if controller_of(&metadata).is_some() || metadata.deletion_timestamp.is_some() {
            return None;
        }
        let status = json.get("status")?;
        let number = |field: &str| status.get(field).and_then(Value::as_u64).unwrap_or(0);
        let (wanted, created) = match kind {
            PodSetKind::DaemonSet => (number("desiredNumberScheduled"), number("currentNumberScheduled")),
            PodSetKind::StatefulSet | PodSetKind::ReplicaSet | PodSetKind::ReplicationController => {
                (json.pointer("/spec/replicas").map_or(Some(1), Value::as_u64)?, number("replicas"))
            }
        };
        let refused = status.get("conditions").and_then(Value::as_array).into_iter().flatten();
        let mut refused = refused.filter_map(|condition| {
            let text = |field: &str| condition.get(field).and_then(Value::as_str);
            let is_failure = text("type") == Some(REPLICA_FAILURE) && text("status") == Some("True");
            let since = text("lastTransitionTime").and_then(|time| time.parse().ok());
            is_failure.then(|| (text("message").unwrap_or_default().to_owned(), since))
        });
        Some(Self {
            kind,
            name: metadata.name.unwrap_or_default(),
            wanted,
            created,
            pod: typed(json, "/spec/template/spec")?,
            refused: refused.next(),
        })
    }

    /// Returns the object.
    #[must_use]
    pub fn object(&self) -> ObjectName {
        ObjectName::new(self.kind.as_str(), self.name.as_str())
    }

    /// Returns the pods that are not created yet; `None` if none are missing.
    pub(crate) fn missing(&self, limit_ranges: &[LimitRange]) -> Option<WaitingPods> {
        let count = self.wanted.saturating_sub(self.created);
        missing_pods(self.object(), count, &self.pod, limit_ranges)
    }

    /// Returns the pods that are about to be created: not those that the API server refuses regardless of a quota's usage.
    fn waiting(&self, limit_ranges: &[LimitRange]) -> Option<WaitingPods> {
        let is_stuck = self.refused.as_ref().is_some_and(|(message, _)| !may_be_admitted(message));
        self.missing(limit_ranges).filter(|_| !is_stuck && is_within_limits(&self.pod, limit_ranges))
    }

    /// Returns whether a terminating pod is already missing according to the status: that of a `StatefulSet` or `DaemonSet` counts
    /// it until it is gone.
    fn is_missing(&self, pod: &Pod) -> bool {
        match self.kind {
            PodSetKind::StatefulSet | PodSetKind::DaemonSet => false,
            PodSetKind::ReplicaSet | PodSetKind::ReplicationController => controller_of(&pod.metadata)
                .is_some_and(|owner| owner.kind == self.kind.as_str() && owner.name == self.name),
        }
    }
}

fn typed<T: DeserializeOwned>(json: &Value, path: &str) -> Option<T> {
    serde_json::from_value(json.pointer(path)?.clone()).ok()
}

/// Returns limits with the pods that these objects are about to create.
#[must_use]
pub fn with_pod_sets(mut limits: Limits, sets: &[PodSet], pods: &[Pod]) -> Limits {
    limits.waiting.extend(sets.iter().filter_map(|set| set.waiting(&limits.limit_ranges)));
    for pod in pods.iter().filter(|pod| sets.iter().any(|set| set.is_missing(pod))) {
        let mut terminating = limits.terminating.iter_mut();
        if let Some(found) = terminating.find(|found| found.object() == pod_id(pod)) {
            found.may_be_replaced = false;
        }
    }
    limits
}
