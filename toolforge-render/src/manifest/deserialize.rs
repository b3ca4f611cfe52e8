//! Deserializes YAML values whose locations are known, so an error has the location of the value.

use std::borrow::Cow;
use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, Expected, IntoDeserializer as _, MapAccess,
    SeqAccess, Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;
use toolforge_model::yaml::{YamlNode, YamlValue};
use toolforge_model::{Diagnostic, Location, Memory};

use crate::manifest::Plain;

/// The most errors of one value that are returned.
const MOST_ERRORS: usize = 20;

/// Returns a value of a type, or where and why each wrong value in the node is invalid. The list has at least one error.
pub(crate) fn deserialize<T: DeserializeOwned>(node: &YamlNode) -> Result<T, Vec<Diagnostic>> {
    let mut errors: Vec<Diagnostic> = Vec::new();
    // The value without the wrong values.
    let mut rest = Cow::Borrowed(node);
    loop {
        let found = match T::deserialize(Node { node: &rest }) {
            Ok(value) if errors.is_empty() => return Ok(value),
            Ok(_) => return Err(errors),
            Err(found) => found,
        };
        let location = found.location.unwrap_or(node.location);
        // A missing value cannot be removed.
        if errors.iter().all(|error| error.location != location) {
            errors.push(Diagnostic::new(location, found.message));
        }
        if errors.len() >= MOST_ERRORS || !remove(rest.to_mut(), location) {
            return Err(errors);
        }
    }
}

/// Removes the values in a node that begin at a location; returns whether there are any.
fn remove(node: &mut YamlNode, location: Location) -> bool {
    match &mut node.value {
        YamlValue::Sequence(items) => {
            let before = items.len();
            items.retain(|item| item.location != location);
            let is_found = items.len() < before;
            items.iter_mut().fold(is_found, |found, item| remove(item, location) || found)
        }
        YamlValue::Mapping(pairs) => {
            let before = pairs.len();
            pairs.retain(|(_, value)| value.location != location);
            let is_found = pairs.len() < before;
            pairs.iter_mut().fold(is_found, |found, (_, value)| remove(value, location) || found)
        }
        YamlValue::Null | YamlValue::String(_) | YamlValue::Plain(_) => false,
    }
}

#[derive(Debug)]
struct NodeError {
    /// The location of the innermost wrong value.
    location: Option<Location>,
    message: String,
}

impl NodeError {
    fn at(self, location: Location) -> Self {
        Self { location: self.location.or(Some(location)), ..self }
    }
}

impl fmt::Display for NodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for NodeError {}

impl de::Error for NodeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { location: None, message: message.to_string() }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let found = match found {
            Unexpected::Unit => "nothing".to_owned(),
            Unexpected::Seq => "a list".to_owned(),
            Unexpected::Map => "a mapping".to_owned(),
            other => other.to_string(),
        };
        Self::custom(format_args!("found {found}; expected {}", in_words(&expected.to_string())))
    }
}

/// Returns what is expected in words, from the name of a type.
fn in_words(expected: &str) -> &str {
    match expected {
        "a sequence" => "a list",
        "i16" | "i32" | "i64" | "u16" | "u32" | "u64" => "a whole number",
        "IntOrString" => "a whole number or a percentage",
        name if name.starts_with(char::is_uppercase) || name == "a map" => "a mapping",
        other => other,
    }
}

#[derive(Clone, Copy)]
struct Node<'a> {
    node: &'a YamlNode,
}

impl<'de> Deserializer<'de> for Node<'de> {
    type Error = NodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NodeError> {
        let location = self.node.location;
        let value = match &self.node.value {
            YamlValue::Null => visitor.visit_unit(),
            YamlValue::String(text) => visitor.visit_borrowed_str(text),
            YamlValue::Plain(text) => match Plain::of(text) {
                Plain::Null => visitor.visit_unit(),
                Plain::Boolean(value) => visitor.visit_bool(value),
                Plain::Integer(number) => match (i64::try_from(number), u64::try_from(number)) {
                    (Ok(number), _) => visitor.visit_i64(number),
                    (_, Ok(number)) => visitor.visit_u64(number),
                    // No field has such a number.
                    _ => visitor.visit_borrowed_str(text),
                },
                Plain::Number(number) => visitor.visit_f64(number),
                Plain::String => visitor.visit_borrowed_str(text),
            },
            YamlValue::Sequence(items) => visitor.visit_seq(Items { items: items.iter() }),
            YamlValue::Mapping(pairs) => visitor.visit_map(Pairs { pairs: pairs.iter(), value: None }),
        };
        value.map_err(|error| error.at(location))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NodeError> {
        match self.node.value {
            YamlValue::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    /// A quantity may be a number, as in `cpu: 1`.
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, NodeError> {
        if name != "Quantity" {
            return visitor.visit_newtype_struct(self);
        }
        let text = match &self.node.value {
            YamlValue::Null => Plain::Null.amount(""),
            YamlValue::Plain(text) => Plain::of(text).amount(text),
            _ => Cow::Borrowed(self.node.scalar().unwrap_or_default()),
        };
        if Memory::parse_quantity(&text).is_err() {
            let message =
                format!("{} is not a quantity; write it like 500m, 0.5, 2 or 512Mi", self.node.describe());
            return Err(de::Error::custom(message)).map_err(|error: NodeError| error.at(self.node.location));
        }
        let text: StrDeserializer<'_, NodeError> = text.as_ref().into_deserializer();
        visitor.visit_newtype_struct(text)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}

struct Items<'a> {
    items: std::slice::Iter<'a, YamlNode>,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = NodeError;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, NodeError> {
        let next = self.items.next();
        next.map(|node| seed.deserialize(Node { node }).map_err(|error| error.at(node.location))).transpose()
    }
}

struct Pairs<'a> {
    pairs: std::slice::Iter<'a, (YamlNode, YamlNode)>,
    value: Option<&'a YamlNode>,
}

