//! Strict field validation: reads a value as a type of Kubernetes and reports each unknown field and each wrong type.
//!
//! The types of k8s-openapi name their fields to the deserializer, so no schema is needed, and the version is the one
//! that the program was built with.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt;

use k8s_openapi::api::{apps, batch, core, networking};
use serde::de::value::{I64Deserializer, StrDeserializer};
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::Value as Json;
use toolforge_model::suggest;

use super::check::Object;
use super::syntax::{Entry, Node, Plain, Scalar, Value};
use crate::object::KnownKind;

/// A field or a value that a type does not have.
#[derive(Debug)]
pub(crate) struct Issue<'n> {
    /// The key of an unknown field, otherwise the value.
    pub(crate) node: &'n Node,
    /// The path of the field, as the API server writes it: `spec.containers[0].image`.
    pub(crate) path: String,
    /// What is wrong.
    pub(crate) kind: IssueKind,
}

/// What is wrong with a field.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum IssueKind {
    /// The type has no such field.
    UnknownField {
        /// The field that was probably meant.
        nearest: Option<&'static str>,
    },
    /// The value has another type.
    WrongType {
        /// The type of the field.
        expected: Expected,
    },
    /// The value has the right type but cannot be read; the reason.
    Invalid(String),
}

/// The type of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// A string.
    String,
    /// A whole number.
    Integer,
    /// A whole number of 32 bits.
    Integer32,
    /// A number.
    Number,
    /// A boolean.
    Boolean,
    /// A list.
    List,
    /// A mapping.
    Mapping,
    /// A number or a string.
    Quantity,
}

impl Expected {
    /// Returns the type in words.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::String => "a string",
            Self::Integer => "a whole number",
            Self::Integer32 => "a whole number of at most 2147483647",
            Self::Number => "a number",
            Self::Boolean => "true or false",
            Self::List => "a list",
            Self::Mapping => "a mapping",
            Self::Quantity => "a number or a string",
        }
    }

    /// Returns the type as the API server names it.
    pub(crate) fn go_name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Integer => "int64",
            Self::Integer32 => "int32",
            Self::Number => "float64",
            Self::Boolean => "bool",
            Self::List => "[]",
            Self::Mapping => "map[string]",
            Self::Quantity => "resource.Quantity",
        }
    }
}

/// Returns the reader of all fields of a kind; `None` if they are not known.
pub(crate) fn reader_of(kind: &KnownKind) -> Option<fn(&Node) -> Vec<Issue<'_>>> {
    Some(match kind.name {
        "Deployment" => check::<apps::v1::Deployment>,
        "CronJob" => check::<batch::v1::CronJob>,
        "Job" => check::<batch::v1::Job>,
        "Pod" => check::<core::v1::Pod>,
        "Service" => check::<core::v1::Service>,
        "Ingress" => check::<networking::v1::Ingress>,
        "ConfigMap" => check::<core::v1::ConfigMap>,
        "Secret" => check::<core::v1::Secret>,
        "Endpoints" => check::<core::v1::Endpoints>,
        "ReplicaSet" => check::<apps::v1::ReplicaSet>,
        "StatefulSet" => check::<apps::v1::StatefulSet>,
        "NetworkPolicy" => check::<networking::v1::NetworkPolicy>,
        _ => return None,
    })
}

/// The values of an object whose type is not that of their fields, so they cannot be read.
#[derive(Default)]
pub(crate) struct WrongValues(HashSet<*const Node>);

impl WrongValues {
    pub(crate) fn of(object: Object<'_>) -> Self {
        let issues = reader_of(object.kind).map(|read| read(object.node)).unwrap_or_default();
        let is_value = |issue: &Issue<'_>| !matches!(issue.kind, IssueKind::UnknownField { .. });
        Self(issues.into_iter().filter(is_value).map(|issue| std::ptr::from_ref(issue.node)).collect())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns a part of the object as JSON, without these values.
    pub(crate) fn without(&self, node: &Node) -> Json {
        node.to_json_without(&|value| self.0.contains(&std::ptr::from_ref(value)))
    }
}

/// Reads an object; its `apiVersion` and `kind` are not checked. Returns everything that is wrong, in the order of the text.
fn check<T: DeserializeOwned>(node: &Node) -> Vec<Issue<'_>> {
    let issues = RefCell::new(Vec::new());
    let reader = Reader { node, path: &Path::Root, issues: &issues };
    // The reason why the whole is unreadable is among the issues.
    drop(T::deserialize(reader));
    issues.into_inner()
}

