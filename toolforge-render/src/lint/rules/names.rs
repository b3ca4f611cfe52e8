//! Names and labels, as the API server allows them.

/// Returns why a text is not a DNS label (RFC 1123) of at most 63 characters.
pub(crate) fn not_a_dns_label(text: &str) -> Option<String> {
    if text.len() > 63 {
        return Some(format!("has {} characters; at most 63 are allowed", text.len()));
    }
    let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if let Some(found) = text.chars().find(|c| !is_allowed(*c)) {
        return Some(format!("has {found:?}; use a-z, 0-9 and '-'"));
    }
    let is_end = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let has_ends = text.starts_with(is_end) && text.ends_with(is_end);
    (!has_ends).then(|| "must begin and end with a letter or a digit".to_owned())
}

/// Returns why a text is not a DNS subdomain of at most 253 characters: labels with dots between them.
pub(crate) fn not_a_dns_subdomain(text: &str) -> Option<String> {
    if text.len() > 253 {
        return Some(format!("has {} characters; at most 253 are allowed", text.len()));
    }
    let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.');
    if let Some(found) = text.chars().find(|c| !is_allowed(*c)) {
        return Some(format!("has {found:?}; use a-z, 0-9, '-' and '.'"));
    }
    let is_end = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_label = |label: &str| label.starts_with(is_end) && label.ends_with(is_end);
    (!text.split('.').all(is_label))
        .then(|| "must begin and end with a letter or a digit, also next to each dot".to_owned())
}

/// Returns why a text is not the name of a Service: a DNS label that begins with a letter.
pub(crate) fn not_a_service_name(text: &str) -> Option<String> {
    not_a_dns_label(text).or_else(|| {
        let has_letter = text.starts_with(|c: char| c.is_ascii_lowercase());
        (!has_letter).then(|| "must begin with a letter".to_owned())
    })
}

/// Returns why a text is not the name of a port: 15 characters with a letter (RFC 6335).
pub(crate) fn not_a_port_name(text: &str) -> Option<String> {
    if text.len() > 15 {
        return Some(format!("has {} characters; at most 15 are allowed", text.len()));
    }
    if let Some(reason) = not_a_dns_label(text) {
        return Some(reason);
    }
    if text.contains("--") {
        return Some("has two '-' in a row".to_owned());
    }
    let has_letter = text.contains(|c: char| c.is_ascii_lowercase());
    (!has_letter).then(|| "must have a letter".to_owned())
}

fn not_a_label_name(text: &str) -> Option<String> {
    if text.len() > 63 {
        return Some(format!("has {} characters; at most 63 are allowed", text.len()));
    }
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if let Some(found) = text.chars().find(|c| !is_allowed(*c)) {
        return Some(format!("has {found:?}; use letters, digits, '-', '_' and '.'"));
    }
    let is_end = |c: char| c.is_ascii_alphanumeric();
    let has_ends = text.starts_with(is_end) && text.ends_with(is_end);
    (!has_ends).then(|| "must begin and end with a letter or a digit".to_owned())
}

/// Returns why a text is not the key of a ConfigMap or a Secret.
pub(crate) fn not_a_data_key(key: &str) -> Option<String> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let is_wrong = key.is_empty()
        || key.len() > 253
        || !key.chars().all(is_allowed)
        || key == "."
        || key.starts_with("..");
    is_wrong.then(|| "is not allowed; use letters, digits, '-', '_' and '.'".to_owned())
}

/// Returns why a text is not the key of a label or an annotation.
pub(crate) fn not_a_label_key(text: &str) -> Option<String> {
    match text.split_once('/') {
        None => not_a_label_name(text),
        Some((prefix, name)) => not_a_dns_subdomain(prefix)
            .map(|reason| format!("has a prefix before the '/' that {reason}"))
            .or_else(|| not_a_label_name(name)),
    }
}

/// Returns why a text is not the value of a label; it may be empty.
pub(crate) fn not_a_label_value(text: &str) -> Option<String> {
    if text.is_empty() { None } else { not_a_label_name(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_the_api() {
        for (check, good, bad) in [
            (
                not_a_dns_label as fn(&str) -> Option<String>,
                vec!["a", "a-1", "1a"],
                vec!["", "A", "a.b", "-a", "a_b"],
            ),
            (not_a_dns_subdomain, vec!["a.b", "a-1.c"], vec!["a..b", ".a", "a.", "a.-b", "A"]),
            (not_a_service_name, vec!["a1"], vec!["1a", "a.b"]),
            (not_a_port_name, vec!["http", "web-1"], vec!["http--a", "1", "abcdefghijklmnop", "HTTP"]),
            (not_a_label_key, vec!["a", "A_b.c", "x.y/z"], vec!["", "/z", "X/z", "x/", "x/y/z", "a b"]),
            (not_a_label_value, vec!["", "a", "A-b_c.d"], vec!["-a", "a b", "a/b"]),
        ] {
            for text in good {
                assert_eq!(check(text), None, "{text:?}");
            }
            for text in bad {
                assert!(check(text).is_some(), "{text:?}");
            }
        }
        assert!(not_a_dns_label(&"a".repeat(64)).is_some());
    }
}