impl<'de> MapAccess<'de> for Pairs<'de> {
    type Error = NodeError;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, NodeError> {
        let Some((key, value)) = self.pairs.next() else { return Ok(None) };
        self.value = Some(value);
        let text = key.scalar().ok_or_else(|| -> NodeError {
            de::Error::custom(format!("a key must be text, not {}", key.describe()))
        });
        let text: Result<StrDeserializer<'_, NodeError>, NodeError> =
            text.map(serde::de::IntoDeserializer::into_deserializer);
        text.and_then(|text| seed.deserialize(text)).map(Some).map_err(|error| error.at(key.location))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, NodeError> {
        let Some(node) = self.value.take() else { return Err(de::Error::custom("a key without a value")) };
        seed.deserialize(Node { node }).map_err(|error| error.at(node.location))
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::PodSpec;
    use serde_json::Value;
    use toolforge_model::yaml;

    use super::*;

    fn error(text: &str) -> String {
        let errors = deserialize::<PodSpec>(&yaml::parse(text).unwrap()).unwrap_err();
        errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn quantities_may_be_numbers() {
        let text = "containers:\n- name: a\n  resources: {limits: {cpu: 010, memory: 0.5Gi, a: 0x1, b: 2.0, c: ~, d: .5}}\n";
        let spec: PodSpec = deserialize(&yaml::parse(text).unwrap()).unwrap();
        let limits = spec.containers[0].resources.clone().unwrap().limits.unwrap();
        let amounts: Vec<&str> = limits.values().map(|quantity| quantity.0.as_str()).collect();
        assert_eq!(amounts, ["1", "2", "0", "8", ".5", "0.5Gi"]);
    }

    #[test]
    fn errors_have_the_location_of_the_value() {
        insta::assert_snapshot!(error("containers:\n- name: a\n  resources:\n    limits: {cpu: lots}\n"), @r#"line 4, column 19: "lots" is not a quantity; write it like 500m, 0.5, 2 or 512Mi"#);
        insta::assert_snapshot!(error("containers:\n- name: a\n  env:\n  - {name: X, value: 5}\n"), @"line 4, column 22: found integer `5`; expected a string");
        insta::assert_snapshot!(error("activeDeadlineSeconds: soon\n"), @r#"line 1, column 24: found string "soon"; expected a whole number"#);
        insta::assert_snapshot!(error("containers: many\n"), @r#"line 1, column 13: found string "many"; expected a list"#);
        insta::assert_snapshot!(error("containers:\n- resources: {limits: {memory: -1}}\n"), @"line 2, column 32: -1 is not a quantity; write it like 500m, 0.5, 2 or 512Mi");
    }

    #[test]
    fn every_wrong_value_is_an_error() {
        let text = "hostNetwork: \"no\"\ncontainers:\n- name: 5\n  command: sleep\n  args: [a, 5, [b], c]\n  ports: [{containerPort: x}]\n\
                    - name: a\n  env: [&v {name: X, value: 5}, *v]\n- 7\n- resources: {limits: {cpu: lots, memory: much}}\n\
                    - {5: a, ports: [{containerPort: y}]}\n- {[a]: b, tty: x}\n";
        insta::assert_snapshot!(error(text), @r#"
        line 1, column 14: found string "no"; expected a boolean
        line 3, column 9: found integer `5`; expected a string
        line 4, column 12: found string "sleep"; expected a list
        line 5, column 13: found integer `5`; expected a string
        line 5, column 16: found a list; expected a string
        line 6, column 27: found string "x"; expected a whole number
        line 8, column 29: found integer `5`; expected a string
        line 9, column 3: found integer `7`; expected a mapping
        line 10, column 29: "lots" is not a quantity; write it like 500m, 0.5, 2 or 512Mi
        line 10, column 43: "much" is not a quantity; write it like 500m, 0.5, 2 or 512Mi
        line 11, column 34: found boolean `true`; expected a whole number
        line 12, column 4: a key must be text, not a list
        "#);
    }

    #[test]
    fn plain_values_keep_their_meaning() {
        let node =
            yaml::parse("[1, -1, 1.5, true, no, ~, '5', 0x10, x, 010, 1_0, 0b10, 2e0, 1.0, yEs]").unwrap();
        let value: Value = deserialize(&node).unwrap();
        assert_eq!(value.to_string(), r#"[1,-1,1.5,true,false,null,"5",16,"x",8,10,2,2,1,"yEs"]"#);
    }
}
