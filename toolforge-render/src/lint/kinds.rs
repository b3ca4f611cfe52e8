//! The kinds that objects can have, and the versions of the API that have them.

use k8s_openapi::api::{apps, batch, core, networking};
use toolforge_model::platform;

use super::strict::{Issue, check};
use super::syntax::Node;

/// What a tool may do with a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Create and change (the platform's ClusterRole `tools-user`, 2026).
    Write,
    /// Nothing, or only read.
    No,
}

/// A kind of object.
pub(crate) struct Kind {
    /// As the API spells it.
    pub(crate) name: &'static str,
    /// The group and version that have it.
    pub(crate) api_version: &'static str,
    /// Versions that had it, with the release of Kubernetes that removed it from them.
    pub(crate) removed: &'static [(&'static str, &'static str)],
    /// Other versions that have it.
    pub(crate) others: &'static [&'static str],
    /// What a tool may do.
    pub(crate) access: Access,
    /// Where its pod template is.
    pub(crate) template: Option<&'static [&'static str]>,
    /// Reads it strictly; `None` where its fields are not known.
    pub(crate) check: Option<fn(&Node) -> Vec<Issue<'_>>>,
}

impl Kind {
    /// Returns the kind with a name.
    pub(crate) fn find(name: &str) -> Option<&'static Self> {
        KINDS.iter().chain(OTHERS).find(|kind| kind.name == name)
    }

    /// Returns the names of the kinds that a tool may create.
    pub(crate) fn writable() -> impl Iterator<Item = &'static str> {
        KINDS.iter().filter(|kind| kind.access == Access::Write).map(|kind| kind.name)
    }

    /// Returns the release that removed the kind from a version.
    pub(crate) fn removed_in(&self, api_version: &str) -> Option<&'static str> {
        self.removed.iter().find(|(version, _)| *version == api_version).map(|(_, release)| *release)
    }

    /// Returns whether a version has the kind.
    pub(crate) fn has_version(&self, api_version: &str) -> bool {
        self.api_version == api_version || self.others.contains(&api_version)
    }
}

const TEMPLATE: Option<&[&str]> = Some(&["spec", "template"]);
const OF_APPS: &[(&str, &str)] =
    &[("extensions/v1beta1", "1.16"), ("apps/v1beta1", "1.16"), ("apps/v1beta2", "1.16")];

const fn kind(name: &'static str, api_version: &'static str) -> Kind {
    Kind { name, api_version, removed: &[], others: &[], access: Access::Write, template: None, check: None }
}

/// The kinds that a tool may create, by how often people write them.
const KINDS: &[Kind] = &[
    Kind {
        removed: OF_APPS,
        template: TEMPLATE,
        check: Some(check::<apps::v1::Deployment>),
        ..kind("Deployment", "apps/v1")
    },
    Kind {
        removed: &[("batch/v2alpha1", "1.21"), ("batch/v1beta1", "1.25")],
        template: Some(&["spec", "jobTemplate", "spec", "template"]),
        check: Some(check::<batch::v1::CronJob>),
        ..kind("CronJob", "batch/v1")
    },
    Kind { template: TEMPLATE, check: Some(check::<batch::v1::Job>), ..kind("Job", "batch/v1") },
    Kind { template: Some(&[]), check: Some(check::<core::v1::Pod>), ..kind("Pod", "v1") },
    Kind { check: Some(check::<core::v1::Service>), ..kind("Service", "v1") },
    Kind {
        removed: &[("extensions/v1beta1", "1.22"), ("networking.k8s.io/v1beta1", "1.22")],
        check: Some(check::<networking::v1::Ingress>),
        ..kind("Ingress", "networking.k8s.io/v1")
    },
    Kind {
        others: &["gateway.networking.k8s.io/v1beta1"],
        ..kind("HTTPRoute", "gateway.networking.k8s.io/v1")
    },
    Kind { check: Some(check::<core::v1::ConfigMap>), ..kind("ConfigMap", "v1") },
    Kind { check: Some(check::<core::v1::Secret>), ..kind("Secret", "v1") },
    Kind { check: Some(check::<core::v1::Endpoints>), ..kind("Endpoints", "v1") },
    Kind {
        removed: OF_APPS,
        template: TEMPLATE,
        check: Some(check::<apps::v1::ReplicaSet>),
        ..kind("ReplicaSet", "apps/v1")
    },
    Kind {
        removed: OF_APPS,
        template: TEMPLATE,
        check: Some(check::<apps::v1::StatefulSet>),
        ..kind("StatefulSet", "apps/v1")
    },
    Kind {
        removed: &[("extensions/v1beta1", "1.16")],
        check: Some(check::<networking::v1::NetworkPolicy>),
        ..kind("NetworkPolicy", "networking.k8s.io/v1")
    },
    kind("ContinuousJob", JOBS_API),
    kind("ScheduledJob", JOBS_API),
    kind("OneOffJob", JOBS_API),
];

/// The group of the platform's jobs service; its version is not checked.
const JOBS_API: &str = "jobs-api.toolforge.org/v1";

const fn other(name: &'static str, api_version: &'static str) -> Kind {
    Kind { access: Access::No, ..kind(name, api_version) }
}

/// Kinds that exist and that a tool may not create.
const OTHERS: &[Kind] = &[
    other("PersistentVolumeClaim", "v1"),
    other("PersistentVolume", "v1"),
    other("ReplicationController", "v1"),
    other("ServiceAccount", "v1"),
    other("Namespace", "v1"),
    other("Node", "v1"),
    other("ResourceQuota", "v1"),
    other("LimitRange", "v1"),
    other("PodTemplate", "v1"),
    other("Event", "v1"),
    Kind { removed: OF_APPS, template: TEMPLATE, ..other("DaemonSet", "apps/v1") },
    other("ControllerRevision", "apps/v1"),
    Kind {
        removed: &[("autoscaling/v2beta1", "1.25"), ("autoscaling/v2beta2", "1.26")],
        others: &["autoscaling/v1"],
        ..other("HorizontalPodAutoscaler", "autoscaling/v2")
    },
    Kind { removed: &[("policy/v1beta1", "1.25")], ..other("PodDisruptionBudget", "policy/v1") },
    Kind {
        removed: &[("policy/v1beta1", "1.25"), ("extensions/v1beta1", "1.16")],
        ..other("PodSecurityPolicy", "")
    },
    other("IngressClass", "networking.k8s.io/v1"),
    Kind {
        removed: &[("rbac.authorization.k8s.io/v1beta1", "1.22")],
        ..other("Role", "rbac.authorization.k8s.io/v1")
    },
    Kind {
        removed: &[("rbac.authorization.k8s.io/v1beta1", "1.22")],
        ..other("RoleBinding", "rbac.authorization.k8s.io/v1")
    },
    other("ClusterRole", "rbac.authorization.k8s.io/v1"),
    other("ClusterRoleBinding", "rbac.authorization.k8s.io/v1"),
    other("StorageClass", "storage.k8s.io/v1"),
    other("PriorityClass", "scheduling.k8s.io/v1"),
    other("CustomResourceDefinition", "apiextensions.k8s.io/v1"),
    other("EndpointSlice", "discovery.k8s.io/v1"),
    other("Lease", "coordination.k8s.io/v1"),
];

/// Returns whether an `apiVersion` is of the platform's jobs service.
pub(crate) fn is_of_jobs_service(api_version: &str) -> bool {
    api_version.split_once('/').is_some_and(|(group, _)| group == platform::JOBS_API_GROUP)
}
