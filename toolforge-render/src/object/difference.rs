//! The differences between a live object and the wanted one, field by field.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use toolforge_model::{Cpu, JobField, Memory, Untrusted};

use crate::object::defaults::with_defaults;
use crate::object::{FieldPath, ObjectKind, PathSegment};
use crate::secret::without_secrets;

/// The numbers that the API server omits if they are zero.
const ZEROS: [&str; 4] = ["hostPort", "initialDelaySeconds", "minReadySeconds", "nodePort"];

/// The texts that the API server omits if they are empty.
const TEXTS: [&str; 6] = ["fsType", "medium", "subPath", "subPathExpr", "value", "workingDir"];

/// The booleans that differ from an unset value if they are `false` (Kubernetes 1.33).
const TRUE_IF_UNSET: [&str; 5] = [
    "allocateLoadBalancerNodePorts",
    "allowPrivilegeEscalation",
    "automountServiceAccountToken",
    "enableServiceLinks",
    "hostUsers",
];

/// One field that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// The field's path in the object.
    pub path: FieldPath,
    /// The field of a jobs file that sets it; `None` in a web service.
    pub key: Option<JobField>,
    /// The current value as JSON, without quotes around a string, and with `***` in place of secrets; `None` if it is not set.
    pub live: Option<Untrusted>,
    /// The wanted value; `None` if the field is removed.
    pub wanted: Option<Untrusted>,
}

impl Difference {
    /// Returns a difference at a path, without the secrets of the values.
    #[must_use]
    pub fn new(path: FieldPath, live: Option<Untrusted>, wanted: Option<Untrusted>) -> Self {
        let name = path.value_name();
        let hidden = |value: Option<Untrusted>| {
            value.map(|value| Untrusted::new(without_secrets(name, value.as_raw())))
        };
        let (live, wanted) = (hidden(live), hidden(wanted));
        Self { path, key: None, live, wanted }
    }

    /// Returns the difference with the field of a jobs file that sets it.
    pub(crate) fn of_key(self, key: JobField) -> Self {
        Self { key: Some(key), ..self }
    }
}

/// Returns every field in which an object and the one that replaces it differ, including those that only one of them has.
///
/// Both have the API server's defaults. The first containers are the same one, even if their names differ.
pub(crate) fn replacement_differences(kind: ObjectKind, before: &Value, after: &Value) -> Vec<Difference> {
    let (mut before, mut after) = (with_defaults(kind, before), with_defaults(kind, after));
    let mut found = Vec::new();
    if let (Some((pod, old)), Some((_, new))) = (first_container(&mut before), first_container(&mut after)) {
        let (old_name, new_name) = (old["name"].clone(), new["name"].clone());
        if old_name != new_name {
            // Paths use the name in the written object.
            let path = pod.field("containers").item(0, old_name.as_str()).field("name");
            found.push(Difference::new(path, Some(text(&old_name)), Some(text(&new_name))));
            new["name"] = old_name;
        }
    }
    fill_lists(&mut before, &mut after);
    found.extend(differences(&after, &before));
    for lost in differences(&before, &after) {
        let is_found = |other: &Difference| other.path == lost.path;
        if lost.live.is_none() && !found.iter().any(is_found) {
            found.push(Difference::new(lost.path, lost.wanted, None));
        }
    }
    found
}

/// Returns the path of the pod spec of an object of any kind.
pub(crate) fn pod_spec_path(object: &Value) -> Option<FieldPath> {
    let paths: [&[&str]; 3] =
        [&["spec", "jobTemplate", "spec", "template", "spec"], &["spec", "template", "spec"], &["spec"]];
    let has_containers =
        |path: &FieldPath| path.value(object).is_some_and(|pod| pod["containers"].is_array());
    paths.into_iter().map(FieldPath::of).find(has_containers)
}

/// Returns the path of an object's pod spec, and its first container.
fn first_container(object: &mut Value) -> Option<(FieldPath, &mut Value)> {
    let found = pod_spec_path(object)?;
    let container = object.pointer_mut(&format!("{}/containers/0", found.pointer()))?;
    container.is_object().then_some((found, container))
}

