use std::fmt;

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod, PodSpec, ReplicationController, Service};
use serde::de::DeserializeOwned;
use serde_json::Value;
use toolforge_model::yaml::YamlNode;
use toolforge_model::{Location, Untrusted};
use toolforge_quota::ObjectName;

use crate::manifest::ManifestKind;
use crate::manifest::deserialize::deserialize;
use crate::object::{
    cron_job_spec, daemon_set_spec, deployment_spec, is_paused, replica_set_spec, stateful_set_spec,
};

/// An object of a manifest.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Manifest {
    /// Its kind.
    pub kind: ManifestKind,
    /// Its name; only the beginning if the API server completes the name (`generateName`).
    pub name: String,
    /// Whether the API server completes the name, so every application creates another object.
    pub is_name_generated: bool,
    /// Where it begins in its file.
    pub location: Location,
    /// Its content, with the location of every field.
    pub node: YamlNode,
    /// Its content, by kind.
    pub object: ManifestObject,
}

/// The content of an object for which quotas count more than its existence.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ManifestObject {
    /// A Deployment.
    Deployment(Box<Deployment>),
    /// A ReplicaSet.
    ReplicaSet(Box<ReplicaSet>),
    /// A StatefulSet.
    StatefulSet(Box<StatefulSet>),
    /// A DaemonSet.
    DaemonSet(Box<DaemonSet>),
    /// A replication controller.
    ReplicationController(Box<ReplicationController>),
    /// A Job.
    Job(Box<Job>),
    /// A CronJob.
    CronJob(Box<CronJob>),
    /// A Pod.
    Pod(Box<Pod>),
    /// A Service.
    Service(Box<Service>),
    /// A PersistentVolumeClaim.
    PersistentVolumeClaim(Box<PersistentVolumeClaim>),
    /// Another kind whose objects quotas count.
    Other,
}

impl ManifestObject {
    /// Returns whether it is a Deployment whose rollouts are paused.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        matches!(self, Self::Deployment(found) if is_paused(found))
    }

    /// Returns the spec of the pods that the object creates, or of the pod that it is.
    #[must_use]
    pub fn pod_spec(&self) -> Option<&PodSpec> {
        match self {
            Self::Deployment(found) => deployment_spec(found)?.template.spec.as_ref(),
            Self::ReplicaSet(found) => replica_set_spec(found)?.template.as_ref()?.spec.as_ref(),
            Self::StatefulSet(found) => stateful_set_spec(found)?.template.spec.as_ref(),
            Self::DaemonSet(found) => daemon_set_spec(found)?.template.spec.as_ref(),
            Self::ReplicationController(found) => found.spec.as_ref()?.template.as_ref()?.spec.as_ref(),
            Self::Job(found) => found.spec.as_ref()?.template.spec.as_ref(),
            Self::CronJob(found) => cron_job_spec(found)?.job_template.spec.as_ref()?.template.spec.as_ref(),
            Self::Pod(found) => found.spec.as_ref(),
            Self::Service(_) | Self::PersistentVolumeClaim(_) | Self::Other => None,
        }
    }

    /// Returns whether the object creates pods, or is one.
    #[must_use]
    pub fn has_pods(&self) -> bool {
        !matches!(self, Self::Service(_) | Self::PersistentVolumeClaim(_) | Self::Other)
    }
}

impl ManifestObject {
    /// Returns the object as JSON; `None` for kinds that are not typed.
    pub(crate) fn to_json(&self) -> Option<Value> {
        let json = match self {
            Self::Deployment(found) => serde_json::to_value(found),
            Self::ReplicaSet(found) => serde_json::to_value(found),
            Self::StatefulSet(found) => serde_json::to_value(found),
            Self::DaemonSet(found) => serde_json::to_value(found),
            Self::ReplicationController(found) => serde_json::to_value(found),
            Self::Job(found) => serde_json::to_value(found),
            Self::CronJob(found) => serde_json::to_value(found),
            Self::Pod(found) => serde_json::to_value(found),
            Self::Service(found) => serde_json::to_value(found),
            Self::PersistentVolumeClaim(found) => serde_json::to_value(found),
            Self::Other => return None,
        };
        Some(json.unwrap_or_default())
    }

    /// Returns an object of the same kind from JSON; `None` if it cannot be read, and for kinds that are not typed.
    pub(crate) fn of_same_kind(&self, json: &Value) -> Option<Self> {
        fn typed<T: DeserializeOwned>(json: &Value) -> Option<T> {
            T::deserialize(json).ok()
        }
        Some(match self {
            Self::Deployment(_) => Self::Deployment(typed(json)?),
            Self::ReplicaSet(_) => Self::ReplicaSet(typed(json)?),
            Self::StatefulSet(_) => Self::StatefulSet(typed(json)?),
            Self::DaemonSet(_) => Self::DaemonSet(typed(json)?),
            Self::ReplicationController(_) => Self::ReplicationController(typed(json)?),
            Self::Job(_) => Self::Job(typed(json)?),
            Self::CronJob(_) => Self::CronJob(typed(json)?),
            Self::Pod(_) => Self::Pod(typed(json)?),
            Self::Service(_) => Self::Service(typed(json)?),
            Self::PersistentVolumeClaim(_) => Self::PersistentVolumeClaim(typed(json)?),
            Self::Other => return None,
        })
    }
}

impl Manifest {
    /// Returns the object as JSON; fields of its kind are typed, so quantities are text.
    #[must_use]
    pub fn to_json(&self) -> Value {
        self.object.to_json().unwrap_or_else(|| deserialize(&self.node).unwrap_or_default())
    }

    /// Returns what the manifest states as JSON: unlike [`to_json`](Self::to_json), with each `null` and without empty values of
    /// fields that it does not have.
    pub(crate) fn stated(&self) -> Value {
        let mut json = self.to_json();
        if let Ok(written) = deserialize(&self.node) {
            state_as(&mut json, &written);
        }
        json
    }
}

/// Replaces the values of a typed object with the written ones. Values that were set since are kept.
fn state_as(object: &mut Value, written: &Value) {
    match (object, written) {
        (Value::Object(fields), Value::Object(written)) => {
            fields.retain(|field, value| written.contains_key(field) || !is_empty(value));
            for (field, written) in written {
                match fields.get_mut(field) {
                    // An amount without a value is read as zero.
                    Some(value) if written.is_null() && *value == "0" => *value = Value::Null,
                    Some(value) => state_as(value, written),
                    None if written.is_null() => {
                        fields.insert(field.clone(), Value::Null);
                    }
                    None => {}
                }
            }
        }
        (Value::Array(items), Value::Array(written)) if items.len() == written.len() => {
            items.iter_mut().zip(written).for_each(|(item, written)| state_as(item, written));
        }
        _ => {}
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.values().all(is_empty),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

impl Manifest {
    /// Returns the kind and the name of the object, and the group of a custom kind.
    #[must_use]
    pub fn object_name(&self) -> ObjectName {
        let ManifestKind { group, kind, .. } = &self.kind;
        let group = if self.kind.known().is_some() { "" } else { group.as_str() };
        ObjectName { group: group.to_owned(), ..ObjectName::new(kind.as_str(), self.name.as_str()) }
    }
}

impl fmt::Display for Manifest {
    /// Writes the kind and the name: `Deployment web`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, Untrusted::new(self.name.as_str()).escaped())
    }
}
