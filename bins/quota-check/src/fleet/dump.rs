//! Reads objects of a list that kubectl printed as JSON, one at a time.

use std::fmt;
use std::io::{BufRead, BufReader, Read};

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use toolforge_render::manifest::list_item_kind;

/// Calls `each` with every object of some kinds in a JSON document: a list of objects of any kind, one object, or several such
/// documents. Only one object is in memory at a time.
///
/// # Errors
/// When the input cannot be read, is not JSON or is cut off, and where `each` returns an error.
pub(crate) fn for_each_object<E: fmt::Display>(
    input: impl Read,
    kinds: &[&str],
    mut each: impl FnMut(&str, Value) -> Result<(), E>,
) -> Result<(), serde_json::Error> {
    let mut input = BufReader::with_capacity(1 << 16, input);
    while skip_spaces(&mut input).map_err(serde_json::Error::io)? {
        let mut document = serde_json::Deserializer::from_reader(&mut input);
        document.deserialize_map(Objects { kinds, each: &mut each })?;
    }
    Ok(())
}

/// Skips spaces and returns whether anything follows them.
fn skip_spaces(input: &mut impl BufRead) -> std::io::Result<bool> {
    loop {
        let bytes = input.fill_buf()?;
        if bytes.is_empty() {
            return Ok(false);
        }
        let spaces = bytes.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let is_other = spaces < bytes.len();
        input.consume(spaces);
        if is_other {
            return Ok(true);
        }
    }
}

/// An object, or a list whose items are passed on while they are read.
struct Objects<'a, F> {
    kinds: &'a [&'a str],
    each: &'a mut F,
}

impl<'de, E: fmt::Display, F: FnMut(&str, Value) -> Result<(), E>> Visitor<'de> for Objects<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a Kubernetes object or a list of objects")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let mut object = Map::new();
        let mut is_list = false;
        while let Some(key) = fields.next_key::<String>()? {
            let kind = object.get("kind").and_then(Value::as_str);
            let item_kind = kind.and_then(|kind| list_item_kind(kind, true));
            match key.as_str() {
                // The kind of a list may follow its items.
                "items" if kind.is_none() || item_kind.is_some() => {
                    is_list = true;
                    let kind = item_kind.filter(|kind| !kind.is_empty()).map(str::to_owned);
                    fields.next_value_seed(Items { kind, kinds: self.kinds, each: &mut *self.each })?;
                }
                "kind" | "metadata" | "spec" | "status" => {
                    object.insert(key, fields.next_value()?);
                }
                _ => {
                    fields.next_value::<IgnoredAny>()?;
                }
            }
        }
        if is_list {
            Ok(())
        } else {
            pass_on(Value::Object(object), (None, self.kinds), self.each).map_err(A::Error::custom)
        }
    }
}

/// The items of a list.
struct Items<'a, F> {
    /// The kind of an item that does not state it, as in a list of the API server.
    kind: Option<String>,
    kinds: &'a [&'a str],
    each: &'a mut F,
}

impl<'de, E: fmt::Display, F: FnMut(&str, Value) -> Result<(), E>> DeserializeSeed<'de> for Items<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, items: D) -> Result<(), D::Error> {
        items.deserialize_option(self)
    }
}

impl<'de, E: fmt::Display, F: FnMut(&str, Value) -> Result<(), E>> Visitor<'de> for Items<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of Kubernetes objects")
    }

    fn visit_unit<E2: serde::de::Error>(self) -> Result<(), E2> {
        Ok(())
    }

    fn visit_none<E2: serde::de::Error>(self) -> Result<(), E2> {
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, items: D) -> Result<(), D::Error> {
        items.deserialize_seq(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element::<Value>()? {
            pass_on(item, (self.kind.as_deref(), self.kinds), self.each).map_err(A::Error::custom)?;
        }
        Ok(())
    }
}

/// Passes an object on if it is of one of the kinds.
fn pass_on<E: fmt::Display>(
    object: Value,
    (default_kind, kinds): (Option<&str>, &[&str]),
    each: &mut impl FnMut(&str, Value) -> Result<(), E>,
) -> Result<(), String> {
    let Some(kind) = object.get("kind").and_then(Value::as_str).or(default_kind) else {
        return Err("an object has no `kind`; expected the output of `kubectl get resourcequota -A -o json`"
            .to_owned());
    };
    match kinds.iter().find(|wanted| **wanted == kind) {
        Some(kind) => each(kind, object).map_err(|error| error.to_string()),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Result<Vec<String>, String> {
        let mut names = Vec::new();
        let each = |_: &str, quota: Value| {
            names.push(quota["metadata"]["name"].as_str().unwrap_or("?").to_owned());
            Ok::<_, String>(())
        };
        for_each_object(text.as_bytes(), &["ResourceQuota"], each).map_err(|error| error.to_string())?;
        Ok(names)
    }

    #[test]
    fn quotas_of_lists_and_objects_are_read() {
        let quota = |name: &str| format!(r#"{{"kind": "ResourceQuota", "metadata": {{"name": "{name}"}}}}"#);
        let (a, b) = (quota("a"), quota("b"));
        let pod = r#"{"kind": "Pod", "spec": {"containers": []}}"#;
        for (text, expected) in [
            (
                format!(r#"{{"apiVersion": "v1", "items": [{a}, {pod}, {b}], "kind": "List"}}"#),
                &["a", "b"][..],
            ),
            (r#"{"kind": "ResourceQuotaList", "items": [{"metadata": {"name": "a"}}]}"#.to_owned(), &["a"]),
            (format!("{a}\n{b}\n\n"), &["a", "b"]),
            (pod.to_owned(), &[]),
            (r#"{"kind": "ResourceQuotaList", "items": null}"#.to_owned(), &[]),
            (" \n".to_owned(), &[]),
        ] {
            assert_eq!(names(&text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn other_input_is_an_error_with_its_location() {
        for (text, expected) in [
            (
                "{\"kind\": \"List\",\n \"items\": [{\"kind\": \"Pod\"}, {",
                "EOF while parsing an object at line 2",
            ),
            ("apiVersion: v1", "expected value at line 1 column 1"),
            ("[1]", "invalid type: sequence, expected a Kubernetes object or a list of objects"),
            ("{\"items\": [{}]}", "an object has no `kind`"),
            ("{\"items\": 1}", "invalid type: integer"),
        ] {
            let error = names(text).unwrap_err();
            assert!(error.starts_with(expected), "{text}: {error}");
        }
    }
}
