//! The kinds of objects that web services and jobs consist of, and one type for all of them.

use std::fmt;
use std::str::FromStr;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::{PodTemplateSpec, Service};
use k8s_openapi::api::networking::v1::Ingress;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use toolforge_model::yaml;
use toolforge_quota::ObjectName;

use crate::object::{HttpRoute, KnownKind, cron_job_spec, deployment_spec};

/// A kind of object that a web service or a job consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ObjectKind {
    /// A Deployment of `apps/v1`.
    Deployment,
    /// A CronJob of `batch/v1`.
    CronJob,
    /// A Job of `batch/v1`.
    Job,
    /// A Service of `v1`.
    Service,
    /// A Pod of `v1`.
    Pod,
    /// An Ingress of `networking.k8s.io/v1`.
    Ingress,
    /// An HTTPRoute of `gateway.networking.k8s.io/v1`.
    HttpRoute,
    /// The record of a continuous job in the platform's jobs service (jobs-api, since June 2026).
    ContinuousJobRecord,
    /// The record of a scheduled job in the platform's jobs service (jobs-api, since June 2026).
    ScheduledJobRecord,
}

impl ObjectKind {
    /// Every kind.
    pub const ALL: &'static [Self] = &[
        Self::Deployment,
        Self::CronJob,
        Self::Job,
        Self::Service,
        Self::Pod,
        Self::Ingress,
        Self::HttpRoute,
        Self::ContinuousJobRecord,
        Self::ScheduledJobRecord,
    ];

    /// Returns the kind as the API spells it: `HTTPRoute`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deployment => "Deployment",
            Self::CronJob => "CronJob",
            Self::Job => "Job",
            Self::Service => "Service",
            Self::Pod => "Pod",
            Self::Ingress => "Ingress",
            Self::HttpRoute => "HTTPRoute",
            Self::ContinuousJobRecord => "ContinuousJob",
            Self::ScheduledJobRecord => "ScheduledJob",
        }
    }

    /// Returns whether an object is of the kind.
    pub(crate) fn is_of(self, object: &ObjectName) -> bool {
        object.group.is_empty() && object.kind == self.as_str()
    }

    /// Returns what is known about the kind.
    #[must_use]
    pub fn known(self) -> &'static KnownKind {
        KnownKind::named(self.as_str()).expect("the table has each of these kinds")
    }

    /// Returns the API group; empty for the core group.
    #[must_use]
    pub fn group(self) -> &'static str {
        self.known().group()
    }

    /// Returns the version of the API, like `v1`.
    #[must_use]
    pub fn version(self) -> &'static str {
        self.known().version()
    }

    /// Returns the `apiVersion`: `apps/v1`, or `v1` for the core group.
    #[must_use]
    pub fn api_version(self) -> &'static str {
        self.known().api_version
    }

    /// Returns the resource's plural name in request paths.
    #[must_use]
    pub fn plural(self) -> &'static str {
        self.known().plural()
    }
}

impl fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// An unknown kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown kind; known kinds are {}", ObjectKind::ALL.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", "))]
pub struct UnknownKindError;

impl FromStr for ObjectKind {
    type Err = UnknownKindError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == text).ok_or(UnknownKindError)
    }
}

impl Serialize for ObjectKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A Kubernetes object, rendered or live.
#[derive(Clone, Debug, PartialEq)]
pub enum Object {
    /// Keeps the pods of a web service or a continuous job running.
    Deployment(Box<Deployment>),
    /// Runs a scheduled job.
    CronJob(Box<CronJob>),
    /// Runs a one-off job, or one run of a scheduled job.
    Job(Box<Job>),
    /// The address of pods inside the cluster.
    Service(Box<Service>),
    /// An address outside the cluster.
    Ingress(Box<Ingress>),
    /// An address outside the cluster.
    HttpRoute(Box<HttpRoute>),
}

