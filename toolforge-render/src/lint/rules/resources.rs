//! Limits and requests of containers, against the LimitRange.

use k8s_openapi::api::core::v1::PodSpec;
use serde_json::Value as Json;
use toolforge_model::suggest;
use toolforge_quota::{ComputeResource, LimitType, LimitViolation, PodDemand, violations};

use super::super::check::{Check, ContainerList, ContainerPath};
use super::super::rule::Rule;
use super::super::strict::WrongValues;
use super::super::syntax::{Entry, Node};
use super::names::not_a_label_key;
use super::scope::Scope;
use super::value_checks::{forbidden, invalid};
use crate::pod::stated_pod;

/// The beginning of the name of a huge pages resource, before the size of a page.
const HUGE_PAGES: &str = "hugepages-";

/// The resources of a container without a domain.
const RESOURCES: [&str; 3] = ["cpu", "memory", "ephemeral-storage"];

/// Checks the amounts of a pod.
pub(crate) fn check(check: &mut Check<'_>, scope: Scope<'_>) {
    let mut is_readable = true;
    for (path, container) in scope.pods.containers() {
        is_readable &= check_amounts(check, scope, path, container);
    }
    if !is_readable {
        return;
    }
    let limit_ranges = &check.context.limits.limit_ranges;
    let mut wrong = WrongValues::default();
    let stated = demand(scope.spec, &wrong).or_else(|| {
        wrong = WrongValues::of(scope.object);
        demand(scope.spec, &wrong)
    });
    let Some(pod) = stated else { return };
    let whole = violations(limit_ranges, &pod.clone().with_defaults(limit_ranges));
    let of_pod: Vec<_> = whole.into_iter().filter(|found| found.limit_type != LimitType::Container).collect();
    let of_containers: Vec<(&Node, Vec<_>, Vec<_>)> = scope
        .pods
        .containers()
        .filter_map(|(path, node)| {
            let stated = one_container(scope.spec, path, node, &wrong)?;
            let own = violations(&[], &stated);
            let found = violations(limit_ranges, &stated.with_defaults(limit_ranges)).into_iter();
            Some((node, own, found.filter(|found| found.limit_type == LimitType::Container).collect()))
        })
        .collect();
    for (node, own, found) in of_containers {
        report(check, scope, node, &found, &own);
    }
    report(check, scope, scope.spec, &of_pod, &[]);
}

/// Adds findings; those among `own` depend on no `LimitRange`.
fn report(
    check: &mut Check<'_>,
    scope: Scope<'_>,
    node: &Node,
    found: &[LimitViolation],
    own: &[LimitViolation],
) {
    for violation in found {
        let key = violation.resource.key();
        let amounts = ["limits", "requests"].into_iter().find_map(|list| node.at(&["resources", list, &key]));
        let place = amounts.or(node.get("resources")).or(node.get("name")).unwrap_or(node);
        let kind = if violation.limit_range.is_some() { "forbidden" } else { "invalid" };
        let (owner, name) = (scope.object.kind.name, scope.object.name());
        let refused = match owner {
            "Pod" => format!("Pod \"{name}\" is"),
            _ => format!("pods of {owner} \"{name}\" are"),
        };
        let answer = format!("{refused} {kind}: {}", violation.message());
        let note = check.at(Rule::OutsideLimits, place, violation.message()).answered(answer);
        if own.contains(violation) {
            note.certain();
        }
    }
}

/// Returns what a pod states without values of wrong types, which other rules report; `None` if it cannot be read.
fn demand(spec: &Node, wrong: &WrongValues) -> Option<PodDemand> {
    let mut spec = wrong.without(spec);
    state_nulls(&mut spec);
    let spec: PodSpec = serde_json::from_value(spec).ok()?;
    Some(stated_pod(&spec))
}