/// Adds empty lists where only one of two objects has a list, so each of its items is compared.
fn fill_lists(one: &mut Value, other: &mut Value) {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            fill_missing(one, other);
            fill_missing(other, one);
            for (key, value) in one.iter_mut() {
                if let Some(other) = other.get_mut(key) {
                    fill_lists(value, other);
                }
            }
        }
        (Value::Array(one), Value::Array(other)) => {
            one.iter_mut().zip(other).for_each(|(one, other)| fill_lists(one, other));
        }
        _ => {}
    }
}

fn fill_missing(from: &Map<String, Value>, to: &mut Map<String, Value>) {
    for (key, _) in from.iter().filter(|(_, value)| value.is_array()) {
        let found = to.entry(key.as_str()).or_insert(Value::Null);
        if found.is_null() {
            *found = Value::Array(Vec::new());
        }
    }
}

/// Returns every field of `wanted` whose value `live` does not have, in the order of the wanted object.
///
/// `null` in `wanted` means that the field must be absent. Fields that only `live` has are ignored. Quantities compare as
/// numbers, and values that the API server omits (`false` where that is the default, empty lists and maps, some zeros and empty texts) compare as absent.
#[must_use]
pub fn differences(wanted: &Value, live: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    compare(wanted, Some(live), &FieldPath::default(), &mut found);
    found
}

fn compare(wanted: &Value, live: Option<&Value>, path: &FieldPath, found: &mut Vec<Difference>) {
    match (wanted, live) {
        (Value::Object(fields), Some(Value::Object(current))) => {
            for (key, value) in fields {
                compare(value, current.get(key), &path.field(key), found);
            }
        }
        (Value::Array(items), Some(Value::Array(current))) if have_names(items) && are_distinct(current) => {
            for (index, item) in items.iter().enumerate() {
                let name = name_of(item);
                let other = current.iter().find(|other| name_of(other) == name);
                compare(item, other, &path.item(index, name), found);
            }
        }
        (Value::Array(items), Some(Value::Array(current)))
            if items.len() == current.len() && items.iter().all(Value::is_object) =>
        {
            for (index, (item, other)) in items.iter().zip(current).enumerate() {
                compare(item, Some(other), &path.item(index, None), found);
            }
        }
        (wanted, None) if is_default(wanted, path.value_name()) || is_omitted(wanted, path) => {}
        (wanted, Some(live)) if is_same(wanted, live, path) => {}
        (wanted, live) => found.push(Difference::new(
            path.clone(),
            live.filter(|live| !is_default(live, path.value_name())).map(text),
            Some(wanted).filter(|wanted| !is_default(wanted, path.value_name())).map(text),
        )),
    }
}

fn name_of(item: &Value) -> Option<&str> {
    item.get("name")?.as_str()
}

/// Returns whether each item has a name of its own; mounts of one volume do not.
fn have_names(items: &[Value]) -> bool {
    items.iter().all(|item| name_of(item).is_some()) && are_distinct(items)
}

/// Returns whether no two items have the same name; some may have none.
fn are_distinct(items: &[Value]) -> bool {
    let mut names = BTreeSet::new();
    items.iter().filter_map(name_of).all(|name| names.insert(name))
}

/// Returns whether the API server omits a zero or an empty text: it keeps those that differ from an unset value
/// (Kubernetes 1.33, fields with `omitempty` that are not pointers).
fn is_omitted(value: &Value, path: &FieldPath) -> bool {
    let Some(PathSegment::Field(field)) = path.segments().last() else { return false };
    match value {
        Value::Number(number) => number.as_u64() == Some(0) && ZEROS.contains(&field.as_str()),
        Value::String(text) => text.is_empty() && TEXTS.contains(&field.as_str()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => false,
    }
}

/// Returns whether the API server omits the value of a field.
fn is_default(value: &Value, field: &str) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(false) => !TRUE_IF_UNSET.contains(&field),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.iter().all(|(key, value)| is_default(value, key)),
        Value::Bool(true) | Value::Number(_) | Value::String(_) => false,
    }
}

fn is_same(wanted: &Value, live: &Value, path: &FieldPath) -> bool {
    let is_unset = |value: &Value| is_default(value, path.value_name());
    if wanted == live || (is_unset(wanted) && is_unset(live)) {
        return true;
    }
    let (Some(wanted), Some(live)) = (wanted.as_str(), live.as_str()) else { return false };
    match path.resource() {
        Some("cpu") => {
            Cpu::parse_quantity(wanted).is_ok_and(|wanted| Cpu::parse_quantity(live) == Ok(wanted))
        }
        Some("memory") => {
            Memory::parse_quantity(wanted).is_ok_and(|wanted| Memory::parse_quantity(live) == Ok(wanted))
        }
        Some(_) | None => false,
    }
}

