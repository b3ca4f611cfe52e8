//! How a Job counts its pods: completions, indexes, and what it does about failures.

use super::super::check::{Check, Object};
use super::super::rule::Rule;
use super::super::syntax::Node;
use super::value_checks::{check_allowed, check_at_least, invalid, required};

/// Checks the spec of a Job, or of the Jobs of a CronJob; `prefix` is its path.
pub(crate) fn check(check: &mut Check<'_>, object: Object<'_>, spec: &Node, prefix: &str) {
    let path = |field: &str| format!("{prefix}.{field}");
    let mode = spec.get("completionMode");
    if let Some(mode) = mode {
        check_allowed(check, object, mode, &path("completionMode"), &["Indexed", "NonIndexed"]);
    }
    let is_indexed = mode.and_then(Node::text) == Some("Indexed");
    // Only a Job itself gets a default, and only without parallelism.
    let has_default = object.kind.name == "Job" && spec.get("parallelism").is_none();
    if let Some(mode) = mode.filter(|_| is_indexed && spec.get("completions").is_none() && !has_default) {
        let message = "an Indexed Job needs a number of completions";
        required(check, object, mode, &path("completions"), message);
    }
    for field in ["backoffLimitPerIndex", "maxFailedIndexes", "successPolicy"] {
        if let Some(node) = spec.get(field).filter(|_| !is_indexed) {
            let message = format!("{field} needs completionMode: Indexed");
            invalid(check, object, node, &path(field), (message, "requires indexed completion mode"));
        }
    }
    for field in ["backoffLimitPerIndex", "maxFailedIndexes"] {
        check_at_least(check, object, Some(spec), prefix, field, 0);
    }
    if let Some(most) = spec.get("maxFailedIndexes")
        && spec.get("backoffLimitPerIndex").is_none()
    {
        let message = "maxFailedIndexes needs backoffLimitPerIndex";
        required(check, object, most, &path("backoffLimitPerIndex"), message);
    }
    if let Some(most) = spec.get("maxFailedIndexes").filter(|_| is_indexed)
        && let (Some(found), Some(all)) = (most.integer(), spec.get("completions").and_then(Node::integer))
        && found > all
    {
        let message = format!("maxFailedIndexes is {found}; it may be at most completions, {all}");
        invalid(
            check,
            object,
            most,
            &path("maxFailedIndexes"),
            (message, "must be less than or equal to completions"),
        );
    }
    if let Some(success) = spec.get("successPolicy")
        && success.get("rules").is_none_or(|rules| rules.items().is_empty())
    {
        required(check, object, success, &path("successPolicy.rules"), "successPolicy has no rules");
    }
    if let Some(success) = spec.get("successPolicy").filter(|_| is_indexed) {
        check_success_policy(check, object, spec, success, &path("successPolicy"));
    }
    let policy = spec.get("podFailurePolicy");
    if let Some(replacement) = spec.get("podReplacementPolicy") {
        let allowed: &[&str] =
            if policy.is_some() { &["Failed"] } else { &["Failed", "TerminatingOrFailed"] };
        check_allowed(check, object, replacement, &path("podReplacementPolicy"), allowed);
    }
    if let Some(policy) = policy {
        check_failure_policy(check, object, spec, policy, prefix);
    }
}

/// Checks when a Job has succeeded before all of its pods have.
fn check_success_policy(check: &mut Check<'_>, object: Object<'_>, spec: &Node, policy: &Node, path: &str) {
    for (index, rule) in policy.get("rules").map(Node::items).unwrap_or_default().iter().enumerate() {
        let path = format!("{path}.rules[{index}]");
        let (count, indexes) = (rule.get("succeededCount"), rule.get("succeededIndexes"));
        if count.is_none() && indexes.is_none() {
            let message = "the rule has neither succeededCount nor succeededIndexes";
            required(check, object, rule, &path, message);
        }
        if let Some(node) = count
            && let (Some(found), Some(all)) =
                (node.integer(), spec.get("completions").and_then(Node::integer))
            && found > all
        {
            let message = format!("succeededCount is {found}; it may be at most completions, {all}");
            let reason = "must be less than or equal to the number of specified completions";
            invalid(check, object, node, &format!("{path}.succeededCount"), (message, reason));
        }
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let is_interval = |text: &str| match text.split_once('-') {
            Some((first, last)) => is_number(first) && is_number(last),
            None => is_number(text),
        };
        if let Some(node) = indexes
            && let Some(text) =
                node.string().filter(|text| !text.is_empty() && !text.split(',').all(is_interval))
        {
            let message =
                format!("succeededIndexes is \"{text}\"; write numbers and intervals, such as 0,2-4");
            let reason = "error parsing succeededIndexes: cannot convert string to integer for index";
            invalid(check, object, node, &format!("{path}.succeededIndexes"), (message, reason));
        }
    }
}

