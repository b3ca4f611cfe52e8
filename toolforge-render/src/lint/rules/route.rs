//! Ingresses and HTTPRoutes.

use std::collections::HashSet;

use toolforge_model::ToolName;

use super::super::check::{Check, Object};
use super::super::rule::Rule;
use super::super::syntax::Node;
use super::choices::visit;
use super::http_route;
use super::names::{not_a_dns_subdomain, not_a_port_name, not_a_service_name};
use super::service::label;
use super::value_checks::{check_allowed, invalid, required};

/// The annotation that named the class of an Ingress before the field.
const CLASS_ANNOTATION: &str = "kubernetes.io/ingress.class";

/// Checks the hosts and paths of a route.
pub(crate) fn check(check: &mut Check<'_>, object: Object<'_>) {
    let Some(spec) = object.spec() else { return };
    if object.kind.name == "HTTPRoute" {
        for host in spec.get("hostnames").map(Node::items).unwrap_or_default() {
            check_host(check, object, host);
        }
        http_route::check(check, object);
        return;
    }
    let rules = spec.get("rules").map(Node::items).unwrap_or_default();
    if rules.is_empty() && spec.get("defaultBackend").is_none() && spec.get("backend").is_none() {
        check.at(Rule::MissingField, spec, "the Ingress has no rules").answered(
            object.invalid("spec: Invalid value: []: either `defaultBackend` or `rules` must be specified"),
        );
    }
    let is_current = object.node.get("apiVersion").and_then(Node::text) == Some(object.kind.api_version);
    if let Some(class) = spec.get("ingressClassName")
        && let Some(reason) = class.string().and_then(not_a_dns_subdomain)
    {
        let message = format!("the class \"{}\" {reason}", class.text().unwrap_or_default());
        let reason = "must be a lowercase RFC 1123 subdomain";
        invalid(check, object, class, "spec.ingressClassName", (message, reason));
    }
    visit(spec, &["tls", "*", "hosts", "*"], "spec", &mut |host, path| {
        let text = host.string().unwrap_or_default();
        if let Some(reason) = not_a_dns_subdomain(text.strip_prefix("*.").unwrap_or(text)) {
            let message = format!("the host \"{text}\" {reason}");
            invalid(check, object, host, path, (message, "must be a lowercase RFC 1123 subdomain"));
        }
    });
    check_class(check, object, spec);
    visit(spec, &["tls", "*", "secretName"], "spec", &mut |name, path| {
        if let Some(text) = name.string().filter(|text| !text.is_empty())
            && let Some(reason) = not_a_dns_subdomain(text)
        {
            let message = format!("the name \"{text}\" of the Secret {reason}");
            invalid(check, object, name, path, (message, "must be a lowercase RFC 1123 subdomain"));
        }
    });
    for (index, rule) in rules.iter().enumerate() {
        match rule.get("host") {
            Some(host) => {
                if let Some(reason) =
                    host.string().filter(|text| !text.contains('*')).and_then(not_a_dns_subdomain)
                    && host.text() != Some("")
                {
                    let path = format!("spec.rules[{index}].host");
                    let message = format!("the host \"{}\" {reason}", host.text().unwrap_or_default());
                    invalid(check, object, host, &path, (message, "must be a lowercase RFC 1123 subdomain"));
                }
                check_host(check, object, host);
            }
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
            check_path(check, object, path, &field("path"));
            match path.get("backend") {
                Some(backend) => check_backend(check, object, backend, &field("backend")),
                None => required(check, object, path, &field("backend"), "the path has no backend"),
            }
        }
        if let Some(http) = rule.get("http").filter(|_| is_current && paths.is_empty()) {
            required(
                check,
                object,
                http,
                &format!("spec.rules[{index}].http.paths"),
                "the rule has no paths",
            );
        }
    }
    if let Some(backend) = spec.get("defaultBackend").filter(|_| is_current) {
        check_backend(check, object, backend, "spec.defaultBackend");
    }
}

