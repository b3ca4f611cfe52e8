//! Values of fields that several rules check.

use core::net::IpAddr;
use std::fmt;

use super::super::check::{Check, Object};
use super::super::rule::Rule;
use super::super::syntax::Node;

/// Checks that a string is one of those that are allowed.
pub(crate) fn check_allowed(
    check: &mut Check<'_>,
    object: Object<'_>,
    node: &Node,
    path: &str,
    allowed: &[&str],
) {
    let Some(found) = node.string() else { return };
    if allowed.contains(&found) {
        return;
    }
    let field = path.rsplit('.').next().unwrap_or_default();
    let quoted: Vec<String> = allowed.iter().map(|value| format!("\"{value}\"")).collect();
    let answer = object.invalid(format_args!(
        "{path}: Unsupported value: \"{found}\": supported values: {}",
        quoted.join(", ")
    ));
    check
        .at(
            Rule::InvalidValue,
            node,
            format!("{field} is \"{found}\"; the allowed values are {}", allowed.join(", ")),
        )
        .answered(answer);
}

/// Checks that a string is one of those that are allowed, or empty: the API server sets a default for an empty one.
pub(crate) fn check_allowed_or_empty(
    check: &mut Check<'_>,
    object: Object<'_>,
    node: &Node,
    path: &str,
    allowed: &[&str],
) {
    if node.text() != Some("") {
        check_allowed(check, object, node, path, allowed);
    }
}

/// Checks that a field is a number that is large enough.
pub(crate) fn check_at_least(
    check: &mut Check<'_>,
    object: Object<'_>,
    parent: Option<&Node>,
    path: &str,
    field: &str,
    least: i64,
) {
    let Some(node) = parent.and_then(|parent| parent.get(field)) else { return };
    let Some(found) = node.integer().filter(|found| *found < least) else { return };
    let answer = object.invalid(format_args!(
        "{path}.{field}: Invalid value: {found}: must be greater than or equal to {least}"
    ));
    check
        .at(Rule::InvalidValue, node, format!("{field} is {found}; it must be {least} or more"))
        .answered(answer);
}

