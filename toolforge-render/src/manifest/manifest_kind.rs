//! The kinds of objects in manifests, and what quotas count of them.

use std::fmt;

use toolforge_model::Untrusted;
use toolforge_quota::{Demand, Resource};

use crate::object::{KnownKind, count_name, split_api_version};

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

/// Returns the kind of the items of a list that has `items`, or nothing for a kind of objects. The items of a `List` have their
/// own kinds; for it, the result is empty.
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
        let (group, version) = split_api_version(api_version);
        Self { group: group.to_owned(), version: version.to_owned(), kind: kind.to_owned() }
    }

    /// Returns the `apiVersion`.
    pub(crate) fn api_version(&self) -> String {
        let Self { group, version, kind: _ } = self;
        if group.is_empty() { version.clone() } else { format!("{group}/{version}") }
    }

    /// Returns what is known about the kind, in any version.
    #[must_use]
    pub fn known(&self) -> Option<&'static KnownKind> {
        KnownKind::find(&self.group, &self.kind)
    }

    /// Returns the resource's plural name. That of an unknown kind is guessed as kubectl does.
    #[must_use]
    pub fn plural(&self) -> String {
        if let Some(known) = self.known() {
            return known.plural().to_owned();
        }
        let singular = self.kind.to_ascii_lowercase();
        if singular.ends_with('s') {
            return format!("{singular}es");
        }
        match singular.strip_suffix('y') {
            Some(stem) => format!("{stem}ies"),
            None => format!("{singular}s"),
        }
    }

    /// Returns whether its objects belong to a namespace; those of an unknown kind do.
    pub(crate) fn is_namespaced(&self) -> bool {
        self.known().is_none_or(KnownKind::is_namespaced)
    }

    /// Returns what quotas count of one object of the kind, without its pods.
    pub(crate) fn object_demand(&self) -> Demand {
        if let Some(known) = self.known() {
            return known.object_demand();
        }
        let mut demand = Demand::default();
        demand.add(Resource::Count(count_name(&self.plural(), &self.group)), 1);
        demand
    }

    /// Returns the version in which the cluster has the kind, if it is one of Kubernetes: the stated one, or the one to write
    /// instead. Empty if it was removed. A group with a dot may belong to an extension, which may have a kind of the same name:
    /// `None`.
    pub(crate) fn served_version(&self) -> Option<&'static str> {
        let (stated, known) = (self.api_version(), KnownKind::named(&self.kind)?);
        if let Some(served) = known.api_versions().find(|served| *served == stated) {
            return Some(served);
        }
        let is_of_kubernetes = !self.group.contains('.') || known.removed_in(&stated).is_some();
        (is_of_kubernetes || known.group() == self.group).then_some(known.api_version)
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
    fn plural_of_each_group_is_its_own() {
        for (api_version, kind, expected) in [
            ("jobs-api.toolforge.org/v1", "ContinuousJob", "continuous-jobs"),
            ("example.com/v1", "ContinuousJob", "continuousjobs"),
            ("v1", "Endpoints", "endpoints"),
            ("example.com/v1", "Endpoints", "endpointses"),
            ("events.k8s.io/v1", "Event", "events"),
        ] {
            assert_eq!(ManifestKind::new(api_version, kind).plural(), expected, "{api_version} {kind}");
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
            ("jobs-api.toolforge.org/v1", "ContinuousJob", "count/continuous-jobs.jobs-api.toolforge.org"),
            ("example.com/v1", "Node", "count/nodes.example.com"),
        ] {
            let demand = ManifestKind::new(api_version, kind).object_demand();
            let keys: Vec<String> = demand.iter().map(|(resource, _)| resource.to_string()).collect();
            assert_eq!(keys.join(" "), expected, "{kind}");
        }
    }
}
