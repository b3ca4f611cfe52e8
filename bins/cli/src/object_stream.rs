//! Reads the objects of a file that kubectl printed, one at a time, for `--from` of all programs and for the quotas of all tools: a
//! dump of all namespaces can have several gigabytes.

use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use toolforge_model::ToolName;
use toolforge_render::manifest::list_item_kind;
use toolforge_render::namespace::{Documents, DocumentsError};

use crate::failure::Failure;
use crate::input::{Input, cannot_be_read, too_large};

/// Calls `each` with every object of some kinds in a JSON document: a list of objects of any kind, one object, or several such
/// documents. Only one object is in memory at a time.
///
/// # Errors
/// When the input cannot be read, is not JSON or is cut off, and where `each` returns an error.
pub fn for_each_object<E: fmt::Display>(
    input: impl Read,
    kinds: &[&str],
    mut each: impl FnMut(&str, Value) -> Result<(), E>,
) -> Result<(), serde_json::Error> {
    let mut input = BufReader::with_capacity(BUFFER, input);
    while skip_spaces(&mut input).map_err(serde_json::Error::io)? {
        read_document(&mut input, &mut |default_kind, object| {
            pass_on(object, (default_kind, kinds), &mut each)
        })?;
    }
    Ok(())
}

/// Adds the objects of a file that a tool's facts may need. JSON is read object by object, and of any size; YAML has at most
/// `yaml_limit` bytes.
///
/// # Errors
/// When the file cannot be read, is larger, or has other content.
pub(crate) fn read_documents(
    documents: &mut Documents,
    tool: &ToolName,
    path: &Path,
    yaml_limit: u64,
) -> Result<(), Failure> {
    let file = path.display().to_string();
    let mut input = Input::open(path)?;
    let mut reader = BufReader::with_capacity(BUFFER, &mut input);
    let mut start = Vec::new();
    let begins_with = first_byte(&mut reader, &mut start).map_err(|error| cannot_be_read(path, &error))?;
    if begins_with != Some(b'{') {
        let read = reader.take(yaml_limit + 1).read_to_end(&mut start);
        read.map_err(|error| cannot_be_read(path, &error))?;
        if start.len() as u64 > yaml_limit {
            return Err(too_large(path, yaml_limit)
                .hint("Write it as JSON, `kubectl get … --output json`: that is read object by object."));
        }
        return Ok(documents.read(&file, &String::from_utf8_lossy(&start))?);
    }
    let mut reader = Lines { reader, ends: count_lines(&start) };
    let mut refused = None;
    let mut each = |kind: Option<&str>, mut object: Value| {
        // The items of a `PodList` of the API server do not repeat their kind.
        if let (Some(kind), Some(fields)) = (kind, object.as_object_mut()) {
            fields.entry("kind").or_insert_with(|| Value::String(kind.to_owned()));
        }
        documents.add_of_tool(tool, &file, object).map_err(|error| {
            let text = error.to_string();
            refused = Some(error);
            text
        })
    };
    loop {
        let found = skip_spaces(&mut reader).map_err(|error| cannot_be_read(path, &error))?;
        if !found {
            return Ok(());
        }
        let lines = reader.ends;
        if let Err(error) = read_document(&mut reader, &mut each) {
            return Err(match (refused, error.io_error_kind()) {
                (Some(refused), _) => refused.into(),
                (None, Some(kind)) => cannot_be_read(path, &kind.into()),
                (None, None) => DocumentsError::of_json(&file, &error, lines).into(),
            });
        }
    }
}

/// Returns the first byte that is not a space; the spaces before it are moved to `start`.
fn first_byte(reader: &mut impl BufRead, start: &mut Vec<u8>) -> std::io::Result<Option<u8>> {
    loop {
        let bytes = reader.fill_buf()?;
        let spaces = bytes.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let first = bytes.get(spaces).copied();
        let is_end = bytes.is_empty();
        start.extend_from_slice(&bytes[..spaces]);
        reader.consume(spaces);
        if first.is_some() || is_end {
            return Ok(first);
        }
    }
}

/// A reader that counts the line endings that it has passed.
struct Lines<R> {
    reader: R,
    ends: u64,
}

impl<R: BufRead> Read for Lines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.ends += count_lines(&buffer[..read]);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Lines<R> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        self.reader.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        let passed = self.reader.fill_buf().map(|bytes| count_lines(&bytes[..count.min(bytes.len())]));
        self.ends += passed.unwrap_or_default();
        self.reader.consume(count);
    }
}

fn count_lines(bytes: &[u8]) -> u64 {
    bytes.iter().map(|byte| u64::from(*byte == b'\n')).sum()
}

/// The size of the buffer in bytes.
const BUFFER: usize = 1 << 16;

/// Reads one JSON document.
fn read_document(
    input: &mut impl BufRead,
    each: &mut impl FnMut(Option<&str>, Value) -> Result<(), String>,
) -> Result<(), serde_json::Error> {
    serde_json::Deserializer::from_reader(input).deserialize_map(Objects { each })
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
    each: &'a mut F,
}

