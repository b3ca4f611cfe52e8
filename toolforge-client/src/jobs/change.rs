//! Making, replacing and removing a job's objects.

use std::collections::BTreeSet;
use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt as _;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{DeleteParams, PostParams, Preconditions};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use tokio::time::timeout;
use toolforge_model::{JobName, ToolName};
use toolforge_render::job::{JobManifest, JobManifests, LiveJob, RecordedJob};

use crate::jobs::fetch::record_type;
use crate::jobs::object::JobObject;
use crate::{
    Client, Collection, Error, LogOwner, LogTarget, ObjectPath, StatusKind, WatchEvent, WatchOptions,
};

/// An object of which only the metadata is of interest.
#[derive(Deserialize)]
struct Standing {
    metadata: ObjectMeta,
}

/// How often a replacement is tried again where only a status has changed.
const REPLACE_TRIES: u32 = 5;

impl Client {
    /// Makes the objects of a job that does not exist yet. Where one of them cannot be made, those that were are removed
    /// again, so that nothing half-made stands.
    ///
    /// # Errors
    /// As every creation.
    pub async fn create_job(
        &self,
        tool: &ToolName,
        manifests: &JobManifests,
        params: &PostParams,
    ) -> Result<(), Error> {
        let mut made: Vec<ObjectPath> = Vec::new();
        for manifest in manifests.objects() {
            let collection = JobObject::of_manifest(&manifest).of(tool);
            let path = collection.clone().named(manifests.name.as_str());
            let created = self.create_one(&collection, &path, &manifest, params).await;
            if let Err(error) = created {
                for path in made.into_iter().rev().filter(|_| !params.dry_run) {
                    // What cannot be removed either is found by the next look at the job.
                    drop(self.delete(&path, &DeleteParams::background()).await);
                }
                return Err(error);
            }
            made.extend(matches!(created, Ok(true)).then_some(path));
        }
        Ok(())
    }

    /// Makes one object and returns whether it is new. An address may be left of a job whose pods somebody deleted by hand;
    /// a creation would not tell, for where the quota counts the old one, it has no room for the new one.
    async fn create_one(
        &self,
        collection: &Collection,
        path: &ObjectPath,
        manifest: &JobManifest<'_>,
        params: &PostParams,
    ) -> Result<bool, Error> {
        let mut json = manifest.to_json();
        if matches!(manifest, JobManifest::Service(_) | JobManifest::HttpRoute(_))
            && let Some(left) = self.get_opt::<Standing>(path).await?
        {
            self.replace_seen(path, &mut json, &left.metadata, params).await?;
            return Ok(false);
        }
        let _: IgnoredAny = self.create(collection, &json, params).await?;
        Ok(true)
    }

    /// Replaces the objects of a live job by others of the same kinds: as a whole, so that nothing of the old ones
    /// stays, and only where they are as they were seen.
    ///
    /// The Service is replaced before the pods are, and an address that is no longer wanted goes last.
    ///
    /// # Errors
    /// As every write; a [`Conflict`](crate::StatusKind::Conflict) where somebody else has changed an object.
    pub async fn replace_job(
        &self,
        tool: &ToolName,
        live: &LiveJob,
        manifests: &JobManifests,
        params: &PostParams,
    ) -> Result<(), Error> {
        let mut objects: Vec<JobManifest<'_>> = manifests.objects().collect();
        objects.reverse();
        for manifest in objects {
            let kind = JobObject::of_manifest(&manifest);
            let standing = match kind {
                JobObject::Job | JobObject::CronJob | JobObject::Deployment => Some(live.workload.metadata()),
                JobObject::Service => live.service.as_ref().map(|object| &object.metadata),
                JobObject::HttpRoute => live.http_route.as_ref().map(|object| &object.metadata),
            };
            let collection = kind.of(tool);
            let mut json = manifest.to_json();
            let _: IgnoredAny = match standing {
                None => self.create(&collection, &json, params).await?,
                Some(standing) => {
                    let path = collection.named(manifests.name.as_str());
                    self.replace_seen(&path, &mut json, standing, params).await?
                }
            };
        }
        let obsolete = [
            (
                JobObject::HttpRoute,
                live.http_route.as_ref().map(|object| &object.metadata),
                manifests.http_route.is_none(),
            ),
            (
                JobObject::Service,
                live.service.as_ref().map(|object| &object.metadata),
                manifests.service.is_none(),
            ),
        ];
        for (kind, metadata, goes) in obsolete {
            if let Some(metadata) = metadata.filter(|_| goes) {
                self.delete_one(tool, kind, metadata, params.dry_run).await?;
            }
        }
        Ok(())
    }

