//! Values of fields that several rules check.

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
