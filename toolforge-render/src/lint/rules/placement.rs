//! On which nodes pods may run.

use std::collections::HashSet;

use super::super::check::{Check, Object};
use super::super::rule::Rule;
use super::super::syntax::Node;
use super::choices::visit;
use super::names::{not_a_dns_label, not_a_label_key, not_a_label_value};
use super::scope::Scope;
use super::value_checks::{check_allowed, forbidden, invalid, required};

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";

/// Checks the affinity of pods, and how they are spread.
pub(crate) fn check(check: &mut Check<'_>, scope: Scope<'_>) {
    let Scope { object, pods, spec } = scope;
    let prefix = pods.field("");
    let prefix = prefix.trim_end_matches('.');
    visit(spec, &["affinity", "nodeAffinity", REQUIRED], prefix, &mut |node, path| {
        if node.get("nodeSelectorTerms").is_none_or(|terms| terms.items().is_empty()) {
            let path = format!("{path}.nodeSelectorTerms");
            required(check, object, node, &path, "the required node affinity has no nodeSelectorTerms");
        }
    });
    for kind in ["nodeAffinity", "podAffinity", "podAntiAffinity"] {
        visit(spec, &["affinity", kind, PREFERRED, "*"], prefix, &mut |node, path| {
            let weight = node.get("weight");
            let Some(number) = weight.map_or(Some(0), Node::integer) else { return };
            if !(1..=100).contains(&number) {
                let message = format!("the weight is {number}; it must be 1 to 100");
                let path = format!("{path}.weight");
                invalid(
                    check,
                    object,
                    weight.unwrap_or(node),
                    &path,
                    (message, "must be in the range 1-100"),
                );
            }
        });
    }
    for keys in [
        ["affinity", "nodeAffinity", REQUIRED, "nodeSelectorTerms", "*", "matchExpressions", "*"].as_slice(),
        &["affinity", "nodeAffinity", PREFERRED, "*", "preference", "matchExpressions", "*"],
    ] {
        visit(spec, keys, prefix, &mut |expression, path| {
            check_node_expression(check, object, expression, path);
        });
    }
    for keys in [
        ["affinity", "nodeAffinity", REQUIRED, "nodeSelectorTerms", "*", "matchFields", "*", "key"]
            .as_slice(),
        &["affinity", "nodeAffinity", PREFERRED, "*", "preference", "matchFields", "*", "key"],
    ] {
        visit(spec, keys, prefix, &mut |key, path| {
            if let Some(text) = key.string().filter(|text| !matches!(*text, "" | "metadata.name")) {
                let message = format!("the field is \"{text}\"; only metadata.name can be selected");
                invalid(check, object, key, path, (message, "not a valid field selector key"));
            }
        });
    }
    for kind in ["podAffinity", "podAntiAffinity"] {
        for field in ["labelSelector", "namespaceSelector"] {
            for keys in [
                ["affinity", kind, REQUIRED, "*", field].as_slice(),
                &["affinity", kind, PREFERRED, "*", "podAffinityTerm", field],
            ] {
                visit(spec, keys, prefix, &mut |selector, path| {
                    check_label_selector(check, object, selector, path);
                });
            }
        }
        visit(spec, &["affinity", kind, REQUIRED, "*"], prefix, &mut |term, path| {
            check_topology_key(check, object, term, path);
        });
        visit(spec, &["affinity", kind, PREFERRED, "*", "podAffinityTerm"], prefix, &mut |term, path| {
            check_topology_key(check, object, term, path);
        });
        visit(spec, &["affinity", kind, PREFERRED, "*"], prefix, &mut |preferred, path| {
            if preferred.get("podAffinityTerm").is_none() {
                let path = format!("{path}.podAffinityTerm.topologyKey");
                required(check, object, preferred, &path, "the preference has no podAffinityTerm");
            }
        });
        for keys in [
            ["affinity", kind, REQUIRED, "*", "namespaces", "*"].as_slice(),
            &["affinity", kind, PREFERRED, "*", "podAffinityTerm", "namespaces", "*"],
        ] {
            visit(spec, keys, prefix, &mut |name, path| {
                if let Some(reason) = name.string().and_then(not_a_dns_label) {
                    let message = format!("the namespace \"{}\" {reason}", name.text().unwrap_or_default());
                    invalid(check, object, name, path, (message, "must be a lowercase RFC 1123 label"));
                }
            });
        }
    }
    visit(spec, &["topologySpreadConstraints", "*", "labelSelector"], prefix, &mut |selector, path| {
        check_label_selector(check, object, selector, path);
    });
    visit(spec, &["topologySpreadConstraints", "*"], prefix, &mut |constraint, path| {
        check_topology_key(check, object, constraint, path);
        for field in ["maxSkew", "whenUnsatisfiable"] {
            if constraint.get(field).is_none() {
                let message = format!("the constraint has no {field}");
                required(check, object, constraint, &format!("{path}.{field}"), message);
            }
        }
        if let Some(node) = constraint.get("minDomains")
            && let Some(number) = node.integer().filter(|number| *number < 1)
        {
            let message = format!("minDomains is {number}; it must be 1 or more");
            invalid(
                check,
                object,
                node,
                &format!("{path}.minDomains"),
                (message, "must be greater than zero"),
            );
        }
        if let Some(keys) = constraint.get("matchLabelKeys").filter(|keys| !keys.items().is_empty())
            && constraint.get("labelSelector").is_none()
        {
            let path = format!("{path}.matchLabelKeys");
            let reason = "must not be specified when labelSelector is not set";
            forbidden(check, object, keys, &path, ("matchLabelKeys needs a labelSelector", reason));
        }
    });
    let mut seen = HashSet::new();
    visit(spec, &["topologySpreadConstraints", "*"], prefix, &mut |constraint, path| {
        let text = |field: &str| constraint.get(field).and_then(Node::string).filter(|text| !text.is_empty());
        let (Some(key), Some(policy)) = (text("topologyKey"), text("whenUnsatisfiable")) else { return };
        if !seen.insert((key, policy)) {
            let message = format!("another constraint for {key} is also {policy}");
            let answer = object.invalid(format_args!(
                "{path}.{{topologyKey, whenUnsatisfiable}}: Duplicate value: \"{{{key}, {policy}}}\""
            ));
            check.at(Rule::InvalidValue, constraint, message).answered(answer);
        }
    });
}

