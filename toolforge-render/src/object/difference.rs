//! The differences between a live object and the wanted one, field by field.

use serde_json::Value;
use toolforge_model::{Cpu, JobField, Memory, Untrusted};

use crate::object::FieldPath;

/// One field that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// The field's path in the object.
    pub path: FieldPath,
    /// The field of a jobs file that sets it; `None` in a web service.
    pub key: Option<JobField>,
    /// The current value as JSON, without quotes around a string; `None` if it is not set.
    pub live: Option<Untrusted>,
    /// The wanted value; `None` if the field is removed.
    pub wanted: Option<Untrusted>,
}

impl Difference {
    /// Returns a difference at a path.
    #[must_use]
    pub fn new(path: FieldPath, live: Option<Untrusted>, wanted: Option<Untrusted>) -> Self {
        Self { path, key: None, live, wanted }
    }

    /// Returns the difference with the field of a jobs file that sets it.
    #[must_use]
    pub fn of_key(self, key: JobField) -> Self {
        Self { key: Some(key), ..self }
    }
}

/// Returns every field of `wanted` whose value `live` does not have, in the order of the wanted object.
///
/// `null` in `wanted` means that the field must be absent. Fields that only `live` has are ignored. Quantities compare as
/// numbers, and values that the API server omits (`false`, empty lists and maps) compare as absent.
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
        (Value::Array(items), Some(Value::Array(current)))
            if items.iter().all(|item| name_of(item).is_some()) =>
        {
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
        (wanted, None) if is_default(wanted) => {}
        (wanted, Some(live)) if is_same(wanted, live, path) => {}
        (wanted, live) => found.push(Difference::new(
            path.clone(),
            live.filter(|live| !is_default(live)).map(text),
            Some(wanted).filter(|wanted| !is_default(wanted)).map(text),
        )),
    }
}

fn name_of(item: &Value) -> Option<&str> {
    item.get("name")?.as_str()
}

/// Returns whether the API server omits the value.
fn is_default(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.values().all(is_default),
        Value::Bool(true) | Value::Number(_) | Value::String(_) => false,
    }
}

fn is_same(wanted: &Value, live: &Value, path: &FieldPath) -> bool {
    if wanted == live || (is_default(wanted) && is_default(live)) {
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
    fn null_requires_an_absent_field() {
        assert_eq!(
            shown(&json!({"command": null}), &json!({"command": ["x"]})),
            [r#"/command: ["x"] -> none"#]
        );
        assert_eq!(shown(&json!({"command": null, "tty": false}), &json!({})), Vec::<String>::new());
    }
}
