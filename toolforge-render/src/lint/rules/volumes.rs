//! The sources of volumes, and volumes that are devices of containers.

use std::collections::HashSet;

use super::super::check::Check;
use super::super::rule::Rule;
use super::super::syntax::Node;
use super::choices::visit;
use super::environment;
use super::scope::Scope;
use super::value_checks::{check_file_path, forbidden, invalid, required};

/// The fields of a pod that a volume can have (Kubernetes 1.33).
const FIELDS: [&str; 5] =
    ["metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"];

/// The shortest validity of a token.
const TOKEN_SECONDS: i64 = 600;

/// Checks the volumes of pods.
pub(crate) fn check(check: &mut Check<'_>, scope: Scope<'_>) {
    let Scope { object, pods, spec } = scope;
    let prefix = pods.field("");
    let prefix = prefix.trim_end_matches('.');
    for keys in [
        ["volumes", "*", "downwardAPI", "items", "*"].as_slice(),
        &["volumes", "*", "projected", "sources", "*", "downwardAPI", "items", "*"],
    ] {
        visit(spec, keys, prefix, &mut |item, path| check_field_file(check, scope, item, path));
    }
    visit(spec, &["volumes", "*", "projected"], prefix, &mut |volume, path| {
        check_projected(check, scope, volume, path);
    });
    for list in ["containers", "initContainers"] {
        visit(spec, &[list, "*"], prefix, &mut |container, path| {
            check_devices(check, scope, container, path);
        });
    }
    visit(
        spec,
        &["volumes", "*", "projected", "sources", "*", "serviceAccountToken"],
        prefix,
        &mut |token, path| {
            if let Some(node) = token.get("path").filter(|node| node.text() != Some("")) {
                check_file_path(check, object, node, &format!("{path}.path"));
            }
            if let Some(node) = token.get("expirationSeconds")
                && let Some(seconds) = node.integer().filter(|seconds| *seconds < TOKEN_SECONDS)
            {
                let message = format!("expirationSeconds is {seconds}; it must be {TOKEN_SECONDS} or more");
                let reason = "may not specify a duration less than 10 minutes";
                invalid(check, object, node, &format!("{path}.expirationSeconds"), (message, reason));
            }
        },
    );
}

/// Checks the sources of a volume that has several.
fn check_projected(check: &mut Check<'_>, scope: Scope<'_>, volume: &Node, path: &str) {
    let object = scope.object;
    let mut files = HashSet::new();
    for (index, source) in volume.get("sources").map(Node::items).unwrap_or_default().iter().enumerate() {
        let path = format!("{path}.sources[{index}]");
        let mut kinds = source.entries().iter().filter(|entry| !entry.value.is_null());
        if let (Some(first), Some(second)) = (kinds.next(), kinds.next()) {
            let message = format!("the source is both {} and {}", first.name(), second.name());
            let path = format!("{path}.{}", second.name());
            let reason = "may not specify more than 1 volume type";
            forbidden(check, object, &second.key, &path, (message, reason));
        }
        let items = ["configMap", "downwardAPI", "secret"]
            .into_iter()
            .filter_map(|kind| source.at(&[kind, "items"]))
            .flat_map(Node::items);
        // The API server does not compare the path of a serviceAccountToken.
        for place in items.filter_map(|item| item.get("path")) {
            if let Some(file) = place.string().filter(|file| !file.is_empty() && !files.insert(*file)) {
                let message = format!("another file has the same path, \"{file}\"");
                invalid(check, object, place, &path, (message, "conflicting duplicate paths"));
            }
        }
    }
}

/// Checks a file of a volume that contains a field of the pod.
fn check_field_file(check: &mut Check<'_>, scope: Scope<'_>, item: &Node, path: &str) {
    let object = scope.object;
    let field = |name: &str| format!("{path}{name}");
    match item.get("path") {
        Some(node) => check_file_path(check, object, node, &field(".path")),
        None => required(check, object, item, &field(".path"), "the item has no path"),
    }
    match (item.get("fieldRef"), item.get("resourceFieldRef")) {
        (None, None) => {
            required(check, object, item, &field(""), "the item has neither fieldRef nor resourceFieldRef");
        }
        (Some(reference), None) => {
            environment::check_field(check, object, reference, &field(".fieldRef"), &FIELDS);
        }
        (None, Some(reference)) => {
            environment::check_resource(check, object, reference, &field(".resourceFieldRef"));
            if reference.get("containerName").is_none_or(|name| name.text() == Some("")) {
                let path = field(".resourceFieldRef.containerName");
                required(
                    check,
                    object,
                    reference,
                    &path,
                    "in a volume, resourceFieldRef needs a containerName",
                );
            }
        }
        (Some(_), Some(second)) => {
            let message = "the item has both fieldRef and resourceFieldRef";
            let reason = "fieldRef and resourceFieldRef can not be specified simultaneously";
            invalid(check, object, second, &field(""), (message, reason));
        }
    }
}

/// Checks the volumes that a container has as devices.
fn check_devices(check: &mut Check<'_>, scope: Scope<'_>, container: &Node, path: &str) {
    let Scope { object, spec, .. } = scope;
    let volumes = spec.get("volumes").map(Node::items).unwrap_or_default();
    let mounts = container.get("volumeMounts").map(Node::items).unwrap_or_default();
    let claims = object.claim_templates();
    let (mut names, mut paths) = (HashSet::new(), HashSet::new());
    let devices = container.get("volumeDevices").map(Node::items).unwrap_or_default();
    for (index, device) in devices.iter().enumerate() {
        let path = format!("{path}.volumeDevices[{index}]");
        for (field, other, seen) in [("name", "name", &mut names), ("devicePath", "mountPath", &mut paths)] {
            let path = format!("{path}.{field}");
            let Some(node) = device.get(field).filter(|found| found.text() != Some("")) else {
                required(check, object, device, &path, format_args!("the device has no {field}"));
                continue;
            };
            let Some(text) = node.string() else { continue };
            if !seen.insert(text) {
                let message = format!("another device has the same {field}, \"{text}\"");
                invalid(check, object, node, &path, (message, "must be unique"));
            } else if mounts.iter().any(|mount| mount.get(other).and_then(Node::string) == Some(text)) {
                let message = if field == "name" {
                    format!("\"{text}\" is also among the volumeMounts; a volume is a device or mounted")
                } else {
                    format!("\"{text}\" is also the mountPath of one of the volumeMounts")
                };
                invalid(check, object, node, &path, (message, "must not already exist in volumeMounts"));
            }
        }
        let Some(name) = device.get("name").filter(|name| name.text() != Some("")) else { continue };
        let Some(text) = name.string().filter(|text| !claims.contains(text)) else { continue };
        let path = format!("{path}.name");
        match volumes.iter().find(|volume| volume.get("name").and_then(Node::text) == Some(text)) {
            None => {
                check
                    .at(Rule::VolumeMount, name, format!("the pod has no volume \"{text}\""))
                    .answered(object.invalid(format_args!("{path}: Not found: \"{text}\"")));
            }
            Some(volume)
                if ["ephemeral", "persistentVolumeClaim"].iter().all(|kind| volume.get(kind).is_none()) =>
            {
                let message = format!("the volume \"{text}\" is not a device; mount it with volumeMounts");
                let reason =
                    "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode";
                invalid(check, object, name, &path, (message, reason));
            }
            Some(_) => {}
        }
    }
}