macro_rules! for_each_kind {
    ($object:expr, $found:ident => $result:expr) => {
        match $object {
            Object::Deployment($found) => $result,
            Object::CronJob($found) => $result,
            Object::Job($found) => $result,
            Object::Service($found) => $result,
            Object::Ingress($found) => $result,
            Object::HttpRoute($found) => $result,
        }
    };
}

macro_rules! from_kind {
    ($($kind:ident),+) => {$(
        impl From<$kind> for Object {
            fn from(object: $kind) -> Self {
                Self::$kind(Box::new(object))
            }
        }
    )+};
}

from_kind!(Deployment, CronJob, Job, Service, Ingress, HttpRoute);

impl Object {
    /// Returns the object's kind.
    #[must_use]
    pub fn kind(&self) -> ObjectKind {
        match self {
            Self::Deployment(_) => ObjectKind::Deployment,
            Self::CronJob(_) => ObjectKind::CronJob,
            Self::Job(_) => ObjectKind::Job,
            Self::Service(_) => ObjectKind::Service,
            Self::Ingress(_) => ObjectKind::Ingress,
            Self::HttpRoute(_) => ObjectKind::HttpRoute,
        }
    }

    /// Returns the object's metadata.
    #[must_use]
    pub fn metadata(&self) -> &ObjectMeta {
        for_each_kind!(self, object => &object.metadata)
    }

    /// Returns the object's name; empty if it has none.
    #[must_use]
    pub fn name(&self) -> &str {
        self.metadata().name.as_deref().unwrap_or_default()
    }

    /// Returns the kind and the name.
    #[must_use]
    pub fn id(&self) -> ObjectId {
        ObjectId::new(self.kind(), self.name())
    }

    /// Returns the template of the pods that the object creates.
    pub(crate) fn pod_template(&self) -> Option<&PodTemplateSpec> {
        match self {
            Self::Deployment(deployment) => deployment_spec(deployment).map(|spec| &spec.template),
            Self::CronJob(cron_job) => {
                cron_job_spec(cron_job)?.job_template.spec.as_ref().map(|spec| &spec.template)
            }
            Self::Job(job) => job.spec.as_ref().map(|spec| &spec.template),
            Self::Service(_) | Self::Ingress(_) | Self::HttpRoute(_) => None,
        }
    }

    /// Returns the object as JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        serde_json::to_value(self)
            .expect("a Kubernetes object has text keys and whole numbers, which JSON can hold")
    }

    /// Returns the object as a YAML document that begins with `---`, so documents can be concatenated.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        let text = for_each_kind!(self, object => yaml::to_text(&**object));
        let text = text.expect("a Kubernetes object has text keys and whole numbers, which YAML can hold");
        format!("---\n{text}")
    }
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        for_each_kind!(self, object => object.serialize(serializer))
    }
}

/// Returns objects as YAML documents, each of which begins with `---`.
pub fn to_yaml<'a>(objects: impl IntoIterator<Item = &'a Object>) -> String {
    objects.into_iter().map(Object::to_yaml).collect()
}

/// Returns objects as one `v1` `List`.
pub fn to_json_list<'a>(objects: impl IntoIterator<Item = &'a Object>) -> Value {
    let items: Vec<Value> = objects.into_iter().map(Object::to_json).collect();
    json!({"apiVersion": "v1", "kind": "List", "items": items})
}

/// The kind and the name of an object in a tool's namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct ObjectId {
    /// The kind.
    pub kind: ObjectKind,
    /// The name.
    pub name: String,
}

impl ObjectId {
    /// Returns the id of an object.
    #[must_use]
    pub fn new(kind: ObjectKind, name: impl Into<String>) -> Self {
        Self { kind, name: name.into() }
    }
}

impl From<ObjectId> for ObjectName {
    fn from(id: ObjectId) -> Self {
        Self::new(id.kind.as_str(), id.name)
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, toolforge_model::Untrusted::new(self.name.as_str()).escaped())
    }
}
