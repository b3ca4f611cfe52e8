//! Containers.

use std::collections::{HashMap, HashSet};

use super::super::check::{Check, ContainerList, ContainerPath};
use super::super::rule::Rule;
use super::super::syntax::Node;
use super::names::{not_a_dns_label, not_a_port_name};
use super::scope::{Scope, check_identity, check_port_number, policy};
use super::value_checks::{check_allowed, check_allowed_or_empty, check_descending_path, forbidden, invalid};
use super::{command, environment, image, probe};

/// Checks a container of the pods' spec.
pub(crate) fn check(
    check: &mut Check<'_>,
    scope: Scope<'_>,
    container: ContainerPath,
    node: &Node,
    volumes: &HashSet<&str>,
) {
    let Scope { object, pods, .. } = scope;
    let path = container.to_string();
    let path = path.as_str();
    let field = |name: &str| pods.field(format_args!("{path}.{name}"));
    match node.get("name") {
        None => {
            check
                .at(Rule::MissingField, node, "the container has no name")
                .answered(object.invalid(format_args!("{}: Required value", field("name"))));
        }
        Some(name) => {
            if let Some(reason) = name.string().and_then(not_a_dns_label) {
                let text = name.text().unwrap_or_default();
                check
                    .at(Rule::InvalidName, name, format!("the name \"{text}\" of the container {reason}"))
                    .answered(object.invalid(format_args!("{}: Invalid value: \"{text}\"", field("name"))));
            }
        }
    }
    match node.get("image").filter(|image| image.text() != Some("")) {
        None => {
            let place = node.get("image").or(node.get("name")).unwrap_or(node);
            check
                .at(Rule::MissingField, place, "the container has no image")
                .answered(object.invalid(format_args!("{}: Required value", field("image"))));
        }
        Some(found) => image::check(check, scope, container, node, found),
    }
    if let Some(policy) = node.get("imagePullPolicy") {
        check_allowed_or_empty(
            check,
            object,
            policy,
            &field("imagePullPolicy"),
            &["Always", "IfNotPresent", "Never"],
        );
    }
    if let Some(policy) = node.get("terminationMessagePolicy") {
        let path = field("terminationMessagePolicy");
        check_allowed_or_empty(check, object, policy, &path, &["FallbackToLogsOnError", "File"]);
    }
    check_security(check, path, node);
    check_ports(check, scope, path, node);
    check_mounts(check, scope, path, node, volumes);
    check_paths(check, scope, node);
    command::check(check, scope, node);
    environment::check(check, scope, path, node);
    environment::check_from(check, scope, path, node);
    check_kind(check, scope, container, node);
    probe::check_lifecycle(check, scope, path, node);
    probe::check(check, scope, path, node);
}

/// Checks what only containers of one list may have.
fn check_kind(check: &mut Check<'_>, scope: Scope<'_>, container: ContainerPath, node: &Node) {
    let Scope { object, pods, .. } = scope;
    let field = |name: &str| pods.field(format_args!("{container}.{name}"));
    let restart = node.get("restartPolicy");
    match (container.list, restart) {
        (ContainerList::Main, Some(restart)) => {
            let message = "only an init container has a restartPolicy of its own; remove it";
            let reason = "may not be set for non-init containers";
            forbidden(check, object, restart, &field("restartPolicy"), (message, reason));
        }
        (ContainerList::Init, Some(restart)) => {
            check_allowed(check, object, restart, &field("restartPolicy"), &["Always"]);
        }
        (_, None) => {}
    }
    if container.list == ContainerList::Main || restart.and_then(Node::text) == Some("Always") {
        return;
    }
    for name in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(entry) = node.entry(name).filter(|entry| !entry.value.is_null()) {
            let message = format!("an init container has no {name}, unless it has restartPolicy: Always");
            let reason = "may not be set for init containers without restartPolicy=Always";
            forbidden(check, object, &entry.key, &field(name), (message, reason));
        }
    }
}

fn check_security(check: &mut Check<'_>, path: &str, node: &Node) {
    let Some(context) = node.get("securityContext") else { return };
    let path = format!("/spec/{}/securityContext", path.replace('[', "/").replace(']', ""));
    check_identity(check, context, &path);
    for field in ["privileged", "allowPrivilegeEscalation"] {
        if let Some(node) = context.get(field).filter(|node| node.boolean() == Some(true)) {
            let message = format!("{field} is not allowed on Toolforge; remove it");
            check.at(Rule::Privileged, node, message).answered(policy(&format!("{path}/{field}/")));
        }
    }
    if let Some(added) = context.at(&["capabilities", "add"]).filter(|added| !added.items().is_empty()) {
        let message = "capabilities are not allowed on Toolforge; remove them";
        check.at(Rule::Privileged, added, message).answered(policy(&format!("{path}/capabilities/add/")));
    }
}

