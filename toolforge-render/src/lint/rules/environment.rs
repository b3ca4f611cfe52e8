//! Environment variables.

use toolforge_quota::ComputeResource;

use super::super::check::{Check, Object};
use super::super::rule::Rule;
use super::super::syntax::{Entry, Node};
use super::files::check_key;
use super::names::not_a_label_key;
use super::scope::Scope;
use super::value_checks::{check_allowed, invalid, required};

/// The fields of a pod that a variable can have (Kubernetes 1.33).
const FIELDS: [&str; 9] = [
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];

/// The amounts of a container that a variable can have (Kubernetes 1.33).
const RESOURCES: [&str; 6] = [
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
];

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
        if let Some(found) = text.chars().find(|c| !matches!(*c, ' '..='~')) {
            let message =
                format!("the name of the environment variable has {found:?}; use printable ASCII characters");
            let reason = "a valid environment variable name must consist only of printable ASCII characters other than '='";
            invalid(check, object, name, &field("name"), (message, reason));
        }
        let value = variable.get("value");
        if let Some(from) = variable.get("valueFrom") {
            check_source(check, scope, from, &field("valueFrom"));
        }
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

/// Checks where the value of a variable comes from.
fn check_source(check: &mut Check<'_>, scope: Scope<'_>, from: &Node, path: &str) {
    let object = scope.object;
    let sources: Vec<&Entry> = from.entries().iter().filter(|entry| !entry.value.is_null()).collect();
    match sources.as_slice() {
        [] => {
            let message =
                "valueFrom has no source; write configMapKeyRef, fieldRef, resourceFieldRef or secretKeyRef";
            let reason =
                "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`";
            invalid(check, object, from, path, (message, reason));
        }
        [_] => {}
        [first, second, ..] => {
            let message = format!("valueFrom has both {} and {}", first.name(), second.name());
            let reason = "may not have more than one field specified at a time";
            invalid(check, object, &second.key, path, (message, reason));
        }
    }
    for source in ["configMapKeyRef", "secretKeyRef"] {
        let Some(reference) = from.get(source) else { continue };
        for field in ["name", "key"] {
            if reference.get(field).is_none_or(|found| found.text() == Some("")) {
                let path = format!("{path}.{source}.{field}");
                required(check, object, reference, &path, format_args!("{source} has no {field}"));
            }
        }
        if let Some(key) = reference.get("key").filter(|key| key.text() != Some("")) {
            check_key(check, scope, key, &format!("{path}.{source}.key"));
        }
    }
    if let Some(reference) = from.get("fieldRef") {
        check_field(check, object, reference, &format!("{path}.fieldRef"), &FIELDS);
    }
    if let Some(reference) = from.get("resourceFieldRef") {
        check_resource(check, object, reference, &format!("{path}.resourceFieldRef"));
    }
}

/// Checks a reference to a field of the pod.
pub(crate) fn check_field(
    check: &mut Check<'_>,
    object: Object<'_>,
    reference: &Node,
    path: &str,
    allowed: &[&str],
) {
    if let Some(version) = reference.get("apiVersion")
        && let Some(text) = version.string().filter(|text| !matches!(*text, "" | "v1"))
    {
        let message = format!("apiVersion is \"{text}\"; that of a pod is v1");
        let path = format!("{path}.fieldPath");
        invalid(
            check,
            object,
            version,
            &path,
            (message, "error converting fieldPath: unsupported pod version"),
        );
    }
    let path = format!("{path}.fieldPath");
    let Some(node) = reference.get("fieldPath").filter(|node| node.text() != Some("")) else {
        required(check, object, reference, &path, "fieldRef has no fieldPath");
        return;
    };
    let Some(text) = node.string() else { return };
    // Old manifests have it.
    if text == "spec.host" {
        return;
    }
    let subscripted = text.strip_suffix("']").and_then(|text| text.split_once("['"));
    match subscripted {
        Some((list @ ("metadata.annotations" | "metadata.labels"), key)) => {
            let lower = key.to_lowercase();
            let compared = if list == "metadata.annotations" { lower.as_str() } else { key };
            if let Some(reason) = not_a_label_key(compared) {
                let message = format!("the key \"{key}\" {reason}");
                invalid(check, object, node, &path, (message, "must be a qualified name"));
            }
        }
        Some((field, _)) if !field.is_empty() => {
            let message = format!("{field} has no keys; only metadata.annotations and metadata.labels have");
            invalid(check, object, node, &path, (message, "field label does not support subscript"));
        }
        _ => check_allowed(check, object, node, &path, allowed),
    }
}

