//! Probes.

use super::super::check::Check;
use super::super::rule::Rule;
use super::super::syntax::Node;
use super::scope::{Scope, check_port_number};
use super::values::check_at_least;

/// What a probe can do.
const HANDLERS: [&str; 4] = ["exec", "grpc", "httpGet", "tcpSocket"];

/// Checks the probes of a container.
pub(crate) fn check(check: &mut Check<'_>, scope: Scope<'_>, path: &str, container: &Node) {
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let Some(probe) = container.get(name) else { continue };
        let field = scope.pods.field(format_args!("{path}.{name}"));
        let key = container.entry(name).map_or(probe, |entry| &entry.key);
        let handlers: Vec<(&str, &Node)> =
            HANDLERS.iter().filter_map(|handler| Some((*handler, probe.get(handler)?))).collect();
        match handlers.as_slice() {
            [] => {
                check
                    .at(
                        Rule::InvalidProbe,
                        key,
                        format!("{name} does nothing; write one of {}", HANDLERS.join(", ")),
                    )
                    .answered(
                        scope
                            .object
                            .invalid(format_args!("{field}: Required value: must specify a handler type")),
                    );
            }
            [(handler, node)] => check_handler(check, scope, container, &field, handler, node),
            [first, second, ..] => {
                check
                    .at(Rule::InvalidProbe, second.1, format!("{name} has both {} and {}", first.0, second.0))
                    .answered(scope.object.invalid(format_args!(
                        "{field}.{}: Forbidden: may not specify more than 1 handler type",
                        second.0
                    )));
            }
        }
        for (setting, least) in [
            ("initialDelaySeconds", 0),
            ("timeoutSeconds", 0),
            ("periodSeconds", 0),
            ("successThreshold", 0),
            ("failureThreshold", 0),
        ] {
            check_at_least(check, scope.object, Some(probe), &field, setting, least);
        }
        if name != "readinessProbe"
            && let Some(threshold) = probe.get("successThreshold")
            && let Some(found) = threshold.integer().filter(|found| *found > 1)
        {
            check
                .at(
                    Rule::InvalidProbe,
                    threshold,
                    format!("successThreshold of {name} is {found}; it must be 1"),
                )
                .answered(
                    scope
                        .object
                        .invalid(format_args!("{field}.successThreshold: Invalid value: {found}: must be 1")),
                );
        }
    }
}

fn check_handler(
    check: &mut Check<'_>,
    scope: Scope<'_>,
    container: &Node,
    field: &str,
    handler: &str,
    node: &Node,
) {
    if handler == "exec" {
        if node.get("command").is_none_or(|command| command.items().is_empty()) {
            check
                .at(Rule::InvalidProbe, node, "the probe has no command")
                .answered(scope.object.invalid(format_args!("{field}.exec.command: Required value")));
        }
        return;
    }
    let Some(port) = node.get("port") else {
        check
            .at(Rule::InvalidProbe, node, "the probe has no port")
            .answered(scope.object.invalid(format_args!("{field}.{handler}.port: Required value")));
        return;
    };
    check_port_number(check, scope, port, &format!("{field}.{handler}.port"));
    let ports = container.get("ports").map(Node::items).unwrap_or_default();
    if let Some(name) = port.string() {
        let is_known = ports.iter().any(|port| port.get("name").and_then(Node::text) == Some(name));
        if !is_known && !name.is_empty() {
            check.at(Rule::Probe, port, format!("the container has no port with the name \"{name}\""));
        }
        return;
    }
    let Some(number) = port.integer() else { return };
    let listens = ports.iter().any(|port| port.get("containerPort").and_then(Node::integer) == Some(number));
    if !ports.is_empty() && !listens {
        check.at(Rule::Probe, port, format!("the container does not list port {number}"));
    }
    if let Some(path) = node.get("path")
        && let Some(text) = path.string().filter(|text| !text.starts_with('/'))
    {
        check.at(Rule::Probe, path, format!("the path \"{text}\" does not begin with '/'"));
    }
}
