//! Endpoints and policies of the network.

use super::super::check::{Check, Object};
use super::super::rule::Rule;
use super::super::syntax::Node;
use super::names::{not_a_dns_label, not_a_dns_subdomain, not_a_port_name};
use super::placement::check_label_selector;
use super::selector::Selection;
use super::selector::selects;
use super::service::label;
use super::value_checks::{
    check_allowed, check_allowed_or_empty, check_machine_ip, forbidden, invalid, ip_range, required,
};

/// Returns why a text is not allowed.
type Problem = fn(&str) -> Option<String>;

/// Checks Endpoints or a `NetworkPolicy`.
pub(crate) fn check(check: &mut Check<'_>, object: Object<'_>) {
    match object.kind.name {
        "Endpoints" => check_endpoints(check, object),
        _ => check_policy(check, object),
    }
}

/// Checks the addresses of Endpoints.
fn check_endpoints(check: &mut Check<'_>, object: Object<'_>) {
    let subsets = object.node.get("subsets").map(Node::items).unwrap_or_default();
    for (index, subset) in subsets.iter().enumerate() {
        let list = |field: &str| subset.get(field).map(Node::items).unwrap_or_default();
        if list("addresses").is_empty() && list("notReadyAddresses").is_empty() {
            required(check, object, subset, &format!("subsets[{index}]"), "the subset has no addresses");
        }
        let ports = list("ports");
        for (number, port) in ports.iter().enumerate() {
            check_port(check, object, port, &format!("subsets[{index}].ports[{number}]"), ports.len() > 1);
        }
        for field in ["addresses", "notReadyAddresses"] {
            for (number, address) in list(field).iter().enumerate() {
                let path = format!("subsets[{index}].{field}[{number}]");
                check_address(check, object, address, &format!("{path}.ip"));
                check_names(check, object, address, &path);
            }
        }
    }
}

fn check_address(check: &mut Check<'_>, object: Object<'_>, address: &Node, path: &str) {
    let Some(node) = address.get("ip") else {
        required(check, object, address, path, "the address has no ip");
        return;
    };
    check_machine_ip(check, object, node, path);
}

/// Checks the names of an address.
fn check_names(check: &mut Check<'_>, object: Object<'_>, address: &Node, path: &str) {
    let formats: [(&str, Problem, &str); 2] = [
        ("hostname", not_a_dns_label, "must be a lowercase RFC 1123 label"),
        ("nodeName", not_a_dns_subdomain, "must be a lowercase RFC 1123 subdomain"),
    ];
    for (field, problem, reason) in formats {
        if let Some(node) = address.get(field)
            // An empty hostname counts as unset, and an empty nodeName as wrong.
            && let Some(text) = node.string().filter(|text| !text.is_empty() || field == "nodeName")
            && let Some(found) = problem(text)
        {
            let message = format!("the {field} \"{text}\" {found}");
            invalid(check, object, node, &format!("{path}.{field}"), (message, reason));
        }
    }
}

/// Checks a port of Endpoints.
fn check_port(check: &mut Check<'_>, object: Object<'_>, port: &Node, path: &str, is_one_of_many: bool) {
    if port.get("name").is_none_or(|name| name.text() == Some("")) && is_one_of_many {
        required(check, object, port, &format!("{path}.name"), "each of several ports needs a name");
    }
    if let Some(name) = port.get("name").filter(|name| name.text() != Some(""))
        && let Some(reason) = name.string().and_then(not_a_dns_label)
    {
        let message = format!("the name \"{}\" of the port {reason}", name.text().unwrap_or_default());
        invalid(
            check,
            object,
            name,
            &format!("{path}.name"),
            (message, "must be a lowercase RFC 1123 label"),
        );
    }
    if let Some(protocol) = port.get("protocol") {
        check_allowed_or_empty(check, object, protocol, &format!("{path}.protocol"), &["SCTP", "TCP", "UDP"]);
    }
    check_number(check, object, port, path);
}

/// Checks the number of a port.
fn check_number(check: &mut Check<'_>, object: Object<'_>, port: &Node, path: &str) {
    let Some(node) = port.get("port") else { return };
    let Some(number) = node.integer().filter(|number| !(1..=65_535).contains(number)) else { return };
    let message = format!("{number} is not a port; use 1 to 65535");
    invalid(
        check,
        object,
        node,
        &format!("{path}.port"),
        (message, "must be between 1 and 65535, inclusive"),
    );
}

