use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use toolforge_model::platform;

use crate::plan::WebServicePlan;
use crate::render::metadata;

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
            // Only this label: it selects the pods of every version of the platform's tool.
            selector: Some([(platform::LABEL_NAME.to_owned(), tool)].into()),
            ..ServiceSpec::default()
        }),
        ..Service::default()
    }
}
