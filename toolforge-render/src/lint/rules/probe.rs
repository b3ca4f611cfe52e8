//! Probes.

use super::super::check::Check;
use super::super::rule::Rule;
use super::super::syntax::Node;
use super::names::not_a_port_name;
use super::scope::{Scope, check_port_number};
use super::value_checks::{check_allowed, check_at_least, forbidden, invalid};

/// The actions of a probe.
const HANDLERS: [&str; 4] = ["exec", "grpc", "httpGet", "tcpSocket"];

/// The actions of a lifecycle hook.
const HOOK_HANDLERS: [&str; 4] = ["exec", "httpGet", "sleep", "tcpSocket"];

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
            [handler] => check_handler(check, scope, Some(container), &field, *handler),
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
        if let Some(period) = probe.get("terminationGracePeriodSeconds") {
            let (path, object) = (format!("{field}.terminationGracePeriodSeconds"), scope.object);
            if name == "readinessProbe" {
                let message = "terminationGracePeriodSeconds is not allowed in a readinessProbe; remove it";
                invalid(check, object, period, &path, (message, "must not be set for readinessProbes"));
            } else if let Some(found) = period.integer().filter(|found| *found <= 0) {
                let message = format!("terminationGracePeriodSeconds is {found}; it must be 1 or more");
                invalid(check, object, period, &path, (message, "must be greater than 0"));
            }
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

/// Checks what a container does when it starts and before it terminates.
pub(crate) fn check_lifecycle(check: &mut Check<'_>, scope: Scope<'_>, path: &str, container: &Node) {
    for hook in ["postStart", "preStop"] {
        let Some(node) = container.at(&["lifecycle", hook]) else { continue };
        let path = scope.pods.field(format_args!("{path}.lifecycle.{hook}"));
        let handlers: Vec<(&str, &Node)> =
            HOOK_HANDLERS.iter().filter_map(|handler| Some((*handler, node.get(handler)?))).collect();
        match handlers.as_slice() {
            [] => {
                let answer =
                    scope.object.invalid(format_args!("{path}: Required value: must specify a handler type"));
                let message = format!("{hook} does nothing; write exec, httpGet or sleep");
                check.at(Rule::MissingField, node, message).answered(answer);
            }
            [("sleep", node)] => check_sleep(check, scope, node, &path),
            [handler] => check_handler(check, scope, None, &path, *handler),
            [first, second, ..] => {
                let message = format!("{hook} has both {} and {}", first.0, second.0);
                let path = format!("{path}.{}", second.0);
                let reason = "may not specify more than 1 handler type";
                forbidden(check, scope.object, second.1, &path, (message, reason));
            }
        }
    }
}

/// Checks how long a hook sleeps.
fn check_sleep(check: &mut Check<'_>, scope: Scope<'_>, sleep: &Node, path: &str) {
    let Some((node, seconds)) = sleep.get("seconds").and_then(|node| Some((node, node.integer()?))) else {
        return;
    };
    let grace = scope.spec.get("terminationGracePeriodSeconds").and_then(Node::integer).unwrap_or(30);
    if seconds < 0 || seconds > grace {
        let message = format!(
            "the hook sleeps {seconds} seconds; it must be 0 to {grace}, the terminationGracePeriodSeconds of the pod"
        );
        let reason = "must be non-negative and less than terminationGracePeriodSeconds";
        invalid(check, scope.object, node, &format!("{path}.sleep.seconds"), (message, reason));
    }
}

/// Checks what a probe or a hook does; `container` is that of a probe, whose ports it needs.
fn check_handler(
    check: &mut Check<'_>,
    scope: Scope<'_>,
    container: Option<&Node>,
    field: &str,
    (handler, node): (&str, &Node),
) {
    if handler == "exec" {
        if node.get("command").is_none_or(|command| command.items().is_empty()) {
            check
                .at(Rule::InvalidProbe, node, "there is no command to run")
                .answered(scope.object.invalid(format_args!("{field}.exec.command: Required value")));
        }
        return;
    }
    let noun = if container.is_some() { "probe" } else { "hook" };
    let Some(port) = node.get("port") else {
        check
            .at(Rule::InvalidProbe, node, format!("the {noun} has no port"))
            .answered(scope.object.invalid(format_args!("{field}.{handler}.port: Required value")));
        return;
    };
    check_port_number(check, scope, port, &format!("{field}.{handler}.port"));
    if let Some(reason) = port.string().and_then(not_a_port_name) {
        let text = port.text().unwrap_or_default();
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let hint = if is_number { "; remove the quotes" } else { "" };
        let answer = scope.object.invalid(format_args!("{field}.{handler}.port: Invalid value: \"{text}\""));
        let message = format!("the name \"{text}\" of the port {reason}{hint}");
        check.at(Rule::InvalidProbe, port, message).answered(answer);
        return;
    }
    if let Some(scheme) = node.get("scheme").filter(|scheme| scheme.text() != Some("")) {
        check_allowed(check, scope.object, scheme, &format!("{field}.{handler}.scheme"), &["HTTP", "HTTPS"]);
    }
    for (index, header) in node.get("httpHeaders").map(Node::items).unwrap_or_default().iter().enumerate() {
        let path = format!("{field}.{handler}.httpHeaders[{index}].name");
        let name = header.get("name").and_then(Node::string).unwrap_or_default();
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            let message =
                format!("the name \"{name}\" of the header is not allowed; use letters, digits and '-'");
            let reason = "a valid HTTP header must consist of alphanumeric characters or '-'";
            invalid(check, scope.object, header.get("name").unwrap_or(header), &path, (message, reason));
        }
    }
    let Some(container) = container else { return };
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
        && let Some(text) = path.string().filter(|text| !text.is_empty() && !text.starts_with('/'))
    {
        check.at(Rule::Probe, path, format!("the path \"{text}\" does not begin with '/'"));
    }
}
