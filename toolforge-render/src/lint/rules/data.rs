//! Keys of ConfigMaps and Secrets.

use super::super::check::{Check, Object};
use super::super::rule::Rule;
use super::super::syntax::Node;

/// Checks the keys of the data, each of which can be the name of a file.
pub(crate) fn check(check: &mut Check<'_>, object: Object<'_>) {
    for field in ["data", "binaryData", "stringData"] {
        for entry in object.node.get(field).map(Node::entries).unwrap_or_default() {
            let key = entry.name();
            let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            let is_wrong = key.is_empty()
                || key.len() > 253
                || !key.chars().all(is_allowed)
                || key == "."
                || key.starts_with("..");
            if is_wrong {
                let answer = object.invalid(format_args!("{field}[{key}]: Invalid value: \"{key}\""));
                let message =
                    format!("the key \"{key}\" is not allowed; use letters, digits, '-', '_' and '.'");
                check.at(Rule::InvalidName, &entry.key, message).answered(answer);
            }
        }
    }
    if object.kind.name == "Secret" {
        check_plain_values(check, object);
    }
}

/// Notes values of a Secret that are written out.
fn check_plain_values(check: &mut Check<'_>, object: Object<'_>) {
    let values = object.node.get("stringData").map(Node::entries).unwrap_or_default();
    if let Some(first) = values.iter().find(|entry| entry.value.text().is_some_and(|text| !text.is_empty())) {
        let message = format!("the value of {} is in the file", first.name());
        check.at(Rule::PlainSecret, &first.key, message);
    }
}