impl<'de, F: FnMut(Option<&str>, Value) -> Result<(), String>> Visitor<'de> for Objects<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a Kubernetes object or a list of objects")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let mut object = Map::new();
        let mut is_list = false;
        // Items without a kind, of a list whose kind follows them.
        let mut unnamed = Vec::new();
        while let Some(key) = fields.next_key::<String>()? {
            let kind = object.get("kind").and_then(Value::as_str);
            let item_kind = kind.and_then(list_item_kind);
            match key.as_str() {
                "items" if kind.is_none() || item_kind.is_some() => {
                    is_list = true;
                    let unnamed = kind.is_none().then_some(&mut unnamed);
                    let kind = item_kind.filter(|kind| !kind.is_empty()).map(str::to_owned);
                    fields.next_value_seed(Items { kind, unnamed, each: &mut *self.each })?;
                }
                _ => {
                    object.insert(key, fields.next_value()?);
                }
            }
        }
        if !is_list {
            return (self.each)(None, Value::Object(object)).map_err(A::Error::custom);
        }
        let kind = object.get("kind").and_then(Value::as_str).and_then(list_item_kind);
        let kind = kind.filter(|kind| !kind.is_empty());
        unnamed.into_iter().try_for_each(|item| (self.each)(kind, item).map_err(A::Error::custom))
    }
}

/// The items of a list.
struct Items<'a, F> {
    /// The kind of an item that does not state it, as in a list of the API server.
    kind: Option<String>,
    /// Where to keep items without a kind, if that of the list is not known yet.
    unnamed: Option<&'a mut Vec<Value>>,
    each: &'a mut F,
}

impl<'de, F: FnMut(Option<&str>, Value) -> Result<(), String>> DeserializeSeed<'de> for Items<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, items: D) -> Result<(), D::Error> {
        items.deserialize_option(self)
    }
}

impl<'de, F: FnMut(Option<&str>, Value) -> Result<(), String>> Visitor<'de> for Items<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of Kubernetes objects")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, items: D) -> Result<(), D::Error> {
        items.deserialize_seq(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element::<Value>()? {
            if let Some(unnamed) = self.unnamed.as_mut().filter(|_| item.get("kind").is_none()) {
                unnamed.push(item);
                continue;
            }
            (self.each)(self.kind.as_deref(), item).map_err(A::Error::custom)?;
        }
        Ok(())
    }
}

/// Passes an object on if it has one of the kinds.
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
            (r#"{"items": [{"metadata": {"name": "a"}}], "kind": "ResourceQuotaList"}"#.to_owned(), &["a"]),
            (format!("{a}\n{b}\n\n"), &["a", "b"]),
            (pod.to_owned(), &[]),
            (r#"{"kind": "ResourceQuotaList", "items": null}"#.to_owned(), &[]),
            (" \n".to_owned(), &[]),
        ] {
            assert_eq!(names(&text).unwrap(), expected, "{text}");
        }
    }

    /// Returns the names of the quotas of a tool in a file, or the error.
    fn quotas_of(text: &str, yaml_limit: u64) -> Result<Vec<String>, String> {
        let name = format!("toolforge-stream-{}-{:?}", std::process::id(), std::thread::current().id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, text).unwrap();
        let (mut documents, tool) = (Documents::default(), "a".parse().unwrap());
        let read = read_documents(&mut documents, &tool, &path, yaml_limit);
        std::fs::remove_file(&path).unwrap();
        let shown = path.display().to_string();
        read.map_err(|failure| failure.to_string().replace(&shown, "FILE"))?;
        let others = documents.other_tools(&tool);
        if !others.is_empty() {
            return Err(others.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "));
        }
        let limits = documents.namespace(&tool).unwrap().limits;
        Ok(limits.quotas.into_iter().map(|quota| quota.name).collect())
    }

    #[test]
    fn objects_of_a_tool_are_kept() {
        let quota = |namespace: &str, name: &str| {
            format!(
                r#"{{"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {{"name": "{name}", "namespace": "{namespace}"}}}}"#
            )
        };
        let (own, other, system) = (quota("tool-a", "x"), quota("tool-b", "y"), quota("kube-system", "z"));
        let list = format!(r#"{{"apiVersion": "v1", "items": [{other}, {own}, {system}], "kind": "List"}}"#);
        // JSON is read object by object, so the limit is only that of YAML.
        assert_eq!(quotas_of(&list, 10).unwrap(), ["x"]);
        assert_eq!(quotas_of(&format!("\n {other}\n{own}\n"), 10).unwrap(), ["x"]);
        let typed =
            r#"{"kind": "ResourceQuotaList", "items": [{"metadata": {"name": "x", "namespace": "tool-a"}}]}"#;
        assert_eq!(quotas_of(typed, 10).unwrap(), ["x"]);
        assert_eq!(quotas_of(&format!("{other}{system}"), 10).unwrap_err(), "b");
        let yaml = "  \n- a\n";
        assert!(quotas_of(yaml, 3).unwrap_err().contains("--output json"));
        assert_eq!(quotas_of("kind: ResourceQuota\nmetadata: {name: x}\n", 99).unwrap(), ["x"]);
    }

    #[test]
    fn errors_of_a_file_have_their_line() {
        let pod = r#"{"kind": "Pod", "metadata": {"name": "a"}}"#;
        for (text, expected) in [
            (format!("{pod}\n{pod}\n{{\n\"kind\" 1}}"), ":4:8: invalid JSON: expected `:`"),
            (format!("{pod}\n\n{{\"kind\": "), ":3:9: the text ends within a JSON value; is it cut off?"),
            (r#"{"kind": "Pod"}"#.to_owned(), "it has no `metadata`"),
            (r#"{"items": [{"metadata": {}}]}"#.to_owned(), "it has no `kind`"),
            (" \n".to_owned(), "FILE is empty"),
        ] {
            let error = quotas_of(&text, 99).unwrap_err();
            assert!(error.contains(expected), "{error}");
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
