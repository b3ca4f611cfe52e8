//! The facts of a tool's namespace: read from the platform's files and fetched from the cluster, with
//! the measurements of its pods.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use k8s_openapi::api::core::v1::{ConfigMap, Event, LimitRange, ResourceQuota};
use kube::api::ListParams;
use serde::de::DeserializeOwned;
use toolforge_images::{Catalog, CatalogError};
use toolforge_model::{ToolName, platform};
use toolforge_render::namespace::{LimitObjects, Namespace};
use toolforge_render::usage::PodMetrics;

use crate::unread::{UnreadKinds, readable};
use crate::{Client, Collection, Error, PlatformFiles, PlatformFilesError, ReadVerb, ResourceType, Unread};

/// Why there are no facts.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FactsError {
    /// The ConfigMap with the image catalog does not exist.
    #[error(
        "the cluster has no ConfigMap {} in the namespace {}, so its image types are not known",
        platform::CATALOG_CONFIG_MAP,
        platform::CATALOG_NAMESPACE
    )]
    NoCatalog,
    /// The ConfigMap with the image catalog lacks its key.
    #[error(
        "the cluster's ConfigMap {} has no key `{}`",
        platform::CATALOG_CONFIG_MAP,
        platform::CATALOG_KEY
    )]
    NoCatalogKey,
    /// The image catalog is invalid.
    #[error("the cluster's image catalog cannot be read")]
    Catalog(#[source] CatalogError),
    /// A request failed.
    #[error(transparent)]
    Request(#[from] Error),
    /// The platform's settings cannot be read.
    #[error(transparent)]
    Platform(#[from] PlatformFilesError),
}

/// The facts of a namespace to fetch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NamespaceFetchOptions {
    /// The ConfigMap with the image catalog: one request.
    pub catalog: bool,
    /// The LimitRanges and ResourceQuotas: two requests.
    pub limits: bool,
}

impl NamespaceFetchOptions {
    /// Returns the options for everything.
    #[must_use]
    pub fn all() -> Self {
        Self { catalog: true, limits: true }
    }

    /// Returns the options for the image catalog only.
    #[must_use]
    pub fn catalog() -> Self {
        Self { catalog: true, limits: false }
    }

    /// Returns the options for the quotas and limits only.
    #[must_use]
    pub fn limits() -> Self {
        Self { catalog: false, limits: true }
    }
}

/// Fetched facts of a namespace; those that were not requested or do not exist are `None` or empty.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct FetchedNamespace {
    /// The ConfigMap with the image catalog.
    pub config_map: Option<ConfigMap>,
    /// The quotas and limits.
    pub limits: Option<LimitObjects>,
    /// The ConfigMap, if the user may not read it and that is not an error.
    pub unread_catalog: Option<Unread>,
}

impl FetchedNamespace {
    /// Returns the image catalog.
    ///
    /// # Errors
    /// When the ConfigMap was not fetched, does not exist or is invalid.
    pub fn catalog(&self) -> Result<Catalog, FactsError> {
        if let Some(unread) = &self.unread_catalog {
            return Err(FactsError::Request(unread.clone().into_error()));
        }
        let config_map = self.config_map.as_ref().ok_or(FactsError::NoCatalog)?;
        let yaml = config_map.data.as_ref().and_then(|data| data.get(platform::CATALOG_KEY));
        Catalog::parse(yaml.ok_or(FactsError::NoCatalogKey)?).map_err(FactsError::Catalog)
    }

    /// Returns `namespace` with the fetched quotas and limits.
    #[must_use]
    pub fn facts(&self, namespace: Namespace) -> Namespace {
        namespace.with_limits(self.limits.as_ref().map(LimitObjects::limits).unwrap_or_default())
    }

    /// Returns the fetched ResourceQuotas.
    pub(crate) fn quotas(&self) -> &[ResourceQuota] {
        self.limits.as_ref().map(LimitObjects::quotas).unwrap_or_default()
    }
}

impl Client {
    /// Returns the facts of a tool's namespace, regardless of what runs in it: the platform's settings in `/etc`, the image
    /// catalog, and the quotas and limits. The user of its jobs is the owner of the tool's home directory, if it exists.
    ///
    /// Three requests, sent concurrently.
    ///
    /// # Errors
    /// When a request fails, the catalog is missing, or something cannot be read.
    pub async fn facts(&self, tool: &ToolName) -> Result<Namespace, FactsError> {
        let fetched = self.fetch_namespace(tool, NamespaceFetchOptions::all()).await?;
        Ok(fetched.facts(host_namespace(tool, fetched.catalog()?)?))
    }

    /// Fetches the facts of a tool's namespace. All requests are sent concurrently and [share one time
    /// limit](Self::sharing_read_time).
    ///
    /// # Errors
    /// The first error of any request. A missing catalog is not an error.
    pub async fn fetch_namespace(
        &self,
        tool: &ToolName,
        wanted: NamespaceFetchOptions,
    ) -> Result<FetchedNamespace, Error> {
        self.fetch_readable_namespace(tool, wanted, false).await
    }

