//! What the rules of pods have in common.

use toolforge_model::platform;

use super::super::check::{Check, Object, Pods};
use super::super::rule::Rule;
use super::super::syntax::Node;

/// What a rule needs to know about a pod.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'n> {
    /// The object.
    pub(crate) object: Object<'n>,
    /// Its pods.
    pub(crate) pods: Pods<'n>,
    /// Their spec.
    pub(crate) spec: &'n Node,
}

/// Returns how the platform's policy for pods refuses one.
pub(crate) fn policy(path: &str) -> String {
    format!(
        "validation error: pod security configuration must be correct. rule toolforge-validate-pod-policy failed at path {path}"
    )
}

/// Checks the user that a security context runs as.
pub(crate) fn check_identity(check: &mut Check<'_>, context: &Node, path: &str) {
    if let Some(node) = context.get("runAsNonRoot").filter(|node| node.boolean() == Some(false)) {
        let message = "runAsNonRoot is false; pods on Toolforge run as the tool, never as root";
        check.at(Rule::RunAsUser, node, message).answered(policy(&format!("{path}/runAsNonRoot/")));
    }
    for field in ["runAsUser", "runAsGroup", "fsGroup"] {
        let Some(node) = context.get(field) else { continue };
        let Some(found) = node.integer() else { continue };
        let is_wrong = match check.context.uid {
            Some(uid) => found != uid,
            None => found < i64::from(platform::FIRST_TOOL_UID),
        };
        if is_wrong {
            let tool = check.context.uid.map(|uid| format!(", which is {uid}")).unwrap_or_default();
            let message = format!("{field} is {found}; pods run with the id of the tool{tool}. Leave it out");
            check.at(Rule::RunAsUser, node, message).answered(policy(&format!("{path}/{field}/")));
        }
    }
}

/// Checks that a number is a valid port.
pub(crate) fn check_port_number(check: &mut Check<'_>, scope: Scope<'_>, node: &Node, field: &str) {
    let Some(number) = node.integer() else { return };
    if !(1..=65_535).contains(&number) {
        let answer = scope.object.invalid(format_args!(
            "{field}: Invalid value: {number}: must be between 1 and 65535, inclusive"
        ));
        check
            .at(Rule::InvalidValue, node, format!("{number} is not a port; use 1 to 65535"))
            .answered(answer);
    }
}
