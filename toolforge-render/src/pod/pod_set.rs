//! Objects that keep a number of equal pods running, other than Deployments and Jobs.

use k8s_openapi::api::core::v1::{Pod, PodSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;
use toolforge_quota::{LimitRange, Limits, ObjectName, WaitingPods};

use crate::object::controller_of;
use crate::pod::missing_pods::{is_within_limits, missing_pods};
use crate::pod::unsettled::{REPLICA_FAILURE, may_be_admitted, pod_id};

/// A `StatefulSet`, a `DaemonSet`, a `ReplicationController`, or a `ReplicaSet` without a Deployment.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PodSet {
    /// The object.
    pub object: ObjectName,
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
    /// Returns an object of a kind as its status describes it; `None` for other kinds, for one that has no status or is being
    /// deleted, and for one that another object owns.
    #[must_use]
    pub fn of_json(kind: &str, json: &Value) -> Option<Self> {
        let metadata: ObjectMeta = typed(json, "/metadata")?;
        if controller_of(&metadata).is_some() || metadata.deletion_timestamp.is_some() {
            return None;
        }
        let status = json.get("status")?;
        let number = |field: &str| status.get(field).and_then(Value::as_u64).unwrap_or(0);
        let (wanted, created) = match kind {
            "DaemonSet" => (number("desiredNumberScheduled"), number("currentNumberScheduled")),
            "StatefulSet" | "ReplicaSet" | "ReplicationController" => {
                (json.pointer("/spec/replicas").map_or(Some(1), Value::as_u64)?, number("replicas"))
            }
            _ => return None,
        };
        let refused = status.get("conditions").and_then(Value::as_array).into_iter().flatten();
        let mut refused = refused.filter_map(|condition| {
            let text = |field: &str| condition.get(field).and_then(Value::as_str);
            let is_failure = text("type") == Some(REPLICA_FAILURE) && text("status") == Some("True");
            let since = text("lastTransitionTime").and_then(|time| time.parse().ok());
            is_failure.then(|| (text("message").unwrap_or_default().to_owned(), since))
        });
        Some(Self {
            object: ObjectName::new(kind, metadata.name.unwrap_or_default()),
            wanted,
            created,
            pod: typed(json, "/spec/template/spec")?,
            refused: refused.next(),
        })
    }

    /// Returns the pods that are not created yet; `None` if none are missing.
    pub(crate) fn missing(&self, limit_ranges: &[LimitRange]) -> Option<WaitingPods> {
        let count = self.wanted.saturating_sub(self.created);
        missing_pods(self.object.clone(), count, &self.pod, limit_ranges)
    }

    /// Returns the pods that are about to be created: not those that the API server refuses regardless of a quota's usage.
    fn waiting(&self, limit_ranges: &[LimitRange]) -> Option<WaitingPods> {
        let is_stuck = self.refused.as_ref().is_some_and(|(message, _)| !may_be_admitted(message));
        self.missing(limit_ranges).filter(|_| !is_stuck && is_within_limits(&self.pod, limit_ranges))
    }

    /// Returns whether a terminating pod is already missing according to the status: that of a `StatefulSet` or `DaemonSet` counts
    /// it until it is gone.
    fn is_missing(&self, pod: &Pod) -> bool {
        let counts = matches!(self.object.kind.as_str(), "ReplicaSet" | "ReplicationController");
        counts
            && controller_of(&pod.metadata)
                .is_some_and(|owner| owner.kind == self.object.kind && owner.name == self.object.name)
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
