//! The API server's answers to a text in a dry run.

use serde_json::Value as Json;
use toolforge_model::Untrusted;
use toolforge_quota::ObjectName;

use super::check::{Check, Object};
use super::context::LintContext;
use super::finding::Finding;
use super::read_objects::objects;
use super::redaction::Secrets;
use super::rule::{Level, Rule};
use super::rules::label;
use super::syntax::{Node, parse};
use crate::manifest::ManifestKind;

/// An object that the API server can check.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LintObject {
    /// The kind with its group and version.
    pub kind: ManifestKind,
    /// The name.
    pub name: String,
    /// The object as kubectl sends it.
    pub json: Json,
    /// Its index among the text's objects.
    index: usize,
}

/// Returns the objects of a text in which [`lint`](super::lint) has found no error, so the API server can check them.
///
/// Without a tool, and for objects of another namespace, there are none.
#[must_use]
pub fn server_objects(text: &str, context: &LintContext, findings: &[Finding]) -> Vec<LintObject> {
    let Some(tool) = &context.tool else { return Vec::new() };
    let has_error = |name: &ObjectName| {
        findings.iter().any(|found| found.level() == Level::Error && found.object.as_ref() == Some(name))
    };
    let parsed = parse(text);
    let mut check = Check::new(text, context);
    let found = objects(&mut check, &parsed.documents);
    let namespace = tool.namespace();
    let is_own = |object: &Object<'_>| {
        let stated = object.node.at(&["metadata", "namespace"]);
        stated.is_none_or(|found| found.text().is_some_and(|text| text.is_empty() || text == namespace))
    };
    let checked = found
        .iter()
        .enumerate()
        .filter(|(_, object)| !object.name().is_empty() && is_own(object) && !has_error(&label(**object)));
    checked
        .map(|(index, object)| LintObject {
            kind: ManifestKind::new(stated_version(object), object.kind.name),
            name: object.name().to_owned(),
            json: object.node.to_json(),
            index,
        })
        .collect()
}

/// Returns the `apiVersion` that an object states; without one, the current one of its kind.
fn stated_version<'n>(object: &Object<'n>) -> &'n str {
    object.node.get("apiVersion").and_then(Node::text).unwrap_or(object.kind.api_version)
}

/// Returns the finding that the API server refuses an object of a text; `field` is the path that its answer names.
#[must_use]
pub fn refused_by_server(
    text: &str,
    context: &LintContext,
    object: &LintObject,
    message: &Untrusted,
    field: Option<&str>,
) -> Option<Finding> {
    let parsed = parse(text);
    let mut check = Check::new(text, context);
    let found = objects(&mut check, &parsed.documents);
    let found = found.get(object.index)?;
    let place = field.and_then(|field| at(found.node, field)).unwrap_or(found.head());
    check.findings.clear();
    check.object = Some(label(*found));
    check.at(Rule::RefusedByServer, place, "the API server refuses the object").answered(message.as_raw());
    let mut finding = check.findings.pop()?;
    Secrets::of_parsed(text, &parsed).hide_in(&mut finding, text);
    Some(finding)
}

/// Returns the value at a path of the API server such as `spec.ports[0].name`, or the deepest one that exists.
fn at<'n>(node: &'n Node, path: &str) -> Option<&'n Node> {
    let mut found = None;
    let mut node = node;
    for segment in path.split(['.', '[']) {
        node = match segment.strip_suffix(']').and_then(|index| index.parse::<usize>().ok()) {
            Some(index) => match node.items().get(index) {
                Some(item) => item,
                None => break,
            },
            None => match node.get(segment.trim_end_matches(']')) {
                Some(value) => value,
                None => break,
            },
        };
        found = Some(node);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_the_server_are_found() {
        let text =
            "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec:\n  ports:\n  - {name: a, port: 1}\n";
        let context = LintContext::offline("stashbot".parse().ok());
        let objects = server_objects(text, &context, &[]);
        assert_eq!(objects.len(), 1);
        let line = |field| {
            let found = refused_by_server(text, &context, &objects[0], &"no".into(), field).unwrap();
            (found.location.line, text[found.span].to_owned())
        };
        assert_eq!(line(Some("spec.ports[0].name")), (6, "a".to_owned()));
        assert_eq!(line(Some("spec.ports[3].name")), (6, "{name: a, port: 1}".to_owned()));
        assert_eq!(line(Some("status.x")), (2, "Service".to_owned()));
        assert_eq!(line(None), (2, "Service".to_owned()));
    }

    #[test]
    fn objects_with_errors_are_not_sent() {
        let context = LintContext::offline("stashbot".parse().ok());
        let text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: \
                    {name: b, namespace: tool-other}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndat: {}\n";
        let names: Vec<String> = server_objects(text, &context, &super::super::lint(text, &context))
            .into_iter()
            .map(|object| object.name)
            .collect();
        assert_eq!(names, ["a"]);
    }

    #[test]
    fn objects_keep_their_version() {
        let text = "apiVersion: gateway.networking.k8s.io/v1beta1\nkind: HTTPRoute\nmetadata: {name: a}\n";
        let context = LintContext::offline("stashbot".parse().ok());
        assert_eq!(server_objects(text, &context, &[])[0].kind.version, "v1beta1");
    }
}
