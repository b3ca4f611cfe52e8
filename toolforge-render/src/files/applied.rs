//! The result of applying a manifest to a live object.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::manifest::{Manifest, ManifestObject};
use crate::object::LAST_APPLIED;

/// Returns the object of a manifest after `kubectl apply`; if there is no live object, it is the stated one.
///
/// Fields that neither the manifest nor the previously applied one states keep their live values; fields that only the previous
/// one states, or that the manifest states as `null`, are removed. Maps are merged field by field, and lists item by item where
/// the Kubernetes API has a merge key for them (1.33).
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

/// Returns the manifest that `kubectl apply` applied last.
pub(super) fn last_applied(live: &Value) -> Option<Value> {
    let annotations = live.pointer("/metadata/annotations")?;
    serde_json::from_str(annotations.get(LAST_APPLIED)?.as_str()?).ok()
}

/// The place of a value in an object. Items of a list have the place of the list.
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

    /// Returns the fields by which Kubernetes matches the items of a list; the last ones only if the first one is not enough.
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

    /// Returns whether a stated mapping loses all fields that are not stated (`patchStrategy: retainKeys`).
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
    // A `null` removes a field.
    for (field, value) in stated.iter().filter(|(_, value)| !value.is_null()) {
        let before = before.and_then(|before| before.get(field));
        let live = live.get(field).unwrap_or(&Value::Null);
        found.insert(field.clone(), merged(live, before, value, place.below(field)));
    }
    found
}

/// Returns the items of a list, in the stated order, and otherwise in the live one; `None` if two of them have the same
/// keys.
fn merged_items(live: &[Value], before: &[Value], stated: &[Value], place: Place<'_>) -> Option<Vec<Value>> {
    let keys = place.merge_keys();
    let mut choices = (1..=keys.len()).filter_map(|count| keys.get(..count));
    let (keys, live_at, stated_at) =
        choices.find_map(|keys| Some((keys, by_key(live, keys)?, by_key(stated, keys)?)))?;
    let before_at: BTreeMap<String, usize> =
        before.iter().enumerate().rev().map(|(index, item)| (key_of(item, keys), index)).collect();
    let (mut found, mut next) = (Vec::with_capacity(stated.len()), 0);
    let stays = |item: &&Value| {
        let key = key_of(item, keys);
        !stated_at.contains_key(&key) && !before_at.contains_key(&key)
    };
    for item in stated {
        let key = key_of(item, keys);
        let Some(&index) = live_at.get(&key) else {
            found.push(item.clone());
            continue;
        };
        found.extend(live.get(next..index).unwrap_or_default().iter().filter(stays).cloned());
        next = next.max(index);
        let before = before_at.get(&key).and_then(|index| before.get(*index));
        found.push(live.get(index).map_or_else(|| item.clone(), |live| merged(live, before, item, place)));
    }
    found.extend(live.get(next..).unwrap_or_default().iter().filter(stays).cloned());
    Some(found)
}

/// Returns the indexes of items by their keys; `None` if two of them have the same ones.
fn by_key(items: &[Value], keys: &[&str]) -> Option<BTreeMap<String, usize>> {
    let mut found = BTreeMap::new();
    for (index, item) in items.iter().enumerate() {
        if found.insert(key_of(item, keys), index).is_some() {
            return None;
        }
    }
    Some(found)
}

