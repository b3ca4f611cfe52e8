//! The facts that a plan is made from, in one concurrent fetch.

use k8s_openapi::api::core::v1::{ConfigMap, LimitRange, ResourceQuota};
use serde::de::DeserializeOwned;
use toolforge_images::{Catalog, CatalogError};
use toolforge_model::{ToolName, platform};
use toolforge_render::facts::{
    Facts, HttpRoute, LimitsError, LiveWebService, Platform, limit_range, resource_quota,
};

use crate::connection::Connection;
use crate::error::ClientError;
use crate::read::paths;
use crate::refusal::RefusalKind;

/// The group of the Gateway API.
const GATEWAY_GROUP: &str = "gateway.networking.k8s.io";

/// Why the facts could not be gathered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FactsError {
    /// A request has no result.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The cluster has no image catalogue.
    #[error("the cluster has no image catalogue: there is no ConfigMap {namespace}/{name}")]
    NoCatalog {
        /// The namespace where it should be.
        namespace: &'static str,
        /// The name that it should have.
        name: &'static str,
    },
    /// The ConfigMap with the catalogue lacks its key.
    #[error(
        "the cluster's ConfigMap {}/{} has no key {key}",
        platform::CATALOG_NAMESPACE,
        platform::CATALOG_CONFIG_MAP
    )]
    NoCatalogKey {
        /// The key that it should have.
        key: &'static str,
    },
    /// The catalogue cannot be read.
    #[error("the cluster's image catalogue cannot be read")]
    Catalog(#[source] CatalogError),
    /// A quota or a limit cannot be read.
    #[error("the namespace's limits cannot be read")]
    Limits(#[from] LimitsError),
}

impl Connection {
    /// Returns all that a plan for the tool's web service is made from: the requests are made side by side on one
    /// connection, and a second round is only needed to ask who may write an HTTPRoute where no route stands yet.
    ///
    /// # Errors
    /// When a request has no result, or the catalogue or a limit cannot be read.
    pub async fn web_service_facts(&self, settings: Platform) -> Result<Facts, FactsError> {
        let (catalog, (quotas, limit_ranges), (live, served)) =
            tokio::try_join!(self.catalog(), self.limits(), self.live_web_service())?;
        let stands = live.http_route.is_some() || live.ingress.is_some();
        let http_routes = served && (stands || self.may("create", GATEWAY_GROUP, "httproutes").await?);
        Ok(Facts { catalog, platform: settings, limit_ranges, quotas, http_routes, live })
    }

    /// Returns what is needed to say how the tool's web service fares or to stop it, without quotas and limits. A
    /// catalogue that cannot be had does not stand in the way: the bundled one serves, and the reason is returned.
    ///
    /// # Errors
    /// When a request has no result.
    pub async fn web_service_state(
        &self,
        settings: Platform,
    ) -> Result<(Facts, Option<FactsError>), FactsError> {
        let catalog = async {
            match self.catalog().await {
                Ok(catalog) => Ok((catalog, None)),
                Err(FactsError::Client(error)) if error.refusal().is_none() => Err(FactsError::Client(error)),
                Err(problem) => Ok((Catalog::bundled(), Some(problem))),
            }
        };
        let ((catalog, problem), (live, http_routes)) = tokio::try_join!(catalog, self.live_web_service())?;
        let (limit_ranges, quotas) = (Vec::new(), Vec::new());
        Ok((Facts { catalog, platform: settings, limit_ranges, quotas, http_routes, live }, problem))
    }

    /// Returns the cluster's image catalogue.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub async fn catalog(&self) -> Result<Catalog, FactsError> {
        let (namespace, name, key) =
            (platform::CATALOG_NAMESPACE, platform::CATALOG_CONFIG_MAP, platform::CATALOG_KEY);
        let config_map: Option<ConfigMap> =
            self.get(&paths::object("v1", namespace, "configmaps", name)).await?;
        let config_map = config_map.ok_or(FactsError::NoCatalog { namespace, name })?;
        let yaml = config_map.data.unwrap_or_default().remove(key).ok_or(FactsError::NoCatalogKey { key })?;
        Catalog::parse(&yaml).map_err(FactsError::Catalog)
    }

    /// Returns the namespace's quotas and limits.
    ///
    /// # Errors
    /// When a request has no result, or an amount cannot be read.
    pub async fn limits(
        &self,
    ) -> Result<(Vec<toolforge_quota::ResourceQuota>, Vec<toolforge_quota::LimitRange>), FactsError> {
        let namespace = self.tool().namespace();
        let (quotas, ranges) = (
            paths::collection("v1", &namespace, "resourcequotas"),
            paths::collection("v1", &namespace, "limitranges"),
        );
        let (quotas, ranges) =
            tokio::try_join!(self.list::<ResourceQuota>(&quotas, ""), self.list::<LimitRange>(&ranges, ""))?;
        let quotas = quotas.iter().map(resource_quota).collect::<Result<_, _>>()?;
        let ranges = ranges.iter().map(limit_range).collect::<Result<_, _>>()?;
        Ok((quotas, ranges))
    }

    /// Returns the web service's objects as they are, and whether the cluster serves HTTPRoutes.
    async fn live_web_service(&self) -> Result<(LiveWebService, bool), FactsError> {
        let namespace = self.tool().namespace();
        let tool = self.tool().as_str();
        let by_label = selector(self.tool());
        let object = |group, resource, name: &str| paths::object(group, &namespace, resource, name);
        let collection = |group, resource| paths::collection(group, &namespace, resource);
        let (deployment, service, ingress, http_route) = (
            object("apps/v1", "deployments", tool),
            object("v1", "services", tool),
            object("networking.k8s.io/v1", "ingresses", &format!("{tool}-subdomain")),
            object(HttpRoute::API_VERSION, "httproutes", tool),
        );
        let (pods, replica_sets) = (collection("v1", "pods"), collection("apps/v1", "replicasets"));
        let (deployment, service, ingress, (http_route, served), pods, replica_sets) = tokio::try_join!(
            self.get(&deployment),
            self.get(&service),
            self.get(&ingress),
            self.get_if_served(&http_route),
            self.list(&pods, &by_label),
            self.list(&replica_sets, &by_label),
        )?;
        let events = Vec::new();
        let live = LiveWebService { deployment, service, ingress, http_route, pods, replica_sets, events };
        Ok((live, served))
    }

    /// Returns an object, and whether its API is served and may be read.
    async fn get_if_served<T: DeserializeOwned>(&self, path: &str) -> Result<(Option<T>, bool), ClientError> {
        match self.get_or_refusal(path).await {
            Ok(found) => Ok((Some(found), true)),
            Err(ClientError::Refused(refusal)) => match refusal.kind() {
                RefusalKind::NotFound => Ok((None, true)),
                RefusalKind::NotServed | RefusalKind::Forbidden => Ok((None, false)),
                _ => Err(ClientError::Refused(refusal)),
            },
            Err(error) => Err(error),
        }
    }
}

/// Returns the query that selects a tool's web service's pods and ReplicaSets: the label by which its Service selects.
pub(crate) fn selector(tool: &ToolName) -> String {
    format!("labelSelector={}", paths::escaped(&format!("{}={tool}", platform::LABEL_NAME)))
}
