//! The Service and the HTTPRoute of a continuous job.

use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::job::{JobPlan, labels};
use crate::object::HttpRoute;

/// Returns the Service of a job with a port.
pub(super) fn service(plan: &JobPlan) -> Option<Service> {
    let port = plan.request.kind.port()?;
    let number = i32::from(port.number().get());
    Some(Service {
        metadata: metadata(plan),
        spec: Some(ServiceSpec {
            type_: Some("ClusterIP".to_owned()),
            ports: Some(vec![ServicePort {
                port: number,
                protocol: Some(port.protocol().to_owned()),
                target_port: Some(IntOrString::Int(number)),
                ..ServicePort::default()
            }]),
            selector: Some(labels::of_service(&plan.request)),
            ..ServiceSpec::default()
        }),
        ..Service::default()
    })
}

/// Returns the HTTPRoute of a published job (jobs-api, July 2026).
pub(super) fn http_route(plan: &JobPlan) -> Option<HttpRoute> {
    let port = plan.request.kind.port().filter(|port| port.is_public())?;
    Some(plan.platform.http_route(metadata(plan), plan.host(), port.number().get()))
}

fn metadata(plan: &JobPlan) -> ObjectMeta {
    ObjectMeta {
        name: Some(plan.request.name.to_string()),
        namespace: Some(plan.request.tool.namespace()),
        labels: Some(labels::of_service(&plan.request)),
        ..ObjectMeta::default()
    }
}
