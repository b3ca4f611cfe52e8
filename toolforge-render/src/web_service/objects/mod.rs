//! From a plan to Kubernetes objects.

mod address;
mod deployment;
mod manifest;
mod probes;

pub(crate) use deployment::{RUNNER, environment};
pub use manifest::Manifest;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::networking::v1::Ingress;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Value, json};

use crate::object::HttpRoute;
use crate::web_service::{Routing, WebServicePlan, labels};

/// The objects of a web service, as they are sent to the API server.
#[derive(Clone, Debug, PartialEq)]
pub struct WebServiceManifests {
    /// What keeps the pods running.
    pub deployment: Deployment,
    /// The address of the pods inside the cluster.
    pub service: Service,
    /// The address of the web service outside the cluster.
    pub route: Route,
}

/// How requests from outside reach the Service.
#[derive(Clone, Debug, PartialEq)]
pub enum Route {
    /// By an Ingress.
    Ingress(Ingress),
    /// By an HTTPRoute.
    HttpRoute(HttpRoute),
}

/// Returns the objects of a planned web service: the platform's names, labels and commands, exactly.
#[must_use]
pub fn render(plan: &WebServicePlan) -> WebServiceManifests {
    WebServiceManifests {
        deployment: deployment::deployment(plan),
        service: address::service(plan),
        route: match plan.routing {
            Routing::Ingress => Route::Ingress(address::ingress(plan)),
            Routing::HttpRoute => Route::HttpRoute(address::http_route(plan)),
        },
    }
}

impl WebServiceManifests {
    /// Returns the objects in the order in which they are applied.
    pub fn objects(&self) -> impl Iterator<Item = Manifest<'_>> {
        [
            Manifest::Deployment(&self.deployment),
            Manifest::Service(&self.service),
            match &self.route {
                Route::Ingress(ingress) => Manifest::Ingress(ingress),
                Route::HttpRoute(http_route) => Manifest::HttpRoute(http_route),
            },
        ]
        .into_iter()
    }

    /// Returns the objects as YAML documents that every YAML reader takes for the same values.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        self.objects().map(|manifest| manifest.to_yaml()).collect::<Vec<_>>().join("---\n")
    }

    /// Returns the objects as one `v1` `List`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let items: Vec<Value> = self.objects().map(|manifest| manifest.to_json()).collect();
        json!({"apiVersion": "v1", "kind": "List", "items": items})
    }
}

/// Returns the metadata that every object of a web service shares.
fn metadata(plan: &WebServicePlan, name: String) -> ObjectMeta {
    ObjectMeta {
        name: Some(name),
        namespace: Some(plan.request.tool.namespace()),
        labels: Some(labels(&plan.request)),
        ..ObjectMeta::default()
    }
}
