//! The kinds of objects that a cluster has, in one table.

use toolforge_model::platform;
use toolforge_quota::{Demand, Resource};

use crate::object::HttpRoute;

/// A kind of Kubernetes 1.33, the Gateway API or the platform's jobs service.
#[derive(Debug, PartialEq, Eq)]
pub struct KnownKind {
    /// The kind as the API spells it; each name is in the table once.
    pub(crate) name: &'static str,
    /// The group and version that have it; empty for a kind that is gone.
    pub(crate) api_version: &'static str,
    plural: &'static str,
    /// Versions that had it, with the release of Kubernetes that removed it from them.
    removed: &'static [(&'static str, &'static str)],
    /// Other versions that have it.
    others: &'static [&'static str],
    is_namespaced: bool,
    is_writable: bool,
    /// Whether quotas count its objects by the plural alone, too, without `count/`.
    has_short_count: bool,
    /// Where its pod template is.
    pub(crate) template: Option<&'static [&'static str]>,
}

const TEMPLATE: &[&str] = &["spec", "template"];
const OLD_APPS: &[(&str, &str)] =
    &[("extensions/v1beta1", "1.16"), ("apps/v1beta1", "1.16"), ("apps/v1beta2", "1.16")];
const OLD_RBAC: &[(&str, &str)] = &[("rbac.authorization.k8s.io/v1beta1", "1.22")];

const ADMISSION: &str = "admissionregistration.k8s.io/v1";
const ADMISSION_ALPHA: &str = "admissionregistration.k8s.io/v1alpha1";
const APPS: &str = "apps/v1";
const BATCH: &str = "batch/v1";
const CORE: &str = "v1";
const FLOW_CONTROL: &str = "flowcontrol.apiserver.k8s.io/v1";
const GATEWAY: &str = HttpRoute::API_VERSION;
const OLD_GATEWAY: &[&str] = &["gateway.networking.k8s.io/v1beta1"];
const NETWORKING: &str = "networking.k8s.io/v1";
const RBAC: &str = "rbac.authorization.k8s.io/v1";
const STORAGE: &str = "storage.k8s.io/v1";
/// The platform's jobs service.
const JOBS_API: &str = "jobs-api.toolforge.org/v1";

/// Returns a kind whose objects belong to a namespace, and that a tool may only read.
const fn kind(api_version: &'static str, name: &'static str, plural: &'static str) -> KnownKind {
    KnownKind {
        name,
        api_version,
        plural,
        removed: &[],
        others: &[],
        is_namespaced: true,
        is_writable: false,
        has_short_count: false,
        template: None,
    }
}

/// Returns a kind whose objects belong to no namespace, so no quota counts them.
const fn cluster(api_version: &'static str, name: &'static str, plural: &'static str) -> KnownKind {
    KnownKind { is_namespaced: false, ..kind(api_version, name, plural) }
}

impl KnownKind {
    /// A tool may create and change its objects (the platform's ClusterRole `tools-user`, 2026).
    const fn writable(self) -> Self {
        Self { is_writable: true, ..self }
    }

    const fn short_count(self) -> Self {
        Self { has_short_count: true, ..self }
    }

    const fn removed(self, removed: &'static [(&'static str, &'static str)]) -> Self {
        Self { removed, ..self }
    }

    const fn others(self, others: &'static [&'static str]) -> Self {
        Self { others, ..self }
    }

    const fn template(self, template: &'static [&'static str]) -> Self {
        Self { template: Some(template), ..self }
    }
}

