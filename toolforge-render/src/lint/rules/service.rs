//! Services, and the pods behind them.

use std::collections::HashSet;

use toolforge_model::platform;
use toolforge_quota::Resource;

use super::super::check::{Check, Object};
use super::super::rule::Rule;
use super::super::syntax::Node;
use super::names::{
    not_a_dns_label, not_a_dns_subdomain, not_a_label_key, not_a_label_value, not_a_port_name,
};
use super::selector::Selection;
use super::value_checks::{check_allowed, check_allowed_or_empty, check_ip, forbidden, invalid, required};
use crate::object::marks_web_service;

/// The longest time in which a client reaches the same pod, in seconds.
const DAY: i64 = 86_400;

/// Checks a Service by itself.
pub(crate) fn check(check: &mut Check<'_>, object: Object<'_>) {
    let Some(spec) = object.spec() else { return };
    let kind = spec.get("type");
    if let Some(kind) = kind {
        check_allowed_or_empty(
            check,
            object,
            kind,
            "spec.type",
            &["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"],
        );
        if let Some(found @ ("NodePort" | "LoadBalancer")) = kind.text()
            && !has_node_ports(check)
        {
            let answer = format!(
                "services \"{}\" is forbidden: exceeded quota, requested: services.nodeports=1, used: services.nodeports=0, \
                 limited: services.nodeports=0",
                object.name()
            );
            let message =
                format!("a Service of type {found} needs a port on every node, which tools may not use");
            check.at(Rule::NodePort, kind, message).answered(answer);
        }
    }
    if kind.and_then(Node::text) == Some("ExternalName") {
        check_external_name(check, object, spec);
    }
    if let Some(affinity) = spec.get("sessionAffinity") {
        check_allowed_or_empty(check, object, affinity, "spec.sessionAffinity", &["ClientIP", "None"]);
    }
    check_affinity_time(check, object, spec);
    check_addresses(check, object, spec);
    let ports = spec.get("ports").map(Node::items).unwrap_or_default();
    let is_headless = spec.get("clusterIP").and_then(Node::text) == Some("None");
    if ports.is_empty() && !is_headless && kind.and_then(Node::text) != Some("ExternalName") {
        let place = spec.entry("ports").map_or(spec, |entry| &entry.key);
        check
            .at(Rule::MissingField, place, "the Service has no ports")
            .answered(object.invalid("spec.ports: Required value"));
    }
    let mut names = HashSet::new();
    let mut numbers = HashSet::new();
    let is_cluster_ip = kind.and_then(Node::text).is_none_or(|kind| matches!(kind, "" | "ClusterIP"));
    for (index, port) in ports.iter().enumerate() {
        let protocol = port.get("protocol").and_then(Node::text).filter(|protocol| !protocol.is_empty());
        if let Some(node) = port.get("port")
            && let Some(number) =
                node.integer().filter(|number| !numbers.insert((protocol.unwrap_or("TCP"), *number)))
        {
            let answer = object.invalid(format_args!("spec.ports[{index}]: Duplicate value"));
            let message = format!("another port of the Service is also {number}");
            check.at(Rule::InvalidValue, node, message).answered(answer);
        }
        if let Some(node) =
            port.get("nodePort").filter(|node| is_cluster_ip && node.integer().is_some_and(|port| port != 0))
        {
            let path = format!("spec.ports[{index}].nodePort");
            let message = "a Service of type ClusterIP has no nodePort; remove it";
            forbidden(check, object, node, &path, (message, "may not be used when `type` is 'ClusterIP'"));
        }
        check_port(check, object, port, index, ports.len() > 1);
        if let Some(name) = port.get("name")
            && let Some(text) = name.string().filter(|text| !text.is_empty() && !names.insert(*text))
        {
            let answer =
                object.invalid(format_args!("spec.ports[{index}].name: Duplicate value: \"{text}\""));
            let message = format!("another port has the name \"{text}\"");
            check.at(Rule::InvalidValue, name, message).answered(answer);
        }
    }
}