/// Returns the key by which an item of a list is matched.
fn key_of(item: &Value, keys: &[&str]) -> String {
    let values = keys.iter().map(|key| {
        let default = if *key == "protocol" { Value::from("TCP") } else { Value::Null };
        item.get(key).filter(|value| !value.is_null()).cloned().unwrap_or(default)
    });
    Value::Array(values.collect()).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// Returns a live object after the change; the earlier file may be unknown (`null`).
    fn after(live: &Value, before: &Value, stated: &Value) -> Value {
        let object = |spec: &Value| json!({"spec": spec});
        let before = Some(before).filter(|before| !before.is_null()).map(object);
        merged(&object(live), before.as_ref(), &object(stated), Place::default())["spec"].clone()
    }

    #[test]
    fn unset_fields_are_kept_unless_they_were_set() {
        for (live, before, stated, expected) in [
            (r#"{"replicas":3}"#, "null", r#"{"paused":true}"#, r#"{"paused":true,"replicas":3}"#),
            (r#"{"replicas":3}"#, r#"{"paused":true}"#, "{}", r#"{"replicas":3}"#),
            (r#"{"replicas":3}"#, r#"{"replicas":1}"#, "{}", "{}"),
            (r#"{"replicas":3}"#, r#"{"replicas":1}"#, r#"{"replicas":2}"#, r#"{"replicas":2}"#),
            (r#"{"replicas":3}"#, "null", r#"{"replicas":null}"#, "{}"),
            (
                r#"{"x":{"a":1,"b":2,"c":3}}"#,
                r#"{"x":{"a":1}}"#,
                r#"{"x":{"b":4}}"#,
                r#"{"x":{"b":4,"c":3}}"#,
            ),
        ] {
            let [live, before, stated, expected]: [Value; 4] =
                [live, before, stated, expected].map(|text| serde_json::from_str(text).unwrap());
            assert_eq!(after(&live, &before, &stated), expected, "{stated} onto {live} after {before}");
        }
    }

    #[test]
    fn strategy_type_resets_other_fields() {
        let rolling = |fields: &Value| json!({"type": "RollingUpdate", "rollingUpdate": fields});
        let live = rolling(&json!({"maxSurge": 0, "maxUnavailable": 1}));
        for (stated, expected) in [
            (json!({"type": "Recreate"}), json!({"type": "Recreate"})),
            (json!({"type": "RollingUpdate"}), json!({"type": "RollingUpdate"})),
            (rolling(&json!({"maxSurge": 1})), rolling(&json!({"maxSurge": 1, "maxUnavailable": 1}))),
        ] {
            let found = after(&json!({"strategy": live}), &Value::Null, &json!({"strategy": stated}));
            assert_eq!(found, json!({"strategy": expected}));
        }
        let stated = json!({"updateStrategy": {"type": "RollingUpdate"}});
        let live = json!({"updateStrategy": live});
        assert_eq!(after(&live, &Value::Null, &stated), live);
    }

    /// Returns the resulting items of a list of a spec or of a container.
    fn items_after(list: &str, [live, before, stated]: [&str; 3]) -> Value {
        let [live, before, stated] = [live, before, stated].map(|text| {
            let items: Value = serde_json::from_str(text).unwrap();
            if let Some(list) = list.strip_prefix("containers.") {
                json!({"containers": [{"name": "c", list: items}]})
            } else {
                json!({list: items})
            }
        });
        let found = after(&live, &before, &stated);
        let spec = list.strip_prefix("containers.").map(|list| found["containers"][0][list].clone());
        spec.unwrap_or_else(|| found[list].clone())
    }

    #[test]
    fn lists_are_merged_by_their_keys() {
        const ABC: &str = r#"[{"name":"a"},{"name":"b"},{"name":"c"}]"#;
        for (list, live, stated, expected) in [
            (
                "containers",
                ABC,
                r#"[{"name":"b","x":1}]"#,
                r#"[{"name":"a"},{"name":"b","x":1},{"name":"c"}]"#,
            ),
            (
                "initContainers",
                ABC,
                r#"[{"name":"d"},{"name":"b"}]"#,
                r#"[{"name":"d"},{"name":"a"},{"name":"b"},{"name":"c"}]"#,
            ),
            ("volumes", r#"[{"name":"a","x":1}]"#, r#"[{"name":"a","y":1}]"#, r#"[{"name":"a","y":1}]"#),
            ("hostAliases", r#"[{"ip":"::1"}]"#, r#"[{"ip":"::2"}]"#, r#"[{"ip":"::2"},{"ip":"::1"}]"#),
            (
                "ports",
                r#"[{"port":80,"protocol":"TCP","x":1}]"#,
                r#"[{"port":80}]"#,
                r#"[{"port":80,"protocol":"TCP","x":1}]"#,
            ),
            // Kubernetes only compares the number if that is enough.
            (
                "ports",
                r#"[{"port":53,"protocol":"TCP"}]"#,
                r#"[{"port":53,"protocol":"UDP"}]"#,
                r#"[{"port":53,"protocol":"UDP"}]"#,
            ),
            (
                "ports",
                r#"[{"port":53,"protocol":"UDP","x":1}]"#,
                r#"[{"port":53},{"port":53,"protocol":"UDP"}]"#,
                r#"[{"port":53},{"port":53,"protocol":"UDP","x":1}]"#,
            ),
            ("tolerations", r#"[{"key":"a"}]"#, r#"[{"key":"b"}]"#, r#"[{"key":"b"}]"#),
            ("volumeClaimTemplates", r#"[{"name":"a"}]"#, r#"[{"name":"b"}]"#, r#"[{"name":"b"}]"#),
            ("containers.env", r#"[{"name":"A"}]"#, r#"[{"name":"B"}]"#, r#"[{"name":"B"},{"name":"A"}]"#),
            (
                "containers.volumeMounts",
                r#"[{"name":"v","mountPath":"/a"}]"#,
                r#"[{"name":"v","mountPath":"/b"}]"#,
                r#"[{"name":"v","mountPath":"/b"},{"name":"v","mountPath":"/a"}]"#,
            ),
            (
                "containers.ports",
                r#"[{"containerPort":80,"x":1}]"#,
                r#"[{"containerPort":80}]"#,
                r#"[{"containerPort":80,"x":1}]"#,
            ),
            ("containers.args", r#"["a","b"]"#, r#"["b"]"#, r#"["b"]"#),
        ] {
            let expected: Value = serde_json::from_str(expected).unwrap();
            assert_eq!(items_after(list, [live, "null", stated]), expected, "{list}: {stated} onto {live}");
        }
        let removed = items_after("containers", [ABC, r#"[{"name":"a"},{"name":"b"}]"#, r#"[{"name":"b"}]"#]);
        assert_eq!(removed, json!([{"name": "b"}, {"name": "c"}]));
    }

    /// Returns JSON with some of the fields that have merge rules of their own.
    fn json() -> impl Strategy<Value = Value> {
        let scalar = prop::sample::select(vec![json!(1), json!(2), json!("TCP"), json!("UDP")]);
        let field = prop::sample::select(vec![
            "spec",
            "containers",
            "volumes",
            "strategy",
            "ports",
            "env",
            "name",
            "port",
            "protocol",
            "x",
        ]);
        let field = field.prop_map(str::to_owned);
        scalar.prop_recursive(5, 60, 4, move |inner| {
            let fields = prop::collection::hash_map(field.clone(), inner.clone(), 0..4);
            prop_oneof![
                prop::collection::vec(inner, 0..4).prop_map(Value::Array),
                fields.prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn file_equal_to_the_live_object_changes_nothing(live in json(), before in json()) {
            prop_assert_eq!(after(&live, &before, &live), live);
        }

        #[test]
        fn applied_object_becomes_the_file(live in json(), stated in json()) {
            prop_assert_eq!(after(&live, &live, &stated), stated);
        }

        #[test]
        fn second_application_changes_nothing(live in json(), before in json(), stated in json()) {
            let found = after(&live, &before, &stated);
            prop_assert_eq!(after(&live, &before, &found), found);
        }
    }
}