/// The kinds; those that a tool may create come first, by how often people write them.
static KINDS: &[KnownKind] = &[
    kind(APPS, "Deployment", "deployments").writable().template(TEMPLATE).removed(OLD_APPS),
    kind(BATCH, "CronJob", "cronjobs")
        .writable()
        .template(&["spec", "jobTemplate", "spec", "template"])
        .removed(&[("batch/v2alpha1", "1.21"), ("batch/v1beta1", "1.25")]),
    kind(BATCH, "Job", "jobs").writable().template(TEMPLATE),
    kind(CORE, "Pod", "pods").writable().template(&[]),
    kind(CORE, "Service", "services").writable().short_count(),
    kind(NETWORKING, "Ingress", "ingresses")
        .writable()
        .removed(&[("extensions/v1beta1", "1.22"), ("networking.k8s.io/v1beta1", "1.22")]),
    kind(GATEWAY, "HTTPRoute", "httproutes").writable().others(OLD_GATEWAY),
    kind(CORE, "ConfigMap", "configmaps").writable().short_count(),
    kind(CORE, "Secret", "secrets").writable().short_count(),
    kind(CORE, "Endpoints", "endpoints").writable(),
    kind(APPS, "ReplicaSet", "replicasets").writable().template(TEMPLATE).removed(OLD_APPS),
    kind(APPS, "StatefulSet", "statefulsets").writable().template(TEMPLATE).removed(OLD_APPS),
    kind(NETWORKING, "NetworkPolicy", "networkpolicies")
        .writable()
        .removed(&[("extensions/v1beta1", "1.16")]),
    kind(JOBS_API, "ContinuousJob", "continuous-jobs").writable(),
    kind(JOBS_API, "ScheduledJob", "scheduled-jobs").writable(),
    kind(JOBS_API, "OneOffJob", "one-off-jobs").writable(),
    kind(CORE, "PersistentVolumeClaim", "persistentvolumeclaims").short_count(),
    kind(CORE, "ReplicationController", "replicationcontrollers").short_count(),
    kind(CORE, "ResourceQuota", "resourcequotas").short_count(),
    kind(CORE, "LimitRange", "limitranges"),
    kind(CORE, "ServiceAccount", "serviceaccounts"),
    kind(CORE, "PodTemplate", "podtemplates"),
    kind(CORE, "Event", "events").others(&["events.k8s.io/v1"]),
    kind(APPS, "DaemonSet", "daemonsets").template(TEMPLATE).removed(OLD_APPS),
    kind(APPS, "ControllerRevision", "controllerrevisions"),
    kind("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers")
        .removed(&[("autoscaling/v2beta1", "1.25"), ("autoscaling/v2beta2", "1.26")])
        .others(&["autoscaling/v1"]),
    kind("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets").removed(&[("policy/v1beta1", "1.25")]),
    kind(RBAC, "Role", "roles").removed(OLD_RBAC),
    kind(RBAC, "RoleBinding", "rolebindings").removed(OLD_RBAC),
    kind("discovery.k8s.io/v1", "EndpointSlice", "endpointslices"),
    kind("coordination.k8s.io/v1", "Lease", "leases"),
    cluster("", "PodSecurityPolicy", "podsecuritypolicies")
        .removed(&[("policy/v1beta1", "1.25"), ("extensions/v1beta1", "1.16")]),
    cluster(CORE, "ComponentStatus", "componentstatuses"),
    cluster(CORE, "Namespace", "namespaces"),
    cluster(CORE, "Node", "nodes"),
    cluster(CORE, "PersistentVolume", "persistentvolumes"),
    cluster(ADMISSION_ALPHA, "MutatingAdmissionPolicy", "mutatingadmissionpolicies"),
    cluster(ADMISSION_ALPHA, "MutatingAdmissionPolicyBinding", "mutatingadmissionpolicybindings"),
    cluster(ADMISSION, "MutatingWebhookConfiguration", "mutatingwebhookconfigurations"),
    cluster(ADMISSION, "ValidatingAdmissionPolicy", "validatingadmissionpolicies"),
    cluster(ADMISSION, "ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings"),
    cluster(ADMISSION, "ValidatingWebhookConfiguration", "validatingwebhookconfigurations"),
    cluster("apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions"),
    cluster("apiregistration.k8s.io/v1", "APIService", "apiservices"),
    cluster("certificates.k8s.io/v1", "CertificateSigningRequest", "certificatesigningrequests"),
    cluster(FLOW_CONTROL, "FlowSchema", "flowschemas"),
    cluster(FLOW_CONTROL, "PriorityLevelConfiguration", "prioritylevelconfigurations"),
    cluster(GATEWAY, "GatewayClass", "gatewayclasses").others(OLD_GATEWAY),
    cluster(NETWORKING, "IngressClass", "ingressclasses"),
    cluster("node.k8s.io/v1", "RuntimeClass", "runtimeclasses"),
    cluster(RBAC, "ClusterRole", "clusterroles"),
    cluster(RBAC, "ClusterRoleBinding", "clusterrolebindings"),
    cluster("scheduling.k8s.io/v1", "PriorityClass", "priorityclasses"),
    cluster(STORAGE, "CSIDriver", "csidrivers"),
    cluster(STORAGE, "CSINode", "csinodes"),
    cluster(STORAGE, "StorageClass", "storageclasses"),
    cluster(STORAGE, "VolumeAttachment", "volumeattachments"),
];

