//! The kinds of objects in manifests, and what quotas count of them.

use std::fmt;

use toolforge_model::Untrusted;
use toolforge_quota::{Demand, Resource};

/// The kind of an object in a manifest; any kind that a cluster may have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct ManifestKind {
    /// The API group; empty for Kubernetes' core.
    pub group: String,
    /// The version, like `v1`.
    pub version: String,
    /// The kind, like `Deployment`.
    pub kind: String,
}

/// The kinds that belong to no namespace (Kubernetes 1.33 and the Gateway API), so that no quota counts them.
const CLUSTER_SCOPED: &[&str] = &[
    "APIService",
    "CSIDriver",
    "CSINode",
    "CertificateSigningRequest",
    "ClusterRole",
    "ClusterRoleBinding",
    "ComponentStatus",
    "CustomResourceDefinition",
    "FlowSchema",
    "GatewayClass",
    "IngressClass",
    "MutatingAdmissionPolicy",
    "MutatingAdmissionPolicyBinding",
    "MutatingWebhookConfiguration",
    "Namespace",
    "Node",
    "PersistentVolume",
    "PriorityClass",
    "PriorityLevelConfiguration",
    "RuntimeClass",
    "StorageClass",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "ValidatingWebhookConfiguration",
    "VolumeAttachment",
];

/// Core kinds that a quota also counts by their plural alone, without `count/`.
const SHORT_NAMES: &[&str] = &[
    "configmaps",
    "persistentvolumeclaims",
    "replicationcontrollers",
    "resourcequotas",
    "secrets",
    "services",
];

/// Returns the kind of the items of a list that has `items`, or nothing for a kind of objects. The items of a `List` have a kind
/// of their own; for it, the result is empty.
#[must_use]
pub fn list_item_kind(kind: &str) -> Option<&str> {
    kind.strip_suffix("List")
}

/// Returns the kind of the items of a list. A `List` may have no items; a kind like `PodList` is a list only with them, since any
/// kind may have such a name.
pub(crate) fn item_kind_of(kind: &str, has_items: bool) -> Option<&str> {
    list_item_kind(kind).filter(|item_kind| item_kind.is_empty() || has_items)
}

impl ManifestKind {
    /// Returns the kind of an object by its `apiVersion` and `kind`.
    #[must_use]
    pub fn new(api_version: &str, kind: &str) -> Self {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        Self { group: group.to_owned(), version: version.to_owned(), kind: kind.to_owned() }
    }

    /// Returns the `apiVersion`.
    pub(crate) fn api_version(&self) -> String {
        let Self { group, version, kind: _ } = self;
        if group.is_empty() { version.clone() } else { format!("{group}/{version}") }
    }

    /// Returns the resource's plural name. For a kind that Kubernetes does not have, it is guessed as kubectl does.
    #[must_use]
    pub fn plural(&self) -> String {
        let singular = self.kind.to_ascii_lowercase();
        match singular.as_str() {
            "endpoints" => singular,
            text if text.ends_with('s') => format!("{singular}es"),
            text => match text.strip_suffix('y') {
                Some(stem) => format!("{stem}ies"),
                None => format!("{singular}s"),
            },
        }
    }

    /// Returns whether its objects belong to a namespace; an unknown kind does.
    pub(crate) fn is_namespaced(&self) -> bool {
        !CLUSTER_SCOPED.contains(&self.kind.as_str())
    }

    /// Returns what quotas count of one object of the kind, without its pods.
    pub(crate) fn object_demand(&self) -> Demand {
        let plural = self.plural();
        let mut demand = Demand::default();
        if !self.is_namespaced() {
            return demand;
        }
        if self.group.is_empty() {
            if SHORT_NAMES.contains(&plural.as_str()) {
                demand.add(Resource::from(plural.as_str()), 1);
            }
            demand.add(Resource::Count(plural), 1);
        } else {
            demand.add(Resource::Count(format!("{plural}.{}", self.group)), 1);
        }
        demand
    }
}

impl fmt::Display for ManifestKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Untrusted::new(self.kind.as_str()).escaped())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_have_items() {
        for (kind, has_items, expected) in [
            ("List", true, Some("")),
            ("List", false, Some("")),
            ("PodList", true, Some("Pod")),
            ("AllowList", false, None),
            ("Pod", true, None),
        ] {
            assert_eq!(item_kind_of(kind, has_items), expected, "{kind} {has_items}");
        }
    }

    #[test]
    fn objects_count_by_plural_and_group() {
        for (api_version, kind, expected) in [
            ("apps/v1", "Deployment", "count/deployments.apps"),
            ("batch/v1", "CronJob", "count/cronjobs.batch"),
            ("v1", "Service", "services count/services"),
            ("v1", "Secret", "secrets count/secrets"),
            ("v1", "ConfigMap", "configmaps count/configmaps"),
            ("v1", "Endpoints", "count/endpoints"),
            ("v1", "ReplicationController", "replicationcontrollers count/replicationcontrollers"),
            ("v1", "PersistentVolumeClaim", "persistentvolumeclaims count/persistentvolumeclaims"),
            ("networking.k8s.io/v1", "Ingress", "count/ingresses.networking.k8s.io"),
            ("networking.k8s.io/v1", "NetworkPolicy", "count/networkpolicies.networking.k8s.io"),
            ("gateway.networking.k8s.io/v1", "HTTPRoute", "count/httproutes.gateway.networking.k8s.io"),
            ("example.com/v1alpha1", "Pony", "count/ponies.example.com"),
            ("rbac.authorization.k8s.io/v1", "ClusterRole", ""),
        ] {
            let demand = ManifestKind::new(api_version, kind).object_demand();
            let keys: Vec<String> = demand.iter().map(|(resource, _)| resource.to_string()).collect();
            assert_eq!(keys.join(" "), expected, "{kind}");
        }
    }
}
