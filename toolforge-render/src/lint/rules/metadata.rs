//! Names, namespaces, labels and annotations.

use std::collections::HashMap;

use toolforge_model::ToolName;

use super::super::check::{Check, Object};
use super::super::edit::like;
use super::super::finding::Fix;
use super::super::rule::Rule;
use super::super::strict::reader_of;
use super::super::syntax::Node;
use super::names::{
    not_a_dns_label, not_a_dns_subdomain, not_a_label_key, not_a_label_value, not_a_service_name,
};
use super::value_checks::{invalid, required};

/// The longest name of a CronJob: those of its Jobs have eleven more characters.
const CRON_JOB_NAME: usize = 52;

/// The most bytes of all annotations, with their keys (`TotalAnnotationSizeLimitB` of Kubernetes).
const MOST_ANNOTATIONS: usize = 256 * 1024;

/// The finalizers without a domain.
const STANDARD_FINALIZERS: [&str; 3] = ["foregroundDeletion", "kubernetes", "orphan"];

/// Checks the metadata of an object and of its pods.
pub(crate) fn check(check: &mut Check<'_>, object: Object<'_>) {
    check_name(check, object);
    check_namespace(check, object);
    let metadata = object.node.get("metadata");
    let invalid = |reason: &str| object.invalid(reason);
    check_labels(check, metadata, "metadata", &invalid);
    check_finalizers(check, object);
    check_kept_fields(check, object);
    if let Some(pods) = object.pods().filter(|pods| !pods.path.is_empty()) {
        let path = format!("{}.metadata", pods.path.join("."));
        check_labels(check, pods.template.get("metadata"), &path, &invalid);
    }
    // Its Jobs are refused, not the CronJob itself.
    if object.kind.name == "CronJob" {
        let metadata = object.node.at(&["spec", "jobTemplate", "metadata"]);
        let invalid =
            |reason: &str| format!("The Jobs of CronJob.batch \"{}\" are invalid: {reason}", object.name());
        check_labels(check, metadata, "metadata", &invalid);
    }
}

fn check_name(check: &mut Check<'_>, object: Object<'_>) {
    let Some(node) = object.name_node() else {
        if object.node.at(&["metadata", "generateName"]).is_none() {
            let place = object.node.get("metadata").unwrap_or(object.head());
            check
                .at(Rule::MissingField, place, "the object has no name; write `metadata.name`")
                .answered("error: resource name may not be empty");
        }
        return;
    };
    let Some(name) = node.string() else { return };
    if name.is_empty() {
        check
            .at(Rule::MissingField, node, "the name is empty")
            .answered("error: resource name may not be empty");
        return;
    }
    if let Some(reason) = not_a_name(object, name) {
        let answer = object.invalid(format_args!("metadata.name: Invalid value: \"{name}\""));
        check.at(Rule::InvalidName, node, format!("the name \"{name}\" {reason}")).answered(answer);
    } else if object.kind.name == "CronJob" && name.len() > CRON_JOB_NAME {
        let message = format!(
            "the name of a CronJob has at most {CRON_JOB_NAME} characters, and this one has {}",
            name.len()
        );
        let answer = object.invalid(format_args!(
            "metadata.name: Invalid value: \"{name}\": must be no more than {CRON_JOB_NAME} characters"
        ));
        check.at(Rule::CronJobNameLength, node, message).answered(answer);
    }
}

fn check_namespace(check: &mut Check<'_>, object: Object<'_>) {
    let Some(node) = object.node.at(&["metadata", "namespace"]) else { return };
    // An empty one is the namespace that kubectl uses.
    let Some(found) = node.text().filter(|found| !found.is_empty()) else { return };
    let refused = format!(
        "{} is forbidden: User cannot create resource in the namespace \"{found}\"",
        object.kind.name
    );
    match &check.context.tool {
        Some(tool) => {
            let expected = tool.namespace();
            if found == expected {
                return;
            }
            let message = format!("the namespace is \"{found}\"; that of the tool {tool} is \"{expected}\"");
            // Another tool's namespace is not a typo.
            let is_slip = found == tool.as_str() || found.strip_prefix("tools.") == Some(tool.as_str());
            let new = like(check.text, node, &expected);
            let fix = is_slip.then(|| Fix::replace(format_args!("write {expected}"), node.span.clone(), new));
            check.at(Rule::WrongNamespace, node, message).answered(refused).fixed(fix);
        }
        None if ToolName::from_namespace(found).is_some() => {}
        None => {
            let message = format!("the namespace is \"{found}\"; that of a tool is \"tool-NAME\"");
            check.at(Rule::WrongNamespace, node, message).answered(refused);
        }
    }
}

