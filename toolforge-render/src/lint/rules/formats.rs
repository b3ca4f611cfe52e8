//! Fields whose value has a format, and fields that admission plugins of Kubernetes refuse.

use super::super::check::{Check, Object};
use super::super::rule::Rule;
use super::super::syntax::Node;
use super::choices::visit;
use super::names::{not_a_dns_subdomain, not_a_label_key};
use super::scope::Scope;
use super::values::{check_ip, forbidden, invalid, required};

/// A field, and what is wrong with its value.
struct Format {
    /// The keys that lead to it; `*` stands for each item of a list.
    path: &'static [&'static str],
    /// Returns why a text is not allowed, after "NAME of FIELD".
    problem: fn(&str) -> Option<String>,
    /// What the API server answers.
    reason: &'static str,
}

const QUALIFIED_NAME: &str = "must be a qualified name";

/// The fields of a pod's spec (Kubernetes 1.33).
const OF_PODS: &[Format] = &[
    Format {
        path: &["nodeName"],
        problem: not_a_dns_subdomain,
        reason: "must be a lowercase RFC 1123 subdomain",
    },
    Format {
        path: &["readinessGates", "*", "conditionType"],
        problem: not_a_label_key,
        reason: QUALIFIED_NAME,
    },
    Format {
        path: &["securityContext", "sysctls", "*", "name"],
        problem: not_a_setting,
        reason: "must have at most 253 characters and match regex",
    },
    Format {
        path: &["volumes", "*", "nfs", "path"],
        problem: not_absolute,
        reason: "must be an absolute path",
    },
];

const OF_SERVICES: &[Format] =
    &[Format { path: &["ports", "*", "appProtocol"], problem: not_a_label_key, reason: QUALIFIED_NAME }];

const MANAGED_BY: Format = Format {
    path: &["managedBy"],
    problem: not_a_domain_path,
    reason: "must be a domain-prefixed path (such as \"acme.io/foo\")",
};

/// Checks the fields of an object besides its pods.
pub(crate) fn check(check: &mut Check<'_>, object: Object<'_>) {
    let Some(spec) = object.spec() else { return };
    match object.kind.name {
        "Service" => {
            check_all(check, object, spec, "spec", OF_SERVICES);
            visit(spec, &["externalIPs", "*"], "spec", &mut |node, path| {
                check_ip(check, object, node, path);
            });
        }
        "Job" => check_all(check, object, spec, "spec", &[MANAGED_BY]),
        "CronJob" => {
            let Some(spec) = spec.at(&["jobTemplate", "spec"]) else { return };
            check_all(check, object, spec, "spec.jobTemplate.spec", &[MANAGED_BY]);
        }
        _ => {}
    }
}

/// Checks the fields of pods.
pub(crate) fn check_pods(check: &mut Check<'_>, scope: Scope<'_>) {
    let Scope { object, pods, spec } = scope;
    let prefix = pods.field("");
    let prefix = prefix.trim_end_matches('.');
    check_all(check, object, spec, prefix, OF_PODS);
    visit(spec, &["volumes", "*", "projected", "sources", "*"], prefix, &mut |source, path| {
        let mut kinds = source.entries().iter().filter(|entry| !entry.value.is_null());
        if let (Some(first), Some(second)) = (kinds.next(), kinds.next()) {
            let message = format!("the source is both {} and {}", first.name(), second.name());
            let path = format!("{path}.{}", second.name());
            let reason = "may not specify more than 1 volume type";
            forbidden(check, object, &second.key, &path, (message, reason));
        }
    });
    let volumes = spec.get("volumes").map(Node::items).unwrap_or_default();
    for list in ["containers", "initContainers"] {
        visit(spec, &[list, "*", "volumeDevices", "*"], prefix, &mut |device, path| {
            for field in ["name", "devicePath"] {
                if device.get(field).is_none_or(|found| found.text() == Some("")) {
                    let path = format!("{path}.{field}");
                    required(check, object, device, &path, format_args!("the device has no {field}"));
                }
            }
            let Some(name) = device.get("name").filter(|name| name.text() != Some("")) else { return };
            let text = name.text().unwrap_or_default();
            if volumes.iter().all(|volume| volume.get("name").and_then(Node::text) != Some(text)) {
                check
                    .at(Rule::VolumeMount, name, format!("the pod has no volume \"{text}\""))
                    .answered(object.invalid(format_args!("{path}.name: Not found: \"{text}\"")));
            }
        });
    }
    check_admission(check, scope);
}

/// Checks what the admission plugins `Priority` and `RuntimeClass` compute from classes that the pod names.
fn check_admission(check: &mut Check<'_>, Scope { object, spec, .. }: Scope<'_>) {
    let is_named = |field: &str| spec.get(field).is_some_and(|class| class.text() != Some(""));
    let refused = |reason: &str| format!("pods \"{}\" is forbidden: {reason}", object.name());
    if let Some(priority) = spec.get("priority")
        && let Some(number) = priority.integer().filter(|number| *number != 0)
        && !is_named("priorityClassName")
    {
        let answer = refused(&format!(
            "the integer value of priority ({number}) must not be provided in pod spec; priority admission controller computed \
             0 from the given PriorityClass name"
        ));
        let message = "a pod gets its priority from a PriorityClass; remove priority";
        check.at(Rule::InvalidValue, priority, message).answered(answer);
    }
    if let Some(overhead) = spec.get("overhead").filter(|overhead| !overhead.entries().is_empty())
        && !is_named("runtimeClassName")
    {
        let answer =
            refused("pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead");
        let message = "a pod gets its overhead from a RuntimeClass; remove overhead";
        check.at(Rule::InvalidValue, overhead, message).answered(answer);
    }
}

fn check_all(check: &mut Check<'_>, object: Object<'_>, node: &Node, path: &str, formats: &[Format]) {
    for Format { path: keys, problem, reason } in formats {
        visit(node, keys, path, &mut |node, path| {
            let Some(text) = node.string().filter(|text| !text.is_empty()) else { return };
            if let Some(problem) = problem(text) {
                let field = path.rsplit('.').next().unwrap_or_default();
                invalid(check, object, node, path, (format!("{field} \"{text}\" {problem}"), reason));
            }
        });
    }
}

/// Returns why a text is not the name of a kernel setting, such as `net.ipv4.tcp_syncookies`.
fn not_a_setting(text: &str) -> Option<String> {
    let is_end = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_part = |part: &str| {
        part.starts_with(is_end)
            && part.ends_with(is_end)
            && part.chars().all(|c| is_end(c) || matches!(c, '-' | '_'))
    };
    let is_name = text.len() <= 253 && text.split(['.', '/']).all(is_part);
    (!is_name).then(|| "is not the name of a kernel setting, such as net.ipv4.tcp_syncookies".to_owned())
}

fn not_absolute(text: &str) -> Option<String> {
    (!text.starts_with('/')).then(|| "does not begin with '/'".to_owned())
}

/// Returns why a text is not a domain with a path, such as `example.org/controller`.
fn not_a_domain_path(text: &str) -> Option<String> {
    let is_path = text
        .split_once('/')
        .is_some_and(|(domain, path)| !path.is_empty() && not_a_dns_subdomain(domain).is_none());
    if text.len() > 63 {
        return Some(format!("has {} characters; at most 63 are allowed", text.len()));
    }
    (!is_path).then(|| "is not a domain with a path, such as example.org/controller".to_owned())
}