/// Checks the address of a Service, what it selects, and who reaches it.
fn check_addresses(check: &mut Check<'_>, object: Object<'_>, spec: &Node) {
    if let Some(address) =
        spec.get("clusterIP").filter(|address| !matches!(address.text(), Some("" | "None")))
    {
        check_ip(check, object, address, "spec.clusterIP");
    }
    check_address_list(check, object, spec);
    for entry in spec.get("selector").map(Node::entries).unwrap_or_default() {
        let (key, path) = (entry.name(), "spec.selector");
        if let Some(reason) = not_a_label_key(key) {
            let message = format!("the key \"{key}\" {reason}");
            invalid(check, object, &entry.key, path, (message, "must be a qualified name"));
        }
        if let Some(reason) = entry.value.string().and_then(not_a_label_value) {
            let message =
                format!("the value \"{}\" of {key} {reason}", entry.value.text().unwrap_or_default());
            invalid(check, object, &entry.value, path, (message, "must be a valid label value"));
        }
    }
    let kind = spec.get("type").and_then(Node::text).unwrap_or_default();
    if let Some(policy) = spec.get("externalTrafficPolicy").filter(|policy| policy.text() != Some("")) {
        let path = "spec.externalTrafficPolicy";
        if matches!(kind, "" | "ClusterIP" | "ExternalName") {
            let message =
                "only a Service of type NodePort or LoadBalancer has an externalTrafficPolicy; remove it";
            let reason = "may only be set for externally-accessible services";
            invalid(check, object, policy, path, (message, reason));
        } else {
            check_allowed(check, object, policy, path, &["Cluster", "Local"]);
        }
    }
}

/// Checks the lists of addresses and of their families, as `kubectl get -o yaml` prints them.
fn check_address_list(check: &mut Check<'_>, object: Object<'_>, spec: &Node) {
    let families = spec.get("ipFamilies").map(Node::items).unwrap_or_default();
    if let [first, second] = families
        && let Some(text) = second.string().filter(|text| first.string() == Some(*text))
    {
        let answer = object.invalid(format_args!("spec.ipFamilies[1]: Duplicate value: \"{text}\""));
        check.at(Rule::InvalidValue, second, format!("{text} is there twice")).answered(answer);
    }
    let addresses = spec.get("clusterIPs").map(Node::items).unwrap_or_default();
    let kind = spec.get("type").and_then(Node::text);
    let Some(first) = addresses.first().filter(|_| kind != Some("ExternalName")) else { return };
    let path = "spec.clusterIPs";
    match spec.get("clusterIP").filter(|address| address.text() != Some("")) {
        None => {
            let message = "clusterIPs needs a clusterIP, its first item; remove clusterIPs and the Service gets an address";
            let place = spec.entry("clusterIPs").map_or(first, |entry| &entry.key);
            let answer = "spec.clusterIPs: Invalid value: must be empty when `clusterIP` is not specified";
            check.at(Rule::InvalidValue, place, message).answered(object.invalid(answer));
        }
        Some(address) if address.text() != first.text() => {
            let message = format!(
                "the first of clusterIPs is {}, and clusterIP is {}",
                first.text().unwrap_or_default(),
                address.text().unwrap_or_default()
            );
            invalid(check, object, first, path, (message, "first value must match `clusterIP`"));
        }
        Some(_) => {}
    }
    for (index, address) in addresses.iter().enumerate() {
        if index > 0 || address.text() != Some("None") {
            check_ip(check, object, address, &format!("{path}[{index}]"));
        }
    }
}

/// Checks how long a client reaches the same pod.
fn check_affinity_time(check: &mut Check<'_>, object: Object<'_>, spec: &Node) {
    let timeout = spec.at(&["sessionAffinityConfig", "clientIP", "timeoutSeconds"]);
    let is_affine = spec.get("sessionAffinity").and_then(Node::text) == Some("ClientIP");
    if let Some(node) = timeout.filter(|_| is_affine)
        && let Some(seconds) = node.integer().filter(|seconds| !(1..=DAY).contains(seconds))
    {
        let message = format!("timeoutSeconds is {seconds}; it must be 1 to {DAY}");
        let path = "spec.sessionAffinityConfig.clientIP.timeoutSeconds";
        invalid(check, object, node, path, (message, "must be greater than 0 and less than 86400"));
    }
}

/// Checks the external name of a Service.
fn check_external_name(check: &mut Check<'_>, object: Object<'_>, spec: &Node) {
    let path = "spec.externalName";
    let Some(node) = spec.get("externalName").filter(|node| node.text() != Some("")) else {
        let place = spec.get("type").unwrap_or(spec);
        required(check, object, place, path, "an ExternalName Service needs an externalName");
        return;
    };
    let text = node.string().unwrap_or_default();
    if let Some(reason) = not_a_dns_subdomain(text.strip_suffix('.').unwrap_or(text)) {
        let message = format!("the name \"{text}\" {reason}");
        invalid(check, object, node, path, (message, "must be a lowercase RFC 1123 subdomain"));
    }
}

/// Returns whether the quotas of a cluster allow node ports.
fn has_node_ports(check: &Check<'_>) -> bool {
    let mut hard =
        check.context.limits.quotas.iter().map(|quota| quota.hard.get(&Resource::ServicesNodeports));
    !check.context.limits.quotas.is_empty() && hard.all(|hard| hard.is_none_or(|hard| *hard > 0))
}

