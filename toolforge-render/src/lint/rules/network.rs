//! Endpoints and policies of the network.

use core::net::IpAddr;

use super::super::check::{Check, Object};
use super::super::syntax::Node;
use super::values::{check_allowed, check_ip, invalid, required};

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
        for field in ["addresses", "notReadyAddresses"] {
            for (number, address) in list(field).iter().enumerate() {
                check_address(check, object, address, &format!("subsets[{index}].{field}[{number}].ip"));
            }
        }
    }
}

fn check_address(check: &mut Check<'_>, object: Object<'_>, address: &Node, path: &str) {
    let Some(node) = address.get("ip") else {
        required(check, object, address, path, "the address has no ip");
        return;
    };
    let Some(found) = check_ip(check, object, node, path) else { return };
    let reason = match found {
        _ if found.is_unspecified() => "may not be unspecified",
        _ if found.is_loopback() => "may not be in the loopback range (127.0.0.0/8, ::1/128)",
        IpAddr::V4(found) if found.is_link_local() => {
            "may not be in the link-local range (169.254.0.0/16, fe80::/10)"
        }
        IpAddr::V6(found) if found.is_unicast_link_local() => {
            "may not be in the link-local range (169.254.0.0/16, fe80::/10)"
        }
        IpAddr::V4(found) if found.octets().starts_with(&[224, 0, 0]) => {
            "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"
        }
        IpAddr::V6(found) if found.octets()[0] == 0xff && found.octets()[1] & 0x0f == 2 => {
            "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"
        }
        _ => return,
    };
    let message = format!("{found} is not an address of another machine: it {reason}");
    invalid(check, object, node, path, (message, reason));
}

/// Checks what a `NetworkPolicy` applies to.
fn check_policy(check: &mut Check<'_>, object: Object<'_>) {
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