fn check_failure_policy(check: &mut Check<'_>, object: Object<'_>, spec: &Node, policy: &Node, prefix: &str) {
    let pods = spec.at(&["template", "spec"]);
    if let Some(restart) = pods.and_then(|pods| pods.get("restartPolicy"))
        && restart.string() == Some("OnFailure")
    {
        let answer = object.invalid(format_args!(
            "{prefix}.template.spec.restartPolicy: Invalid value: \"OnFailure\": only \"Never\" is supported when \
             podFailurePolicy is specified"
        ));
        let message = "podFailurePolicy needs restartPolicy: Never";
        check.at(Rule::RestartPolicy, restart, message).answered(answer);
    }
    let names: Vec<&str> = ["containers", "initContainers"]
        .into_iter()
        .filter_map(|list| pods?.get(list))
        .flat_map(Node::items)
        .filter_map(|container| container.get("name")?.text())
        .collect();
    for (index, rule) in policy.get("rules").map(Node::items).unwrap_or_default().iter().enumerate() {
        let path = format!("{prefix}.podFailurePolicy.rules[{index}]");
        match rule.get("action") {
            None => required(check, object, rule, &format!("{path}.action"), "the rule has no action"),
            Some(action) => {
                let actions = ["Count", "FailIndex", "FailJob", "Ignore"];
                check_allowed(check, object, action, &format!("{path}.action"), &actions);
                if action.text() == Some("FailIndex") && spec.get("backoffLimitPerIndex").is_none() {
                    let message = "the action FailIndex needs backoffLimitPerIndex";
                    let reason = "requires the backoffLimitPerIndex to be set";
                    invalid(check, object, action, &format!("{path}.action"), (message, reason));
                }
            }
        }
        let conditions = rule.get("onPodConditions").map(Node::items).unwrap_or_default();
        match (rule.get("onExitCodes"), conditions) {
            (None, []) => {
                let message = "the rule has neither onExitCodes nor onPodConditions";
                let reason = "specifying one of OnExitCodes and OnPodConditions is required";
                invalid(check, object, rule, &path, (message, reason));
            }
            (Some(codes), [_, ..]) => {
                let message = "the rule has both onExitCodes and onPodConditions; write two rules";
                let reason = "specifying both OnExitCodes and OnPodConditions is not supported";
                invalid(check, object, codes, &path, (message, reason));
            }
            _ => {}
        }
        if let Some(codes) = rule.get("onExitCodes") {
            check_exit_codes(check, object, codes, &format!("{path}.onExitCodes"), &names);
        }
        for (number, condition) in conditions.iter().enumerate() {
            let path = format!("{path}.onPodConditions[{number}].status");
            match condition.get("status") {
                Some(status) => check_allowed(check, object, status, &path, &["False", "True", "Unknown"]),
                // Only a Job itself gets a default.
                None if object.kind.name == "Job" => {}
                None => required(check, object, condition, &path, "the condition has no status"),
            }
        }
    }
}

fn check_exit_codes(check: &mut Check<'_>, object: Object<'_>, codes: &Node, path: &str, names: &[&str]) {
    let operator = codes.get("operator");
    match operator {
        Some(operator) => {
            check_allowed(check, object, operator, &format!("{path}.operator"), &["In", "NotIn"]);
        }
        None => required(check, object, codes, &format!("{path}.operator"), "onExitCodes has no operator"),
    }
    if let Some(container) = codes.get("containerName")
        && let Some(name) = container.string().filter(|name| !names.contains(name))
    {
        let message = format!("the pod has no container \"{name}\"");
        let reason = "must be one of the container or initContainer names in the pod template";
        invalid(check, object, container, &format!("{path}.containerName"), (message, reason));
    }
    let path = format!("{path}.values");
    let values = codes.get("values").map(Node::items).unwrap_or_default();
    if values.is_empty() {
        let place = codes.get("values").unwrap_or(codes);
        invalid(check, object, place, &path, ("onExitCodes has no values", "at least one value is required"));
        return;
    }
    let numbers: Vec<(&Node, i64)> =
        values.iter().filter_map(|value| Some((value, value.integer()?))).collect();
    if operator.and_then(Node::text) == Some("In")
        && let Some((value, _)) = numbers.iter().find(|(_, number)| *number == 0)
    {
        let message = "0 is the exit code of success; leave it out";
        invalid(check, object, value, &path, (message, "must not be 0 for the In operator"));
    }
    for pair in numbers.windows(2) {
        if let [(_, before), (value, number)] = pair
            && number <= before
        {
            let message = format!("the values must ascend, and {number} follows {before}");
            let reason = if number == before { "Duplicate value" } else { "must be ordered" };
            invalid(check, object, value, &path, (message, reason));
        }
    }
}