/// Checks that the annotation from before 2020 and the field name the same class.
fn check_class(check: &mut Check<'_>, object: Object<'_>, spec: &Node) {
    let annotation = object.node.at(&["metadata", "annotations", CLASS_ANNOTATION]);
    if let (Some(annotation), Some(class)) = (annotation, spec.get("ingressClassName"))
        && let (Some(old), Some(new)) = (annotation.string(), class.string())
        && old != new
    {
        let message = format!(
            "the annotation {CLASS_ANNOTATION} is \"{old}\", and ingressClassName is \"{new}\"; remove one"
        );
        let path = "annotations.kubernetes.io/ingress.class";
        let reason = "must match `ingressClassName` when both are specified";
        invalid(check, object, annotation, path, (message, reason));
    }
}

/// Checks the path of a rule.
fn check_path(check: &mut Check<'_>, object: Object<'_>, rule: &Node, field: &str) {
    let is_specific = rule.get("pathType").and_then(Node::text) == Some("ImplementationSpecific");
    let Some(node) = rule.get("path") else {
        if !is_specific && rule.get("pathType").is_some() {
            let message = "the rule has no path; write `path: /`";
            invalid(check, object, rule, field, (message, "must be an absolute path"));
        }
        return;
    };
    let Some(text) = node.string() else { return };
    let may_be_empty = is_specific && text.is_empty();
    if !(text.starts_with('/') || may_be_empty) {
        let message = format!("the path \"{text}\" does not begin with '/'");
        invalid(check, object, node, field, (message, "must be an absolute path"));
        return;
    }
    if is_specific {
        return;
    }
    for part in ["//", "/./", "/../", "%2f", "%2F"] {
        if text.contains(part) {
            let message = format!("the path \"{text}\" has {part}");
            invalid(check, object, node, field, (message, format!("must not contain '{part}'").as_str()));
        }
    }
    if let Some(end) = ["/..", "/."].into_iter().find(|end| text.ends_with(end)) {
        let message = format!("the path \"{text}\" ends with {end}");
        invalid(check, object, node, field, (message, format!("cannot end with '{end}'").as_str()));
    }
}

/// Checks what a path leads to.
fn check_backend(check: &mut Check<'_>, object: Object<'_>, backend: &Node, field: &str) {
    let service = match (backend.get("service"), backend.get("resource")) {
        (None, None) => {
            let message = "the backend has no service";
            invalid(check, object, backend, field, (message, "resource or service backend is required"));
            return;
        }
        (Some(_), Some(resource)) => {
            let message = "the backend has both a service and a resource";
            invalid(
                check,
                object,
                resource,
                field,
                (message, "cannot set both resource and service backends"),
            );
            return;
        }
        (None, Some(resource)) => {
            for key in ["kind", "name"] {
                if resource.get(key).is_none_or(|found| found.text() == Some("")) {
                    let path = format!("{field}.resource.{key}");
                    required(check, object, resource, &path, format_args!("the resource has no {key}"));
                }
            }
            return;
        }
        (Some(service), None) => service,
    };
    match service.get("name").filter(|name| name.text() != Some("")) {
        None => required(check, object, service, &format!("{field}.service.name"), "the service has no name"),
        Some(name) => {
            if let Some(reason) = name.string().and_then(not_a_service_name) {
                let message = format!("the name \"{}\" {reason}", name.text().unwrap_or_default());
                let path = format!("{field}.service.name");
                invalid(
                    check,
                    object,
                    name,
                    &path,
                    (message, "a DNS-1035 label must consist of lower case alphanumeric characters"),
                );
            }
        }
    }
    let port = |key: &str| service.at(&["port", key]).filter(|node| !matches!(node.text(), Some("" | "0")));
    match (port("name"), port("number")) {
        (None, None) => {
            let place = service.get("port").unwrap_or(service);
            required(check, object, place, field, "the service has no port; write its name or number");
        }
        (Some(name), Some(_)) => {
            let message = "the port has both a name and a number";
            invalid(check, object, name, field, (message, "cannot set both port name & port number"));
        }
        (Some(name), None) => {
            if let Some(reason) = name.string().and_then(not_a_port_name) {
                let message =
                    format!("the name \"{}\" of the port {reason}", name.text().unwrap_or_default());
                invalid(
                    check,
                    object,
                    name,
                    &format!("{field}.service.port.name"),
                    (message, "must be a port name"),
                );
            }
        }
        (None, Some(number)) => {
            let path = format!("{field}.service.port.number");
            if number.integer().is_some_and(|number| !(1..=65_535).contains(&number)) {
                let message = format!("{} is not a port; use 1 to 65535", number.text().unwrap_or_default());
                invalid(check, object, number, &path, (message, "must be between 1 and 65535, inclusive"));
            }
        }
    }
}

