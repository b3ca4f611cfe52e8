//! How a Job counts its pods: completions, indexes, and what it does about failures.

use super::super::check::{Check, Object};
use super::super::rule::Rule;
use super::super::syntax::Node;
use super::names::{not_a_dns_label, not_a_dns_subdomain};
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
    if is_indexed {
        check_indexed(check, object, spec, prefix);
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
    for policy in ["successPolicy", "podFailurePolicy"] {
        let rules = spec.at(&[policy, "rules"]);
        check_most(check, object, rules, &path(&format!("{policy}.rules")), MOST_RULES);
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

/// The most rules of a policy, and conditions of a rule.
const MOST_RULES: usize = 20;

/// The most exit codes of a rule.
const MOST_CODES: usize = 255;

/// The most pods of an Indexed Job that run at the same time.
const MOST_INDEXED: i64 = 100_000;

/// Checks that a list does not have too many items.
fn check_most(check: &mut Check<'_>, object: Object<'_>, list: Option<&Node>, path: &str, most: usize) {
    let Some(list) = list.filter(|list| list.items().len() > most) else { return };
    let found = list.items().len();
    let field = path.rsplit('.').next().unwrap_or_default();
    let answer = object.invalid(format_args!("{path}: Too many: {found}: must have at most {most} items"));
    let message = format!("{field} has {found} items; at most {most} are allowed");
    check.at(Rule::InvalidValue, list, message).answered(answer);
}

/// Checks how many pods an Indexed Job has: each has the name of the Job and its index as its host name.
fn check_indexed(check: &mut Check<'_>, object: Object<'_>, spec: &Node, prefix: &str) {
    if let Some(node) = spec.get("parallelism")
        && let Some(found) = node.integer().filter(|found| *found > MOST_INDEXED)
    {
        let message = format!("parallelism is {found}; an Indexed Job may have at most {MOST_INDEXED}");
        let reason = "must be less than or equal to 100000 when completion mode is Indexed";
        invalid(check, object, node, &format!("{prefix}.parallelism"), (message, reason));
    }
    if object.kind.name == "Job"
        && let Some(node) = object.name_node()
        && let Some(name) = node.string()
        && let Some(completions) = spec.get("completions").and_then(Node::integer).filter(|count| *count > 0)
        && not_a_dns_subdomain(name).is_none()
    {
        let host = format!("{name}-{}", completions - 1);
        if let Some(reason) = not_a_dns_label(&host) {
            let message = format!("the host name \"{host}\" of the last pod of the Indexed Job {reason}");
            let reason = format!("will not able to create pod with invalid DNS label: {host}");
            invalid(check, object, node, "metadata.name", (message, reason.as_str()));
        }
    }
}

/// Checks the policy by which a Job succeeds before all of its pods have.
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
        let Some(node) = indexes else { continue };
        let Some(text) = node.string() else { continue };
        let found = match number_of_indexes(text, spec.get("completions").and_then(Node::integer)) {
            Ok(found) => found,
            Err((problem, reason)) => {
                let message = format!("succeededIndexes is \"{text}\"; {problem}");
                let reason = format!("error parsing succeededIndexes: {reason}");
                invalid(check, object, node, &format!("{path}.succeededIndexes"), (message, reason.as_str()));
                continue;
            }
        };
        if let Some(node) = count
            && let Some(wanted) = node.integer().filter(|wanted| *wanted > found)
        {
            let message = format!(
                "succeededCount is {wanted}; it may be at most the number of succeededIndexes, {found}"
            );
            let reason = format!(
                "must be less than or equal to {found} (the number of indexes in the specified succeededIndexes field)"
            );
            invalid(check, object, node, &format!("{path}.succeededCount"), (message, reason.as_str()));
        }
    }
}

/// Returns how many indexes a text names, such as `0,2-4`; or why it is not allowed, and what the API server answers.
fn number_of_indexes(text: &str, completions: Option<i64>) -> Result<i64, (String, String)> {
    let index = |text: &str| {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse::<i64>().ok().filter(|_| is_number).ok_or_else(|| {
            (
                "write numbers and intervals, such as 0,2-4".to_owned(),
                format!("cannot convert string to integer for index: \"{text}\""),
            )
        })?;
        match completions.filter(|all| number >= *all) {
            Some(all) => Err((
                format!("{number} is not an index, as completions is {all}"),
                format!("too large index: \"{text}\""),
            )),
            None => Ok(number),
        }
    };
    let (mut count, mut last) = (0_i64, None);
    for part in text.split(',').filter(|_| !text.is_empty()) {
        let (first, end) = match part.split_once('-') {
            Some((first, end)) => (index(first)?, Some(index(end)?)),
            None => (index(part)?, None),
        };
        let before = last.map(|last| (last, first));
        let steps = [before, end.map(|end| (first, end))];
        if let Some((one, next)) = steps.into_iter().flatten().find(|(one, next)| one >= next) {
            return Err((
                format!("the indexes must ascend, and {next} follows {one}"),
                format!("non-increasing order, previous: {one}, current: {next}"),
            ));
        }
        let end = end.unwrap_or(first);
        count = count.saturating_add(end.saturating_sub(first)).saturating_add(1);
        last = Some(end);
    }
    Ok(count)
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
        let list = rule.get("onPodConditions");
        check_most(check, object, list, &format!("{path}.onPodConditions"), MOST_RULES);
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
    check_most(check, object, codes.get("values"), &path, MOST_CODES);
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
