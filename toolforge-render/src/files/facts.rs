//! What is known about a namespace for planning files.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::ReplicaSet;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::job::{JobFacts, LiveJobs};
use crate::manifest::{Manifest, ManifestKind};
use crate::namespace::{Documents, DocumentsError, Namespace};
use crate::object::{ObjectKind, split_api_version};
use crate::pod::{PodSet, PodSetKind, with_pod_sets};
use crate::web_service::WebServiceFacts;

/// The facts for a plan of files.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FilePlanFacts {
    /// The namespace and the objects of its jobs: all Deployments, CronJobs, Jobs, Services and pods.
    pub jobs: JobFacts,
    /// The live objects of the web service; its namespace is that of [`jobs`](Self::jobs). Needed only for a template.
    pub web_service: WebServiceFacts,
    /// The live objects of the manifests.
    pub live: LiveObjects,
    /// The ReplicaSets of the namespace; needed only if a quota counts them, and for paused Deployments.
    pub replica_sets: Vec<ReplicaSet>,
}

impl FilePlanFacts {
    /// Returns facts without live objects.
    #[must_use]
    pub fn new(namespace: Namespace) -> Self {
        Self {
            jobs: JobFacts::new(namespace.clone()),
            web_service: WebServiceFacts::new(namespace),
            live: LiveObjects::default(),
            replica_sets: Vec::new(),
        }
    }

    /// Returns the facts for a plan of the web service.
    #[must_use]
    pub fn for_web_service(&self) -> WebServiceFacts {
        WebServiceFacts { namespace: self.jobs.namespace.clone(), ..self.web_service.clone() }
    }

    /// Returns the facts after all terminating pods are gone.
    #[must_use]
    pub fn without_terminating_pods(self) -> Self {
        let Self { jobs, web_service, .. } = self;
        let (jobs, web_service) = (jobs.without_terminating_pods(), web_service.without_terminating_pods());
        Self { jobs, web_service, ..self }
    }
}

/// Live objects of any kind, as JSON.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LiveObjects(BTreeMap<(String, String, String), Value>);

/// A live object of any kind.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LiveObject {
    /// The API group, the current one for an old API version; empty for Kubernetes' core.
    pub group: String,
    /// The kind.
    pub kind: String,
    /// The name.
    pub name: String,
    /// The object.
    pub json: Value,
}

impl LiveObject {
    /// Returns a live object of a kind.
    #[must_use]
    pub fn new(kind: &ManifestKind, name: impl Into<String>, json: Value) -> Self {
        Self { group: group_of(kind), kind: kind.kind.clone(), name: name.into(), json }
    }

    /// Returns the live object of a manifest.
    #[must_use]
    pub fn of_manifest(manifest: &Manifest, json: Value) -> Self {
        Self::new(&manifest.kind, manifest.name.as_str(), json)
    }

    fn pod_set(&self) -> Option<PodSet> {
        PodSet::of_json(PodSetKind::find(&self.group, &self.kind)?, &self.json)
    }
}

/// Returns the API group in which the cluster has a kind.
fn group_of(kind: &ManifestKind) -> String {
    let served = kind.served_version().filter(|version| !version.is_empty());
    served.map_or_else(|| kind.group.clone(), |version| split_api_version(version).0.to_owned())
}

impl LiveObjects {
    /// Returns the live object of a manifest.
    pub(super) fn of(&self, manifest: &Manifest) -> Option<&Value> {
        let id = (group_of(&manifest.kind), manifest.kind.kind.clone(), manifest.name.clone());
        self.0.get(&id).filter(|_| !manifest.is_name_generated)
    }

    /// Returns whether an object exists.
    pub(super) fn has(&self, kind: &ManifestKind, name: &str) -> bool {
        self.0.contains_key(&(group_of(kind), kind.kind.clone(), name.to_owned()))
    }

    /// Returns the live object of a manifest, typed; `None` also if it cannot be read.
    pub(super) fn typed<T: DeserializeOwned>(&self, manifest: &Manifest) -> Option<T> {
        serde_json::from_value(self.of(manifest)?.clone()).ok()
    }
}

impl FilePlanFacts {
    /// Returns facts with the live objects of the namespace's jobs and others, and with the web service's own.
    #[must_use]
    pub fn with_live(jobs: JobFacts, others: Vec<LiveObject>) -> Self {
        let LiveJobs { deployments, cron_jobs, jobs: runs, services, http_routes, pods, .. } = &jobs.live;
        let mut live = listed(ObjectKind::Deployment, deployments);
        live.extend(listed(ObjectKind::CronJob, cron_jobs));
        live.extend(listed(ObjectKind::Job, runs));
        live.extend(listed(ObjectKind::Service, services));
        live.extend(listed(ObjectKind::HttpRoute, http_routes));
        live.extend(listed(ObjectKind::Pod, pods));
        live.extend(others);
        let mut jobs = jobs;
        jobs.live.sets = live.iter().filter_map(LiveObject::pod_set).collect();
        let limits = std::mem::take(&mut jobs.namespace.limits);
        jobs.namespace.limits = with_pod_sets(limits, &jobs.live.sets, &jobs.live.pods);
        let facts = Self::new(jobs.namespace.clone());
        Self { live: live.into_iter().collect(), jobs, ..facts }
    }
}

fn listed<T: Serialize>(kind: ObjectKind, objects: &[T]) -> Vec<LiveObject> {
    let object = |object: &T| {
        let json = serde_json::to_value(object).ok()?;
        let name = json.pointer("/metadata/name").and_then(Value::as_str)?.to_owned();
        Some(LiveObject { group: kind.group().to_owned(), kind: kind.as_str().to_owned(), name, json })
    };
    objects.iter().filter_map(object).collect()
}

impl FromIterator<LiveObject> for LiveObjects {
    fn from_iter<I: IntoIterator<Item = LiveObject>>(objects: I) -> Self {
        let entry = |LiveObject { group, kind, name, json }: LiveObject| ((group, kind, name), json);
        Self(objects.into_iter().map(entry).collect())
    }
}

impl Documents {
    /// Returns the facts for a plan of files: `facts`, which [`namespace`](Self::namespace) returned, and the live objects.
    ///
    /// # Errors
    /// When an object lacks required fields.
    pub fn file_facts(&self, facts: Namespace) -> Result<FilePlanFacts, DocumentsError> {
        let namespace = facts.tool.namespace();
        let live =
            self.objects_of(&namespace).map(|(kind, name, json)| LiveObject::new(&kind, name, json.clone()));
        Ok(FilePlanFacts {
            live: live.collect(),
            replica_sets: self.all_of_kind("ReplicaSet", &namespace)?,
            web_service: self.web_service_facts(facts.clone())?,
            jobs: self.job_facts(facts)?,
        })
    }
}