/// Checks fields that `kubectl get -o yaml` prints and that a new object may not have, or not on their own.
fn check_kept_fields(check: &mut Check<'_>, object: Object<'_>) {
    let Some(metadata) = object.node.get("metadata") else { return };
    if let Some(entry) = metadata.entry("resourceVersion").filter(|entry| entry.value.text() != Some("")) {
        let message =
            "resourceVersion is that of an object of the cluster; remove it, or the object cannot be created";
        check
            .at(Rule::InvalidValue, &entry.key, message)
            .answered("resourceVersion should not be set on objects to be created")
            // An object that exists may be applied with its own version.
            .assumed();
    }
    for (index, owner) in
        metadata.get("ownerReferences").map(Node::items).unwrap_or_default().iter().enumerate()
    {
        for field in ["apiVersion", "kind", "name", "uid"] {
            if owner.get(field).is_none_or(|found| found.text() == Some("")) {
                let path = format!("metadata.ownerReferences[{index}].{field}");
                required(check, object, owner, &path, format_args!("the owner has no {field}"));
            }
        }
    }
    let owners = metadata.get("ownerReferences").map(Node::items).unwrap_or_default();
    let mut controllers =
        owners.iter().filter(|owner| owner.get("controller").and_then(Node::boolean) == Some(true));
    if let (Some(_), Some(second)) = (controllers.next(), controllers.next()) {
        let place = second.entry("controller").map_or(second, |entry| &entry.key);
        let answer = object.invalid(
            "metadata.ownerReferences: Invalid value: Only one reference can have Controller set to true",
        );
        check.at(Rule::InvalidValue, place, "another owner is already the controller").answered(answer);
    }
    let annotations = metadata.get("annotations").map(Node::entries).unwrap_or_default();
    let size: usize =
        annotations.iter().map(|entry| entry.name().len() + entry.value.text().map_or(0, str::len)).sum();
    if let Some(entry) = metadata.entry("annotations").filter(|_| size > MOST_ANNOTATIONS) {
        let message = format!("the annotations have {size} bytes; at most {MOST_ANNOTATIONS} are allowed");
        let reason = format!("metadata.annotations: Too long: may not be more than {MOST_ANNOTATIONS} bytes");
        check.at(Rule::InvalidValue, &entry.key, message).answered(object.invalid(reason));
    }
    if let Some(node) = metadata.get("generateName")
        && let Some(prefix) = node.string().filter(|prefix| !prefix.is_empty())
    {
        // The API server appends letters and digits.
        let name = prefix.strip_suffix('-').map_or_else(|| prefix.to_owned(), |start| format!("{start}a"));
        if let Some(reason) = not_a_name(object, &name) {
            let message = format!("the prefix \"{prefix}\" of the name {reason}");
            let answer = object.invalid(format_args!("metadata.generateName: Invalid value: \"{prefix}\""));
            check.at(Rule::InvalidName, node, message).answered(answer);
        }
    }
}

/// Returns why a text is not the name of an object of its kind.
fn not_a_name(object: Object<'_>, name: &str) -> Option<String> {
    match object.kind.name {
        "Service" => not_a_service_name(name),
        "StatefulSet" => not_a_dns_label(name),
        // The name is the value of a label of its pods.
        "Job" if name.len() > 63 => not_a_dns_label(name),
        _ => not_a_dns_subdomain(name),
    }
}

/// Checks names of finalizers; those of custom resources may have any form.
fn check_finalizers(check: &mut Check<'_>, object: Object<'_>) {
    let finalizers = object.node.at(&["metadata", "finalizers"]).filter(|_| reader_of(object.kind).is_some());
    for (index, node) in finalizers.map(Node::items).unwrap_or_default().iter().enumerate() {
        let Some(text) = node.string() else { continue };
        let path = format!("metadata.finalizers[{index}]");
        if let Some(reason) = not_a_label_key(text) {
            invalid(
                check,
                object,
                node,
                &path,
                (format_args!("the finalizer \"{text}\" {reason}"), "name part"),
            );
        } else if !text.contains('/') && !STANDARD_FINALIZERS.contains(&text) {
            let message = format!("the finalizer \"{text}\" needs a domain, like example.org/{text}");
            let reason = "name is neither a standard finalizer name nor is it fully qualified";
            invalid(check, object, node, &path, (message, reason));
        }
    }
}

/// Checks labels and annotations; `invalid` returns how the API server refuses the object that has them for a reason.
fn check_labels(
    check: &mut Check<'_>,
    metadata: Option<&Node>,
    path: &str,
    invalid: &dyn Fn(&str) -> String,
) {
    let Some(metadata) = metadata else { return };
    for field in ["labels", "annotations"] {
        for entry in metadata.get(field).map(Node::entries).unwrap_or_default() {
            let key = entry.name();
            // The API server compares keys of annotations in lower case.
            let lower = key.to_lowercase();
            let compared = if field == "annotations" { lower.as_str() } else { key };
            if let Some(reason) = not_a_label_key(compared) {
                let answer = invalid(&format!("{path}.{field}: Invalid value: \"{key}\""));
                check
                    .at(Rule::InvalidLabel, &entry.key, format!("the key \"{key}\" {reason}"))
                    .answered(answer);
            }
            let value = entry.value.string().filter(|_| field == "labels");
            if let Some((value, reason)) = value.and_then(|value| Some((value, not_a_label_value(value)?))) {
                let answer = invalid(&format!("{path}.{field}: Invalid value: \"{value}\""));
                let message = format!("the value \"{value}\" of the label {key} {reason}");
                check.at(Rule::InvalidLabel, &entry.value, message).answered(answer);
            }
        }
    }
}

/// Checks whether two objects are the same one.
pub(crate) fn check_duplicates(check: &mut Check<'_>, objects: &[Object<'_>]) {
    let mut seen: HashMap<(&str, &str, Option<&str>), &Node> = HashMap::new();
    for object in objects {
        let Some(node) = object.name_node() else { continue };
        let namespace = object.node.at(&["metadata", "namespace"]).and_then(Node::text);
        if let Some(first) = seen.insert((object.kind.name, object.name(), namespace), node) {
            let message = format!(
                "{} {} is already defined on line {}; the last definition is used",
                object.kind.name,
                object.name(),
                first.location.line
            );
            check.at(Rule::DuplicateObject, node, message);
        }
    }
}