    /// Replaces an object that is still as it was seen. A status that has changed since, as a controller changes it at any
    /// moment, is no change of what somebody wants.
    async fn replace_seen(
        &self,
        path: &ObjectPath,
        json: &mut Value,
        standing: &ObjectMeta,
        params: &PostParams,
    ) -> Result<IgnoredAny, Error> {
        let mut version = standing.clone();
        for _ in 0..REPLACE_TRIES {
            keep_what_is_the_servers(json, &version);
            match self.replace(path, json, params).await {
                Err(error)
                    if error.api_status().is_some_and(|refusal| *refusal.kind() == StatusKind::Conflict) =>
                {
                    let found: Standing = self.get(path).await?;
                    let same = found.metadata.uid == standing.uid
                        && standing.generation.is_some()
                        && found.metadata.generation == standing.generation
                        && own_annotations(&found.metadata) == own_annotations(standing);
                    if !same {
                        return Err(error);
                    }
                    version = found.metadata;
                }
                replaced => return replaced,
            }
        }
        keep_what_is_the_servers(json, &version);
        self.replace(path, json, params).await
    }

    /// Deletes the objects of a live job, its pods with them: routes first, so that no request is led to what is gone.
    ///
    /// # Errors
    /// As every deletion; that an object is gone already is none.
    pub async fn delete_job(&self, tool: &ToolName, live: &LiveJob, dry_run: bool) -> Result<(), Error> {
        let objects = [
            (JobObject::HttpRoute, live.http_route.as_ref().map(|object| &object.metadata)),
            (JobObject::Service, live.service.as_ref().map(|object| &object.metadata)),
            (JobObject::of_live(&live.workload), Some(live.workload.metadata())),
        ];
        for (kind, metadata) in objects {
            if let Some(metadata) = metadata {
                self.delete_one(tool, kind, metadata, dry_run).await?;
            }
        }
        Ok(())
    }

    async fn delete_one(
        &self,
        tool: &ToolName,
        kind: JobObject,
        metadata: &ObjectMeta,
        dry_run: bool,
    ) -> Result<(), Error> {
        let path = kind.of(tool).named(metadata.name.clone().unwrap_or_default());
        // The server's own choice for a Job is to leave its pods behind.
        let params = DeleteParams { dry_run, ..DeleteParams::background() };
        let preconditions = Preconditions { uid: metadata.uid.clone(), ..Preconditions::default() };
        self.delete(&path, &params.preconditions(preconditions)).await.map(drop)
    }

    /// Removes the record that the platform's jobs service keeps of a job; the job's objects stay.
    ///
    /// # Errors
    /// As every deletion; that the record is gone already is none.
    pub async fn delete_job_record(
        &self,
        tool: &ToolName,
        name: &JobName,
        record: RecordedJob,
        dry_run: bool,
    ) -> Result<(), Error> {
        let path = record_type(record).in_namespace(tool.namespace()).named(name.as_str());
        self.delete(&path, &DeleteParams { dry_run, ..DeleteParams::default() }).await.map(drop)
    }

    /// Waits until a job has no pods any more; returns whether it came to that before the deadline.
    ///
    /// # Errors
    /// When the pods cannot be listed, or the cluster is away for longer than a watch bears.
    pub async fn wait_pods_gone(
        &self,
        tool: &ToolName,
        name: &JobName,
        deadline: Duration,
    ) -> Result<bool, Error> {
        let subject = LogTarget::job(tool, name.as_str(), LogOwner::Job);
        let mut changes =
            pin!(self.watch::<Pod>(subject.collection(), subject.list_params(), WatchOptions::default()));
        let uid = |pod: &Pod| pod.metadata.uid.clone().unwrap_or_default();
        let following = async {
            let mut pods = BTreeSet::new();
            while let Some(change) = changes.next().await {
                match change? {
                    WatchEvent::Init(found) => pods = found.iter().map(uid).collect(),
                    WatchEvent::Apply(pod) => drop(pods.insert(uid(&pod))),
                    WatchEvent::Delete(pod) => drop(pods.remove(&uid(&pod))),
                }
                if pods.is_empty() {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        timeout(deadline, following).await.unwrap_or(Ok(false))
    }
}

/// Returns the annotations but for those of the Deployment's controller.
fn own_annotations(metadata: &ObjectMeta) -> Vec<(&String, &String)> {
    let all = metadata.annotations.iter().flatten();
    all.filter(|(key, _)| !key.starts_with("deployment.kubernetes.io/")).collect()
}

/// Takes over what the server refuses to lose: the version that was seen, and what it has added to the metadata that
/// other programs rely on.
fn keep_what_is_the_servers(json: &mut Value, standing: &ObjectMeta) {
    if let Some(metadata) = json.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.insert("resourceVersion".to_owned(), json!(standing.resource_version));
        if let Some(finalizers) = &standing.finalizers {
            metadata.insert("finalizers".to_owned(), json!(finalizers));
        }
    }
}
