//! The facts for a web service, in one concurrent fetch.

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::authorization::v1::SelfSubjectAccessReview;
use k8s_openapi::api::core::v1::{ConfigMap, Event, LimitRange, Pod, ResourceQuota, Service};
use k8s_openapi::api::networking::v1::Ingress;
use kube::api::{ListParams, PostParams};
use serde::Deserialize;
use serde_json::json;
use toolforge_images::{Catalog, CatalogError};
use toolforge_model::{ToolName, platform};
use toolforge_render::namespace::{LimitsError, Platform, limits};
use toolforge_render::object::HttpRoute;
use toolforge_render::web_service::{Facts, LiveWebService};

use crate::status::StatusKind;
use crate::web_service::selector;
use crate::{Client, Collection, Error, ResourceType};

/// Which objects are fetched; each is a request of its own, and all are made at the same time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FetchOptions {
    /// The ConfigMap with the image catalogue.
    pub catalog: bool,
    /// The namespace's LimitRanges and ResourceQuotas: two requests.
    pub limits: bool,
    /// The Deployment with the tool's name.
    pub deployment: bool,
    /// The Service with the tool's name.
    pub service: bool,
    /// The Ingress `NAME-subdomain` and the HTTPRoute with the tool's name: two requests.
    pub routes: bool,
    /// Where neither route exists: whether the tool may make HTTPRoutes, which may need one more request.
    pub routing: bool,
    /// The pods with the tool's `name` label.
    pub pods: bool,
    /// The ReplicaSets with the tool's `name` label, which say why pods are missing.
    pub replica_sets: bool,
    /// The namespace's events.
    pub events: bool,
}

impl FetchOptions {
    /// Returns what a plan is made from: all but ReplicaSets and events.
    #[must_use]
    pub fn for_plan() -> Self {
        Self {
            catalog: true,
            limits: true,
            deployment: true,
            service: true,
            routes: true,
            routing: true,
            pods: true,
            replica_sets: false,
            events: false,
        }
    }

    /// Returns what a status is made from: the live objects, and why pods are missing.
    #[must_use]
    pub fn for_status() -> Self {
        Self { replica_sets: true, catalog: false, limits: false, routing: false, ..Self::for_plan() }
    }

    /// Returns what tells how full the namespace is.
    #[must_use]
    pub fn for_limits() -> Self {
        Self { limits: true, ..Self::default() }
    }
}

/// What the cluster answered; what was not asked for or does not exist is `None` or empty.
#[derive(Clone, Debug, Default)]
pub struct WebServiceObjects {
    /// The ConfigMap with the image catalogue.
    pub config_map: Option<ConfigMap>,
    /// The namespace's LimitRanges.
    pub limit_ranges: Vec<LimitRange>,
    /// The namespace's ResourceQuotas.
    pub quotas: Vec<ResourceQuota>,
    /// Whether the cluster serves HTTPRoutes and, where that was asked for, the tool may make them.
    pub http_routes: bool,
    /// The web service's own objects.
    pub live: LiveWebService,
}

