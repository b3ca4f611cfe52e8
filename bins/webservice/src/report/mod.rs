//! The output of the verbs, for people and for programs.

mod apply;
mod plan;
mod status;
mod types;

pub(crate) use apply::finish;
pub(crate) use plan::{Forecast, change_lines, change_summary, plan};
pub(crate) use status::status;
pub(crate) use types::{one_type, types};

use toolforge_model::{HealthCheckPath, WebServiceImage, WebServiceRequest};
use toolforge_render::web_service::Routing;

/// Returns a request for the JSON output.
fn request_report(request: &WebServiceRequest) -> toolforge_report::WebServiceRequest {
    let WebServiceRequest { tool: _, image, cpu, memory, replicas, arguments, health_check } = request;
    let build_service_image = match image {
        WebServiceImage::Type(_) => None,
        WebServiceImage::BuildService { image, mount: _ } => Some(image.as_str().to_owned()),
    };
    toolforge_report::WebServiceRequest {
        image_type: image.type_name().to_owned(),
        cpu: cpu.map(|cpu| cpu.to_string()),
        memory: memory.map(|memory| memory.to_string()),
        replicas: replicas.count(),
        arguments: arguments.clone(),
        build_service_image,
        mount: toolforge_report::Mount::from_code(image.mount().as_str()),
        health_check_path: health_check.path().map(HealthCheckPath::as_str).map(str::to_owned),
    }
}

fn routing(routing: Routing) -> toolforge_report::Routing {
    match routing {
        Routing::Ingress => toolforge_report::Routing::Ingress,
        Routing::HttpRoute => toolforge_report::Routing::Httproute,
        _ => toolforge_report::Routing::Other,
    }
}
