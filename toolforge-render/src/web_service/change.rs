//! What a plan would change: the rendered objects held against the live ones, field by field.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::Value;
use toolforge_model::{Cpu, Memory, Untrusted, platform};

use crate::object::ObjectKind;
use crate::web_service::{LiveWebService, Rollout, WebServicePlan, is_web_service, render};

/// What a plan does to one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The object does not exist and is created.
    Create {
        /// The object's kind.
        kind: ObjectKind,
        /// The object's name.
        name: String,
    },
    /// The object exists and differs.
    Update {
        /// The object's kind.
        kind: ObjectKind,
        /// The object's name.
        name: String,
        /// The fields that differ, in the manifest's order.
        differences: Vec<Difference>,
    },
    /// The object is as it should be.
    Keep {
        /// The object's kind.
        kind: ObjectKind,
        /// The object's name.
        name: String,
    },
    /// The object is a route of the other kind, which goes once the new one stands.
    Delete {
        /// The object's kind.
        kind: ObjectKind,
        /// The object's name.
        name: String,
    },
}

impl Change {
    /// Returns whether nothing is written for it.
    #[must_use]
    pub fn is_keep(&self) -> bool {
        matches!(self, Self::Keep { .. })
    }

    /// Returns the kind and the name of the object.
    #[must_use]
    pub fn object(&self) -> (ObjectKind, &str) {
        match self {
            Self::Create { kind, name }
            | Self::Update { kind, name, differences: _ }
            | Self::Keep { kind, name }
            | Self::Delete { kind, name } => (*kind, name),
        }
    }
}

/// One field that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The field's path in the object, like `spec.replicas`.
    pub path: String,
    /// What stands there, as JSON without quotes around a text; `None` where nothing stands.
    pub live: Option<Untrusted>,
    /// What shall stand there; `None` where the field goes.
    pub wanted: Option<Untrusted>,
}

/// Returns what carrying out a plan does to each object, in the order in which it is done.
///
/// A field that the plan does not write and that the platform's tools never wrote is left alone. Fields that
/// only these programs write (annotations, the probe, the strategy) are no difference on an object that the
/// platform's own tools made: they come with the first real change.
#[must_use]
pub fn changes(plan: &WebServicePlan, live: &LiveWebService) -> Vec<Change> {
    let manifests = render(plan);
    let live_of = |kind| match kind {
        ObjectKind::Deployment => live.deployment.as_ref().and_then(to_json),
        ObjectKind::Service => live.service.as_ref().and_then(to_json),
        ObjectKind::Ingress => live.ingress.as_ref().and_then(to_json),
        ObjectKind::HttpRoute => live.http_route.as_ref().and_then(to_json),
    };
    let mut changes = Vec::new();
    for manifest in manifests.objects() {
        let (kind, name) = (manifest.kind(), manifest.name().to_owned());
        let Some(standing) = live_of(kind) else {
            changes.push(Change::Create { kind, name });
            continue;
        };
        let mut differences = Vec::new();
        compare(&manifest.to_json_with_absent(live), Some(&standing), String::new(), &mut differences);
        if !is_ours(live) {
            differences.retain(|difference| !is_our_addition(&difference.path, plan.rollout()));
        }
        changes.push(if differences.is_empty() {
            Change::Keep { kind, name }
        } else {
            Change::Update { kind, name, differences }
        });
    }
    let obsolete = [
        (ObjectKind::Ingress, live.ingress.as_ref().map(|object| &object.metadata)),
        (ObjectKind::HttpRoute, live.http_route.as_ref().map(|object| &object.metadata)),
    ];
    for (kind, metadata) in obsolete {
        let Some(metadata) = metadata else { continue };
        if !manifests.objects().any(|manifest| manifest.kind() == kind) {
            changes.push(Change::Delete { kind, name: metadata.name.clone().unwrap_or_default() });
        }
    }
    changes
}

/// Returns whether these programs have written the Deployment before.
fn is_ours(live: &LiveWebService) -> bool {
    let annotations = live.deployment.as_ref().and_then(|object| object.metadata.annotations.as_ref());
    annotations.is_some_and(|annotations| annotations.contains_key(platform::ANNOTATION_TYPE))
}

