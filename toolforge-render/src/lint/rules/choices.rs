//! Fields that allow only a few values.

use super::super::check::{Check, Object};
use super::super::syntax::Node;
use super::scope::Scope;
use super::value_checks::{check_allowed, check_allowed_or_empty};

/// A field, and its allowed values.
struct Choice {
    /// The keys that lead to it; `*` stands for each item of a list.
    path: &'static [&'static str],
    /// The allowed values.
    allowed: &'static [&'static str],
    /// Whether the API server sets a default for an empty one.
    may_be_empty: bool,
}

const fn choice(path: &'static [&'static str], allowed: &'static [&'static str]) -> Choice {
    Choice { path, allowed, may_be_empty: false }
}

const fn optional(path: &'static [&'static str], allowed: &'static [&'static str]) -> Choice {
    Choice { path, allowed, may_be_empty: true }
}

const SECCOMP: &[&str] = &["Localhost", "RuntimeDefault", "Unconfined"];
const OPERATORS: &[&str] = &["DoesNotExist", "Exists", "Gt", "In", "Lt", "NotIn"];
const APP_ARMOR: &[&str] = &["Localhost", "RuntimeDefault", "Unconfined"];
const PROPAGATION: &[&str] = &["Bidirectional", "HostToContainer", "None"];
const RECURSION: &[&str] = &["Disabled", "Enabled", "IfPossible"];
const RESIZING: &[&str] = &["NotRequired", "RestartContainer"];
const RESIZED: &[&str] = &["cpu", "memory"];
const PROC_MOUNT: &[&str] = &["Default", "Unmasked"];
const INCLUSION: &[&str] = &["Honor", "Ignore"];

/// The fields of a pod's spec (Kubernetes 1.33).
const OF_PODS: &[Choice] = &[
    optional(&["tolerations", "*", "effect"], &["NoExecute", "NoSchedule", "PreferNoSchedule"]),
    choice(&["topologySpreadConstraints", "*", "whenUnsatisfiable"], &["DoNotSchedule", "ScheduleAnyway"]),
    choice(&["topologySpreadConstraints", "*", "nodeAffinityPolicy"], INCLUSION),
    choice(&["topologySpreadConstraints", "*", "nodeTaintsPolicy"], INCLUSION),
    choice(
        &[
            "affinity",
            "nodeAffinity",
            "requiredDuringSchedulingIgnoredDuringExecution",
            "nodeSelectorTerms",
            "*",
            "matchExpressions",
            "*",
            "operator",
        ],
        OPERATORS,
    ),
    choice(
        &[
            "affinity",
            "nodeAffinity",
            "preferredDuringSchedulingIgnoredDuringExecution",
            "*",
            "preference",
            "matchExpressions",
            "*",
            "operator",
        ],
        OPERATORS,
    ),
    choice(&["securityContext", "seccompProfile", "type"], SECCOMP),
    choice(&["containers", "*", "securityContext", "seccompProfile", "type"], SECCOMP),
    choice(&["initContainers", "*", "securityContext", "seccompProfile", "type"], SECCOMP),
    choice(&["securityContext", "appArmorProfile", "type"], APP_ARMOR),
    choice(&["containers", "*", "securityContext", "appArmorProfile", "type"], APP_ARMOR),
    choice(&["initContainers", "*", "securityContext", "appArmorProfile", "type"], APP_ARMOR),
    choice(&["containers", "*", "securityContext", "procMount"], PROC_MOUNT),
    choice(&["initContainers", "*", "securityContext", "procMount"], PROC_MOUNT),
    choice(&["securityContext", "supplementalGroupsPolicy"], &["Merge", "Strict"]),
    choice(&["containers", "*", "volumeMounts", "*", "mountPropagation"], PROPAGATION),
    choice(&["initContainers", "*", "volumeMounts", "*", "mountPropagation"], PROPAGATION),
    choice(&["containers", "*", "volumeMounts", "*", "recursiveReadOnly"], RECURSION),
    choice(&["initContainers", "*", "volumeMounts", "*", "recursiveReadOnly"], RECURSION),
    choice(&["containers", "*", "resizePolicy", "*", "restartPolicy"], RESIZING),
    choice(&["initContainers", "*", "resizePolicy", "*", "restartPolicy"], RESIZING),
    choice(&["containers", "*", "resizePolicy", "*", "resourceName"], RESIZED),
    choice(&["initContainers", "*", "resizePolicy", "*", "resourceName"], RESIZED),
    choice(&["securityContext", "fsGroupChangePolicy"], &["Always", "OnRootMismatch"]),
    choice(&["os", "name"], &["linux", "windows"]),
    choice(&["preemptionPolicy"], &["Never", "PreemptLowerPriority"]),
];

const OF_STATEFUL_SETS: &[Choice] = &[
    optional(&["podManagementPolicy"], &["OrderedReady", "Parallel"]),
    optional(&["updateStrategy", "type"], &["OnDelete", "RollingUpdate"]),
    optional(&["persistentVolumeClaimRetentionPolicy", "whenDeleted"], &["Delete", "Retain"]),
    optional(&["persistentVolumeClaimRetentionPolicy", "whenScaled"], &["Delete", "Retain"]),
];

const OF_SERVICES: &[Choice] = &[
    choice(&["internalTrafficPolicy"], &["Cluster", "Local"]),
    choice(&["ipFamilyPolicy"], &["PreferDualStack", "RequireDualStack", "SingleStack"]),
    choice(&["ipFamilies", "*"], &["IPv4", "IPv6"]),
    choice(&["trafficDistribution"], &["PreferClose"]),
];

/// Checks the fields of an object, except for its pods.
pub(crate) fn check(check: &mut Check<'_>, object: Object<'_>) {
    let choices = match object.kind.name {
        "StatefulSet" => OF_STATEFUL_SETS,
        "Service" => OF_SERVICES,
        _ => return,
    };
    let Some(spec) = object.spec() else { return };
    for choice in choices {
        visit(spec, choice.path, "spec", &mut |node, path| check_one(check, object, choice, node, path));
    }
}

/// Checks the fields of pods.
pub(crate) fn check_pods(check: &mut Check<'_>, scope: Scope<'_>) {
    let prefix = scope.pods.field("");
    for choice in OF_PODS {
        visit(scope.spec, choice.path, prefix.trim_end_matches('.'), &mut |node, path| {
            check_one(check, scope.object, choice, node, path);
        });
    }
}

fn check_one(check: &mut Check<'_>, object: Object<'_>, choice: &Choice, node: &Node, path: &str) {
    if choice.may_be_empty {
        check_allowed_or_empty(check, object, node, path, choice.allowed);
    } else {
        check_allowed(check, object, node, path, choice.allowed);
    }
}

/// Calls a function with each value at a path, and with the path as the API server writes it.
pub(crate) fn visit<'n>(node: &'n Node, keys: &[&str], path: &str, found: &mut impl FnMut(&'n Node, &str)) {
    match keys {
        [] => found(node, path),
        ["*", rest @ ..] => {
            for (index, item) in node.items().iter().enumerate() {
                visit(item, rest, &format!("{path}[{index}]"), found);
            }
        }
        [key, rest @ ..] => {
            if let Some(value) = node.get(key) {
                visit(value, rest, &format!("{path}.{key}"), found);
            }
        }
    }
}