/// The path of a value.
enum Path<'p> {
    Root,
    Key(&'p Path<'p>, &'p str),
    Index(&'p Path<'p>, usize),
}

impl Path<'_> {
    /// Returns whether a value may be bytes as base64, in which the API server skips line breaks. In a ConfigMap's `data`, which
    /// is plain text, they make no difference to the checks.
    fn is_of_base64(&self) -> bool {
        matches!(self, Self::Key(Self::Key(Self::Root, "binaryData" | "data"), _))
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Key(Self::Root, key) => f.write_str(key),
            Self::Key(parent, key) => write!(f, "{parent}.{key}"),
            Self::Index(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// Why reading stopped; the issue is recorded.
#[derive(Debug)]
struct Stopped(String);

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Stopped {}

impl de::Error for Stopped {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

struct Reader<'n, 'p> {
    node: &'n Node,
    path: &'p Path<'p>,
    issues: &'p RefCell<Vec<Issue<'n>>>,
}

impl<'n, 'p> Reader<'n, 'p> {
    fn note(&self, kind: IssueKind) {
        self.issues.borrow_mut().push(Issue { node: self.node, path: self.path.to_string(), kind });
    }

    fn expect(&self, expected: Expected) {
        self.note(IssueKind::WrongType { expected });
    }

    fn scalar(&self) -> Option<&'n Scalar> {
        match &self.node.value {
            Value::Scalar(scalar) => Some(scalar),
            Value::Sequence(_) | Value::Mapping { .. } => None,
        }
    }

    fn entries(&self, entries: &'n [Entry], fields: Option<&'static [&'static str]>) -> Entries<'n, 'p> {
        let (path, issues) = (self.path, self.issues);
        Entries { entries: entries.iter(), fields, path, issues, value: None }
    }

    fn integer<'de, V: Visitor<'de>>(&self, visitor: V, expected: Expected) -> Result<V::Value, Stopped> {
        let small = |number: i128| {
            let number = i64::try_from(number).ok()?;
            let fits = expected != Expected::Integer32 || i32::try_from(number).is_ok();
            fits.then_some(number)
        };
        let number = match self.scalar().map(|scalar| scalar.plain) {
            Some(Plain::Integer(number)) => small(number),
            Some(Plain::Null) => Some(0),
            _ => None,
        };
        if number.is_none() {
            self.expect(expected);
        }
        visitor.visit_i64(number.unwrap_or_default())
    }

    fn explain_text<'de, V: Visitor<'de>>(self, text: &str, visitor: V) -> Result<V::Value, Stopped> {
        let result = visitor.visit_str(text);
        self.explain(result)
    }

    /// Records why a visitor did not accept a value that has the right type.
    fn explain<T>(self, result: Result<T, Stopped>) -> Result<T, Stopped> {
        if let Err(Stopped(reason)) = &result
            && !reason.is_empty()
        {
            self.note(IssueKind::Invalid(reason.clone()));
            return Err(Stopped(String::new()));
        }
        result
    }
}

impl<'de, 'n> Deserializer<'de> for Reader<'n, '_> {
    type Error = Stopped;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stopped> {
        let result = match &self.node.value {
            Value::Sequence(items) => {
                visitor.visit_seq(Items { items, index: 0, path: self.path, issues: self.issues })
            }
            Value::Mapping { entries, .. } => visitor.visit_map(self.entries(entries, None)),
            Value::Scalar(scalar) => match scalar.plain {
                Plain::Null => visitor.visit_unit(),
                Plain::Boolean(value) => visitor.visit_bool(value),
                Plain::Integer(number) => match i64::try_from(number) {
                    Ok(number) => visitor.visit_i64(number),
                    Err(_) => visitor.visit_f64(f64::MAX),
                },
                Plain::Number(number) => visitor.visit_f64(number),
                Plain::String => visitor.visit_str(&scalar.text),
            },
        };
        self.explain(result)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stopped> {
        let text = match self.scalar() {
            Some(Scalar { plain: Plain::String, text, .. }) if self.path.is_of_base64() => {
                return self.explain_text(&text.replace(['\n', '\r'], ""), visitor);
            }
            Some(Scalar { plain: Plain::String, text, .. }) => text.as_str(),
            Some(Scalar { plain: Plain::Null, .. }) => "",
            Some(scalar) => {
                self.expect(Expected::String);
                scalar.text.as_str()
            }
            None => {
                self.expect(Expected::String);
                ""
            }
        };
        self.explain_text(text, visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stopped> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stopped> {
        let value = match self.scalar().map(|scalar| scalar.plain) {
            Some(Plain::Boolean(value)) => value,
            Some(Plain::Null) => false,
            _ => {
                self.expect(Expected::Boolean);
                false
            }
        };
        visitor.visit_bool(value)
    }

    fn deserialize_i32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stopped> {
        self.integer(visitor, Expected::Integer32)
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stopped> {
        self.integer(visitor, Expected::Integer)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stopped> {
        match self.scalar().map(|scalar| scalar.plain) {
            Some(Plain::Number(_) | Plain::Integer(_) | Plain::Null) => {}
            _ => self.expect(Expected::Number),
        }
        visitor.visit_i64(0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stopped> {
        if self.node.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Stopped> {
        if name != "Quantity" {
            return visitor.visit_newtype_struct(self);
        }
        match self.scalar().map(|scalar| scalar.plain) {
            Some(Plain::Integer(_) | Plain::Number(_) | Plain::String) => visitor
                .visit_newtype_struct(StrDeserializer::<Stopped>::new(self.node.text().unwrap_or_default())),
            found => {
                if found != Some(Plain::Null) {
                    self.expect(Expected::Quantity);
                }
                visitor.visit_newtype_struct(I64Deserializer::<Stopped>::new(0))
            }
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stopped> {
        let items: &[Node] = match &self.node.value {
            Value::Sequence(items) => items,
            Value::Scalar(_) | Value::Mapping { .. } => {
                if !self.node.is_null() {
                    self.expect(Expected::List);
                }
                &[]
            }
        };
        visitor.visit_seq(Items { items, index: 0, path: self.path, issues: self.issues })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stopped> {
        if !matches!(self.node.value, Value::Mapping { .. }) && !self.node.is_null() {
            self.expect(Expected::Mapping);
        }
        visitor.visit_map(self.entries(self.node.entries(), None))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stopped> {
        if !matches!(self.node.value, Value::Mapping { .. }) && !self.node.is_null() {
            self.expect(Expected::Mapping);
        }
        visitor.visit_map(self.entries(self.node.entries(), Some(fields)))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stopped> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        i8 i16 i128 u8 u16 u32 u64 u128 f32 char bytes byte_buf unit unit_struct tuple tuple_struct enum identifier
    }
}

/// The fields of a type, or the keys of a map.
struct Entries<'n, 'p> {
    entries: std::slice::Iter<'n, Entry>,
    fields: Option<&'static [&'static str]>,
    path: &'p Path<'p>,
    issues: &'p RefCell<Vec<Issue<'n>>>,
    value: Option<&'n Entry>,
}

impl<'de> MapAccess<'de> for Entries<'_, '_> {
    type Error = Stopped;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Stopped> {
        for entry in self.entries.by_ref() {
            let name = entry.name();
            if let Some(fields) = self.fields {
                // The kind was determined before.
                if matches!(self.path, Path::Root) && matches!(name, "apiVersion" | "kind") {
                    continue;
                }
                if !fields.contains(&name) {
                    let is_free = |field: &&&str| !matches!(**field, "apiVersion" | "kind" | "status");
                    let known: Vec<&'static str> = fields.iter().filter(is_free).copied().collect();
                    self.issues.borrow_mut().push(Issue {
                        node: &entry.key,
                        path: Path::Key(self.path, name).to_string(),
                        kind: IssueKind::UnknownField { nearest: nearest(name, &known) },
                    });
                    continue;
                }
            }
            self.value = Some(entry);
            let key: StrDeserializer<'_, Stopped> = name.into_deserializer();
            return seed.deserialize(key).map(Some);
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Stopped> {
        let Some(entry) = self.value.take() else { return Err(Stopped(String::new())) };
        let path = Path::Key(self.path, entry.name());
        seed.deserialize(Reader { node: &entry.value, path: &path, issues: self.issues })
    }
}

/// Words that people write for a field that has a shorter or another name.
const OTHER_NAMES: [(&str, &str); 6] = [
    ("arguments", "args"),
    ("cmd", "command"),
    ("crontab", "schedule"),
    ("entrypoint", "command"),
    ("environment", "env"),
    ("environmentvariables", "env"),
];

/// Returns the field that was probably meant: often one with another spelling of its words (`command_line`, `Image`), or with a
/// word for it (`environment`).
fn nearest(name: &str, fields: &[&'static str]) -> Option<&'static str> {
    let bare = |text: &str| text.replace(['_', '-', ' '], "").to_lowercase();
    let name = bare(name);
    let same = fields.iter().find(|field| bare(field) == name);
    let others = || OTHER_NAMES.iter().filter(|(_, field)| fields.contains(field));
    let other = || {
        let meant = suggest(&name, others().map(|(other, _)| *other))?;
        others().find(|(other, _)| *other == meant).map(|(_, field)| *field)
    };
    same.copied().or_else(other).or_else(|| suggest(&name, fields.iter().copied()))
}

struct Items<'n, 'p> {
    items: &'n [Node],
    index: usize,
    path: &'p Path<'p>,
    issues: &'p RefCell<Vec<Issue<'n>>>,
}

impl<'de> SeqAccess<'de> for Items<'_, '_> {
    type Error = Stopped;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Stopped> {
        let Some(node) = self.items.get(self.index) else { return Ok(None) };
        let path = Path::Index(self.path, self.index);
        self.index += 1;
        seed.deserialize(Reader { node, path: &path, issues: self.issues }).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::apps::v1::Deployment;
    use k8s_openapi::api::core::v1::{Pod, Secret, Service};

    use super::*;
    use crate::lint::syntax::parse;

    fn issues<T: DeserializeOwned>(text: &str) -> Vec<String> {
        let found = parse(text);
        let issues = check::<T>(&found.documents[0].root);
        issues
            .iter()
            .map(|issue| format!("{} {}: {:?}", issue.node.location.line, issue.path, issue.kind))
            .collect()
    }

    #[test]
    fn all_issues_of_an_object_are_found() {
        let text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a, lables: {x: y}}\nspec:\n  replicas: '2'\n  \
                    template:\n    spec:\n      containers:\n      - name: 1\n        comand: [x]\n        args: x\n        env:\n        \
                    - {name: A, value: no}\n        resources: {limits: {cpu: 1, memory: [1]}}\n        ports: [{containerPort: \
                    8000000000}]\n      hostNetwork: yes\n";
        assert_eq!(
            issues::<Deployment>(text),
            [
                "3 metadata.lables: UnknownField { nearest: Some(\"labels\") }",
                "5 spec.replicas: WrongType { expected: Integer32 }",
                "9 spec.template.spec.containers[0].name: WrongType { expected: String }",
                "10 spec.template.spec.containers[0].comand: UnknownField { nearest: Some(\"command\") }",
                "11 spec.template.spec.containers[0].args: WrongType { expected: List }",
                "13 spec.template.spec.containers[0].env[0].value: WrongType { expected: String }",
                "14 spec.template.spec.containers[0].resources.limits.memory: WrongType { expected: Quantity }",
                "15 spec.template.spec.containers[0].ports[0].containerPort: WrongType { expected: Integer32 }",
            ]
        );
    }

    #[test]
    fn valid_objects_have_no_issues() {
        let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a, creationTimestamp: null, annotations: {a: b}}\nspec:\n  \
                   containers:\n  - {name: c, image: i, livenessProbe: {httpGet: {path: /, port: http}}, resources: {limits: \
                   {cpu: 0.5, memory: 1Gi}}}\n  - {name: d, livenessProbe: {httpGet: {port: 8000}}}\nstatus: {}\n";
        assert_eq!(issues::<Pod>(pod), [""; 0]);
        let service =
            "apiVersion: v1\nkind: Service\nspec: {ports: [{port: 8000, targetPort: 8000.0}, {port: 1.0}]}\n";
        assert_eq!(issues::<Service>(service), [""; 0]);
    }

    #[test]
    fn unreadable_values_have_a_reason() {
        let found = issues::<Secret>("kind: Secret\ndata: {a: not base64}\n");
        assert!(found[0].starts_with("2 data.a: Invalid("), "{found:?}");
        let found = issues::<Service>("spec:\n  ports: [{port: 1, targetPort: true}]\n  typ: x\n");
        assert!(found[0].starts_with("2 spec.ports[0].targetPort: Invalid("), "{found:?}");
    }
}
