//! Environment variables, and secrets that are written out.

use super::super::check::{Check, Object};
use super::super::plain_secret::{PlainSecret, of_object, of_platform_file};
use super::super::rule::Rule;
use super::super::syntax::{Document, Node};
use super::scope::Scope;

/// Checks the environment of a container.
pub(crate) fn check(check: &mut Check<'_>, scope: Scope<'_>, path: &str, node: &Node) {
    let object = scope.object;
    for (index, variable) in node.get("env").map(Node::items).unwrap_or_default().iter().enumerate() {
        let field = |name: &str| scope.pods.field(format_args!("{path}.env[{index}].{name}"));
        let Some(name) = variable.get("name").filter(|name| name.text() != Some("")) else {
            check
                .at(Rule::MissingField, variable, "the environment variable has no name")
                .answered(object.invalid(format_args!("{}: Required value", field("name"))));
            continue;
        };
        let text = name.text().unwrap_or_default();
        if text.contains('=') {
            check
                .at(
                    Rule::InvalidName,
                    name,
                    format!("the name \"{text}\" of the environment variable has '='"),
                )
                .answered(object.invalid(format_args!("{}: Invalid value: \"{text}\"", field("name"))));
        }
        let value = variable.get("value");
        if let Some(from) = variable.get("valueFrom")
            && value.and_then(Node::text).is_some_and(|value| !value.is_empty())
        {
            check
                .at(
                    Rule::InvalidValue,
                    from,
                    format!("{text} has both value and valueFrom; remove one of them"),
                )
                .answered(object.invalid(format_args!(
                    "{}: Invalid value: \"\": may not be specified when `value` is not empty",
                    field("valueFrom")
                )));
        }
    }
}

/// Checks whether an object contains secrets.
pub(crate) fn check_object(check: &mut Check<'_>, object: Object<'_>) {
    report(check, of_object(object));
}

/// Checks whether a file of the platform's tools contains secrets.
pub(crate) fn check_platform_file(check: &mut Check<'_>, document: &Document) {
    report(check, of_platform_file(document));
}

/// Adds a finding for each value that contains a secret.
fn report(check: &mut Check<'_>, found: Vec<PlainSecret<'_>>) {
    let mut last = None;
    for PlainSecret { subject, place, .. } in found {
        if last.replace(place.span.start) != Some(place.span.start) {
            let message = format!("{subject} looks like a secret, and its value is in the file");
            check.at(Rule::PlainSecret, place, message);
        }
    }
}
