//! The kind of an object and the version of the API.

use toolforge_model::{platform, suggest};

use super::super::check::{Check, Object};
use super::super::edit::{Added, insert, like, source};
use super::super::finding::{Edit, Fix};
use super::super::rule::Rule;
use super::super::syntax::{Entry, Node};
use super::selector::selector_fix;
use crate::object::{KnownKind, split_api_version};

/// Returns the object of a mapping, if it has a known kind; adds findings if not.
pub(crate) fn find_kind<'n>(check: &mut Check<'_>, node: &'n Node) -> Option<Object<'n>> {
    let version = node.get("apiVersion");
    let Some(kind) = node.get("kind") else {
        let place = version.unwrap_or(node);
        check
            .at(Rule::MissingField, place, "the object has no kind; write one, like `kind: CronJob`")
            .answered("error validating data: kind not set");
        return None;
    };
    let name = kind.text().unwrap_or_default();
    if version.and_then(Node::text).is_some_and(is_of_jobs_service) {
        // Nothing else uses them, so the API server is not asked either.
        note_unchecked(check, kind, name);
        return None;
    }
    if let Some(kind) = KnownKind::named(name) {
        return Some(Object { node, kind });
    }
    let near = suggest(name, KnownKind::writable_names());
    let all =
        || format!("; a tool may create {}", KnownKind::writable_names().collect::<Vec<_>>().join(", "));
    let near = near.map_or_else(all, |near| format!("; did you mean \"{near}\"?"));
    let version = version.and_then(Node::text).unwrap_or_default();
    check
        .at(Rule::UnknownKind, kind, format!("unknown kind \"{name}\"{near}"))
        .answered(format!("no matches for kind \"{name}\" in version \"{version}\""));
    None
}

/// Returns whether an `apiVersion` is of the platform's jobs service; its version is not checked.
fn is_of_jobs_service(api_version: &str) -> bool {
    split_api_version(api_version).0 == platform::JOBS_API_GROUP
}

/// Adds a note that the fields of a kind are not known.
pub(crate) fn note_unchecked(check: &mut Check<'_>, place: &Node, kind: &str) {
    let message =
        format!("the fields of a {kind} are not checked here: only the API server knows its schema");
    check.at(Rule::FieldsNotChecked, place, message);
}

/// Checks the version; returns whether the fields are those of the current version, or nearly.
pub(crate) fn check_kind(check: &mut Check<'_>, object: Object<'_>) -> bool {
    let kind = object.kind;
    let Some(node) = object.node.get("apiVersion") else {
        let message = format!("the object has no apiVersion; write `apiVersion: {}`", kind.api_version);
        let fix =
            insert(check.text, object.node, Some("kind"), "apiVersion", &Added::Scalar(kind.api_version));
        let fix = fix.map(|edit| Fix::of(format_args!("add apiVersion {}", kind.api_version), vec![edit]));
        check
            .at(Rule::ApiVersion, object.head(), message)
            .answered("error validating data: apiVersion not set")
            .fixed(fix);
        return true;
    };
    let found = node.text().unwrap_or_default();
    if kind.api_versions().any(|version| version == found) {
        return true;
    }
    let current = kind.api_version;
    let answer = format!("no matches for kind \"{}\" in version \"{found}\"", kind.name);
    let message = match kind.removed_in(found) {
        Some(_) if current.is_empty() => format!("{} is gone from Kubernetes", kind.name),
        Some(release) => {
            format!("{found} lost {} in Kubernetes {release}; write {current}", kind.name)
        }
        None => format!("{} is in {current}, not in \"{found}\"", kind.name),
    };
    let fix = if current.is_empty() { None } else { fix(check.text, object, node) };
    check.at(Rule::ApiVersion, node, message).answered(answer).fixed(fix);
    !(kind.name == "Ingress" && kind.removed_in(found).is_some())
}

/// Returns whether a tool may not create objects of a kind; adds a finding then.
pub(crate) fn is_forbidden(check: &mut Check<'_>, object: Object<'_>) -> bool {
    if object.kind.is_writable() {
        return false;
    }
    let writable: Vec<&str> = KnownKind::writable_names().collect();
    let kind = object.kind.name;
    let message = format!("a tool may not create a {kind}; it may create {}", writable.join(", "));
    let answer = format!("{kind} is forbidden: User cannot create this resource in the namespace");
    check.at(Rule::ForbiddenKind, object.head(), message).answered(answer);
    true
}

/// Returns the edits that move an object to the current version.
fn fix(text: &str, object: Object<'_>, version: &Node) -> Option<Fix> {
    let current = object.kind.api_version;
    let mut edits = vec![Edit { span: version.span.clone(), replacement: like(text, version, current) }];
    let was_removed = object.kind.removed_in(version.text().unwrap_or_default()).is_some();
    if was_removed && object.kind.name == "Ingress" {
        edits.extend(ingress_edits(text, object)?);
    }
    // `apps/v1` does not have the field, and its value would be lost.
    if object.kind.name == "Deployment" && object.spec().is_some_and(|spec| spec.get("rollbackTo").is_some())
    {
        return None;
    }
    if object.spec().is_some_and(|spec| spec.get("selector").is_none()) {
        edits.extend(selector_fix(text, object));
    }
    Some(Fix::of(format_args!("write {current}"), edits))
}

/// Returns the edits of an Ingress of `v1beta1`: `backend` has `service`, and each path a `pathType`. `None` if one of them is not
/// possible.
fn ingress_edits(text: &str, object: Object<'_>) -> Option<Vec<Edit>> {
    let mut edits = Vec::new();
    let spec = object.spec()?;
    if let Some(entry) = spec.entry("backend") {
        let replacement = like(text, &entry.key, "defaultBackend");
        edits.push(Edit { span: entry.key.span.clone(), replacement });
        edits.extend(backend_edit(text, entry)?);
    }
    let rules = spec.get("rules").map(Node::items).unwrap_or_default();
    for path in rules.iter().filter_map(|rule| rule.at(&["http", "paths"])).flat_map(Node::items) {
        if path.get("pathType").is_none() {
            edits.push(insert(text, path, None, "pathType", &Added::Scalar("ImplementationSpecific"))?);
        }
        if let Some(entry) = path.entry("backend") {
            edits.extend(backend_edit(text, entry)?);
        }
    }
    Some(edits)
}

/// Returns the edit that writes `serviceName` and `servicePort` as `service`, if they exist; `None` if only one of them exists,
/// or a comment would be lost.
fn backend_edit(text: &str, entry: &Entry) -> Option<Option<Edit>> {
    let backend = &entry.value;
    if backend.get("serviceName").is_none() && backend.get("servicePort").is_none() {
        return Some(None);
    }
    let name = backend.get("serviceName")?;
    let port = backend.get("servicePort")?;
    let (name_text, port_text) = (source(text, name)?, source(text, port)?);
    let span = backend.span.clone();
    if text.get(span.clone())?.contains('#') || backend.entries().len() != 2 {
        return None;
    }
    let key = if port.integer().is_some() { "number" } else { "name" };
    let is_json = text.get(span.clone())?.contains("\"serviceName\"");
    let quote = |key: &str| if is_json { format!("\"{key}\"") } else { key.to_owned() };
    let (service, name_key, port_key, key) = (quote("service"), quote("name"), quote("port"), quote(key));
    let inner = format!("{service}: {{{name_key}: {name_text}, {port_key}: {{{key}: {port_text}}}}}");
    let is_flow = text.get(span.clone())?.starts_with('{');
    let replacement = if is_flow { format!("{{{inner}}}") } else { inner };
    Some(Some(Edit { span, replacement }))
}
