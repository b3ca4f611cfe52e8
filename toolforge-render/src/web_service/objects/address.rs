//! The Service and the route of a web service.

use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::api::networking::v1::{
    HTTPIngressPath, HTTPIngressRuleValue, Ingress, IngressBackend, IngressRule, IngressServiceBackend,
    IngressSpec, ServiceBackendPort,
};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use toolforge_model::platform;

use crate::object::HttpRoute;
use crate::web_service::WebServicePlan;
use crate::web_service::objects::metadata;

/// Returns the Ingress of a planned web service.
pub(super) fn ingress(plan: &WebServicePlan) -> Ingress {
    let tool = plan.request.tool.to_string();
    let path = HTTPIngressPath {
        path: Some("/".to_owned()),
        path_type: "Prefix".to_owned(),
        backend: IngressBackend {
            service: Some(IngressServiceBackend {
                name: tool.clone(),
                port: Some(ServiceBackendPort {
                    number: Some(i32::from(platform::WEB_PORT)),
                    ..ServiceBackendPort::default()
                }),
            }),
            ..IngressBackend::default()
        },
    };
    Ingress {
        // Until 2020, there was a second Ingress for paths (webservice 0.59); the name dates from then.
        metadata: metadata(plan, format!("{tool}-subdomain")),
        spec: Some(IngressSpec {
            rules: Some(vec![IngressRule {
                host: Some(plan.host()),
                http: Some(HTTPIngressRuleValue { paths: vec![path] }),
            }]),
            ..IngressSpec::default()
        }),
        ..Ingress::default()
    }
}

/// Returns the HTTPRoute of a planned web service.
pub(super) fn http_route(plan: &WebServicePlan) -> HttpRoute {
    let metadata = metadata(plan, plan.request.tool.to_string());
    plan.platform.http_route(metadata, plan.host(), platform::WEB_PORT)
}

/// Returns the Service of a planned web service.
pub(super) fn service(plan: &WebServicePlan) -> Service {
    let tool = plan.request.tool.to_string();
    let port = i32::from(platform::WEB_PORT);
    Service {
        metadata: metadata(plan, tool.clone()),
        spec: Some(ServiceSpec {
            ports: Some(vec![ServicePort {
                name: Some("http".to_owned()),
                port,
                protocol: Some("TCP".to_owned()),
                target_port: Some(IntOrString::Int(port)),
                ..ServicePort::default()
            }]),
            // This label alone selects the pods of every version of the platform's tool.
            selector: Some([(platform::LABEL_NAME.to_owned(), tool)].into()),
            ..ServiceSpec::default()
        }),
        ..Service::default()
    }
}
