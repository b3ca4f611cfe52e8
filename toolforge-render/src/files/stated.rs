//! What objects state, in one form, so two of them can be compared field by field.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use serde_json::{Map, Value};
use toolforge_quota::ComputeResource;

use crate::manifest::{Manifest, ManifestObject};
use crate::object::{KnownKind, ObjectKind, defaults};

/// Returns what a manifest states.
pub(super) fn of_manifest(manifest: &Manifest) -> Value {
    normalized(manifest, manifest.to_json())
}

/// Returns what a live object of a manifest's kind, or an earlier form of the manifest, states.
pub(super) fn of_json(manifest: &Manifest, json: &Value) -> Value {
    let json = normalized(manifest, json.clone());
    manifest.object.of_same_kind(&json).and_then(|object| object.to_json()).unwrap_or(json)
}

/// Returns an object of a manifest's kind with the values that the API server sets where it states none.
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

/// Writes each quantity as a number of the smallest unit, and the empty value of a variable that has none.
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