    /// Fetches the facts as [`fetch_namespace`](Self::fetch_namespace) does; a catalog that the user may not read is left out
    /// if it is `optional`.
    pub(crate) async fn fetch_readable_namespace(
        &self,
        tool: &ToolName,
        wanted: NamespaceFetchOptions,
        optional: bool,
    ) -> Result<FetchedNamespace, Error> {
        let client = self.sharing_read_time();
        let NamespaceFetchOptions { catalog, limits } = wanted;
        let config_map = ResourceType::of::<ConfigMap>()
            .in_namespace(platform::CATALOG_NAMESPACE)
            .named(platform::CATALOG_CONFIG_MAP);
        let namespace = tool.namespace();
        let (config_map, limits) = tokio::try_join!(
            biased;
            readable(
                optional,
                (ReadVerb::Get, ResourceType::of::<ConfigMap>()),
                when(catalog, client.get_opt(&config_map)),
            ),
            when(limits, client.fetch_limits(&namespace)),
        )?;
        let mut unread = UnreadKinds::default();
        let config_map = unread.found(config_map).flatten();
        Ok(FetchedNamespace { config_map, limits, unread_catalog: unread.0.pop() })
    }

    /// Fetches the quotas and limits of a namespace, with two concurrent requests.
    ///
    /// # Errors
    /// When a request fails. If only one of the two is forbidden, the other kind is returned.
    pub(crate) async fn fetch_limits(&self, namespace: &str) -> Result<LimitObjects, Error> {
        let params = ListParams::default();
        let (ranges, quotas) = (
            ResourceType::of::<LimitRange>().in_namespace(namespace),
            ResourceType::of::<ResourceQuota>().in_namespace(namespace),
        );
        let (limit_ranges, quotas) = tokio::join!(
            biased;
            self.list::<LimitRange>(&ranges, &params),
            self.list::<ResourceQuota>(&quotas, &params),
        );
        match (limit_ranges, quotas) {
            (Err(error), Ok(quotas)) if error.is_forbidden() => {
                Ok(LimitObjects { quotas: Some(quotas.items), limit_ranges: None })
            }
            (Ok(ranges), Err(error)) if error.is_forbidden() => {
                Ok(LimitObjects { quotas: None, limit_ranges: Some(ranges.items) })
            }
            (ranges, quotas) => {
                Ok(LimitObjects { limit_ranges: Some(ranges?.items), quotas: Some(quotas?.items) })
            }
        }
    }

    /// Fetches the events of a tool's namespace; the inner error means that the user may not list them.
    ///
    /// # Errors
    /// When the request fails.
    pub async fn fetch_events(&self, tool: &ToolName) -> Result<Result<Vec<Event>, Unread>, Error> {
        let resource = ResourceType::of::<Event>();
        let events = self.items(resource.in_namespace(tool.namespace()), ListParams::default());
        readable(true, (ReadVerb::List, resource), events).await
    }

    /// Lists the objects of a collection.
    pub(crate) async fn items<T: DeserializeOwned>(
        &self,
        collection: Collection,
        params: ListParams,
    ) -> Result<Vec<T>, Error> {
        Ok(self.list(&collection, &params).await?.items)
    }
}

/// Returns a namespace with the settings of this host, without limits.
pub(crate) fn host_namespace(tool: &ToolName, catalog: Catalog) -> Result<Namespace, FactsError> {
    let platform = PlatformFiles::read(Path::new("/"))?.platform;
    let facts = Namespace::new(tool, catalog).with_platform(platform);
    let owner = std::fs::metadata(tool.home()).map(|home| i64::from(home.uid()));
    Ok(match owner {
        Ok(uid) => facts.with_uid(uid),
        // It is only known on a host of the platform.
        Err(_) => facts,
    })
}

/// Awaits a request if it is wanted.
pub(crate) async fn when<T>(
    wanted: bool,
    request: impl Future<Output = Result<T, Error>>,
) -> Result<Option<T>, Error> {
    if wanted { request.await.map(Some) } else { Ok(None) }
}

/// How long measurements may take; nobody waits longer for nonessential facts.
const PATIENCE: Duration = Duration::from_secs(3);

impl Client {
    /// Fetches the last measured usage of the pods in a tool's namespace (`metrics.k8s.io/v1beta1`).
    ///
    /// Returns `None` if the cluster has no measurements, the tool may not read them, or they take longer than three
    /// seconds.
    pub async fn fetch_pod_metrics(&self, tool: &ToolName) -> Option<Vec<PodMetrics>> {
        let resource = ResourceType { group: "metrics.k8s.io", version: "v1beta1", plural: "pods" };
        let collection = resource.in_namespace(tool.namespace());
        let params = ListParams::default();
        let found = tokio::time::timeout(PATIENCE, self.list::<PodMetrics>(&collection, &params)).await;
        found.ok()?.ok().map(|list| list.items)
    }
}
