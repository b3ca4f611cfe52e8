//! Fields whose value has a format, and fields that admission plugins of Kubernetes refuse.

use std::collections::HashSet;

use super::super::check::{Check, Object};
use super::super::rule::Rule;
use super::super::syntax::Node;
use super::choices::visit;
use super::names::{not_a_dns_subdomain, not_a_label_key};
use super::scope::Scope;
use super::value_checks::{check_machine_ip, invalid, required};

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
const SUBDOMAIN: &str = "must be a lowercase RFC 1123 subdomain";

/// The fields of a pod's spec (Kubernetes 1.33).
const OF_PODS: &[Format] = &[
    Format { path: &["nodeName"], problem: not_a_dns_subdomain, reason: SUBDOMAIN },
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
    Format { path: &["volumes", "*", "csi", "driver"], problem: not_a_driver, reason: SUBDOMAIN },
    Format { path: &["tolerations", "*", "key"], problem: not_a_label_key, reason: QUALIFIED_NAME },
    Format { path: &["schedulingGates", "*", "name"], problem: not_a_label_key, reason: QUALIFIED_NAME },
    Format { path: &["priorityClassName"], problem: not_a_dns_subdomain, reason: SUBDOMAIN },
    Format { path: &["runtimeClassName"], problem: not_a_dns_subdomain, reason: SUBDOMAIN },
    Format { path: &["dnsConfig", "searches", "*"], problem: not_a_search_domain, reason: SUBDOMAIN },
    Format {
        path: &["containers", "*", "envFrom", "*", "configMapRef", "name"],
        problem: not_a_reference,
        reason: SUBDOMAIN,
    },
    Format {
        path: &["containers", "*", "envFrom", "*", "secretRef", "name"],
        problem: not_a_reference,
        reason: SUBDOMAIN,
    },
    Format {
        path: &["initContainers", "*", "envFrom", "*", "configMapRef", "name"],
        problem: not_a_reference,
        reason: SUBDOMAIN,
    },
    Format {
        path: &["initContainers", "*", "envFrom", "*", "secretRef", "name"],
        problem: not_a_reference,
        reason: SUBDOMAIN,
    },
];

/// A field that each mapping at a path must have.
struct Needed {
    /// The keys that lead to the mapping.
    parent: &'static [&'static str],
    /// The field.
    field: &'static str,
    /// What the mapping is, in words.
    what: &'static str,
}

const NEEDED: &[Needed] = &[
    Needed { parent: &["securityContext", "sysctls", "*"], field: "name", what: "the setting" },
    Needed { parent: &["dnsConfig", "options", "*"], field: "name", what: "the option" },
    Needed { parent: &["containers", "*", "resizePolicy", "*"], field: "resourceName", what: "the policy" },
    Needed { parent: &["containers", "*", "resizePolicy", "*"], field: "restartPolicy", what: "the policy" },
    Needed {
        parent: &["volumes", "*", "projected", "sources", "*", "configMap"],
        field: "name",
        what: "configMap",
    },
    Needed {
        parent: &["volumes", "*", "projected", "sources", "*", "secret"],
        field: "name",
        what: "secret",
    },
    Needed {
        parent: &["volumes", "*", "projected", "sources", "*", "serviceAccountToken"],
        field: "path",
        what: "serviceAccountToken",
    },
];

/// Lists, and the field whose values must differ among the items of one list.
const UNIQUE: &[(&[&str], &str)] = &[
    (&["securityContext", "sysctls"], "name"),
    (&["schedulingGates"], "name"),
    (&["containers", "*", "resizePolicy"], "resourceName"),
];

/// Lists, and how many items each may have.
const LONGEST: &[(&[&str], usize)] = &[(&["dnsConfig", "nameservers"], 3), (&["dnsConfig", "searches"], 32)];

/// The largest id of a user or a group.
const GREATEST_ID: i64 = 2_147_483_647;

const OF_SERVICES: &[Format] =
    &[Format { path: &["ports", "*", "appProtocol"], problem: not_a_label_key, reason: QUALIFIED_NAME }];

const OF_JOBS: &[Format] = &[
    Format {
        path: &["managedBy"],
        problem: not_a_domain_path,
        reason: "must be a domain-prefixed path (such as \"acme.io/foo\")",
    },
    Format {
        path: &["podFailurePolicy", "rules", "*", "onPodConditions", "*", "type"],
        problem: not_a_label_key,
        reason: QUALIFIED_NAME,
    },
];

