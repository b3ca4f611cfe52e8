//! The kinds that objects can have, and the versions of the API that have them.

use k8s_openapi::api::{apps, batch, core, networking};
use toolforge_model::platform;

use super::strict::{Issue, check};
use super::syntax::Node;
use crate::manifest::ApiVersions;

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
    /// The group and version that have it; empty for a kind that is gone.
    pub(crate) api_version: &'static str,
    /// Its versions, if it is one of Kubernetes.
    versions: Option<&'static ApiVersions>,
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
        self.versions?.removed_in(api_version)
    }

    /// Returns whether a version has the kind.
    pub(crate) fn has_version(&self, api_version: &str) -> bool {
        let others = self.versions.map(|versions| versions.others).unwrap_or_default();
        self.api_version == api_version || others.contains(&api_version)
    }
}

const TEMPLATE: Option<&[&str]> = Some(&["spec", "template"]);

/// Returns a kind of Kubernetes or the Gateway API that a tool may create.
const fn kind(name: &'static str) -> Kind {
    let versions = ApiVersions::of(name).expect("the table of versions has the kind");
    let (api_version, versions) = (versions.current, Some(versions));
    Kind { name, api_version, versions, access: Access::Write, template: None, check: None }
}

/// Returns a kind of the platform's jobs service.
const fn of_jobs_service(name: &'static str) -> Kind {
    Kind { name, api_version: JOBS_API, versions: None, access: Access::Write, template: None, check: None }
}

/// The kinds that a tool may create, by how often people write them.
const KINDS: &[Kind] = &[
    Kind { template: TEMPLATE, check: Some(check::<apps::v1::Deployment>), ..kind("Deployment") },
    Kind {
        template: Some(&["spec", "jobTemplate", "spec", "template"]),
        check: Some(check::<batch::v1::CronJob>),
        ..kind("CronJob")
    },
    Kind { template: TEMPLATE, check: Some(check::<batch::v1::Job>), ..kind("Job") },
    Kind { template: Some(&[]), check: Some(check::<core::v1::Pod>), ..kind("Pod") },
    Kind { check: Some(check::<core::v1::Service>), ..kind("Service") },
    Kind { check: Some(check::<networking::v1::Ingress>), ..kind("Ingress") },
    kind("HTTPRoute"),
    Kind { check: Some(check::<core::v1::ConfigMap>), ..kind("ConfigMap") },
    Kind { check: Some(check::<core::v1::Secret>), ..kind("Secret") },
    Kind { check: Some(check::<core::v1::Endpoints>), ..kind("Endpoints") },
    Kind { template: TEMPLATE, check: Some(check::<apps::v1::ReplicaSet>), ..kind("ReplicaSet") },
    Kind { template: TEMPLATE, check: Some(check::<apps::v1::StatefulSet>), ..kind("StatefulSet") },
    Kind { check: Some(check::<networking::v1::NetworkPolicy>), ..kind("NetworkPolicy") },
    of_jobs_service("ContinuousJob"),
    of_jobs_service("ScheduledJob"),
    of_jobs_service("OneOffJob"),
];

/// The group of the platform's jobs service; its version is not checked.
const JOBS_API: &str = "jobs-api.toolforge.org/v1";

const fn other(name: &'static str) -> Kind {
    Kind { access: Access::No, ..kind(name) }
}

/// Kinds that exist and that a tool may not create.
const OTHERS: &[Kind] = &[
    other("PersistentVolumeClaim"),
    other("PersistentVolume"),
    other("ReplicationController"),
    other("ServiceAccount"),
    other("Namespace"),
    other("Node"),
    other("ResourceQuota"),
    other("LimitRange"),
    other("PodTemplate"),
    other("Event"),
    Kind { template: TEMPLATE, ..other("DaemonSet") },
    other("ControllerRevision"),
    other("HorizontalPodAutoscaler"),
    other("PodDisruptionBudget"),
    other("PodSecurityPolicy"),
    other("IngressClass"),
    other("Role"),
    other("RoleBinding"),
    other("ClusterRole"),
    other("ClusterRoleBinding"),
    other("StorageClass"),
    other("PriorityClass"),
    other("CustomResourceDefinition"),
    other("EndpointSlice"),
    other("Lease"),
];

/// Returns whether an `apiVersion` is of the platform's jobs service.
pub(crate) fn is_of_jobs_service(api_version: &str) -> bool {
    api_version.split_once('/').is_some_and(|(group, _)| group == platform::JOBS_API_GROUP)
}
