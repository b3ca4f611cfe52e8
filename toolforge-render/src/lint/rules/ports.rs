//! Ports that Services and routes name, and that have to exist elsewhere.

use std::collections::HashMap;

use k8s_openapi::api::core::v1::Service;

use super::super::check::{Check, Object, Pods};
use super::super::rule::Rule;
use super::super::syntax::Node;
use super::route::{Backend, backends};
use super::selector::Selection;
use super::service::label;

/// The ports of a Service, by name and number.
#[derive(Default)]
struct ServicePorts {
    names: Vec<String>,
    numbers: Vec<i64>,
}

/// Checks the ports that Services and routes of a text name.
pub(crate) fn check(check: &mut Check<'_>, objects: &[Object<'_>], selection: &Selection<'_>) {
    let services = objects.iter().copied().filter(|object| object.kind.name == "Service");
    for service in services.clone() {
        check.object = Some(label(service));
        check_targets(check, service, selection);
    }
    let mut known: HashMap<String, ServicePorts> = HashMap::new();
    let live = check.context.facts.iter().flat_map(|facts| &facts.jobs.live.services);
    known.extend(live.filter_map(|service| Some((service.metadata.name.clone()?, of_live(service)))));
    known.extend(services.map(|service| (service.name().to_owned(), of_file(service))));
    for object in objects {
        check.object = Some(label(*object));
        for Backend { name, port } in backends(*object) {
            let (Some(service), Some(port)) = (name.text().and_then(|name| known.get(name)), port) else {
                continue;
            };
            let is_known = match (port.integer(), port.string()) {
                (Some(number), _) => service.numbers.contains(&number),
                (None, Some(text)) => text.is_empty() || service.names.iter().any(|name| name == text),
                (None, None) => true,
            };
            if !is_known && !service.numbers.is_empty() {
                let name = name.text().unwrap_or_default();
                let message = format!(
                    "the Service {name} has no port {}; {}",
                    port.text().unwrap_or_default(),
                    service.shown()
                );
                check.at(Rule::UnknownPort, port, message);
            }
        }
    }
    check.object = None;
}

/// Checks that the pods that a Service selects have the ports that it names.
fn check_targets(check: &mut Check<'_>, service: Object<'_>, selection: &Selection<'_>) {
    let Some(selector) = service.spec().and_then(|spec| spec.get("selector")) else { return };
    if selector.entries().is_empty() || !matches!(selection.find(Some(selector), |_, _| true), Some(Some(_)))
    {
        return;
    }
    let ports = service.spec().and_then(|spec| spec.get("ports")).map(Node::items).unwrap_or_default();
    for target in ports.iter().filter_map(|port| port.get("targetPort")) {
        let Some(name) = target.string().filter(|name| !name.is_empty()) else { continue };
        if selection.has_none(Some(selector), |_, pods| has_port(pods, name)) {
            let message = format!(
                "no container of the pods that the Service {} selects has a port with the name \"{name}\"",
                service.name()
            );
            check.at(Rule::UnknownPort, target, message);
        }
    }
}

fn has_port(pods: Pods<'_>, wanted: &str) -> bool {
    let ports = pods.containers().filter_map(|(_, container)| container.get("ports"));
    ports.flat_map(Node::items).any(|port| port.get("name").and_then(Node::text) == Some(wanted))
}

impl ServicePorts {
    fn shown(&self) -> String {
        let numbers: Vec<String> = self.numbers.iter().map(ToString::to_string).collect();
        match self.names.as_slice() {
            [] => format!("it has {}", numbers.join(", ")),
            names => format!("it has {} ({})", numbers.join(", "), names.join(", ")),
        }
    }
}

fn of_live(service: &Service) -> ServicePorts {
    let ports = service.spec.iter().flat_map(|spec| spec.ports.iter().flatten());
    let mut found = ServicePorts::default();
    for port in ports {
        found.numbers.push(port.port.into());
        found.names.extend(port.name.clone());
    }
    found
}

fn of_file(service: Object<'_>) -> ServicePorts {
    let ports = service.spec().and_then(|spec| spec.get("ports")).map(Node::items).unwrap_or_default();
    ServicePorts {
        names: ports.iter().filter_map(|port| port.get("name")?.string().map(str::to_owned)).collect(),
        numbers: ports.iter().filter_map(|port| port.get("port")?.integer()).collect(),
    }
}
