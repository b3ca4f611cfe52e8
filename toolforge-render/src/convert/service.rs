//! Services as the ports of jobs.

use std::num::NonZeroU16;

use k8s_openapi::api::core::v1::{PodSpec, Service, ServicePort};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::{Value, json};
use toolforge_model::{JobPort, Untrusted};

use crate::convert::ConversionNote;
use crate::manifest::{Manifest, ManifestObject};
use crate::object::{
    FieldPath, Labels, ObjectKind, PathSegment, deployment_spec, differences, selects_pods, with_defaults,
};

/// A Service of a job's pods, and the port of the job that it becomes.
pub(super) struct JobService<'a> {
    pub(super) manifest: &'a Manifest,
    pub(super) port: JobPort,
    /// The index of the Service's port that becomes the job's.
    index: usize,
}

impl<'a> JobService<'a> {
    /// Returns the Service that becomes a job's port: the one with the name of the workload, otherwise the first with a port that a
    /// job can have.
    pub(super) fn of(workload: &Manifest, pod: &PodSpec, services: &[&'a Manifest]) -> Option<Self> {
        let mut found: Vec<&'a Manifest> =
            services.iter().copied().filter(|service| selects(service, workload)).collect();
        found.sort_by_key(|service| service.name != workload.name);
        found.into_iter().find_map(|manifest| {
            let (index, port) = port(service(manifest)?, pod)?;
            Some(Self { manifest, port, index })
        })
    }

    /// Returns the notes about what the job's Service lacks or changes compared with this one.
    pub(super) fn notes(&self, rendered: &Value) -> Vec<ConversionNote> {
        let title = self.manifest.to_string();
        let mut before = with_defaults(ObjectKind::Service, &self.manifest.to_json());
        let mut after = with_defaults(ObjectKind::Service, rendered);
        let ports = before["spec"]["ports"].take();
        let new_port = after["spec"]["ports"].take();
        // The API server assigns addresses.
        let spec = &mut before["spec"];
        if spec["clusterIP"] != "None" {
            spec["clusterIP"].take();
            spec["clusterIPs"].take();
        }
        before["spec"]["selector"].take();
        after["spec"]["selector"].take();
        let keeps = |key: &String| {
            matches!(key.as_str(), "labels" | "annotations" | "finalizers" | "ownerReferences")
        };
        if let Some(metadata) = before["metadata"].as_object_mut() {
            metadata.retain(|key, _| keeps(key) || key == "name");
            if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
                annotations.remove(crate::object::LAST_APPLIED);
            }
        }
        let mut notes = Vec::new();
        let mut add = |path: FieldPath, before: Option<Untrusted>, after: Option<Untrusted>| {
            let object = Some(Untrusted::new(title.as_str()));
            notes.push(ConversionNote::Field { object, path, before, after });
        };
        for part in ["metadata", "spec"] {
            for found in differences(&json!({part: before[part]}), &json!({part: after[part]})) {
                add(found.path, found.wanted, found.live);
            }
        }
        let path = FieldPath::of(&["spec", "ports"]);
        for (index, port) in ports.as_array().into_iter().flatten().enumerate() {
            let path = path.item(index, port["name"].as_str());
            if index != self.index {
                add(path, Some(Untrusted::new(port.to_string())), None);
                continue;
            }
            for found in differences(port, &new_port[0]) {
                let field = found.path.segments().iter().fold(path.clone(), |path, segment| match segment {
                    PathSegment::Field(name) => path.field(name),
                    PathSegment::Item { index, name } => path.item(*index, name.as_deref()),
                });
                add(field, found.wanted, found.live);
            }
        }
        notes
    }
}

fn service(manifest: &Manifest) -> Option<&Service> {
    match &manifest.object {
        ManifestObject::Service(service) => Some(service),
        _ => None,
    }
}

/// Returns whether a Service selects the pods of a Deployment.
pub(super) fn selects(manifest: &Manifest, workload: &Manifest) -> bool {
    let ManifestObject::Deployment(deployment) = &workload.object else { return false };
    service(manifest).is_some_and(|service| selects_pods(service, pod_labels(deployment)))
}

fn pod_labels(deployment: &k8s_openapi::api::apps::v1::Deployment) -> Option<&Labels> {
    deployment_spec(deployment)?.template.metadata.as_ref()?.labels.as_ref()
}

/// Returns the first port of a Service that a job can have, with its index: a job listens on the port of its Service.
fn port(service: &Service, pod: &PodSpec) -> Option<(usize, JobPort)> {
    let ports = service.spec.as_ref()?.ports.as_deref().unwrap_or_default();
    ports.iter().enumerate().find_map(|(index, port)| {
        let number = target(port, pod)?;
        match port.protocol.as_deref().unwrap_or("TCP") {
            "TCP" => Some((index, JobPort::Tcp { number, is_public: false })),
            "UDP" => Some((index, JobPort::Udp { number })),
            _ => None,
        }
    })
}

/// Returns the port on which the pods listen.
fn target(port: &ServicePort, pod: &PodSpec) -> Option<NonZeroU16> {
    let number = match &port.target_port {
        None => port.port,
        Some(IntOrString::Int(number)) => *number,
        Some(IntOrString::String(name)) => {
            let all = pod.containers.iter().flat_map(|container| container.ports.iter().flatten());
            let mut named = all.filter(|port| port.name.as_ref() == Some(name));
            named.next()?.container_port
        }
    };
    u16::try_from(number).ok().and_then(NonZeroU16::new)
}
