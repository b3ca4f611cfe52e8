//! The facts of a tool's namespace: read from the platform's files and fetched from the cluster.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use k8s_openapi::api::core::v1::{ConfigMap, LimitRange, ResourceQuota};
use kube::api::ListParams;
use toolforge_images::{Catalog, CatalogError};
use toolforge_model::{ToolName, platform};
use toolforge_render::Namespace;
use toolforge_render::namespace::{LimitsError, limits};

use crate::{Client, Error, ObjectPath, PlatformFiles, PlatformFilesError, ResourceType};

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
    /// A quota or a limit cannot be read.
    #[error("the namespace's limits cannot be read")]
    Limits(#[from] LimitsError),
    /// A request failed.
    #[error(transparent)]
    Request(#[from] Error),
    /// The platform's settings cannot be read.
    #[error(transparent)]
    Platform(#[from] PlatformFilesError),
}

/// Returns the catalog in a ConfigMap.
pub(crate) fn read_catalog(config_map: &ConfigMap) -> Result<Catalog, FactsError> {
    let yaml = config_map.data.as_ref().and_then(|data| data.get(platform::CATALOG_KEY));
    Catalog::parse(yaml.ok_or(FactsError::NoCatalogKey)?).map_err(FactsError::Catalog)
}

impl Client {
    /// Returns the facts of a tool's namespace, whatever runs in it: the platform's settings in `/etc`, the image catalog,
    /// and the quotas and limits. The user of its jobs is the owner of the tool's home directory, where there is one.
    ///
    /// Three requests, sent concurrently.
    ///
    /// # Errors
    /// When a request fails, the catalog is missing, or something cannot be read.
    pub async fn facts(&self, tool: &ToolName) -> Result<Namespace, FactsError> {
        let namespace = tool.namespace();
        let (all, of) = (ListParams::default(), |kind: ResourceType| kind.in_namespace(namespace.as_str()));
        let catalog: ObjectPath = ResourceType::of::<ConfigMap>()
            .in_namespace(platform::CATALOG_NAMESPACE)
            .named(platform::CATALOG_CONFIG_MAP);
        let (quotas, ranges) =
            (of(ResourceType::of::<ResourceQuota>()), of(ResourceType::of::<LimitRange>()));
        let (config_map, quotas, ranges) = tokio::try_join!(
            self.get_opt::<ConfigMap>(&catalog),
            self.list::<ResourceQuota>(&quotas, &all),
            self.list::<LimitRange>(&ranges, &all),
        )?;
        let catalog = read_catalog(&config_map.ok_or(FactsError::NoCatalog)?)?;
        let facts = Namespace::new(tool, catalog)
            .with_platform(PlatformFiles::read(Path::new("/"))?.platform)
            .with_limits(limits(&quotas.items, &ranges.items)?);
        let owner = std::fs::metadata(tool.home()).map(|home| i64::from(home.uid()));
        Ok(match owner {
            Ok(uid) => facts.with_uid(uid),
            // Elsewhere than on a host of the platform, nobody knows.
            Err(_) => facts,
        })
    }
}