fn is_our_addition(path: &str, rollout: Rollout) -> bool {
    path.starts_with("metadata.annotations.")
        // Another rollout is chosen only where there is no room for the usual one, so it is a change of its own.
        || (path.starts_with("spec.strategy") && rollout == Rollout::Surge)
        || path.contains(".readinessProbe")
        || path.contains(".lifecycle")
}

fn to_json(object: &impl serde::Serialize) -> Option<Value> {
    serde_json::to_value(object).ok()
}

/// Adds to `differences` every field of `wanted` that `live` does not hold; `null` in `wanted` means absent.
fn compare(wanted: &Value, live: Option<&Value>, path: String, differences: &mut Vec<Difference>) {
    match (wanted, live) {
        (Value::Object(fields), Some(Value::Object(standing))) => {
            for (key, value) in fields {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                compare(value, standing.get(key), path, differences);
            }
        }
        (Value::Array(items), Some(Value::Array(standing)))
            if items.iter().all(|item| name_of(item).is_some()) =>
        {
            for item in items {
                let name = name_of(item).unwrap_or_default();
                let found = standing.iter().find(|other| name_of(other) == Some(name));
                compare(item, found, format!("{path}[{name}]"), differences);
            }
        }
        (Value::Array(items), Some(Value::Array(standing)))
            if items.len() == standing.len() && items.iter().all(Value::is_object) =>
        {
            for (index, (item, found)) in items.iter().zip(standing).enumerate() {
                compare(item, Some(found), format!("{path}[{index}]"), differences);
            }
        }
        (wanted, None) if is_default(wanted) => {}
        (wanted, Some(live)) if same(wanted, live, &path) => {}
        (wanted, live) => differences.push(Difference {
            path,
            live: live.filter(|live| !is_default(live)).map(text),
            wanted: Some(wanted).filter(|wanted| !is_default(wanted)).map(text),
        }),
    }
}

fn name_of(item: &Value) -> Option<&str> {
    item.get("name")?.as_str()
}

/// Returns whether the API server leaves the value out of what it answers.
fn is_default(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.values().all(is_default),
        Value::Bool(true) | Value::Number(_) | Value::String(_) => false,
    }
}

/// Returns whether two values mean the same: amounts compare as numbers, absent and default alike.
fn same(wanted: &Value, live: &Value, path: &str) -> bool {
    if wanted == live || (is_default(wanted) && is_default(live)) {
        return true;
    }
    let (Some(wanted), Some(live)) = (wanted.as_str(), live.as_str()) else { return false };
    if path.contains(".resources.") && path.ends_with(".cpu") {
        Cpu::parse_quantity(wanted).is_ok_and(|wanted| Cpu::parse_quantity(live) == Ok(wanted))
    } else if path.contains(".resources.") && path.ends_with(".memory") {
        Memory::parse_quantity(wanted).is_ok_and(|wanted| Memory::parse_quantity(live) == Ok(wanted))
    } else {
        false
    }
}

fn text(value: &Value) -> Untrusted {
    Untrusted::new(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

/// One object to delete, by the uid that was seen: another object of the same name is not meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// The object's kind.
    pub kind: ObjectKind,
    /// The object's name.
    pub name: String,
    /// The object's uid.
    pub uid: String,
}

/// Returns the objects of a web service in the order in which they are deleted: routes, Service, Deployment, so that
/// no request is led to pods that are gone. An object that is not a web service's is left out.
#[must_use]
pub fn removals(live: &LiveWebService) -> Vec<Removal> {
    let found = [
        (ObjectKind::HttpRoute, live.http_route.as_ref().map(|object| &object.metadata)),
        (ObjectKind::Ingress, live.ingress.as_ref().map(|object| &object.metadata)),
        (ObjectKind::Service, live.service.as_ref().map(|object| &object.metadata)),
        (ObjectKind::Deployment, live.deployment.as_ref().map(|object| &object.metadata)),
    ];
    let removal = |(kind, metadata): (ObjectKind, Option<&ObjectMeta>)| {
        let metadata = metadata.filter(|metadata| is_web_service(metadata.labels.as_ref()))?;
        Some(Removal { kind, name: metadata.name.clone()?, uid: metadata.uid.clone()? })
    };
    found.into_iter().filter_map(removal).collect()
}