/// Checks the rules of a `NetworkPolicy`: its ports and ranges of addresses.
fn check_rules(check: &mut Check<'_>, object: Object<'_>) {
    for (list, peers) in [("ingress", "from"), ("egress", "to")] {
        let rules = object.spec().and_then(|spec| spec.get(list)).map(Node::items).unwrap_or_default();
        for (index, rule) in rules.iter().enumerate() {
            let items = |field: &str| rule.get(field).map(Node::items).unwrap_or_default();
            for (number, port) in items("ports").iter().enumerate() {
                let path = format!("spec.{list}[{index}].ports[{number}]");
                check_number(check, object, port, &path);
                check_end_port(check, object, port, &path);
                if let Some(name) = port.get("port")
                    && let Some(reason) = name.string().and_then(not_a_port_name)
                {
                    let message =
                        format!("the name \"{}\" of the port {reason}", name.text().unwrap_or_default());
                    let reason = "must contain only alphanumeric characters (a-z, 0-9), and hyphens (-)";
                    invalid(check, object, name, &format!("{path}.port"), (message, reason));
                }
                if let Some(protocol) = port.get("protocol") {
                    check_allowed(
                        check,
                        object,
                        protocol,
                        &format!("{path}.protocol"),
                        &["SCTP", "TCP", "UDP"],
                    );
                }
            }
            for (number, peer) in items(peers).iter().enumerate() {
                let path = format!("spec.{list}[{index}].{peers}[{number}]");
                if peer.entries().iter().all(|entry| entry.value.is_null()) {
                    required(check, object, peer, &path, "the peer is empty; write podSelector or ipBlock");
                }
                for field in ["namespaceSelector", "podSelector"] {
                    if let Some(entry) = peer
                        .entry(field)
                        .filter(|entry| !entry.value.is_null() && peer.get("ipBlock").is_some())
                    {
                        let message = format!("a peer with an ipBlock has no {field}; write two peers");
                        let reason = "may not specify both ipBlock and another peer";
                        forbidden(check, object, &entry.key, &path, (message, reason));
                    }
                    if let Some(selector) = peer.get(field) {
                        check_label_selector(check, object, selector, &format!("{path}.{field}"));
                    }
                }
                let path = format!("{path}.ipBlock.cidr");
                let Some(block) = peer.get("ipBlock") else { continue };
                match block.get("cidr").filter(|range| range.text() != Some("")) {
                    Some(range) if range.string().is_some_and(|text| ip_range(text).is_none()) => {
                        let text = range.text().unwrap_or_default();
                        let message = format!("\"{text}\" is not a range of addresses, such as 10.0.0.0/8");
                        invalid(check, object, range, &path, (message, "must be a valid CIDR value"));
                    }
                    Some(range) => check_except(check, object, block, range, &path),
                    None => required(check, object, block, &path, "ipBlock has no cidr"),
                }
            }
        }
    }
}

/// Checks the ranges that are excluded from a range of addresses; `path` is that of the latter.
fn check_except(check: &mut Check<'_>, object: Object<'_>, block: &Node, range: &Node, path: &str) {
    let Some(whole) = range.string().and_then(ip_range) else { return };
    for (index, node) in block.get("except").map(Node::items).unwrap_or_default().iter().enumerate() {
        let path = format!("{}.except[{index}]", path.trim_end_matches(".cidr"));
        let Some(text) = node.string() else { continue };
        match ip_range(text) {
            None => {
                let message = format!("\"{text}\" is not a range of addresses, such as 10.0.0.0/8");
                invalid(check, object, node, &path, (message, "must be a valid CIDR value"));
            }
            Some(part) if !whole.has_within(part) => {
                let message = format!("{text} is not a part of {}", range.text().unwrap_or_default());
                invalid(check, object, node, &path, (message, "must be a strict subset of `cidr`"));
            }
            Some(_) => {}
        }
    }
}

/// Checks the end of a range of ports.
fn check_end_port(check: &mut Check<'_>, object: Object<'_>, port: &Node, path: &str) {
    let Some((node, end)) = port.get("endPort").and_then(|node| Some((node, node.integer()?))) else {
        return;
    };
    let path = format!("{path}.endPort");
    match port.get("port") {
        None => {
            let reason = "may not be specified when `port` is not specified";
            invalid(check, object, node, &path, ("endPort needs a port", reason));
        }
        Some(first) => match first.integer() {
            Some(first) if end < first => {
                let message = format!("endPort is {end}, and port is {first}; write the lower one as port");
                invalid(check, object, node, &path, (message, "must be greater than or equal to `port`"));
            }
            Some(_) => {}
            None => {
                let reason = "may not be specified when `port` is non-numeric";
                invalid(check, object, node, &path, ("endPort needs a port that is a number", reason));
            }
        },
    }
}

/// Checks which pods of the text the policies apply to.
pub(crate) fn check_selectors(check: &mut Check<'_>, objects: &[Object<'_>], selection: &Selection<'_>) {
    for object in objects.iter().filter(|object| object.kind.name == "NetworkPolicy") {
        let Some(selector) = object.spec().and_then(|spec| spec.get("podSelector")) else { continue };
        let has_none = || selection.has_none(selector.get("matchLabels"), |_, pods| selects(selector, pods));
        if selection.has_pods() && has_none() {
            check.object = Some(label(*object));
            let message =
                format!("no pod of the file has the labels that the NetworkPolicy {} selects", object.name());
            check.at(Rule::PolicySelector, selector, message);
        }
    }
    check.object = None;
}

/// Checks what a `NetworkPolicy` applies to.
fn check_policy(check: &mut Check<'_>, object: Object<'_>) {
    check_rules(check, object);
    if let Some(selector) = object.spec().and_then(|spec| spec.get("podSelector")) {
        check_label_selector(check, object, selector, "spec.podSelector");
    }
    let Some(types) = object.spec().and_then(|spec| spec.get("policyTypes")) else { return };
    if types.items().len() > 2 {
        let message = "policyTypes has more than two items; write Ingress, Egress or both";
        invalid(
            check,
            object,
            types,
            "spec.policyTypes",
            (message, "may not specify more than two policyTypes"),
        );
        return;
    }
    for (index, kind) in types.items().iter().enumerate() {
        check_allowed(check, object, kind, &format!("spec.policyTypes[{index}]"), &["Ingress", "Egress"]);
    }
}
