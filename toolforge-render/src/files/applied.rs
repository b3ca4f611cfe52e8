//! What a manifest makes of a live object.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::manifest::{Manifest, ManifestObject};
use crate::object::LAST_APPLIED;

/// Returns the object of a manifest as it is once `kubectl apply` has applied it: without a live object, as it is stated.
///
/// What neither the manifest nor the one that was applied before states keeps its live value; what only the one before states is
/// removed. Maps are merged field by field, and lists item by item where the Kubernetes API has a merge key for them (1.33).
pub(super) fn applied<'a>(manifest: &'a Manifest, live: Option<&Value>) -> Cow<'a, Manifest> {
    match live.and_then(|live| applied_object(manifest, live)) {
        Some(object) => Cow::Owned(Manifest { object, ..manifest.clone() }),
        None => Cow::Borrowed(manifest),
    }
}

/// Returns `None` for kinds that are not typed, and for a live object that cannot be read.
fn applied_object(manifest: &Manifest, live: &Value) -> Option<ManifestObject> {
    let without_status = |mut object: Value| {
        if let Some(fields) = object.as_object_mut() {
            fields.remove("status");
        }
        object
    };
    let before = last_applied(live).map(without_status);
    let stated = without_status(manifest.stated());
    manifest.object.of_same_kind(&merged(live, before.as_ref(), &stated, Place::default()))
}

/// Returns what `kubectl apply` has written last.
pub(super) fn last_applied(live: &Value) -> Option<Value> {
    let annotations = live.pointer("/metadata/annotations")?;
    serde_json::from_str(annotations.get(LAST_APPLIED)?.as_str()?).ok()
}

/// Where a value is in an object. Items of a list are where the list is.
#[derive(Clone, Copy, Default)]
struct Place<'a> {
    /// The field that contains the value's field.
    parent: &'a str,
    field: &'a str,
}

impl<'a> Place<'a> {
    fn below(self, field: &'a str) -> Self {
        Self { parent: self.field, field }
    }

    /// Returns the fields by which Kubernetes finds an item of a list again; the last ones only where the first one is not enough.
    /// A list without such fields is replaced.
    fn merge_keys(self) -> &'static [&'static str] {
        match (self.parent, self.field) {
            ("spec", "hostAliases") => &["ip"],
            ("spec", "ports") => &["port", "protocol"],
            ("spec", "topologySpreadConstraints") => &["topologyKey", "whenUnsatisfiable"],
            (
                "spec",
                "containers"
                | "initContainers"
                | "ephemeralContainers"
                | "imagePullSecrets"
                | "resourceClaims"
                | "schedulingGates"
                | "volumes",
            )
            | ("containers" | "initContainers" | "ephemeralContainers", "env") => &["name"],
            ("containers" | "initContainers" | "ephemeralContainers", "ports") => {
                &["containerPort", "protocol"]
            }
            ("containers" | "initContainers" | "ephemeralContainers", "volumeDevices") => &["devicePath"],
            ("containers" | "initContainers" | "ephemeralContainers", "volumeMounts") => &["mountPath"],
            _ => &[],
        }
    }

    /// Returns whether a mapping that is stated loses all fields that are not (`patchStrategy: retainKeys`).
    fn retains_keys(self) -> bool {
        matches!((self.parent, self.field), ("spec", "resourceClaims" | "strategy" | "volumes"))
    }
}

fn merged(live: &Value, before: Option<&Value>, stated: &Value, place: Place<'_>) -> Value {
    match (live, stated) {
        (Value::Object(live), Value::Object(stated)) => {
            Value::Object(merged_fields(live, before, stated, place))
        }
        (Value::Array(live), Value::Array(stated)) => {
            let before = before.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            merged_items(live, before, stated, place)
                .map_or_else(|| Value::Array(stated.clone()), Value::Array)
        }
        _ => stated.clone(),
    }
}

fn merged_fields(
    live: &Map<String, Value>,
    before: Option<&Value>,
    stated: &Map<String, Value>,
    place: Place<'_>,
) -> Map<String, Value> {
    let was_stated = |field: &str| before.is_some_and(|before| before.get(field).is_some());
    let stays = |field: &str| !was_stated(field) && !place.retains_keys();
    let mut found: Map<String, Value> = live
        .iter()
        .filter(|(field, _)| stays(field) && !stated.contains_key(*field))
        .map(|(field, value)| (field.clone(), value.clone()))
        .collect();
    for (field, value) in stated {
        let before = before.and_then(|before| before.get(field));
        let live = live.get(field).unwrap_or(&Value::Null);
        found.insert(field.clone(), merged(live, before, value, place.below(field)));
    }
    found
}

/// Returns the items of a list, in the order that is stated, and otherwise in the live one; `None` if they cannot be told apart.
fn merged_items(live: &[Value], before: &[Value], stated: &[Value], place: Place<'_>) -> Option<Vec<Value>> {
    let keys = place.merge_keys();
    let mut choices = (1..=keys.len()).filter_map(|count| keys.get(..count));
    let keys = choices.find(|keys| are_distinct(live, keys) && are_distinct(stated, keys))?;
    let find = |items: &[Value], item: &Value| items.iter().position(|other| is_same(other, item, keys));
    let (mut found, mut next) = (Vec::with_capacity(stated.len()), 0);
    let stays = |item: &&Value| find(stated, item).is_none() && find(before, item).is_none();
    for item in stated {
        let Some(index) = find(live, item) else {
            found.push(item.clone());
            continue;
        };
        found.extend(live.get(next..index).unwrap_or_default().iter().filter(stays).cloned());
        next = next.max(index);
        let before = find(before, item).and_then(|index| before.get(index));
        found.push(live.get(index).map_or_else(|| item.clone(), |live| merged(live, before, item, place)));
    }
    found.extend(live.get(next..).unwrap_or_default().iter().filter(stays).cloned());
    Some(found)
}

fn are_distinct(items: &[Value], keys: &[&str]) -> bool {
    let mut others = items;
    while let Some((item, rest)) = others.split_first() {
        if rest.iter().any(|other| is_same(other, item, keys)) {
            return false;
        }
        others = rest;
    }
    true
}

/// Returns whether two items of lists are the same one.
fn is_same(one: &Value, other: &Value, keys: &[&str]) -> bool {
    keys.iter().all(|key| {
        let default = if *key == "protocol" { Value::from("TCP") } else { Value::Null };
        let value = |item: &Value| item.get(key).filter(|value| !value.is_null()).unwrap_or(&default).clone();
        value(one) == value(other)
    })
}
