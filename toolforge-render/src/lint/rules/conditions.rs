//! Fields that are only allowed with some values of another field.

use super::super::check::{Check, Object};
use super::super::syntax::{Node, Value};
use super::choices::visit;
use super::scope::Scope;
use super::value_checks::{forbidden, invalid, required};

/// A field that needs a value of another field next to it (Kubernetes 1.33).
struct Condition {
    /// The keys that lead to the mapping of both; `*` stands for each item of a list.
    parent: &'static [&'static str],
    /// The field.
    field: &'static str,
    /// Its values that need the other one; all if there are none.
    values: &'static [&'static str],
    /// The other field.
    other: &'static str,
    /// Its values that allow the field.
    allowed: &'static [&'static str],
    /// The default value of the other field.
    default: &'static str,
    /// Whether the field is also required with these values.
    is_required: bool,
    /// How the API server refuses it.
    refusal: Refusal,
}

/// How the API server refuses a field.
enum Refusal {
    /// `Forbidden`, and why.
    Forbidden(&'static str),
    /// `Invalid value`, and why.
    Invalid(&'static str),
}

use Refusal::{Forbidden, Invalid};

const SECCOMP: Condition = Condition {
    parent: &["securityContext", "seccompProfile"],
    field: "localhostProfile",
    values: &[],
    other: "type",
    allowed: &["Localhost"],
    default: "",
    is_required: true,
    refusal: Invalid("can only be set when seccomp type is Localhost"),
};

const APP_ARMOR: Condition = Condition {
    parent: &["securityContext", "appArmorProfile"],
    refusal: Invalid("can only be set when AppArmor type is Localhost"),
    ..SECCOMP
};

const RECURSIVE: Condition = Condition {
    parent: &["containers", "*", "volumeMounts", "*"],
    field: "recursiveReadOnly",
    values: &["Enabled", "IfPossible"],
    other: "readOnly",
    allowed: &["true"],
    default: "false",
    is_required: false,
    refusal: Forbidden("may only be specified when readOnly is true"),
};

const RECURSIVE_ALONE: Condition = Condition {
    other: "mountPropagation",
    allowed: &["None"],
    default: "None",
    refusal: Forbidden("may only be specified when mountPropagation is None or not specified"),
    ..RECURSIVE
};

const OF_PODS: &[Condition] = &[
    SECCOMP,
    Condition { parent: &["containers", "*", "securityContext", "seccompProfile"], ..SECCOMP },
    Condition { parent: &["initContainers", "*", "securityContext", "seccompProfile"], ..SECCOMP },
    APP_ARMOR,
    Condition { parent: &["containers", "*", "securityContext", "appArmorProfile"], ..APP_ARMOR },
    Condition { parent: &["initContainers", "*", "securityContext", "appArmorProfile"], ..APP_ARMOR },
    RECURSIVE,
    Condition { parent: &["initContainers", "*", "volumeMounts", "*"], ..RECURSIVE },
    RECURSIVE_ALONE,
    Condition { parent: &["initContainers", "*", "volumeMounts", "*"], ..RECURSIVE_ALONE },
    Condition {
        parent: &["topologySpreadConstraints", "*"],
        field: "minDomains",
        values: &[],
        other: "whenUnsatisfiable",
        allowed: &["DoNotSchedule"],
        default: "",
        is_required: false,
        refusal: Invalid("can only use minDomains if whenUnsatisfiable=DoNotSchedule"),
    },
];

/// The replacement of the pods of a Deployment or a StatefulSet.
const ROLLING: Condition = Condition {
    parent: &["strategy"],
    field: "rollingUpdate",
    values: &[],
    other: "type",
    allowed: &["RollingUpdate"],
    default: "RollingUpdate",
    is_required: false,
    refusal: Forbidden("may not be specified when strategy `type` is 'Recreate'"),
};

const OF_DEPLOYMENTS: &[Condition] = &[ROLLING];

const OF_STATEFUL_SETS: &[Condition] = &[Condition {
    parent: &["updateStrategy"],
    refusal: Invalid("only allowed for updateStrategy 'RollingUpdate'"),
    ..ROLLING
}];

const OF_LOAD_BALANCERS: Condition = Condition {
    parent: &[],
    field: "loadBalancerClass",
    values: &[],
    other: "type",
    allowed: &["LoadBalancer"],
    default: "ClusterIP",
    is_required: false,
    refusal: Forbidden("may only be used when `type` is 'LoadBalancer'"),
};

const WITH_ADDRESS: Condition = Condition {
    field: "clusterIP",
    allowed: &["ClusterIP", "LoadBalancer", "NodePort"],
    refusal: Forbidden("may not be set for ExternalName services"),
    ..OF_LOAD_BALANCERS
};

const OF_SERVICES: &[Condition] = &[
    OF_LOAD_BALANCERS,
    Condition { field: "loadBalancerSourceRanges", ..OF_LOAD_BALANCERS },
    Condition { field: "allocateLoadBalancerNodePorts", ..OF_LOAD_BALANCERS },
    Condition {
        field: "healthCheckNodePort",
        refusal: Invalid(
            "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
        ),
        ..OF_LOAD_BALANCERS
    },
    WITH_ADDRESS,
    Condition { field: "clusterIPs", ..WITH_ADDRESS },
    Condition { field: "ipFamilies", ..WITH_ADDRESS },
    Condition { field: "ipFamilyPolicy", ..WITH_ADDRESS },
];

/// A filter of an `HTTPRoute` (Gateway API 1.4).
const FILTER: Condition = Condition {
    parent: &["rules", "*", "filters", "*"],
    field: "requestRedirect",
    values: &[],
    other: "type",
    allowed: &["RequestRedirect"],
    default: "",
    is_required: true,
    refusal: Invalid("filter.requestRedirect must be nil if the filter.type is not RequestRedirect"),
};

const OF_ROUTES: &[Condition] = &[
    Condition {
        field: "requestHeaderModifier",
        allowed: &["RequestHeaderModifier"],
        refusal: Invalid(
            "filter.requestHeaderModifier must be nil if the filter.type is not RequestHeaderModifier",
        ),
        ..FILTER
    },
    Condition {
        field: "responseHeaderModifier",
        allowed: &["ResponseHeaderModifier"],
        refusal: Invalid(
            "filter.responseHeaderModifier must be nil if the filter.type is not ResponseHeaderModifier",
        ),
        ..FILTER
    },
    Condition {
        field: "requestMirror",
        allowed: &["RequestMirror"],
        refusal: Invalid("filter.requestMirror must be nil if the filter.type is not RequestMirror"),
        ..FILTER
    },
    Condition {
        field: "requestRedirect",
        allowed: &["RequestRedirect"],
        refusal: Invalid("filter.requestRedirect must be nil if the filter.type is not RequestRedirect"),
        ..FILTER
    },
    Condition {
        field: "urlRewrite",
        allowed: &["URLRewrite"],
        refusal: Invalid("filter.urlRewrite must be nil if the filter.type is not URLRewrite"),
        ..FILTER
    },
    Condition {
        field: "extensionRef",
        allowed: &["ExtensionRef"],
        refusal: Invalid("filter.extensionRef must be nil if the filter.type is not ExtensionRef"),
        ..FILTER
    },
    Condition {
        parent: &["rules", "*", "filters", "*", "requestRedirect", "path"],
        field: "replaceFullPath",
        allowed: &["ReplaceFullPath"],
        refusal: Invalid("type must be 'ReplaceFullPath' when replaceFullPath is set"),
        ..FILTER
    },
    Condition {
        parent: &["rules", "*", "filters", "*", "requestRedirect", "path"],
        field: "replacePrefixMatch",
        allowed: &["ReplacePrefixMatch"],
        refusal: Invalid("type must be 'ReplacePrefixMatch' when replacePrefixMatch is set"),
        ..FILTER
    },
    Condition {
        parent: &["rules", "*", "filters", "*", "urlRewrite", "path"],
        field: "replaceFullPath",
        allowed: &["ReplaceFullPath"],
        refusal: Invalid("type must be 'ReplaceFullPath' when replaceFullPath is set"),
        ..FILTER
    },
    Condition {
        parent: &["rules", "*", "filters", "*", "urlRewrite", "path"],
        field: "replacePrefixMatch",
        allowed: &["ReplacePrefixMatch"],
        refusal: Invalid("type must be 'ReplacePrefixMatch' when replacePrefixMatch is set"),
        ..FILTER
    },
];

/// Checks the fields of an object, except for its pods.
pub(crate) fn check(check: &mut Check<'_>, object: Object<'_>) {
    let conditions = match object.kind.name {
        "Deployment" => OF_DEPLOYMENTS,
        "HTTPRoute" => OF_ROUTES,
        "Service" => OF_SERVICES,
        "StatefulSet" => OF_STATEFUL_SETS,
        _ => return,
    };
    let Some(spec) = object.spec() else { return };
    for condition in conditions {
        visit(spec, condition.parent, "spec", &mut |node, path| {
            check_one(check, object, condition, node, path);
        });
    }
}

/// Checks the fields of pods.
pub(crate) fn check_pods(check: &mut Check<'_>, scope: Scope<'_>) {
    let prefix = scope.pods.field("");
    for condition in OF_PODS {
        visit(scope.spec, condition.parent, prefix.trim_end_matches('.'), &mut |node, path| {
            check_one(check, scope.object, condition, node, path);
        });
    }
}

fn check_one(check: &mut Check<'_>, object: Object<'_>, condition: &Condition, parent: &Node, path: &str) {
    let Condition { field, values, other, allowed, default, is_required, refusal, .. } = condition;
    let sibling = parent.get(other);
    // A value that is neither text nor a boolean has the wrong type, which is another finding.
    let found = match sibling {
        Some(node) => match node.text() {
            Some("") => default,
            Some(text) => text,
            None => return,
        },
        None => default,
    };
    let is_allowed = allowed.contains(&found);
    let wanted = allowed.join(" or ");
    let path = format!("{path}.{field}");
    match parent.entry(field).filter(|entry| is_set(&entry.value)) {
        Some(entry) if !is_allowed && has_one(&entry.value, values) => {
            let state =
                if found.is_empty() { format!("{other} is missing") } else { format!("{other} is {found}") };
            let message = format!("{field} needs {other}: {wanted}, and {state}; remove {field}");
            match refusal {
                Forbidden(reason) => forbidden(check, object, &entry.key, &path, (message, reason)),
                Invalid(reason) => invalid(check, object, &entry.key, &path, (message, reason)),
            }
        }
        None if is_allowed && *is_required => {
            let message = format!("{other}: {found} needs a {field}");
            required(check, object, sibling.unwrap_or(parent), &path, message);
        }
        _ => {}
    }
}

/// Returns whether a value is more than the API server's zero: such a list, number or text counts as unset.
fn is_set(node: &Node) -> bool {
    match &node.value {
        Value::Sequence(items) => !items.is_empty(),
        Value::Scalar(_) => !node.is_null() && !matches!(node.text(), Some("" | "0")),
        Value::Mapping { .. } => true,
    }
}

fn has_one(node: &Node, values: &[&str]) -> bool {
    values.is_empty() || node.text().is_some_and(|text| values.contains(&text))
}
