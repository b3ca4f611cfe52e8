//! What objects state, in one form, so two of them can be compared field by field.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use serde_json::{Map, Value};
use toolforge_quota::ComputeResource;

use crate::files::applied::last_applied;
use crate::manifest::{Manifest, ManifestObject};
use crate::object::{FieldPath, KnownKind, ObjectKind, PathSegment, defaults, differences};

/// Returns what a manifest states.
pub(super) fn of_manifest(manifest: &Manifest) -> Value {
    normalized(manifest, manifest.to_json())
}

/// Returns what a live object of a manifest's kind, or an earlier form of the manifest, states.
pub(super) fn of_json(manifest: &Manifest, json: &Value) -> Value {
    let json = normalized(manifest, json.clone());
    manifest.object.of_same_kind(&json).and_then(|object| object.to_json()).unwrap_or(json)
}

/// Returns an object of a manifest's kind with the API server's values for fields that it does not state.
pub(super) fn with_defaults(object: &ManifestObject, json: &Value) -> Value {
    match object {
        ManifestObject::Deployment(_) => defaults::with_defaults(ObjectKind::Deployment, json),
        ManifestObject::CronJob(_) => defaults::with_defaults(ObjectKind::CronJob, json),
        ManifestObject::Job(_) => defaults::with_defaults(ObjectKind::Job, json),
        ManifestObject::Pod(_) => defaults::with_defaults(ObjectKind::Pod, json),
        ManifestObject::Service(_) => defaults::with_defaults(ObjectKind::Service, json),
        ManifestObject::StatefulSet(_) => defaults::of_stateful_set(json),
        ManifestObject::DaemonSet(_) => defaults::of_daemon_set(json),
        ManifestObject::ReplicaSet(_) | ManifestObject::ReplicationController(_) => {
            defaults::of_replica_set(json)
        }
        ManifestObject::PersistentVolumeClaim(_) => defaults::of_claim(json),
        ManifestObject::Other => json.clone(),
    }
}

fn normalized(manifest: &Manifest, mut json: Value) -> Value {
    if manifest.kind.known() == KnownKind::find("", "Secret") {
        encode_text(&mut json);
    } else if let Some(spec) = json.get_mut("spec") {
        normalize(spec);
    }
    json
}

/// Moves the text of a Secret to its data, as the API server does.
fn encode_text(secret: &mut Value) {
    let Some(fields) = secret.as_object_mut() else { return };
    let Some(Value::Object(text)) = fields.remove("stringData") else { return };
    let data = fields.entry("data").or_insert(Value::Null);
    if data.is_null() {
        *data = Value::Object(Map::new());
    }
    let Some(data) = data.as_object_mut() else { return };
    let encoded: BTreeMap<String, Value> = text
        .into_iter()
        .filter_map(|(key, value)| {
            let bytes = ByteString(value.as_str()?.as_bytes().to_vec());
            Some((key, serde_json::to_value(bytes).ok()?))
        })
        .collect();
    data.extend(encoded);
}

/// Writes each quantity as a number of the smallest unit, and an empty value for a variable without one.
fn normalize(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(normalize),
        Value::Object(fields) => {
            for (key, value) in fields {
                match (key.as_str(), value) {
                    ("resources", Value::Object(resources)) => {
                        for (key, amounts) in resources {
                            if let ("limits" | "requests", Value::Object(amounts)) = (key.as_str(), amounts) {
                                amounts.iter_mut().for_each(|(resource, amount)| quantity(resource, amount));
                            }
                        }
                    }
                    ("emptyDir", Value::Object(volume)) => {
                        if let Some(limit) = volume.get_mut("sizeLimit") {
                            quantity("memory", limit);
                        }
                    }
                    ("env", Value::Array(variables)) => {
                        variables.iter_mut().filter_map(Value::as_object_mut).for_each(variable);
                    }
                    (_, value) => normalize(value),
                }
            }
        }
        _ => {}
    }
}

fn variable(fields: &mut Map<String, Value>) {
    if fields.get("valueFrom").is_none_or(Value::is_null) && fields.get("value").is_none_or(Value::is_null) {
        fields.insert("value".to_owned(), Value::String(String::new()));
    }
}

