//! What a person and a program read.

mod plan;
mod status;
mod types;

pub(crate) use plan::{change_lines, plan, rollout_note};
pub(crate) use status::status;
pub(crate) use types::{one_type, types};

use serde::Serialize;
use toolforge_model::{HealthCheckPath, WebServiceImage, WebServiceRequest};
use toolforge_render::web_service::Routing;

/// A request for programs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RequestDocument<'a> {
    r#type: &'a str,
    cpu: Option<String>,
    memory: Option<String>,
    replicas: u32,
    arguments: &'a [String],
    build_service_image: Option<&'a str>,
    mount: &'static str,
    health_check_path: Option<&'a str>,
}

impl<'a> From<&'a WebServiceRequest> for RequestDocument<'a> {
    fn from(request: &'a WebServiceRequest) -> Self {
        let WebServiceRequest { tool: _, image, cpu, memory, replicas, arguments, health_check } = request;
        let build_service_image = match image {
            WebServiceImage::Type(_) => None,
            WebServiceImage::BuildService { image, mount: _ } => Some(image.as_str()),
        };
        Self {
            r#type: image.type_name(),
            cpu: cpu.map(|cpu| cpu.to_string()),
            memory: memory.map(|memory| memory.to_string()),
            replicas: replicas.count(),
            arguments,
            build_service_image,
            mount: image.mount().as_str(),
            health_check_path: health_check.path().map(HealthCheckPath::as_str),
        }
    }
}

fn routing(routing: Routing) -> &'static str {
    match routing {
        Routing::Ingress => "ingress",
        Routing::HttpRoute => "httproute",
    }
}