fn text(value: &Value) -> Untrusted {
    Untrusted::new(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(wanted: &Value, live: &Value) -> Vec<String> {
        let value =
            |value: Option<Untrusted>| value.map_or_else(|| "none".to_owned(), |it| it.as_raw().to_owned());
        differences(wanted, live)
            .into_iter()
            .map(|found| {
                format!("{}: {} -> {}", found.path.pointer(), value(found.live), value(found.wanted))
            })
            .collect()
    }

    #[test]
    fn quantities_compare_as_numbers() {
        let with =
            |memory: &str| json!({"resources": {"limits": {"memory": memory}}, "env": {"memory": memory}});
        assert_eq!(shown(&with("1Gi"), &with("1024Mi")), ["/env/memory: 1024Mi -> 1Gi"]);
    }

    #[test]
    fn named_items_are_matched_by_name() {
        let wanted = json!({"containers": [{"name": "b", "image": "x"}]});
        let live = json!({"containers": [{"name": "a", "image": "x"}, {"name": "b", "image": "y"}]});
        assert_eq!(shown(&wanted, &live), ["/containers/0/image: y -> x"]);
    }

    #[test]
    fn items_of_one_name_are_matched_by_place() {
        let mounts = |path: &str| {
            json!({"volumeMounts": [
                {"name": "home", "mountPath": "/a"}, {"name": "home", "mountPath": path, "subPath": ""},
            ]})
        };
        assert_eq!(shown(&mounts("/b"), &mounts("/b")), Vec::<String>::new());
        assert_eq!(shown(&mounts("/c"), &mounts("/b")), ["/volumeMounts/1/mountPath: /b -> /c"]);
    }

    #[test]
    fn values_that_the_server_omits_are_not_set() {
        let wanted = json!({
            "readinessProbe": {"initialDelaySeconds": 0},
            "env": [{"name": "A", "value": ""}],
            "emptyDir": {"medium": ""},
        });
        let live = json!({"readinessProbe": {}, "env": [{"name": "A"}], "emptyDir": {}});
        assert_eq!(shown(&wanted, &live), Vec::<String>::new());
        // They are as if set to `true` without a value.
        let wanted = json!({"enableServiceLinks": false, "tty": false, "securityContext": {"allowPrivilegeEscalation": false}});
        let mut found = shown(&wanted, &json!({}));
        found.sort();
        assert_eq!(
            found,
            [
                "/enableServiceLinks: none -> false",
                r#"/securityContext: none -> {"allowPrivilegeEscalation":false}"#
            ]
        );
        // Zero replicas, and labels without a value, are stored.
        let wanted = json!({"replicas": 0, "labels": {"toolforge": ""}});
        let mut found = shown(&wanted, &json!({"labels": {}}));
        found.sort();
        assert_eq!(found, ["/labels/toolforge: none -> ", "/replicas: none -> 0"]);
    }

    #[test]
    fn replacement_shows_fields_of_both_objects() {
        let pod = |name: &str, rest: Value| {
            let mut container = rest;
            container["name"] = json!(name);
            json!({"spec": {"containers": [container]}})
        };
        let before = pod("bot", json!({"tty": true, "env": [{"name": "A", "value": "1"}], "args": ["x"]}));
        let after = pod("job", json!({"workingDir": "/x", "env": [{"name": "B", "value": "2"}]}));
        let found = replacement_differences(ObjectKind::Pod, &before, &after);
        // The order of fields is that of the objects, or alphabetical without the feature of serde_json.
        let found: BTreeSet<String> = found.iter().map(|found| found.path.to_string()).collect();
        let expected = ["args", "env[A]", "env[B]", "name", "tty", "workingDir"];
        assert_eq!(found, expected.map(|field| format!("spec.containers[bot].{field}")).into());
    }

    #[test]
    fn null_requires_an_absent_field() {
        assert_eq!(
            shown(&json!({"command": null}), &json!({"command": ["x"]})),
            [r#"/command: ["x"] -> none"#]
        );
        assert_eq!(shown(&json!({"command": null, "tty": false}), &json!({})), Vec::<String>::new());
    }
}