fn check_ports(check: &mut Check<'_>, scope: Scope<'_>, path: &str, node: &Node) {
    let Scope { object, pods, .. } = scope;
    let mut names: HashMap<&str, &Node> = HashMap::new();
    for (index, port) in node.get("ports").map(Node::items).unwrap_or_default().iter().enumerate() {
        let field = |name: &str| pods.field(format_args!("{path}.ports[{index}].{name}"));
        match port.get("containerPort") {
            None => {
                check
                    .at(Rule::MissingField, port, "the port has no containerPort")
                    .answered(object.invalid(format_args!("{}: Required value", field("containerPort"))));
            }
            Some(number) => check_port_number(check, scope, number, &field("containerPort")),
        }
        if let Some(protocol) = port.get("protocol") {
            check_allowed_or_empty(check, object, protocol, &field("protocol"), &["SCTP", "TCP", "UDP"]);
        }
        if let Some(host) = port.get("hostPort").filter(|host| host.integer() != Some(0)) {
            check.at(Rule::HostPort, host, "the container uses a port of the node; remove hostPort");
        }
        let Some(name) = port.get("name").filter(|name| name.string().is_some_and(|text| !text.is_empty()))
        else {
            continue;
        };
        let text = name.text().unwrap_or_default();
        if let Some(reason) = not_a_port_name(text) {
            check
                .at(Rule::InvalidName, name, format!("the name \"{text}\" of the port {reason}"))
                .answered(object.invalid(format_args!("{}: Invalid value: \"{text}\"", field("name"))));
        }
        if let Some(first) = names.insert(text, name) {
            let line = first.location.line;
            check
                .at(
                    Rule::InvalidValue,
                    name,
                    format!("the port on line {line} has the same name, \"{text}\""),
                )
                .answered(object.invalid(format_args!("{}: Duplicate value: \"{text}\"", field("name"))));
        }
    }
}

fn check_mounts(check: &mut Check<'_>, scope: Scope<'_>, path: &str, node: &Node, volumes: &HashSet<&str>) {
    let Scope { object, pods, .. } = scope;
    let mut seen = HashSet::new();
    for (index, mount) in node.get("volumeMounts").map(Node::items).unwrap_or_default().iter().enumerate() {
        let field = |name: &str| pods.field(format_args!("{path}.volumeMounts[{index}].{name}"));
        for required in ["name", "mountPath"] {
            if mount.get(required).is_none_or(|found| found.text() == Some("")) {
                check
                    .at(Rule::MissingField, mount, format!("the mount has no {required}"))
                    .answered(object.invalid(format_args!("{}: Required value", field(required))));
            }
        }
        if let Some(name) = mount.get("name")
            && let Some(text) = name.string().filter(|text| !text.is_empty() && !volumes.contains(text))
        {
            check
                .at(Rule::VolumeMount, name, format!("the pod has no volume \"{text}\""))
                .answered(object.invalid(format_args!("{}: Not found: \"{text}\"", field("name"))));
        }
        for name in ["subPath", "subPathExpr"] {
            if let Some(node) = mount.get(name) {
                check_descending_path(check, object, node, &field(name));
            }
        }
        if let Some(expression) = mount.get("subPathExpr").filter(|path| path.text() != Some(""))
            && mount.get("subPath").is_some_and(|path| path.text() != Some(""))
        {
            let message = "the mount has both subPath and subPathExpr";
            let reason = "subPathExpr and subPath are mutually exclusive";
            invalid(check, object, expression, &field("subPathExpr"), (message, reason));
        }
        if let Some(place) = mount.get("mountPath")
            && let Some(text) = place.string().filter(|text| !text.is_empty() && !seen.insert(*text))
        {
            check.at(Rule::InvalidValue, place, format!("another volume is mounted at {text}")).answered(
                object.invalid(format_args!(
                    "{}: Invalid value: \"{text}\": must be unique",
                    field("mountPath")
                )),
            );
        }
    }
}

/// Checks paths of the command that the tool cannot reach.
fn check_paths(check: &mut Check<'_>, scope: Scope<'_>, node: &Node) {
    let Some(tool) = scope.object.tool(check.context) else { return };
    let lists = ["command", "args"].into_iter().filter_map(|list| node.get(list)).flat_map(Node::items);
    let nodes: Vec<&Node> = lists.chain(node.get("workingDir")).collect();
    for node in nodes {
        let Some(text) = node.string() else { continue };
        if let Some(other) = other_home(text, tool.as_str()) {
            let home = format!("/data/project/{tool}");
            let message = format!("{other} is not in the tool's home {home}");
            check.at(Rule::CommandOutsideHome, node, message);
        }
    }
}

/// Returns a path below the home of another tool or of a person.
fn other_home<'t>(text: &'t str, tool: &str) -> Option<&'t str> {
    let is_path = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-');
    for (start, _) in text.match_indices("/data/project/") {
        let path = text.get(start..).map(|path| path.split(|c| !is_path(c)).next().unwrap_or(path))?;
        let name = path.split('/').nth(3).unwrap_or_default();
        if !name.is_empty() && name != tool {
            return Some(path);
        }
    }
    let words = text.split(|c: char| !is_path(c));
    words
        .into_iter()
        .find(|word| word.starts_with("/home/") || *word == "/root" || word.starts_with("/root/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_others_are_found() {
        for (text, found) in [
            ("/data/project/bot/run.sh", None),
            ("cd /data/project/bot && /data/project/other/run.sh -x", Some("/data/project/other/run.sh")),
            ("/home/alice/run.sh", Some("/home/alice/run.sh")),
            ("ls /data/project", None),
            ("ls /data/project/", None),
            ("x=/srv/home/alice", None),
        ] {
            assert_eq!(other_home(text, "bot"), found, "{text}");
        }
    }
}