/// Checks that a term names the label of nodes that it is about.
fn check_topology_key(check: &mut Check<'_>, object: Object<'_>, term: &Node, path: &str) {
    let path = format!("{path}.topologyKey");
    match term.get("topologyKey").filter(|key| key.text() != Some("")) {
        None => required(check, object, term, &path, "the term has no topologyKey"),
        Some(key) => {
            if let Some(reason) = key.string().and_then(not_a_label_key) {
                let message = format!("the topologyKey \"{}\" {reason}", key.text().unwrap_or_default());
                invalid(check, object, key, &path, (message, "must be a qualified name"));
            }
        }
    }
}

/// Checks how many values an expression about nodes has; its operator is checked with other choices.
fn check_node_expression(check: &mut Check<'_>, object: Object<'_>, expression: &Node, path: &str) {
    check_expression_key(check, object, expression, path);
    let Some(operator) = expression.get("operator") else { return };
    let count = expression.get("values").map_or(0, |values| values.items().len());
    let path = format!("{path}.values");
    let place = expression.get("values").unwrap_or(operator);
    match operator.text().unwrap_or_default() {
        text @ ("In" | "NotIn") if count == 0 => {
            required(check, object, place, &path, format_args!("the operator {text} needs values"));
        }
        text @ ("Exists" | "DoesNotExist") if count > 0 => {
            let message = format!("the operator {text} has no values; remove them");
            let reason = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
            forbidden(check, object, place, &path, (message, reason));
        }
        text @ ("Gt" | "Lt") if count != 1 => {
            required(check, object, place, &path, format_args!("the operator {text} needs one value"));
        }
        _ => {}
    }
}

/// Checks the label that an expression is about.
fn check_expression_key(check: &mut Check<'_>, object: Object<'_>, expression: &Node, path: &str) {
    if let Some(key) = expression.get("key")
        && let Some(reason) = key.string().and_then(not_a_label_key)
    {
        let message = format!("the key \"{}\" {reason}", key.text().unwrap_or_default());
        invalid(check, object, key, &format!("{path}.key"), (message, "must be a qualified name"));
    }
}

fn check_label_value(check: &mut Check<'_>, object: Object<'_>, value: &Node, path: &str) {
    if let Some(reason) = value.string().and_then(not_a_label_value) {
        let message = format!("the value \"{}\" of the label {reason}", value.text().unwrap_or_default());
        invalid(check, object, value, path, (message, "must be a valid label value"));
    }
}

/// Checks the labels and the expressions of a selector of labels.
pub(crate) fn check_label_selector(check: &mut Check<'_>, object: Object<'_>, selector: &Node, path: &str) {
    for entry in selector.get("matchLabels").map(Node::entries).unwrap_or_default() {
        let (key, path) = (entry.name(), format!("{path}.matchLabels"));
        if let Some(reason) = not_a_label_key(key) {
            let message = format!("the key \"{key}\" {reason}");
            invalid(check, object, &entry.key, &path, (message, "must be a qualified name"));
        }
        check_label_value(check, object, &entry.value, &path);
    }
    visit(selector, &["matchExpressions", "*"], path, &mut |expression, path| {
        check_expression_key(check, object, expression, path);
        visit(expression, &["values", "*"], path, &mut |value, path| {
            check_label_value(check, object, value, path);
        });
        let Some(operator) = expression.get("operator") else {
            required(
                check,
                object,
                expression,
                &format!("{path}.operator"),
                "the expression has no operator",
            );
            return;
        };
        let allowed = ["DoesNotExist", "Exists", "In", "NotIn"];
        check_allowed(check, object, operator, &format!("{path}.operator"), &allowed);
        let values = expression.get("values").filter(|values| !values.items().is_empty());
        let path = format!("{path}.values");
        match (operator.text(), values) {
            (Some(text @ ("In" | "NotIn")), None) => {
                required(check, object, operator, &path, format_args!("the operator {text} needs values"));
            }
            (Some(text @ ("Exists" | "DoesNotExist")), Some(values)) => {
                let message = format!("the operator {text} has no values; remove them");
                let reason = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
                forbidden(check, object, values, &path, (message, reason));
            }
            _ => {}
        }
    });
}
