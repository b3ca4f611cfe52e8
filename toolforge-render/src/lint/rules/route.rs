//! Ingresses and HTTPRoutes.

use super::super::check::{Check, Object};
use super::super::rule::Rule;
use super::super::syntax::Node;
use super::values::check_allowed;

/// Checks the hosts and paths of a route.
pub(crate) fn check(check: &mut Check<'_>, object: Object<'_>) {
    let Some(spec) = object.spec() else { return };
    if object.kind.name == "HTTPRoute" {
        for host in spec.get("hostnames").map(Node::items).unwrap_or_default() {
            check_host(check, object, host);
        }
        return;
    }
    let rules = spec.get("rules").map(Node::items).unwrap_or_default();
    if rules.is_empty() && spec.get("defaultBackend").is_none() && spec.get("backend").is_none() {
        check.at(Rule::MissingField, spec, "the Ingress has no rules").answered(
            object.invalid("spec: Invalid value: []: either `defaultBackend` or `rules` must be specified"),
        );
    }
    let is_current = object.node.get("apiVersion").and_then(Node::text) == Some(object.kind.api_version);
    for (index, rule) in rules.iter().enumerate() {
        match rule.get("host") {
            Some(host) => check_host(check, object, host),
            None => {
                check
                    .at(Rule::RouteHost, rule, "the rule has no host; write that of the tool")
                    .answered(refused(check_domain(object)));
            }
        }
        let paths = rule.at(&["http", "paths"]).map(Node::items).unwrap_or_default();
        for (number, path) in paths.iter().enumerate().filter(|_| is_current) {
            let field = |name: &str| format!("spec.rules[{index}].http.paths[{number}].{name}");
            match path.get("pathType") {
                Some(kind) => {
                    check_allowed(
                        check,
                        object,
                        kind,
                        &field("pathType"),
                        &["Exact", "ImplementationSpecific", "Prefix"],
                    );
                }
                None => {
                    check
                        .at(
                            Rule::MissingField,
                            path,
                            "the path has no pathType; write Prefix, Exact or ImplementationSpecific",
                        )
                        .answered(object.invalid(format_args!("{}: Required value", field("pathType"))));
                }
            }
            if path.get("backend").is_none() {
                check
                    .at(Rule::MissingField, path, "the path has no backend")
                    .answered(object.invalid(format_args!("{}: Required value", field("backend"))));
            }
        }
    }
}

fn check_domain(object: Object<'_>) -> String {
    let namespace = object.node.at(&["metadata", "namespace"]).and_then(Node::text).unwrap_or_default();
    namespace.strip_prefix("tool-").unwrap_or("<toolname>").to_owned()
}

fn refused(tool: impl std::fmt::Display) -> String {
    format!(
        "admission webhook \"ingress-admission.tools.wmcloud.org\" denied the request: Ingress host must be {tool}.toolforge.org"
    )
}

fn check_host(check: &mut Check<'_>, object: Object<'_>, node: &Node) {
    let Some(tool) = object.tool(check.context) else { return };
    let Some(found) = node.text() else { return };
    let expected = check.context.platform.host(&tool);
    // The platform's pattern is not anchored at the end.
    if !found.starts_with(&expected) {
        let message = format!("the host is \"{found}\"; that of the tool is {expected}");
        check.at(Rule::RouteHost, node, message).answered(refused(tool));
    }
}