fn quantity(resource: &str, amount: &mut Value) {
    let text = match &*amount {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return,
    };
    let resource = ComputeResource::from(resource);
    let smallest = resource.parse_amount(&text).ok();
    // CPU is counted in millis.
    let unit = if resource == ComputeResource::Cpu { "m" } else { "" };
    *amount = Value::String(smallest.map_or(text, |amount| format!("{amount}{unit}")));
}

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

/// Fields of a pod's spec that can be changed, in addition to the images of its containers (Kubernetes 1.33).
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

/// Returns the first field of a live object that a manifest changes although the API server refuses that.
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

/// Returns the field of the spec that contains a field.
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

/// Returns whether a live object has everything that a manifest states, so nothing is sent.
pub(super) fn is_same(manifest: &Manifest, afterwards: &Manifest, live: &Value) -> bool {
    let (wanted, current) = (of_manifest(manifest), of_json(manifest, live));
    let is_same = |field: &str| {
        let wanted = wanted.pointer(field).unwrap_or(&Value::Null);
        let live = current.pointer(field).unwrap_or(&Value::Null);
        wanted.is_null() || differences(wanted, live).is_empty()
    };
    let fields = wanted.as_object().into_iter().flat_map(|fields| fields.keys());
    let fields =
        fields.filter(|field| !matches!(field.as_str(), "metadata" | "status" | "apiVersion" | "kind"));
    let mut paths = fields.map(|field| format!("/{}", field.replace('~', "~0").replace('/', "~1")));
    paths.all(|path| is_same(&path))
        && is_same("/metadata/labels")
        && !["/spec", "/data", "/binaryData"].iter().any(|path| removes_fields(manifest, &wanted, live, path))
        && (!clears_fields(manifest) || has_same_spec(afterwards, &current))
}

/// Returns whether a manifest states fields as `null`, which removes them.
fn clears_fields(manifest: &Manifest) -> bool {
    fn has_null(value: &Value) -> bool {
        match value {
            Value::Null => true,
            Value::Array(items) => items.iter().any(has_null),
            Value::Object(fields) => fields.values().any(has_null),
            _ => false,
        }
    }
    manifest.stated().get("spec").is_some_and(has_null)
}

/// Returns whether an object still equals the live one after fields are removed, which then have their defaults.
fn has_same_spec(afterwards: &Manifest, current: &Value) -> bool {
    let spec = |object: &Value| {
        let object = with_defaults(&afterwards.object, object);
        object.get("spec").cloned().unwrap_or_default()
    };
    differences(&spec(current), &spec(&of_manifest(afterwards))).is_empty()
}

/// Returns whether a manifest, which is the resulting object, has a different pod template from the live object.
pub(super) fn replaces_pods(manifest: &Manifest, live: &Value) -> bool {
    let template = |object: Value| object.pointer("/spec/template").cloned().unwrap_or_default();
    let wanted = template(of_manifest(manifest));
    let current = template(of_json(manifest, live));
    !differences(&wanted, &current).is_empty() || !differences(&current, &wanted).is_empty()
}

/// Returns the fields of a live object that `kubectl apply` of a manifest changes.
pub(super) fn changes(manifest: &Manifest, live: &Value) -> Vec<FieldPath> {
    let (wanted, current) = (of_manifest(manifest), of_json(manifest, live));
    let mut found = differences(&wanted, &current);
    if let Some(before) = stated_before(manifest, live) {
        found.extend(differences(&before, &wanted));
    }
    found.into_iter().map(|difference| difference.path).collect()
}

/// Returns whether an earlier `kubectl apply` has written fields that the manifest no longer has.
fn removes_fields(manifest: &Manifest, wanted: &Value, live: &Value, below: &str) -> bool {
    let Some(before) = stated_before(manifest, live) else { return false };
    let part = |object: &Value| object.pointer(below).cloned().unwrap_or_default();
    !differences(&part(&before), &part(wanted)).is_empty()
}

/// Returns the manifest that `kubectl apply` applied last.
fn stated_before(manifest: &Manifest, live: &Value) -> Option<Value> {
    Some(of_json(manifest, &last_applied(live)?))
}
