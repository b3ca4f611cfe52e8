//! Fetching the facts for a plan of files, with the live objects of manifests.

use futures_util::future::try_join_all;
use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec, ReplicaSet};
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::api::ListParams;
use serde_json::Value;
use toolforge_images::Catalog;
use toolforge_model::ToolName;
use toolforge_render::files::{FileContents, FilePlanFacts, LiveObject};
use toolforge_render::manifest::{Manifest, ManifestKind, ManifestObject};
use toolforge_render::namespace::Namespace;
use toolforge_render::object::ObjectKind;

use crate::facts::{FactsError, NamespaceFetchOptions, host_namespace, when};
use crate::jobs::{FetchedJobs, JobFetchOptions};
use crate::web_service::{FetchedWebService, WebServiceFetchOptions, counts_replica_sets};
use crate::{Client, Error, ResourceType};

/// How many objects are requested at the same time.
const CONCURRENT: usize = 16;

/// The facts that a plan of files needs.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct FileFetchOptions<'a> {
    /// The image catalog.
    pub catalog: bool,
    /// The records of the platform's jobs service.
    pub records: bool,
    /// The web service's own objects.
    pub web_service: bool,
    /// The namespace's events.
    pub events: bool,
    /// Objects whose existence matters.
    pub manifests: &'a [&'a Manifest],
}

impl<'a> FileFetchOptions<'a> {
    /// Returns the options for these files; `manifests` are all of theirs.
    #[must_use]
    pub fn for_files(files: &[FileContents], manifests: &'a [&'a Manifest]) -> Self {
        let web_service = files.iter().any(|contents| !contents.templates.is_empty());
        let records = files.iter().any(|contents| !contents.jobs.is_empty());
        Self { catalog: records || web_service, records, web_service, events: false, manifests }
    }
}

/// Fetched objects for a plan of files; those that were not requested or do not exist are `None` or empty.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct FetchedFileFacts {
    /// The facts of the namespace and its jobs.
    pub jobs: FetchedJobs,
    /// The live objects of the manifests.
    pub objects: Vec<LiveObject>,
    /// The ReplicaSets, if a quota counts them or a Deployment of a manifest is paused, or the live one.
    pub replica_sets: Vec<ReplicaSet>,
    /// The web service's own objects.
    pub web_service: Option<FetchedWebService>,
}

impl FetchedFileFacts {
    /// Returns the facts: `namespace` with the fetched limits, and the live objects.
    #[must_use]
    pub fn facts(self, namespace: Namespace) -> FilePlanFacts {
        let Self { jobs, objects, replica_sets, web_service } = self;
        let mut facts = FilePlanFacts::with_live(jobs.facts(namespace), objects);
        facts.replica_sets = replica_sets;
        if let Some(found) = web_service {
            facts.web_service = found.facts(facts.jobs.namespace.clone());
        }
        facts
    }
}

impl Client {
    /// Returns the facts for a plan of files: those of the namespace, and the live objects that the files need.
    ///
    /// # Errors
    /// Same as for [`Client::facts`].
    pub async fn file_facts(
        &self,
        tool: &ToolName,
        files: &[FileContents],
    ) -> Result<FilePlanFacts, FactsError> {
        let manifests: Vec<&Manifest> = files.iter().flat_map(|contents| &contents.manifests).collect();
        let options = FileFetchOptions::for_files(files, &manifests);
        let fetched = self.fetch_file_facts(tool, options).await?;
        let catalog = if options.catalog { fetched.jobs.namespace.catalog()? } else { Catalog::default() };
        Ok(fetched.facts(host_namespace(tool, catalog)?))
    }

    /// Fetches the facts for a plan of files.
    ///
    /// # Errors
    /// The first error of any request. Missing objects are not errors.
    pub async fn fetch_file_facts(
        &self,
        tool: &ToolName,
        options: FileFetchOptions<'_>,
    ) -> Result<FetchedFileFacts, Error> {
        let FileFetchOptions { catalog, records, web_service, events, manifests } = options;
        let namespace = NamespaceFetchOptions { catalog, ..NamespaceFetchOptions::limits() };
        let needs_services = !manifests.is_empty();
        let wanted =
            JobFetchOptions { namespace, records, events, needs_services, ..JobFetchOptions::for_plan() };
        let jobs = self.fetch_jobs(tool, wanted).await?;
        let objects = self.fetch_manifest_objects(tool, manifests).await?;
        let wanted = WebServiceFetchOptions {
            namespace: NamespaceFetchOptions::default(),
            unsettled: false,
            ..WebServiceFetchOptions::for_plan()
        };
        let web_service = when(web_service, self.fetch_web_service(tool, wanted)).await?;
        let is_counted = !manifests.is_empty() && jobs.namespace.quotas().iter().any(counts_replica_sets);
        let needs_sets = is_counted || has_paused(manifests, &jobs.live.deployments);
        let replica_sets = when(needs_sets, self.fetch_replica_sets(tool)).await?.unwrap_or_default();
        Ok(FetchedFileFacts { jobs, objects, replica_sets, web_service })
    }

    /// Fetches the live objects of manifests in a tool's namespace: one request for each object whose kind is neither
    /// among those that [`fetch_jobs`](Self::fetch_jobs) lists nor unknown. Data of Secrets and ConfigMaps is dropped.
    ///
    /// If a StatefulSet has claim templates, all claims are also listed. An object that does not exist, or that the tool may
    /// not read, is left out. All requests [share one time limit](Self::sharing_read_time).
    ///
    /// # Errors
    /// The first error of any request.
    async fn fetch_manifest_objects(
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
        let has_live_claims = found.iter().any(|object| has_claims(&object.json));
        if has_live_claims || manifests.iter().any(|manifest| has_claims(&manifest.to_json())) {
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
    /// Fetches all ReplicaSets of a tool's namespace.
    async fn fetch_replica_sets(&self, tool: &ToolName) -> Result<Vec<ReplicaSet>, Error> {
        let collection = ResourceType::of::<ReplicaSet>().in_namespace(tool.namespace());
        self.items(collection, ListParams::default()).await
    }
}

/// Returns whether a Deployment of manifests is paused, or the live one.
fn has_paused(manifests: &[&Manifest], live: &[Deployment]) -> bool {
    let is_paused = |live: &Deployment| {
        let spec: Option<&DeploymentSpec> = (&live.spec).into();
        spec.is_some_and(|spec| spec.paused == Some(true))
    };
    manifests.iter().any(|manifest| {
        let mut live = live.iter().filter(|live| live.metadata.name.as_deref() == Some(&manifest.name));
        let is_deployment = matches!(manifest.object, ManifestObject::Deployment(_));
        manifest.object.is_paused() || is_deployment && live.any(is_paused)
    })
}

/// Returns whether an object is a StatefulSet that creates claims for its pods.
fn has_claims(object: &Value) -> bool {
    // If another kind has such a field, one more list is fetched.
    let templates = object.pointer("/spec/volumeClaimTemplates").and_then(Value::as_array);
    templates.is_some_and(|templates| !templates.is_empty())
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
