//! What the cluster says, as far as a web service's plan needs it.

use crate::namespace::Platform;
use crate::object::HttpRoute;
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::{Event, Pod, Service};
use k8s_openapi::api::networking::v1::Ingress;
use toolforge_images::Catalog;
use toolforge_quota::Limits;

/// All that a plan for a web service is made from, besides the request.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The image catalogue.
    pub catalog: Catalog,
    /// The project's domain, repository and gateway.
    pub platform: Platform,
    /// The namespace's quotas, with what is used, and its limits.
    pub limits: Limits,
    /// Whether the cluster serves HTTPRoutes and the tool may write them.
    pub http_routes: bool,
    /// The web service's objects as they are now.
    pub live: LiveWebService,
}

impl Facts {
    /// Returns the facts of a cluster of which nothing else is known: no limits, nothing that stands, and Ingress as
    /// the only routing.
    #[must_use]
    pub fn new(catalog: Catalog, platform: Platform) -> Self {
        Self {
            catalog,
            platform,
            limits: Limits::default(),
            http_routes: false,
            live: LiveWebService::default(),
        }
    }
}

/// The objects of one tool's web service as the cluster holds them; what does not exist is `None`.
#[derive(Clone, Debug, Default)]
pub struct LiveWebService {
    /// The Deployment with the tool's name.
    pub deployment: Option<Deployment>,
    /// The Service with the tool's name.
    pub service: Option<Service>,
    /// The Ingress `NAME-subdomain`.
    pub ingress: Option<Ingress>,
    /// The HTTPRoute with the tool's name.
    pub http_route: Option<HttpRoute>,
    /// The pods with the tool's `name` label.
    pub pods: Vec<Pod>,
    /// The ReplicaSets with the tool's `name` label; only needed to say why pods are missing.
    pub replica_sets: Vec<ReplicaSet>,
    /// The namespace's events; only needed to say why something does not run.
    pub events: Vec<Event>,
}

impl LiveWebService {
    /// Returns whether none of the web service's objects exists.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        let Self { deployment, service, ingress, http_route, pods: _, replica_sets: _, events: _ } = self;
        deployment.is_none() && service.is_none() && ingress.is_none() && http_route.is_none()
    }
}