/// How the API server refuses a field.
#[derive(Clone, Copy)]
pub(crate) enum Refusal<'a> {
    /// `FIELD: Invalid value: "VALUE": REASON`.
    Invalid(&'a str),
    /// `FIELD: Forbidden: REASON`.
    Forbidden(&'a str),
    /// `FIELD: Required value`.
    Required,
}

/// Adds that the API server refuses a field.
pub(crate) fn refuse(
    check: &mut Check<'_>,
    object: Object<'_>,
    node: &Node,
    path: &str,
    (message, refusal): (impl fmt::Display, Refusal<'_>),
) {
    let (rule, answer) = match refusal {
        Refusal::Invalid(reason) => {
            let found = match (node.text(), node.string()) {
                (Some(text), None) => text.to_owned(),
                (text, _) => format!("\"{}\"", text.unwrap_or_default()),
            };
            (Rule::InvalidValue, format!("Invalid value: {found}: {reason}"))
        }
        Refusal::Forbidden(reason) => (Rule::InvalidValue, format!("Forbidden: {reason}")),
        Refusal::Required => (Rule::MissingField, "Required value".to_owned()),
    };
    let answer = object.invalid(format_args!("{path}: {answer}"));
    check.at(rule, node, message).answered(answer);
}

/// Adds that a value is invalid.
pub(crate) fn invalid(
    check: &mut Check<'_>,
    object: Object<'_>,
    node: &Node,
    path: &str,
    (message, reason): (impl fmt::Display, &str),
) {
    refuse(check, object, node, path, (message, Refusal::Invalid(reason)));
}

/// Adds that a field is missing.
pub(crate) fn required(
    check: &mut Check<'_>,
    object: Object<'_>,
    place: &Node,
    path: &str,
    message: impl fmt::Display,
) {
    refuse(check, object, place, path, (message, Refusal::Required));
}

/// Adds that a field may not be set.
pub(crate) fn forbidden(
    check: &mut Check<'_>,
    object: Object<'_>,
    place: &Node,
    path: &str,
    (message, reason): (impl fmt::Display, &str),
) {
    refuse(check, object, place, path, (message, Refusal::Forbidden(reason)));
}

/// Checks that a path is relative, and below the place that it is relative to.
pub(crate) fn check_descending_path(check: &mut Check<'_>, object: Object<'_>, node: &Node, path: &str) {
    let Some(text) = node.string() else { return };
    let field = path.rsplit('.').next().unwrap_or_default();
    if text.starts_with('/') {
        let message = format!("{field} is \"{text}\"; write a path without '/' at its beginning");
        invalid(check, object, node, path, (message, "must be a relative path"));
    }
    if text.split('/').any(|part| part == "..") {
        let message = format!("{field} is \"{text}\"; it may not have '..'");
        invalid(check, object, node, path, (message, "must not contain '..'"));
    }
}

/// Checks the path of a file in a volume: it is relative, and two dots at its beginning are reserved.
pub(crate) fn check_file_path(check: &mut Check<'_>, object: Object<'_>, node: &Node, path: &str) {
    check_descending_path(check, object, node, path);
    let Some(text) = node.string() else { return };
    if text.starts_with("..") && text != ".." && !text.starts_with("../") {
        let field = path.rsplit('.').next().unwrap_or_default();
        let message = format!("{field} is \"{text}\"; it may not begin with '..'");
        invalid(check, object, node, path, (message, "must not start with '..'"));
    }
}

/// Checks that a string is an IP address, and returns it.
pub(crate) fn check_ip(check: &mut Check<'_>, object: Object<'_>, node: &Node, path: &str) -> Option<IpAddr> {
    let text = node.string()?;
    let found = parse_ip(text);
    if found.is_none() {
        let message = format!("\"{text}\" is not an IP address, such as 10.0.0.1");
        invalid(check, object, node, path, (message, "must be a valid IP address"));
    }
    found
}

/// Checks that a string is the IP address of another machine.
pub(crate) fn check_machine_ip(check: &mut Check<'_>, object: Object<'_>, node: &Node, path: &str) {
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

/// A range of addresses: an address, and how many of its first bits all of them have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IpRange {
    address: IpAddr,
    length: u32,
}

impl IpRange {
    /// Returns whether this range contains all addresses of another one, and more.
    pub(crate) fn has_within(self, other: Self) -> bool {
        let bits = |address: IpAddr| match address {
            IpAddr::V4(address) => (u128::from(address.to_bits()) << 96, 32),
            IpAddr::V6(address) => (address.to_bits(), 128),
        };
        let ((one, one_size), (two, two_size)) = (bits(self.address), bits(other.address));
        one_size == two_size
            && self.length < other.length
            && (one ^ two).checked_shr(128 - self.length).unwrap_or(0) == 0
    }
}

/// Returns a range of addresses, such as `10.0.0.0/8`.
pub(crate) fn ip_range(text: &str) -> Option<IpRange> {
    let (address, length) = text.split_once('/')?;
    let is_number = !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit());
    let address = parse_ip(address)?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let length = length.parse().ok().filter(|length| is_number && *length <= most)?;
    Some(IpRange { address, length })
}

/// Parses an address as the API server does: numbers may have zeros at their beginning.
fn parse_ip(text: &str) -> Option<IpAddr> {
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    let part = |part: &str| {
        let is_number = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let digits = part.trim_start_matches('0');
        is_number.then(|| if digits.is_empty() { "0".to_owned() } else { digits.to_owned() })
    };
    let parts: Vec<String> = text.split('.').map(part).collect::<Option<_>>()?;
    parts.join(".").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_have_an_address_and_a_length() {
        for text in ["10.0.0.0/8", "0.0.0.0/0", "::/0", "fe80::/128"] {
            assert!(ip_range(text).is_some(), "{text}");
        }
        for text in ["x", "10.0.0.0", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "::/129", "10.0.0/8"] {
            assert!(ip_range(text).is_none(), "{text}");
        }
        for (whole, part, expected) in [
            ("10.0.0.0/8", "10.1.0.0/16", true),
            ("10.0.0.0/8", "11.0.0.0/16", false),
            ("10.0.0.0/8", "10.0.0.0/8", false),
            ("10.0.0.0/8", "0.0.0.0/0", false),
            ("0.0.0.0/0", "192.168.0.0/16", true),
            ("::/0", "fe80::/10", true),
            ("::/0", "10.0.0.0/8", false),
        ] {
            assert_eq!(
                ip_range(whole).unwrap().has_within(ip_range(part).unwrap()),
                expected,
                "{whole} {part}"
            );
        }
    }

    #[test]
    fn addresses_are_parsed_as_by_the_server() {
        for text in ["10.0.0.1", "010.000.0.01", "::1", "fe80::1", "::ffff:1.2.3.4"] {
            assert!(parse_ip(text).is_some(), "{text}");
        }
        for text in ["", "10.0.0", "10.0.0.256", "10.0.0.1/8", "localhost", "10..0.1", "fe80::1%eth0"] {
            assert!(parse_ip(text).is_none(), "{text}");
        }
    }
}
