//! Fetching the live objects of manifests.

use futures_util::future::try_join_all;
use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::api::ListParams;
use serde_json::Value;
use toolforge_model::ToolName;
use toolforge_render::files::LiveObject;
use toolforge_render::manifest::{Manifest, ManifestKind};
use toolforge_render::object::ObjectKind;

use crate::{Client, Error, ResourceType};

/// How many objects are requested at the same time.
const CONCURRENT: usize = 16;

impl Client {
    /// Fetches the live objects of manifests in a tool's namespace: one request for each object whose kind is neither
    /// among those that [`fetch_jobs`](Self::fetch_jobs) lists nor unknown. Data of Secrets and ConfigMaps is dropped.
    ///
    /// Where a StatefulSet has templates of claims, all claims are listed, too. An object that does not exist, or that the tool may not read, is left out. All requests have one time limit
    /// [together](Self::sharing_read_time).
    ///
    /// # Errors
    /// The first error of any request.
    pub async fn fetch_manifest_objects(
        &self,
        tool: &ToolName,
        manifests: &[&Manifest],
    ) -> Result<Vec<LiveObject>, Error> {
        let client = &self.sharing_read_time();
        let wanted: Vec<(&Manifest, ResourceType)> = manifests
            .iter()
            .filter(|manifest| !manifest.is_name_generated)
            .filter_map(|manifest| Some((*manifest, resource_of(&manifest.kind)?)))
            .collect();
        let mut found = Vec::new();
        for some in wanted.chunks(CONCURRENT) {
            let requests = some.iter().map(|(manifest, resource)| async {
                let path = resource.in_namespace(tool.namespace()).named(manifest.name.as_str());
                match client.get_opt::<Value>(&path).await {
                    Err(error) if error.is_forbidden() => Ok(None),
                    answer => Ok::<_, Error>(
                        answer?.map(|json| LiveObject::of_manifest(manifest, without_data(json))),
                    ),
                }
            });
            found.extend(try_join_all(requests).await?.into_iter().flatten());
        }
        if manifests.iter().any(|manifest| has_claims(manifest)) {
            found.extend(client.fetch_claims(tool).await?);
        }
        Ok(found)
    }

    /// Fetches the names of all PersistentVolumeClaims, if the tool may read them.
    async fn fetch_claims(&self, tool: &ToolName) -> Result<Vec<LiveObject>, Error> {
        let collection = ResourceType::of::<PersistentVolumeClaim>().in_namespace(tool.namespace());
        let claims: Vec<PersistentVolumeClaim> = match self.items(collection, ListParams::default()).await {
            Err(error) if error.is_forbidden() => Vec::new(),
            claims => claims?,
        };
        let kind = ManifestKind::new("v1", "PersistentVolumeClaim");
        let names = claims.into_iter().filter_map(|claim| claim.metadata.name);
        Ok(names.map(|name| LiveObject::new(&kind, name, Value::Null)).collect())
    }
}

impl Client {
    /// Fetches all ReplicaSets of a tool's namespace, which matter where a quota counts them.
    ///
    /// # Errors
    /// Those of every request.
    pub async fn fetch_replica_sets(&self, tool: &ToolName) -> Result<Vec<ReplicaSet>, Error> {
        let collection = ResourceType::of::<ReplicaSet>().in_namespace(tool.namespace());
        self.items(collection, ListParams::default()).await
    }
}

/// Returns whether a StatefulSet creates claims for its pods.
fn has_claims(manifest: &Manifest) -> bool {
    let json = manifest.to_json();
    let templates = json.pointer("/spec/volumeClaimTemplates").and_then(Value::as_array);
    manifest.kind.kind == "StatefulSet" && templates.is_some_and(|templates| !templates.is_empty())
}

fn without_data(mut json: Value) -> Value {
    if let Some(fields) = json.as_object_mut() {
        for field in ["data", "stringData", "binaryData"] {
            fields.remove(field);
        }
    }
    json
}

/// Returns the resource of a kind that is fetched by name.
fn resource_of(kind: &ManifestKind) -> Option<ResourceType> {
    let known = kind.known().filter(|known| known.is_namespaced())?;
    let mut kinds = ObjectKind::ALL.iter().copied();
    match kinds.find(|kind| kind.known() == known) {
        None | Some(ObjectKind::Ingress | ObjectKind::HttpRoute) => Some(ResourceType::of_known(known)),
        Some(_) => None,
    }
}