/// Why the cluster's objects are no facts.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FactsError {
    /// The ConfigMap with the image catalogue does not exist.
    #[error(
        "the cluster has no ConfigMap {} in the namespace {}, so its image types are not known",
        platform::CATALOG_CONFIG_MAP,
        platform::CATALOG_NAMESPACE
    )]
    NoCatalog,
    /// The ConfigMap with the image catalogue lacks its key.
    #[error(
        "the cluster's ConfigMap {} has no key `{}`",
        platform::CATALOG_CONFIG_MAP,
        platform::CATALOG_KEY
    )]
    NoCatalogKey,
    /// The image catalogue cannot be read.
    #[error("the cluster's image catalogue cannot be read")]
    Catalog(#[source] CatalogError),
    /// A quota or a limit cannot be read.
    #[error("the namespace's limits cannot be read")]
    Limits(#[from] LimitsError),
}

impl WebServiceObjects {
    /// Returns the facts for a plan. Where the catalogue was not asked for, hand one over.
    ///
    /// # Errors
    /// When the catalogue is missing or broken, or a quota or a limit is.
    pub fn facts(self, catalog: Option<Catalog>, platform: Platform) -> Result<Facts, FactsError> {
        let Self { config_map, limit_ranges, quotas, http_routes, live } = self;
        let catalog = match catalog {
            Some(catalog) => catalog,
            None => read_catalog(&config_map.ok_or(FactsError::NoCatalog)?)?,
        };
        Ok(Facts { catalog, platform, limits: limits(&quotas, &limit_ranges)?, http_routes, live })
    }
}

/// Returns the catalogue that a ConfigMap holds.
pub(crate) fn read_catalog(config_map: &ConfigMap) -> Result<Catalog, FactsError> {
    let yaml = config_map.data.as_ref().and_then(|data| data.get(platform::CATALOG_KEY));
    Catalog::parse(yaml.ok_or(FactsError::NoCatalogKey)?).map_err(FactsError::Catalog)
}

/// What asking for an HTTPRoute shows.
struct RouteAnswer {
    /// Whether the cluster serves the kind, as far as the tool may see.
    is_served: bool,
    route: Option<HttpRoute>,
}

impl Client {
    /// Returns what the cluster says about a tool's web service. All requests are made at the same time, over
    /// one connection.
    ///
    /// # Errors
    /// The first error of any request; that an object does not exist is none.
    pub async fn fetch_web_service(
        &self,
        tool: &ToolName,
        wanted: FetchOptions,
    ) -> Result<WebServiceObjects, Error> {
        let FetchOptions {
            catalog,
            limits,
            deployment,
            service,
            routes,
            routing,
            pods,
            replica_sets,
            events,
        } = wanted;
        let namespace = tool.namespace();
        let objects = |resource: ResourceType| resource.in_namespace(namespace.clone());
        let catalog_path = ResourceType::of::<ConfigMap>()
            .in_namespace(platform::CATALOG_NAMESPACE)
            .named(platform::CATALOG_CONFIG_MAP);
        let named = |resource: ResourceType| objects(resource).named(tool.as_str());
        let deployment_path = named(ResourceType::of::<Deployment>());
        let service_path = named(ResourceType::of::<Service>());
        let ingress_path = objects(ResourceType::of::<Ingress>()).named(format!("{tool}-subdomain"));
        let (
            config_map,
            limit_ranges,
            quotas,
            deployment,
            service,
            ingress,
            route,
            pods,
            replica_sets,
            events,
        ) = tokio::try_join!(
            biased;
            when(catalog, self.get_opt(&catalog_path)),
            when(limits, self.items(objects(ResourceType::of::<LimitRange>()), ListParams::default())),
            when(limits, self.items(objects(ResourceType::of::<ResourceQuota>()), ListParams::default())),
            when(deployment, self.get_opt(&deployment_path)),
            when(service, self.get_opt(&service_path)),
            when(routes, self.get_opt(&ingress_path)),
            when(routes, self.find_route(tool)),
            when(pods, self.items(objects(ResourceType::of::<Pod>()), selector(tool))),
            when(replica_sets, self.items(objects(ResourceType::of::<ReplicaSet>()), selector(tool))),
            when(events, self.items(objects(ResourceType::of::<Event>()), ListParams::default())),
        )?;
        let ingress: Option<Ingress> = ingress.flatten();
        let RouteAnswer { is_served, route } = route.unwrap_or(RouteAnswer { is_served: false, route: None });
        // A route that stands keeps its kind, so only where there is none it matters what may be made.
        let open = routing && is_served && ingress.is_none() && route.is_none();
        let http_routes = if open { self.may_create_routes(tool).await? } else { is_served };
        let live = LiveWebService {
            deployment: deployment.flatten(),
            service: service.flatten(),
            ingress,
            http_route: route,
            pods: pods.unwrap_or_default(),
            replica_sets: replica_sets.unwrap_or_default(),
            events: events.unwrap_or_default(),
        };
        let (limit_ranges, quotas) = (limit_ranges.unwrap_or_default(), quotas.unwrap_or_default());
        Ok(WebServiceObjects { config_map: config_map.flatten(), limit_ranges, quotas, http_routes, live })
    }

    async fn items<T: serde::de::DeserializeOwned>(
        &self,
        collection: Collection,
        params: ListParams,
    ) -> Result<Vec<T>, Error> {
        Ok(self.list(&collection, &params).await?.items)
    }

    /// Asks for the route, and learns from the refusal whether the cluster knows the kind at all: where it does,
    /// its 404 names the resource; where it does not, no resource is named. What the tool may not even see
    /// counts as not served.
    async fn find_route(&self, tool: &ToolName) -> Result<RouteAnswer, Error> {
        let path = ResourceType::HTTP_ROUTES.in_namespace(tool.namespace()).named(tool.as_str());
        match self.get(&path).await {
            Ok(route) => Ok(RouteAnswer { is_served: true, route: Some(route) }),
            Err(Error::Api(refusal)) => match refusal.kind() {
                StatusKind::NotFound => {
                    let is_served = refusal.object_kind().as_raw() == ResourceType::HTTP_ROUTES.plural;
                    Ok(RouteAnswer { is_served, route: None })
                }
                StatusKind::Forbidden { .. } => Ok(RouteAnswer { is_served: false, route: None }),
                _ => Err(Error::Api(refusal)),
            },
            Err(error) => Err(error),
        }
    }

    async fn may_create_routes(&self, tool: &ToolName) -> Result<bool, Error> {
        #[derive(Deserialize)]
        struct Review {
            status: ReviewStatus,
        }
        #[derive(Deserialize)]
        struct ReviewStatus {
            allowed: bool,
        }
        let ResourceType { group, plural, .. } = ResourceType::HTTP_ROUTES;
        let question = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {
                "namespace": tool.namespace(), "verb": "create", "group": group, "resource": plural,
            }},
        });
        let collection = ResourceType::of::<SelfSubjectAccessReview>().all_namespaces();
        let review: Review = self.create(&collection, &question, &PostParams::default()).await?;
        Ok(review.status.allowed)
    }
}

/// Awaits a request where it is wanted.
async fn when<T>(wanted: bool, request: impl Future<Output = Result<T, Error>>) -> Result<Option<T>, Error> {
    if wanted { request.await.map(Some) } else { Ok(None) }
}
