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

/// Adds what the API server answers about a value: `FIELD: Invalid value: "VALUE": REASON`.
pub(crate) fn invalid(
    check: &mut Check<'_>,
    object: Object<'_>,
    node: &Node,
    path: &str,
    (message, reason): (impl fmt::Display, &str),
) {
    let found = match (node.text(), node.string()) {
        (Some(text), None) => text.to_owned(),
        (text, _) => format!("\"{}\"", text.unwrap_or_default()),
    };
    let answer = object.invalid(format_args!("{path}: Invalid value: {found}: {reason}"));
    check.at(Rule::InvalidValue, node, message).answered(answer);
}

/// Adds that a field is missing.
pub(crate) fn required(
    check: &mut Check<'_>,
    object: Object<'_>,
    place: &Node,
    path: &str,
    message: impl fmt::Display,
) {
    let answer = object.invalid(format_args!("{path}: Required value"));
    check.at(Rule::MissingField, place, message).answered(answer);
}

/// Adds that a field may not be set.
pub(crate) fn forbidden(
    check: &mut Check<'_>,
    object: Object<'_>,
    place: &Node,
    path: &str,
    (message, reason): (impl fmt::Display, &str),
) {
    let answer = object.invalid(format_args!("{path}: Forbidden: {reason}"));
    check.at(Rule::InvalidValue, place, message).answered(answer);
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

/// Returns whether a text is a range of addresses, such as `10.0.0.0/8`.
pub(crate) fn is_ip_range(text: &str) -> bool {
    let Some((address, length)) = text.split_once('/') else { return false };
    let is_number = !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit());
    let most = match parse_ip(address) {
        Some(IpAddr::V4(_)) => 32,
        Some(IpAddr::V6(_)) => 128,
        None => return false,
    };
    is_number && length.parse::<u32>().is_ok_and(|length| length <= most)
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
            assert!(is_ip_range(text), "{text}");
        }
        for text in ["x", "10.0.0.0", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "::/129", "10.0.0/8"] {
            assert!(!is_ip_range(text), "{text}");
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
