//! Deployments and Jobs, except for their pods.

use super::super::check::{Check, Object, Pods};
use super::super::edit;
use super::super::finding::Fix;
use super::super::rule::Rule;
use super::super::syntax::Node;
use super::value_checks::{check_allowed_or_empty, check_at_least, invalid};
use super::{job_policy, selector};
use crate::object::GENERATED_LABELS;

/// More attempts than this are hardly intended.
const MANY_RETRIES: i64 = 20;

/// The default of `progressDeadlineSeconds` (Kubernetes 1.33, `SetDefaults_Deployment`).
const PROGRESS_DEADLINE: i64 = 600;

/// Checks the fields of a workload, except for its pods.
pub(crate) fn check(check: &mut Check<'_>, object: Object<'_>) {
    let Some(path) = object.kind.template.filter(|path| !path.is_empty()) else { return };
    let Some(pods) = object.pods() else {
        let place = object.node.entry("spec").map_or(object.head(), |entry| &entry.key);
        let message = format!("the {} has no pod template; write `{}`", object.kind.name, path.join("."));
        check
            .at(Rule::MissingField, place, message)
            .answered(object.invalid(format_args!("{}.spec.containers: Required value", path.join("."))));
        return;
    };
    match object.kind.name {
        "Deployment" | "ReplicaSet" | "StatefulSet" => {
            selector::check(check, object, pods);
            check_restart_policy(check, object, pods, &["Always"]);
            if let Some(deadline) = pods.spec.and_then(|spec| spec.get("activeDeadlineSeconds")) {
                let message = format!("the pods of a {} have no deadline", object.kind.name);
                let field = pods.field("activeDeadlineSeconds");
                check
                    .at(Rule::InvalidValue, deadline, message)
                    .answered(object.invalid(format_args!("{field}: Forbidden")));
            }
        }
        _ => {
            check_restart_policy(check, object, pods, &["OnFailure", "Never"]);
            check_job(check, object);
            let is_job = matches!(object.kind.name, "Job" | "CronJob");
            let parent = path.split_last().and_then(|(_, parents)| object.node.at(parents));
            if let Some(parent) = parent.filter(|_| is_job)
                && parent.get("manualSelector").and_then(Node::boolean) != Some(true)
            {
                check_generated_labels(check, object, pods);
            }
            if let Some(parent) = parent.filter(|_| is_job)
                && let Some(selector) = parent.get("selector")
                && parent.get("manualSelector").and_then(Node::boolean) != Some(true)
            {
                let fix = removal(check.text, parent, "selector");
                check
                    .at(Rule::Selector, selector, "the selector of a Job is generated; remove it")
                    .answered(object.invalid("spec.selector: Invalid value: `selector` not auto-generated"))
                    .fixed(fix);
            }
            if let Some(parent) = parent.filter(|_| is_job)
                && let Some(manual) = parent.get("manualSelector").filter(|node| node.boolean() == Some(true))
            {
                check_manual_selector(check, object, parent, manual);
            }
        }
    }
    let spec = object.spec();
    for field in ["replicas", "minReadySeconds", "revisionHistoryLimit", "parallelism", "completions"] {
        check_at_least(check, object, spec, "spec", field, 0);
    }
    if object.kind.name == "StatefulSet" {
        let update = spec.and_then(|spec| spec.at(&["updateStrategy", "rollingUpdate"]));
        check_at_least(check, object, update, "spec.updateStrategy.rollingUpdate", "partition", 0);
        let ordinals = spec.and_then(|spec| spec.get("ordinals"));
        check_at_least(check, object, ordinals, "spec.ordinals", "start", 0);
    }
    if let Some(strategy) =
        spec.and_then(|spec| spec.get("strategy")).filter(|_| object.kind.name == "Deployment")
    {
        check_strategy(check, object, strategy);
    }
    let seconds = |field: &str| spec.and_then(|spec| spec.get(field)?.integer());
    if let Some(deadline) =
        spec.and_then(|spec| spec.get("progressDeadlineSeconds")).filter(|_| object.kind.name == "Deployment")
        && let Some(found) =
            deadline.integer().filter(|found| *found <= seconds("minReadySeconds").unwrap_or(0))
    {
        let message = format!("progressDeadlineSeconds is {found}; it must be more than minReadySeconds");
        let path = "spec.progressDeadlineSeconds";
        invalid(check, object, deadline, path, (message, "must be greater than minReadySeconds"));
    } else if object.kind.name == "Deployment"
        && let Some(ready) = spec.and_then(|spec| spec.get("minReadySeconds"))
        && let Some(found) = ready.integer().filter(|found| *found >= PROGRESS_DEADLINE)
        && seconds("progressDeadlineSeconds").is_none()
    {
        let message = format!(
            "minReadySeconds is {found}; progressDeadlineSeconds, {PROGRESS_DEADLINE} by default, must be more than it"
        );
        let path = "spec.progressDeadlineSeconds";
        invalid(check, object, ready, path, (message, "must be greater than minReadySeconds"));
    }
}