/// Returns the API group and the version of an `apiVersion`; the core group is empty.
pub(crate) fn split_api_version(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

/// Returns what follows `count/` in a quota that counts objects of a kind: `deployments.apps`.
pub(crate) fn count_name(plural: &str, group: &str) -> String {
    if group.is_empty() { plural.to_owned() } else { format!("{plural}.{group}") }
}

impl KnownKind {
    /// Returns the kind of a name in an API group that has it; the core group is empty.
    #[must_use]
    pub fn find(group: &str, name: &str) -> Option<&'static Self> {
        let has_group = |version: &str| split_api_version(version).0 == group;
        Self::named(name).filter(|kind| kind.api_versions().any(has_group))
    }

    /// Returns the kind with a name, regardless of its group.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        KINDS.iter().find(|kind| kind.name == name)
    }

    /// Returns whether the table has all kinds of a group: it is one of Kubernetes or of the Gateway API.
    pub(crate) fn has_all_of(group: &str) -> bool {
        group != platform::JOBS_API_GROUP && KINDS.iter().any(|kind| kind.group() == group)
    }

    /// Returns the names of the kinds that a tool may create.
    pub(crate) fn writable_names() -> impl Iterator<Item = &'static str> {
        KINDS.iter().filter(|kind| kind.is_writable).map(|kind| kind.name)
    }

    /// Returns the API group; empty for the core group.
    #[must_use]
    pub fn group(&self) -> &'static str {
        split_api_version(self.api_version).0
    }

    /// Returns the version, like `v1`.
    #[must_use]
    pub fn version(&self) -> &'static str {
        split_api_version(self.api_version).1
    }

    /// Returns the resource's plural name in request paths.
    #[must_use]
    pub fn plural(&self) -> &'static str {
        self.plural
    }

    /// Returns whether its objects belong to a namespace.
    #[must_use]
    pub fn is_namespaced(&self) -> bool {
        self.is_namespaced
    }

    /// Returns whether a tool may create and change its objects.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.is_writable
    }

    /// Returns the values of `apiVersion` that the cluster serves, the current one first; none for a kind that is gone.
    pub(crate) fn api_versions(&self) -> impl Iterator<Item = &'static str> {
        let current = Some(self.api_version).filter(|current| !current.is_empty());
        current.into_iter().chain(self.others.iter().copied())
    }

    /// Returns the versions of its group that the cluster serves, like `v1` and `v1beta1`.
    pub fn versions(&self) -> impl Iterator<Item = &'static str> {
        let split = self.api_versions().map(split_api_version);
        split.filter(|(group, _)| *group == self.group()).map(|(_, version)| version)
    }

    /// Returns the release that removed the kind from a version.
    pub(crate) fn removed_in(&self, api_version: &str) -> Option<&'static str> {
        self.removed.iter().find(|(version, _)| *version == api_version).map(|(_, release)| *release)
    }

    /// Returns what follows `count/` in a quota that counts its objects.
    pub(crate) fn count_name(&self) -> String {
        count_name(self.plural, self.group())
    }

    /// Returns what quotas count of one object of the kind, without its pods.
    pub(crate) fn object_demand(&self) -> Demand {
        let mut demand = Demand::default();
        if self.is_namespaced {
            demand.add(Resource::Count(self.count_name()), 1);
        }
        if self.has_short_count {
            demand.add(Resource::from(self.plural), 1);
        }
        demand
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use toolforge_model::platform;

    use super::*;
    use crate::object::ObjectKind;

    #[test]
    fn names_are_unique() {
        let names: BTreeSet<&str> = KINDS.iter().map(|kind| kind.name).collect();
        assert_eq!(names.len(), KINDS.len());
    }

    #[test]
    fn every_object_kind_is_known() {
        for kind in ObjectKind::ALL {
            assert_eq!(KnownKind::find(kind.group(), kind.as_str()), Some(kind.known()), "{kind}");
        }
        assert_eq!(platform::JOBS_API_GROUP, ObjectKind::ContinuousJobRecord.group());
    }
}
