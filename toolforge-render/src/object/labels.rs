//! Labels of objects.

use std::collections::BTreeMap;

/// Labels, or annotations.
pub(crate) type Labels = BTreeMap<String, String>;

/// Returns whether a label has a value.
pub(crate) fn has_label(labels: Option<&Labels>, key: &str, value: &str) -> bool {
    label(labels, key) == Some(value)
}

/// Returns the value of a label.
pub(crate) fn label<'a>(labels: Option<&'a Labels>, key: &str) -> Option<&'a str> {
    labels?.get(key).map(String::as_str)
}