/// Checks whether a Job may have a selector of its own.
fn check_manual_selector(check: &mut Check<'_>, object: Object<'_>, parent: &Node, manual: &Node) {
    if object.kind.name == "CronJob" {
        let message = "the runs of a CronJob have generated selectors; remove manualSelector";
        let answer =
            "spec.jobTemplate.spec.manualSelector: Unsupported value: true: supported values: nil, false";
        check.at(Rule::Selector, manual, message).answered(object.invalid(answer));
    } else if parent.get("selector").is_none() {
        let message = "manualSelector needs a selector; remove it and one is generated";
        check.at(Rule::Selector, manual, message).answered(object.invalid("spec.selector: Required value"));
    }
}

/// Checks that the pods of a Job have no labels of another Job, as in the output of `kubectl get -o yaml`: the API server adds
/// those of the Job itself, and the Jobs of a CronJob get new ones each time.
fn check_generated_labels(check: &mut Check<'_>, object: Object<'_>, pods: Pods<'_>) {
    let name = (object.kind.name == "Job").then(|| object.name()).filter(|name| !name.is_empty());
    let Some(labels) = pods.labels() else { return };
    for entry in labels.entries() {
        let key = entry.name();
        let is_of_name = key.ends_with("job-name");
        if !GENERATED_LABELS.contains(&key) || is_of_name && name.is_some() && entry.value.string() == name {
            continue;
        }
        let meant = if is_of_name { "the name of the Job" } else { "the uid of the Job" };
        let path = format!("{}.metadata.labels[{key}]", pods.path.join("."));
        let answer = object.invalid(format_args!("{path}: Invalid value: must be {meant}"));
        let message = format!("the label {key} is generated; remove it");
        let fix = removal(check.text, labels, key);
        check.at(Rule::Selector, &entry.key, message).answered(answer).fixed(fix);
    }
}

/// Returns the fix that removes a key of a mapping.
fn removal(text: &str, mapping: &Node, key: &str) -> Option<Fix> {
    let edit = edit::removal(text, mapping, key)?;
    Some(Fix::of(format_args!("remove {key}"), vec![edit]))
}

