//! The Kubernetes objects of a planned web service.

mod address;
mod deployment;
mod probes;

pub(crate) use deployment::{RUNNER, environment};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::object::Object;
use crate::web_service::{Routing, WebServicePlan, labels};

impl WebServicePlan {
    /// Returns the objects of the web service, as sent to the API server, in the order in which they are applied:
    /// a Deployment, a Service and a route, with the platform's names, labels and commands.
    #[must_use]
    pub fn objects(&self) -> Vec<Object> {
        crate::rendered::count();
        let route = match self.routing {
            Routing::Ingress => address::ingress(self).into(),
            Routing::HttpRoute => address::http_route(self).into(),
        };
        vec![deployment::deployment(self).into(), address::service(self).into(), route]
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