/// Writes each amount that is null as the API server reads it: as 0.
fn state_nulls(value: &mut Json) {
    match value {
        Json::Array(items) => items.iter_mut().for_each(state_nulls),
        Json::Object(fields) => {
            for (key, value) in fields {
                match value {
                    Json::Object(amounts) if matches!(key.as_str(), "limits" | "requests") => {
                        amounts
                            .values_mut()
                            .filter(|amount| amount.is_null())
                            .for_each(|amount| *amount = "0".into());
                    }
                    _ => state_nulls(value),
                }
            }
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

/// Returns a pod that has only one of the containers.
fn one_container(
    spec: &Node,
    path: ContainerPath,
    container: &Node,
    wrong: &WrongValues,
) -> Option<PodDemand> {
    let is_init = path.list == ContainerList::Init;
    let mut container = wrong.without(container);
    state_nulls(&mut container);
    let pod = serde_json::json!({
        "containers": if is_init { serde_json::json!([]) } else { serde_json::json!([container]) },
        "initContainers": if is_init { serde_json::json!([container]) } else { serde_json::json!([]) },
        "priorityClassName": spec.get("priorityClassName").and_then(Node::text),
    });
    let pod: PodSpec = serde_json::from_value(pod).ok()?;
    Some(stated_pod(&pod))
}

/// Checks that amounts are quantities; returns whether they are.
fn check_amounts(check: &mut Check<'_>, scope: Scope<'_>, path: ContainerPath, container: &Node) -> bool {
    let mut is_readable = true;
    let resources = container.get("resources");
    let list = |name: &str| {
        resources.and_then(|resources| resources.get(name)).map(Node::entries).unwrap_or_default()
    };
    for name in ["limits", "requests"] {
        for entry in list(name) {
            check_resource_name(check, scope, path, name, entry);
            let resource = ComputeResource::from(entry.name());
            let Some(text) = entry.value.amount() else { continue };
            let reason = match resource.parse_amount(&text) {
                Ok(amount) => {
                    check_whole(check, scope, path, name, entry);
                    check_pages(check, scope, path, name, entry, amount);
                    continue;
                }
                Err(error) => error.to_string(),
            };
            is_readable = false;
            let field = scope.pods.field(format_args!("{path}.resources.{name}.{}", entry.name()));
            let answer = scope.object.invalid(format_args!(
                "{field}: Invalid value: \"{text}\": quantities must match the regular expression"
            ));
            check.at(Rule::InvalidQuantity, &entry.value, reason).answered(answer);
        }
    }
    let keys = ["limits", "requests"].into_iter().flat_map(|name| list(name).iter().map(Entry::name));
    let keys: Vec<&str> = keys.collect();
    // A pod gets the defaults of the namespace before it is checked, and the template of a StatefulSet is not checked.
    if let Some(resources) = resources.filter(|_| !matches!(scope.object.kind.name, "Pod" | "StatefulSet"))
        && keys.iter().any(|key| key.starts_with(HUGE_PAGES))
        && !keys.iter().any(|key| matches!(*key, "cpu" | "memory"))
    {
        let field = scope.pods.field(format_args!("{path}.resources"));
        let message = "a container with huge pages needs an amount of cpu or memory, too";
        forbidden(check, scope.object, resources, &field, (message, "HugePages require cpu or memory"));
    }
    if path.list == ContainerList::Main {
        check_style(check, container, list("limits").is_empty(), list("requests").is_empty());
    }
    is_readable
}

/// Checks that the amount of an extended resource, such as `example.org/device`, is a whole number.
fn check_whole(check: &mut Check<'_>, scope: Scope<'_>, path: ContainerPath, list: &str, entry: &Entry) {
    let name = entry.name();
    let Some(text) = entry.value.amount().filter(|_| name.contains('/') && !name.contains("kubernetes.io/"))
    else {
        return;
    };
    if ComputeResource::Cpu.parse_amount(&text).is_ok_and(|millis| millis % 1000 != 0) {
        let field = scope.pods.field(format_args!("{path}.resources.{list}[{name}]"));
        let message = format!("{name} is {text}; it must be a whole number");
        invalid(check, scope.object, &entry.value, &field, (message, "must be an integer"));
    }
}

/// Checks that an amount of huge pages is a number of whole pages.
fn check_pages(
    check: &mut Check<'_>,
    scope: Scope<'_>,
    path: ContainerPath,
    list: &str,
    entry: &Entry,
    amount: u64,
) {
    let name = entry.name();
    let Some(page) = name.strip_prefix(HUGE_PAGES) else { return };
    let size = ComputeResource::Memory.parse_amount(page).ok().filter(|size| *size > 0);
    if size.is_none_or(|size| !amount.is_multiple_of(size)) {
        let field = scope.pods.field(format_args!("{path}.resources"));
        let text = entry.value.amount().unwrap_or_default();
        let message = match size {
            Some(_) => format!("{name} is {text} in {list}; it must be a multiple of {page}"),
            None => format!("{name} does not name the size of a page, such as hugepages-2Mi"),
        };
        let reason = format!("{text} is not positive integer multiple of {name}");
        invalid(check, scope.object, &entry.value, &field, (message, reason.as_str()));
    }
}

/// Checks that the name of a resource is one that a container can have.
fn check_resource_name(
    check: &mut Check<'_>,
    scope: Scope<'_>,
    path: ContainerPath,
    list: &str,
    entry: &Entry,
) {
    let name = entry.name();
    let field = scope.pods.field(format_args!("{path}.resources.{list}[{name}]"));
    let (message, reason) = if let Some(reason) = not_a_label_key(name) {
        (format!("the name \"{name}\" of the resource {reason}"), "must be a qualified name")
    } else if name.contains('/') {
        if !name.starts_with("requests.") || name.contains("kubernetes.io/") {
            return;
        }
        (
            format!("the name \"{name}\" begins with requests."),
            "doesn't follow extended resource name standard",
        )
    } else if RESOURCES.contains(&name) || name.starts_with(HUGE_PAGES) {
        return;
    } else {
        let near = suggest(name, RESOURCES).map(|near| format!("; did you mean {near}?")).unwrap_or_default();
        let message =
            format!("a container has no resource \"{name}\"; it has {}{near}", RESOURCES.join(", "));
        (message, "must be a standard resource for containers")
    };
    invalid(check, scope.object, &entry.key, &field, (message, reason));
}

fn check_style(check: &mut Check<'_>, container: &Node, no_limits: bool, no_requests: bool) {
    let place = container.entry("resources").map(|entry| &entry.key);
    if no_limits && no_requests {
        let place = container.get("name").unwrap_or(container);
        check.at(Rule::NoResources, place, "the container gets the default resources of the namespace");
    } else if no_requests {
        let message = "only limits are set, so the container requests as much as its limits";
        check.at(Rule::OnlyLimits, place.unwrap_or(container), message);
    }
}
