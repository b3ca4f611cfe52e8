//! The versions of the API that have a kind of Kubernetes.

use crate::manifest::ManifestKind;

/// The versions of the API that have a kind, and those that had it.
#[derive(Debug)]
pub(crate) struct ApiVersions {
    /// The kind, as the API spells it.
    kind: &'static str,
    /// The group and version that have it; empty for a kind that is gone.
    pub(crate) current: &'static str,
    /// Versions that had it, with the release of Kubernetes that removed it from them.
    pub(crate) removed: &'static [(&'static str, &'static str)],
    /// Other versions that have it.
    pub(crate) others: &'static [&'static str],
}

const fn in_version(current: &'static str, kind: &'static str) -> ApiVersions {
    ApiVersions { kind, current, removed: &[], others: &[] }
}

const fn of_apps(kind: &'static str) -> ApiVersions {
    let removed = &[("extensions/v1beta1", "1.16"), ("apps/v1beta1", "1.16"), ("apps/v1beta2", "1.16")];
    ApiVersions { removed, ..in_version("apps/v1", kind) }
}

const fn of_rbac(kind: &'static str) -> ApiVersions {
    let removed = &[("rbac.authorization.k8s.io/v1beta1", "1.22")];
    ApiVersions { removed, ..in_version("rbac.authorization.k8s.io/v1", kind) }
}

/// The kinds of Kubernetes 1.33 and the Gateway API.
const API_VERSIONS: &[ApiVersions] = &[
    of_apps("Deployment"),
    of_apps("ReplicaSet"),
    of_apps("StatefulSet"),
    of_apps("DaemonSet"),
    in_version("apps/v1", "ControllerRevision"),
    ApiVersions {
        removed: &[("batch/v2alpha1", "1.21"), ("batch/v1beta1", "1.25")],
        ..in_version("batch/v1", "CronJob")
    },
    in_version("batch/v1", "Job"),
    in_version("v1", "ConfigMap"),
    in_version("v1", "Endpoints"),
    ApiVersions { others: &["events.k8s.io/v1"], ..in_version("v1", "Event") },
    in_version("v1", "LimitRange"),
    in_version("v1", "Namespace"),
    in_version("v1", "Node"),
    in_version("v1", "PersistentVolume"),
    in_version("v1", "PersistentVolumeClaim"),
    in_version("v1", "Pod"),
    in_version("v1", "PodTemplate"),
    in_version("v1", "ReplicationController"),
    in_version("v1", "ResourceQuota"),
    in_version("v1", "Secret"),
    in_version("v1", "Service"),
    in_version("v1", "ServiceAccount"),
    ApiVersions {
        removed: &[("extensions/v1beta1", "1.22"), ("networking.k8s.io/v1beta1", "1.22")],
        ..in_version("networking.k8s.io/v1", "Ingress")
    },
    in_version("networking.k8s.io/v1", "IngressClass"),
    ApiVersions {
        removed: &[("extensions/v1beta1", "1.16")],
        ..in_version("networking.k8s.io/v1", "NetworkPolicy")
    },
    ApiVersions {
        others: &["gateway.networking.k8s.io/v1beta1"],
        ..in_version("gateway.networking.k8s.io/v1", "HTTPRoute")
    },
    ApiVersions {
        removed: &[("autoscaling/v2beta1", "1.25"), ("autoscaling/v2beta2", "1.26")],
        others: &["autoscaling/v1"],
        ..in_version("autoscaling/v2", "HorizontalPodAutoscaler")
    },
    ApiVersions { removed: &[("policy/v1beta1", "1.25")], ..in_version("policy/v1", "PodDisruptionBudget") },
    ApiVersions {
        removed: &[("policy/v1beta1", "1.25"), ("extensions/v1beta1", "1.16")],
        ..in_version("", "PodSecurityPolicy")
    },
    of_rbac("Role"),
    of_rbac("RoleBinding"),
    in_version("rbac.authorization.k8s.io/v1", "ClusterRole"),
    in_version("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"),
    in_version("storage.k8s.io/v1", "StorageClass"),
    in_version("scheduling.k8s.io/v1", "PriorityClass"),
    in_version("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
    in_version("discovery.k8s.io/v1", "EndpointSlice"),
    in_version("coordination.k8s.io/v1", "Lease"),
];

impl ApiVersions {
    /// Returns the versions of a kind of Kubernetes.
    pub(crate) const fn of(kind: &str) -> Option<&'static Self> {
        let mut versions = API_VERSIONS;
        while let [found, rest @ ..] = versions {
            if is_equal(found.kind, kind) {
                return Some(found);
            }
            versions = rest;
        }
        None
    }

    /// Returns the version in which the cluster has a kind, if it is one of Kubernetes: the stated one, or the one to write
    /// instead. Empty if it is gone.
    pub(crate) fn served_version(kind: &ManifestKind) -> Option<&'static str> {
        Self::of(&kind.kind)?.served(kind)
    }

    /// Returns the release that removed the kind from a version.
    pub(crate) fn removed_in(&self, api_version: &str) -> Option<&'static str> {
        self.removed.iter().find(|(version, _)| *version == api_version).map(|(_, release)| *release)
    }

    /// Returns the version that the cluster serves instead of the stated one, which may be served itself. A group with a dot may
    /// be that of an extension, which may have a kind of the same name: `None`.
    fn served(&self, kind: &ManifestKind) -> Option<&'static str> {
        let stated = kind.api_version();
        if let Some(other) = self.others.iter().find(|other| **other == stated) {
            return Some(other);
        }
        let is_of_kubernetes = !kind.group.contains('.') || self.removed_in(&stated).is_some();
        let has_group = || self.current.split_once('/').map_or("", |(group, _)| group) == kind.group.as_str();
        (is_of_kubernetes || has_group()).then_some(self.current)
    }
}

/// Compares texts at compile time.
const fn is_equal(one: &str, other: &str) -> bool {
    let (mut one, mut other) = (one.as_bytes(), other.as_bytes());
    while let ([first, rest @ ..], [second, others @ ..]) = (one, other) {
        if *first != *second {
            return false;
        }
        (one, other) = (rest, others);
    }
    one.is_empty() && other.is_empty()
}
