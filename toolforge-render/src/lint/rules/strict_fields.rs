//! Unknown fields and wrong types.

use super::super::check::{Check, Object};
use super::super::edit::{quoted, scalar};
use super::super::finding::Fix;
use super::super::rule::Rule;
use super::super::strict::{Expected, Issue, IssueKind, reader_of};
use super::super::syntax::{Node, Plain, Scalar};
use super::api_version::note_unchecked;

/// Checks all fields of an object.
pub(crate) fn check(check: &mut Check<'_>, object: Object<'_>) {
    let reader = reader_of(object.kind);
    if reader.is_none() && !check.context.asks_server {
        note_unchecked(check, object.head(), object.kind.name);
    }
    for issue in reader.map(|read| read(object.node)).unwrap_or_default() {
        report(check, object, &issue);
    }
    check_keys(check, object.node);
}

fn report(check: &mut Check<'_>, object: Object<'_>, issue: &Issue<'_>) {
    let Issue { node, path, kind } = issue;
    let found = node.text().unwrap_or_default();
    match kind {
        IssueKind::UnknownField { nearest } => {
            let nearest = nearest.map(|nearest| format!("; did you mean \"{nearest}\"?")).unwrap_or_default();
            check
                .at(Rule::UnknownField, node, format!("unknown field \"{found}\"{nearest}"))
                .answered(format!("strict decoding error: unknown field \"{path}\""));
        }
        IssueKind::WrongType { expected } => {
            let (rule, message) = wrong_type(node, path, *expected);
            let fix = type_fix(node, *expected);
            let version = object.kind.version();
            let name = object.kind.name;
            let answer = format!(
                "{name} in version \"{version}\" cannot be handled as a {name}: json: cannot unmarshal {} into a field of \
                 type {}: {path}",
                go_value(node),
                expected.go_name()
            );
            check.at(rule, node, message).answered(answer).fixed(fix);
        }
        IssueKind::Invalid(reason) => {
            let name = object.kind.name;
            let refused =
                format!("{name} in version \"{}\" cannot be handled as a {name}", object.kind.version());
            // In a list or a mapping, the type is what is wrong.
            let text_field = node.text().and_then(|_| field_of_text(name, path));
            let (message, answer) = match text_field {
                Some(field) => (
                    format!("{path} is not base64; write plain text in {field}"),
                    format!("{refused}: illegal base64 data"),
                ),
                None => (format!("{path} is invalid: {reason}"), refused),
            };
            check.at(Rule::InvalidValue, node, message).answered(answer);
        }
    }
}

/// Returns the plain-text field for what a value has as base64; `None` if the value is not base64.
fn field_of_text(kind: &str, path: &str) -> Option<&'static str> {
    let field = path.split('.').next().unwrap_or_default();
    match (kind, field) {
        ("Secret", "data") => Some("stringData"),
        ("ConfigMap", "binaryData") => Some("data"),
        _ => None,
    }
}

fn wrong_type(node: &Node, path: &str, expected: Expected) -> (Rule, String) {
    let field = path.rsplit('.').next().unwrap_or_default();
    let expected_text = expected.as_str();
    if let Some(Scalar { text, plain: Plain::Boolean(value), is_plain: true }) = scalar(node)
        && expected == Expected::String
        && Plain::former_boolean(text).is_some()
    {
        let message = format!("{text} means {value} in YAML 1.1, and {field} is a string; put it in quotes");
        return (Rule::YamlBoolean, message);
    }
    let found = match node.text().filter(|_| expected != Expected::List) {
        Some(text) if node.string().is_some() => format!("the string \"{text}\""),
        Some(text) => format!("{} ({text})", node.kind_name()),
        None => node.kind_name().to_owned(),
    };
    let hint = match expected {
        Expected::String if node.text().is_some() => "; put it in quotes",
        Expected::List if matches!(field, "command" | "args") => {
            "; write [\"sh\", \"-c\", \"…\"] for a line of a shell"
        }
        _ => "",
    };
    (Rule::WrongType, format!("{field} is {found}; expected {expected_text}{hint}"))
}

fn go_value(node: &Node) -> &'static str {
    match node.kind_name() {
        "a mapping" => "object",
        "a list" => "array",
        "a boolean" => "bool",
        "a number" => "number",
        _ => "string",
    }
}

/// Returns the fix that adds or removes quotes.
fn type_fix(node: &Node, expected: Expected) -> Option<Fix> {
    let Scalar { text, plain, is_plain } = scalar(node)?;
    if expected == Expected::String && *is_plain {
        return Some(Fix::replace("put it in quotes", node.span.clone(), quoted(text)));
    }
    let fits = match (expected, Plain::of(text)) {
        (Expected::Integer, Plain::Integer(_)) => true,
        (Expected::Integer32, Plain::Integer(number)) => i32::try_from(number).is_ok(),
        (Expected::Boolean, Plain::Boolean(_)) => Plain::former_boolean(text).is_none(),
        _ => false,
    };
    (fits && *plain == Plain::String && !is_plain)
        .then(|| Fix::replace("remove the quotes", node.span.clone(), text.clone()))
}

/// Checks keys that kubectl reads as booleans.
fn check_keys(check: &mut Check<'_>, node: &Node) {
    for entry in node.entries().iter().filter(|entry| !entry.is_merged) {
        if let Some(Scalar { text, is_plain: true, .. }) = scalar(&entry.key)
            && let Some(value) = Plain::former_boolean(text)
        {
            let message = format!("the key {text} means {value} in YAML 1.1; put it in quotes");
            let fix = Fix::replace("put the key in quotes", entry.key.span.clone(), quoted(text));
            check.at(Rule::YamlBooleanKey, &entry.key, message).fixed(Some(fix));
        }
        check_keys(check, &entry.value);
    }
    node.items().iter().for_each(|item| check_keys(check, item));
}
