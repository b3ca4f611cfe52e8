//! Fields of live objects that the API server does not let change.

use serde_json::Value;

use crate::files::manifest_change::changes;
use crate::manifest::{Manifest, ManifestObject};
use crate::object::{FieldPath, PathSegment};

/// Fields of a StatefulSet's spec that can be changed (Kubernetes 1.33).
const OF_STATEFUL_SETS: &[&str] = &[
    "minReadySeconds",
    "ordinals",
    "persistentVolumeClaimRetentionPolicy",
    "replicas",
    "revisionHistoryLimit",
    "template",
    "updateStrategy",
];

/// Fields of a pod's spec that can be changed, besides the images of its containers (Kubernetes 1.33).
const OF_PODS: &[&str] = &["activeDeadlineSeconds", "terminationGracePeriodSeconds", "tolerations"];

/// Fields of a claim's spec that can be changed (Kubernetes 1.33).
const OF_CLAIMS: &[&str] = &["resources", "volumeAttributesClassName"];

/// Fields of a Job's spec that cannot be changed (Kubernetes 1.33).
const NOT_OF_JOBS: &[&str] = &[
    "backoffLimitPerIndex",
    "completionMode",
    "completions",
    "managedBy",
    "podFailurePolicy",
    "selector",
    "successPolicy",
    "template",
];

/// Returns the first field that a manifest changes of a live object although the API server refuses that.
pub(super) fn changed_immutable(manifest: &Manifest, live: &Value) -> Option<FieldPath> {
    let is_flag = |pointer: &str| live.pointer(pointer).and_then(Value::as_bool) == Some(true);
    // For a suspended Job, parts of the template can be changed; for an indexed one, the completions.
    let (is_suspended, is_indexed) = (
        is_flag("/spec/suspend"),
        live.pointer("/spec/completionMode").and_then(Value::as_str) == Some("Indexed"),
    );
    let is_immutable = |path: &FieldPath| {
        let field = below_spec(path);
        let is_one_of = |fields: &[&str]| field.is_some_and(|field| fields.contains(&field));
        match &manifest.object {
            ManifestObject::Deployment(_) | ManifestObject::ReplicaSet(_) | ManifestObject::DaemonSet(_) => {
                is_one_of(&["selector"])
            }
            ManifestObject::StatefulSet(_) => field.is_some() && !is_one_of(OF_STATEFUL_SETS),
            ManifestObject::Job(_) => {
                let is_free =
                    is_suspended && is_one_of(&["template"]) || is_indexed && is_one_of(&["completions"]);
                is_one_of(NOT_OF_JOBS) && !is_free
            }
            ManifestObject::Pod(_) => field.is_some() && !is_one_of(OF_PODS) && !is_image(path),
            ManifestObject::PersistentVolumeClaim(_) => field.is_some() && !is_one_of(OF_CLAIMS),
            ManifestObject::ReplicationController(_)
            | ManifestObject::CronJob(_)
            | ManifestObject::Service(_)
            | ManifestObject::Other => false,
        }
    };
    changes(manifest, live).into_iter().find(is_immutable)
}

/// Returns the field of the spec in which a field is.
fn below_spec(path: &FieldPath) -> Option<&str> {
    match path.segments() {
        [PathSegment::Field(spec), PathSegment::Field(field), ..] if spec == "spec" => Some(field),
        _ => None,
    }
}

/// Returns whether the field is the image of a container of a pod.
fn is_image(path: &FieldPath) -> bool {
    matches!(
        path.segments(),
        [_, PathSegment::Field(list), PathSegment::Item { .. }, PathSegment::Field(field)]
            if field == "image" && matches!(list.as_str(), "containers" | "initContainers")
    )
}
