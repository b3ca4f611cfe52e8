//! Writing objects only if nobody else has changed them since they were seen.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{Patch, PatchParams, PostParams};
use serde::Deserialize;
use serde_json::{Value, json};
use toolforge_render::object::is_controller_annotation;

use crate::{ApiStatus, Client, Error, ObjectPath, StatusKind};

/// How often a write is tried again if only the status has changed.
const TRIES: u32 = 5;

/// A stored object; only its metadata is read.
#[derive(Default, Deserialize)]
pub(crate) struct Stored {
    #[serde(default)]
    pub(crate) metadata: ObjectMeta,
}

impl Client {
    /// Replaces an object that has not been changed since it was seen, and returns the stored object; `None` if it has
    /// been changed or deleted. A change of its status, which controllers make at any time, does not count.
    pub(crate) async fn replace_seen(
        &self,
        path: &ObjectPath,
        mut document: Value,
        seen: &ObjectMeta,
        params: &PostParams,
    ) -> Result<Option<Stored>, Error> {
        self.write_seen(path, seen, async |version| {
            keep_server_fields(&mut document, version);
            self.replace(path, &document, params).await
        })
        .await
    }

    /// Patches an object that has not been changed since it was seen, as [`replace_seen`](Self::replace_seen) replaces it.
    pub(crate) async fn patch_seen(
        &self,
        path: &ObjectPath,
        mut patch: Patch<Value>,
        seen: &ObjectMeta,
        params: &PatchParams,
    ) -> Result<Option<Stored>, Error> {
        self.write_seen(path, seen, async |version| {
            let (Patch::Apply(document) | Patch::Strategic(document)) = &mut patch else {
                return self.patch(path, &patch, params).await;
            };
            if let Some(metadata) = document.get_mut("metadata").and_then(Value::as_object_mut) {
                metadata.insert("uid".to_owned(), json!(version.uid));
                metadata.insert("resourceVersion".to_owned(), json!(version.resource_version));
            }
            self.patch(path, &patch, params).await
        })
        .await
    }

    async fn write_seen(
        &self,
        path: &ObjectPath,
        seen: &ObjectMeta,
        mut write: impl AsyncFnMut(&ObjectMeta) -> Result<Stored, Error>,
    ) -> Result<Option<Stored>, Error> {
        let mut version = seen.clone();
        let mut tries = 0;
        loop {
            let error = match write(&version).await {
                Ok(stored) => return Ok(Some(stored)),
                Err(error) => error,
            };
            tries += 1;
            let kind = error.api_status().map(ApiStatus::kind);
            if kind == Some(&StatusKind::NotFound) {
                return Ok(None);
            }
            if kind != Some(&StatusKind::Conflict) || tries > TRIES {
                return Err(error);
            }
            match self.get_opt::<Stored>(path).await? {
                Some(Stored { metadata: found }) if is_same(&found, seen) => version = found,
                _ => return Ok(None),
            }
        }
    }
}

/// Returns whether nobody has changed the spec of an object since it was seen; an object without a generation counts as
/// changed.
fn is_same(found: &ObjectMeta, seen: &ObjectMeta) -> bool {
    found.uid == seen.uid
        && seen.generation.is_some()
        && found.generation == seen.generation
        && found.deletion_timestamp == seen.deletion_timestamp
        && own_annotations(found) == own_annotations(seen)
}

/// Returns the annotations without those of the Deployment's controller.
fn own_annotations(metadata: &ObjectMeta) -> Vec<(&String, &String)> {
    let all = metadata.annotations.iter().flatten();
    all.filter(|(key, _)| !is_controller_annotation(key)).collect()
}

/// Copies metadata that a replacement must keep: the resource version that was seen, and finalizers, on which other
/// programs rely.
fn keep_server_fields(document: &mut Value, seen: &ObjectMeta) {
    if let Some(metadata) = document.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.insert("resourceVersion".to_owned(), json!(seen.resource_version));
        if let Some(finalizers) = &seen.finalizers {
            metadata.insert("finalizers".to_owned(), json!(finalizers));
        }
    }
}