/// Checks a reference to an amount of a container.
pub(crate) fn check_resource(check: &mut Check<'_>, object: Object<'_>, reference: &Node, path: &str) {
    check_divisor(check, object, reference, &format!("{path}.divisor"));
    let path = format!("{path}.resource");
    let Some(node) = reference.get("resource").filter(|node| node.text() != Some("")) else {
        required(check, object, reference, &path, "resourceFieldRef has no resource");
        return;
    };
    let is_huge_pages =
        |text: &str| text.starts_with("limits.hugepages-") || text.starts_with("requests.hugepages-");
    if !node.string().is_some_and(is_huge_pages) {
        check_allowed(check, object, node, &path, &RESOURCES);
    }
}

/// Checks the unit in which an amount is.
fn check_divisor(check: &mut Check<'_>, object: Object<'_>, reference: &Node, path: &str) {
    let Some(node) = reference.get("divisor") else { return };
    let (resource, allowed) = match reference.get("resource").and_then(Node::string) {
        Some("limits.cpu" | "requests.cpu") => (ComputeResource::Cpu, "1 and 1m"),
        Some(
            "limits.memory" | "requests.memory" | "limits.ephemeral-storage" | "requests.ephemeral-storage",
        ) => (ComputeResource::Memory, "1, 1k, 1Ki, 1M, 1Mi and so on"),
        _ => return,
    };
    let Some(text) = node.amount() else { return };
    let Ok(found) = resource.parse_amount(&text) else { return };
    let is_power = |base: u64| (1..=6).any(|power| base.checked_pow(power) == Some(found));
    // The API server compares the shortest form of an amount, which stays decimal, binary or with an exponent: 1024 is not 1Ki.
    let has_exponent = text.contains(['e', 'E']) && !text.ends_with('E');
    let is_unit = match resource {
        ComputeResource::Cpu => matches!(found, 1 | 1000),
        _ if found == 1 => true,
        _ if has_exponent => false,
        _ if text.ends_with('i') => is_power(1024),
        _ => is_power(1000),
    };
    // An unset one is 0.
    if found != 0 && !is_unit {
        let message = format!("the divisor is {text}; the allowed values are {allowed}");
        invalid(check, object, node, path, (message, "only divisor's values of the resource are supported"));
    }
}

/// Checks the objects that all variables of a container come from.
pub(crate) fn check_from(check: &mut Check<'_>, scope: Scope<'_>, path: &str, node: &Node) {
    let object = scope.object;
    for (index, from) in node.get("envFrom").map(Node::items).unwrap_or_default().iter().enumerate() {
        let field = |name: &str| scope.pods.field(format_args!("{path}.envFrom[{index}]{name}"));
        let references: Vec<(&str, &Node)> = ["configMapRef", "secretRef"]
            .into_iter()
            .filter_map(|source| Some((source, from.get(source)?)))
            .collect();
        match references.as_slice() {
            [] => {
                let message = "envFrom has no source; write configMapRef or secretRef";
                let reason = "must specify one of: `configMapRef` or `secretRef`";
                invalid(check, object, from, &field(""), (message, reason));
            }
            [_] => {}
            [_, (_, second), ..] => {
                let message = "envFrom has both configMapRef and secretRef; write two items";
                let reason = "may not have more than one field specified at a time";
                invalid(check, object, second, &field(""), (message, reason));
            }
        }
        for (source, reference) in references {
            if reference.get("name").is_none_or(|found| found.text() == Some("")) {
                let path = field(&format!(".{source}.name"));
                required(check, object, reference, &path, format_args!("{source} has no name"));
            }
        }
        if let Some(prefix) = from.get("prefix")
            && let Some(text) = prefix.string().filter(|text| text.contains('='))
        {
            let message = format!("the prefix \"{text}\" has '='");
            invalid(check, object, prefix, &field(".prefix"), (message, "must not contain '='"));
        }
    }
}