fn check_strategy(check: &mut Check<'_>, object: Object<'_>, strategy: &Node) {
    let kind = strategy.get("type");
    if let Some(kind) = kind {
        check_allowed_or_empty(check, object, kind, "spec.strategy.type", &["Recreate", "RollingUpdate"]);
    }
    let Some(update) = strategy.get("rollingUpdate") else { return };
    // The whole field is superfluous.
    if kind.and_then(Node::text) == Some("Recreate") {
        return;
    }
    for field in ["maxUnavailable", "maxSurge"] {
        check_at_least(check, object, Some(update), "spec.strategy.rollingUpdate", field, 0);
        let Some(node) = update.get(field).filter(|node| node.string().is_some()) else { continue };
        let text = node.text().unwrap_or_default();
        let digits = text.strip_suffix('%').unwrap_or_default();
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            let path = format!("spec.strategy.rollingUpdate.{field}");
            check
                .at(
                    Rule::InvalidValue,
                    node,
                    format!("{field} is \"{text}\"; write a number or a percentage like 25%"),
                )
                .answered(object.invalid(format_args!("{path}: Invalid value: \"{text}\"")));
        } else if field == "maxUnavailable" && digits.parse::<u32>().map_or(true, |percent| percent > 100) {
            let message = format!("{field} is {text}; it may be at most 100%");
            let path = format!("spec.strategy.rollingUpdate.{field}");
            invalid(check, object, node, &path, (message, "must not be greater than 100%"));
        }
    }
    let is_zero = |field: &str| {
        update.get(field).is_some_and(|node| node.integer() == Some(0) || node.string() == Some("0%"))
    };
    if is_zero("maxUnavailable") && is_zero("maxSurge") {
        check
            .at(Rule::InvalidValue, update, "maxUnavailable and maxSurge are both 0, so no pod can be replaced")
            .answered(object.invalid(
                "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0",
            ));
    }
}

fn check_restart_policy(check: &mut Check<'_>, object: Object<'_>, pods: Pods<'_>, allowed: &[&str]) {
    let field = pods.field("restartPolicy");
    let list = allowed.join(" or ");
    let Some(spec) = pods.spec else { return };
    let Some(node) = spec.get("restartPolicy") else {
        if !allowed.contains(&"Always") {
            let message = format!(
                "restartPolicy is missing; its default Always is not allowed for a {}, write {list}",
                object.kind.name
            );
            let answer = object
                .invalid(format_args!("{field}: Required value: valid values: \"OnFailure\", \"Never\""));
            let place = spec.entry("containers").map_or(spec, |entry| &entry.key);
            check.at(Rule::RestartPolicy, place, message).answered(answer);
        }
        return;
    };
    let Some(found) = node.string() else { return };
    // The default of an empty one is Always.
    let policy = if found.is_empty() { "Always" } else { found };
    if !allowed.contains(&policy) {
        let message = format!("restartPolicy of a {} is {list}, not {policy}", object.kind.name);
        let answer = object.invalid(format_args!("{field}: Unsupported value: \"{found}\""));
        check.at(Rule::RestartPolicy, node, message).answered(answer);
    }
}

/// Checks the spec of a Job, including one within a CronJob.
fn check_job(check: &mut Check<'_>, object: Object<'_>) {
    let is_cron_job = object.kind.name == "CronJob";
    let path: &[&str] = if is_cron_job { &["spec", "jobTemplate", "spec"] } else { &["spec"] };
    let prefix = path.join(".");
    let Some(spec) = object.node.at(path) else { return };
    for field in
        ["backoffLimit", "activeDeadlineSeconds", "ttlSecondsAfterFinished", "parallelism", "completions"]
    {
        check_at_least(check, object, Some(spec), &prefix, field, 0);
    }
    job_policy::check(check, object, spec, &prefix);
    let has_deadline = spec.get("activeDeadlineSeconds").is_some();
    if let Some(node) = spec.get("backoffLimit")
        && let Some(limit) = node.integer().filter(|limit| *limit > MANY_RETRIES)
        && !has_deadline
    {
        let message = format!("a failing run is retried {limit} times, with no deadline");
        check.at(Rule::UnlimitedRetries, node, message);
    }
    if !is_cron_job && spec.get("ttlSecondsAfterFinished").is_none() {
        let message = "the finished Job is kept until somebody deletes it; set ttlSecondsAfterFinished";
        check.at(Rule::NoTimeToLive, object.head(), message);
    }
}
