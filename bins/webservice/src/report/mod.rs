//! What a person and a program read.

mod plan;
mod status;

pub(crate) use plan::{changes, plan};
pub(crate) use status::status;

use serde::Serialize;
use toolforge_model::WebServiceRequest;
use toolforge_render::plan::Routing;

/// A request for programs.
#[derive(Serialize)]
struct RequestDocument<'a> {
    r#type: &'a str,
    cpu: Option<String>,
    memory: Option<String>,
    replicas: u32,
    arguments: &'a [String],
}

impl<'a> From<&'a WebServiceRequest> for RequestDocument<'a> {
    fn from(request: &'a WebServiceRequest) -> Self {
        let WebServiceRequest { tool: _, image, cpu, memory, replicas, arguments } = request;
        Self {
            r#type: image.type_name(),
            cpu: cpu.map(|cpu| cpu.to_string()),
            memory: memory.map(|memory| memory.to_string()),
            replicas: replicas.count(),
            arguments,
        }
    }
}

fn routing(routing: Routing) -> &'static str {
    match routing {
        Routing::Ingress => "ingress",
        Routing::HttpRoute => "httproute",
    }
}
