//! The rules of an `HTTPRoute`, as far as its definition states them (Gateway API 1.4).

use super::super::check::{Check, Object};
use super::super::syntax::Node;
use super::choices::visit;
use super::value_checks::{check_allowed, invalid, required};

const PATH_TYPES: [&str; 3] = ["Exact", "PathPrefix", "RegularExpression"];

const METHODS: [&str; 9] = ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"];

/// What the path of requests does not contain.
const NOT_IN_PATHS: [&str; 6] = ["//", "/./", "/../", "%2f", "%2F", "#"];

/// Checks the rules of a route.
pub(super) fn check(check: &mut Check<'_>, object: Object<'_>) {
    let Some(spec) = object.spec() else { return };
    visit(spec, &["rules", "*", "matches", "*", "path"], "spec", &mut |node, path| {
        check_path(check, object, node, path);
    });
    visit(spec, &["rules", "*", "matches", "*", "method"], "spec", &mut |node, path| {
        check_allowed(check, object, node, path, &METHODS);
    });
    visit(spec, &["rules", "*", "backendRefs", "*"], "spec", &mut |node, path| {
        check_backend(check, object, node, path);
    });
    visit(spec, &["rules", "*"], "spec", &mut |node, path| {
        let has_backend = node.get("backendRefs").is_some_and(|backends| !backends.items().is_empty());
        let filters = node.get("filters").map(Node::items).unwrap_or_default();
        let redirect = filters.iter().find_map(|filter| filter.get("requestRedirect"));
        if let Some(redirect) = redirect.filter(|_| has_backend) {
            let message = "a rule with a requestRedirect leads to no Service; remove backendRefs";
            let reason = "RequestRedirect filter must not be used together with backendRefs";
            invalid(check, object, redirect, path, (message, reason));
        }
    });
}

fn check_path(check: &mut Check<'_>, object: Object<'_>, node: &Node, path: &str) {
    let kind = node.get("type");
    if let Some(kind) = kind {
        check_allowed(check, object, kind, &format!("{path}.type"), &PATH_TYPES);
    }
    let Some(value) = node
        .get("value")
        .filter(|_| kind.is_none_or(|kind| matches!(kind.text(), Some("Exact" | "PathPrefix"))))
    else {
        return;
    };
    let Some(text) = value.string() else { return };
    if !text.starts_with('/') {
        let message = format!("the path \"{text}\" does not begin with '/'");
        let reason =
            "value must be an absolute path and start with '/' when type one of ['Exact', 'PathPrefix']";
        invalid(check, object, value, path, (message, reason));
    }
    if let Some(part) = NOT_IN_PATHS.into_iter().find(|part| text.contains(part)) {
        let reason = format!("must not contain '{part}' when type one of ['Exact', 'PathPrefix']");
        let message = format!("the path \"{text}\" has {part}");
        invalid(check, object, value, path, (message, reason.as_str()));
    }
}

fn check_backend(check: &mut Check<'_>, object: Object<'_>, node: &Node, path: &str) {
    let is = |field: &str, wanted: &str| node.get(field).is_none_or(|found| found.text() == Some(wanted));
    let is_service = is("kind", "Service") && is("group", "");
    match node.get("port") {
        None if is_service => {
            invalid(
                check,
                object,
                node,
                path,
                ("the Service has no port", "Must have port for Service reference"),
            );
        }
        Some(port) if port.integer().is_some_and(|port| !(1..=65_535).contains(&port)) => {
            let message = format!("{} is not a port; use 1 to 65535", port.text().unwrap_or_default());
            let reason = "should be greater than or equal to 1 and less than or equal to 65535";
            invalid(check, object, port, &format!("{path}.port"), (message, reason));
        }
        _ => {}
    }
    if node.get("name").is_none_or(|name| name.text() == Some("")) {
        required(check, object, node, &format!("{path}.name"), "the backend has no name");
    }
}