fn check_port(check: &mut Check<'_>, object: Object<'_>, node: &Node, index: usize, is_one_of_many: bool) {
    let Some(port) = node.get("port") else {
        check
            .at(Rule::MissingField, node, "the port has no number; write `port`")
            .answered(object.invalid(format_args!("spec.ports[{index}].port: Required value")));
        return;
    };
    for (name, node) in [("port", Some(port)), ("targetPort", node.get("targetPort"))] {
        let Some((node, number)) = node.and_then(|node| Some((node, node.integer()?))) else { continue };
        // The default of a targetPort is the port.
        let is_default = name == "targetPort" && number == 0;
        if !is_default && !(1..=65_535).contains(&number) {
            check
                .at(Rule::InvalidValue, node, format!("{number} is not a port; use 1 to 65535"))
                .answered(object.invalid(format_args!(
                "spec.ports[{index}].{name}: Invalid value: {number}: must be between 1 and 65535, inclusive"
            )));
        }
    }
    if let Some(protocol) = node.get("protocol") {
        let path = format!("spec.ports[{index}].protocol");
        check_allowed_or_empty(check, object, protocol, &path, &["SCTP", "TCP", "UDP"]);
    }
    if let Some(target) = node.get("targetPort").filter(|target| target.string().is_some()) {
        let text = target.text().unwrap_or_default();
        if let Some(reason) = not_a_port_name(text).filter(|_| !text.is_empty()) {
            check
                .at(Rule::InvalidValue, target, format!("the name \"{text}\" of the port {reason}"))
                .answered(
                    object.invalid(format_args!("spec.ports[{index}].targetPort: Invalid value: \"{text}\"")),
                );
        }
    }
    match node.get("name").filter(|name| name.string().is_some_and(|text| !text.is_empty())) {
        None if is_one_of_many => {
            check
                .at(Rule::MissingField, node, "each of several ports needs a name")
                .answered(object.invalid(format_args!("spec.ports[{index}].name: Required value")));
        }
        Some(name) => {
            let text = name.text().unwrap_or_default();
            // They differ from those of a container (`validateServicePort`).
            if let Some(reason) = not_a_dns_label(text) {
                check
                    .at(Rule::InvalidName, name, format!("the name \"{text}\" of the port {reason}"))
                    .answered(
                        object.invalid(format_args!("spec.ports[{index}].name: Invalid value: \"{text}\"")),
                    );
            }
        }
        None => {}
    }
}

/// Checks which pods of the text the Services select, and on which ports these listen.
pub(crate) fn check_selectors(check: &mut Check<'_>, objects: &[Object<'_>], selection: &Selection<'_>) {
    let mut routed: HashSet<*const Node> = HashSet::new();
    let has_routes = objects.iter().any(|object| matches!(object.kind.name, "Ingress" | "HTTPRoute"));
    for object in objects.iter().filter(|object| object.kind.name == "Service") {
        check.object = Some(label(*object));
        let Some(selector) = object.spec().and_then(|spec| spec.get("selector")) else { continue };
        if has_routes {
            let _ = selection.find(Some(selector), |selected, _| {
                routed.insert(selected.node);
                false
            });
        }
        let is_empty = selector.entries().is_empty();
        if selection.has_pods() && !is_empty && selection.has_none(Some(selector), |_, _| true) {
            let message =
                format!("no pod of the file has the labels that the Service {} selects", object.name());
            check.at(Rule::ServiceSelector, selector, message);
        }
    }
    for object in objects {
        check.object = Some(label(*object));
        let node: *const Node = object.node;
        check_web_ports(check, *object, routed.contains(&node));
    }
    check.object = None;
}

/// Returns how an object is named in findings.
pub(crate) fn label(object: Object<'_>) -> toolforge_quota::ObjectName {
    toolforge_quota::ObjectName::new(object.kind.name, object.name())
}

/// Checks that a web service listens where the platform's proxy looks for it.
fn check_web_ports(check: &mut Check<'_>, object: Object<'_>, is_routed: bool) {
    let Some(pods) = object.pods() else { return };
    if !is_routed && !marks_web_service(|key| pods.label(key)) {
        return;
    }
    let port = i64::from(platform::WEB_PORT);
    for (_, container) in pods.containers() {
        let ports = container.get("ports").map(Node::items).unwrap_or_default();
        let numbers: Vec<&Node> = ports.iter().filter_map(|port| port.get("containerPort")).collect();
        if let Some(first) = numbers.first()
            && numbers.iter().all(|number| number.integer() != Some(port))
            && let Some(found) = first.integer()
        {
            let message = format!("the web service listens on port {found}; the platform expects {port}");
            check.at(Rule::WebPort, first, message);
        }
    }
}