/// Checks the fields of an object, except for its pods.
pub(crate) fn check(check: &mut Check<'_>, object: Object<'_>) {
    let Some(spec) = object.spec() else { return };
    match object.kind.name {
        "Service" => {
            check_all(check, object, spec, "spec", OF_SERVICES);
            visit(spec, &["externalIPs", "*"], "spec", &mut |node, path| {
                check_machine_ip(check, object, node, path);
            });
        }
        "Job" => check_all(check, object, spec, "spec", OF_JOBS),
        "CronJob" => {
            let Some(spec) = spec.at(&["jobTemplate", "spec"]) else { return };
            check_all(check, object, spec, "spec.jobTemplate.spec", OF_JOBS);
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
    for Needed { parent, field, what } in NEEDED {
        visit(spec, parent, prefix, &mut |node, path| {
            if node.get(field).is_none_or(|found| found.text() == Some("")) {
                let path = format!("{path}.{field}");
                required(check, object, node, &path, format_args!("{what} has no {field}"));
            }
        });
    }
    visit(spec, &["dnsConfig", "searches", "*"], prefix, &mut |domain, path| {
        if domain.string() == Some("") {
            invalid(check, object, domain, path, ("the domain is empty; remove it", SUBDOMAIN));
        }
    });
    for (list, field) in UNIQUE {
        visit(spec, list, prefix, &mut |list, path| check_unique(check, object, list, field, path));
    }
    for (list, most) in LONGEST {
        visit(spec, list, prefix, &mut |list, path| {
            let found = list.items().len();
            if found > *most {
                let field = path.rsplit('.').next().unwrap_or_default();
                let message = format!("{field} has {found} items; at most {most} are allowed");
                let answer = object
                    .invalid(format_args!("{path}: Invalid value: must not have more than {most} {field}"));
                check.at(Rule::InvalidValue, list, message).answered(answer);
            }
        });
    }
    if spec.get("restartPolicy").and_then(Node::text) == Some("Never") {
        visit(spec, &["containers", "*", "resizePolicy", "*", "restartPolicy"], prefix, &mut |node, path| {
            if node.text() == Some("RestartContainer") {
                let message =
                    "the containers of a pod with restartPolicy: Never are not restarted; write NotRequired";
                let path = path.rsplit_once('[').map_or(path, |(path, _)| path);
                let reason = "must be 'NotRequired' when `restartPolicy` is 'Never'";
                invalid(check, object, node, path, (message, reason));
            }
        });
    }
    visit(spec, &["securityContext", "supplementalGroups", "*"], prefix, &mut |group, path| {
        if let Some(number) = group.integer().filter(|number| !(0..=GREATEST_ID).contains(number)) {
            let message = format!("{number} is not a group; use 0 to {GREATEST_ID}");
            let reason = "must be between 0 and 2147483647, inclusive";
            invalid(check, object, group, path, (message, reason));
        }
    });
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
    if let Some(policy) = spec.get("preemptionPolicy").filter(|policy| policy.text() == Some("Never"))
        && !is_named("priorityClassName")
    {
        let answer = refused(
            "the string value of PreemptionPolicy (Never) must not be provided in pod spec; priority admission controller \
             computed PreemptLowerPriority from the given PriorityClass name",
        );
        let message = "a pod gets its preemptionPolicy from a PriorityClass; remove it";
        check.at(Rule::InvalidValue, policy, message).answered(answer);
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

/// Returns why a text is not the name of a driver of volumes. Uppercase letters are allowed.
fn not_a_driver(text: &str) -> Option<String> {
    if text.len() > 63 {
        return Some(format!("has {} characters; at most 63 are allowed", text.len()));
    }
    not_a_dns_subdomain(&text.to_lowercase())
}

/// Returns why a text is not a domain in which names are searched: it may end with a dot, and have underscores.
fn not_a_search_domain(text: &str) -> Option<String> {
    let name = text.strip_suffix('.').unwrap_or(text);
    if name.is_empty() { None } else { not_a_dns_subdomain(&name.replace('_', "a")) }
}

/// Returns why a text is not the name of a ConfigMap or a Secret, or the beginning of one.
fn not_a_reference(text: &str) -> Option<String> {
    not_a_dns_subdomain(&text.strip_suffix('-').map_or_else(|| text.to_owned(), |start| format!("{start}a")))
}

/// Checks that no two items of a list have the same value of a field.
fn check_unique(check: &mut Check<'_>, object: Object<'_>, list: &Node, field: &str, path: &str) {
    let mut seen = HashSet::new();
    for (index, item) in list.items().iter().enumerate() {
        if let Some(node) = item.get(field)
            && let Some(text) = node.string().filter(|text| !text.is_empty() && !seen.insert(*text))
        {
            let answer = object.invalid(format_args!("{path}[{index}].{field}: Duplicate value: \"{text}\""));
            let message = format!("another item has the same {field}, \"{text}\"");
            check.at(Rule::InvalidValue, node, message).answered(answer);
        }
    }
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