fn check_domain(object: Object<'_>) -> String {
    let namespace = object.node.at(&["metadata", "namespace"]).and_then(Node::text).unwrap_or_default();
    ToolName::from_namespace(namespace).map_or_else(|| "<toolname>".to_owned(), |tool| tool.to_string())
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

/// Checks whether the Services of routes exist.
pub(crate) fn check_services(check: &mut Check<'_>, objects: &[Object<'_>]) {
    let own = objects.iter().filter(|object| object.kind.name == "Service").map(Object::name);
    let live = check.context.facts.iter().flat_map(|facts| &facts.jobs.live.services);
    let live = live.filter_map(|service| service.metadata.name.as_deref());
    let known: HashSet<&str> = own.chain(live).collect();
    // The Services may be in another file.
    if known.is_empty() && !check.context.asks_server {
        return;
    }
    for object in objects {
        let missing: Vec<&Node> = backends(*object)
            .into_iter()
            .map(|backend| backend.name)
            .filter(|name| name.string().is_some_and(|text| !text.is_empty() && !known.contains(text)))
            .collect();
        check.object = Some(label(*object));
        for name in missing {
            let message = format!("there is no Service {}", name.text().unwrap_or_default());
            check.at(Rule::MissingBackend, name, message);
        }
    }
    check.object = None;
}

/// A Service that a route leads to.
pub(crate) struct Backend<'n> {
    /// Its name.
    pub(crate) name: &'n Node,
    /// The name or number of its port.
    pub(crate) port: Option<&'n Node>,
}

/// Returns the Services that a route leads to.
pub(crate) fn backends(object: Object<'_>) -> Vec<Backend<'_>> {
    let Some(spec) = object.spec() else { return Vec::new() };
    let rules = spec.get("rules").map(Node::items).unwrap_or_default();
    match object.kind.name {
        "Ingress" => {
            let paths = rules.iter().filter_map(|rule| rule.at(&["http", "paths"])).flat_map(Node::items);
            let backends = paths.filter_map(|path| path.get("backend")).chain(spec.get("defaultBackend"));
            backends.filter_map(|backend| of_ingress(backend.get("service")?)).collect()
        }
        "HTTPRoute" => {
            let backends = rules.iter().filter_map(|rule| rule.get("backendRefs")).flat_map(Node::items);
            let is_own = |backend: &&Node| {
                let is = |field: &str, wanted: &str| {
                    backend.get(field).is_none_or(|found| found.text() == Some(wanted))
                };
                is("kind", "Service") && is("group", "") && backend.get("namespace").is_none()
            };
            let backend = |backend| {
                let node: &Node = backend;
                Some(Backend { name: node.get("name")?, port: node.get("port") })
            };
            backends.filter(is_own).filter_map(backend).collect()
        }
        _ => Vec::new(),
    }
}

fn of_ingress(service: &Node) -> Option<Backend<'_>> {
    let port = service.get("port");
    let port = port.and_then(|port| port.get("number").or_else(|| port.get("name")));
    Some(Backend { name: service.get("name")?, port })
}
