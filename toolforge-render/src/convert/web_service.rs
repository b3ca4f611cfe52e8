//! Deployments of `webservice` as a `service.template`.

use k8s_openapi::api::core::v1::PodSpec;
use toolforge_images::State;
use toolforge_model::{MountStorage, ServiceTemplate, platform};

use crate::convert::loss::Carried;
use crate::convert::{ConversionNote, ConvertedWebService, Converter};
use crate::manifest::{Manifest, ManifestObject};
use crate::object::{Object, ObjectKind, deployment_spec, replacement_differences};

impl Converter<'_> {
    pub(super) fn add_web_service(&mut self, manifest: &Manifest, pod: &PodSpec) {
        let what = manifest.to_string();
        if self.conversion.web_service.is_some() {
            self.leave(&what, "a tool has one web service", manifest.location);
            return;
        }
        let Some(container) = pod.containers.first() else { return };
        let reference = container.image.clone().unwrap_or_default();
        let found = self.namespace.catalog.with_web_image(&reference).next();
        let Some((image, _)) = found else {
            self.leave(&what, format!("no type has the image {reference}"), manifest.location);
            return;
        };
        let mut notes = Vec::new();
        let mut template = format!("type: {}\n", image.name);
        let limits = container.resources.as_ref().and_then(|resources| resources.limits.as_ref());
        for (key, field) in [("cpu", "cpu"), ("memory", "mem")] {
            if let Some(amount) = limits.and_then(|limits| limits.get(key)) {
                add_line(&mut template, &format!("{field}: {}\n", quoted(&amount.0)));
            }
        }
        if let ManifestObject::Deployment(found) = &manifest.object
            && let Some(replicas) =
                deployment_spec(found).and_then(|spec| spec.replicas).filter(|count| *count != 1)
        {
            add_line(&mut template, &format!("replicas: {replicas}\n"));
        }
        if image.state != State::Current {
            let (name, state) = (image.name.clone(), image.state);
            notes.push(ConversionNote::OutdatedImage { name, state, replacement: None });
        }
        notes.extend(self.notes_of_web_service(manifest, &template));
        self.conversion.web_service =
            Some(ConvertedWebService { template, notes, location: manifest.location });
    }

    /// Returns what the web service of a template does not have of a Deployment, or has otherwise.
    fn notes_of_web_service(&self, manifest: &Manifest, template: &str) -> Vec<ConversionNote> {
        let options = ServiceTemplate::parse(template).map(|template| template.options).unwrap_or_default();
        let request = options.into_request(&self.namespace.tool).ok();
        let objects = request.and_then(|request| self.namespace.web(request).ok()).map(|plan| plan.objects);
        let rendered = objects.into_iter().flatten().find(|object| object.kind() == ObjectKind::Deployment);
        let before = manifest.to_json();
        let after = rendered.as_ref().map(Object::to_json).unwrap_or_default();
        let mut carried = Carried::of(&before, &self.namespace.tool, MountStorage::All);
        for field in ["command", "args"] {
            carried.remove(&before, field);
        }
        carried.add(&before, "image");
        // What the type adds is not the template's.
        let mut differences = replacement_differences(ObjectKind::Deployment, &before, &after);
        differences.retain(|found| found.live.is_some());
        carried.notes(differences).collect()
    }
}

/// Adds a line to a template, if the template can be read with it.
fn add_line(template: &mut String, line: &str) {
    if ServiceTemplate::parse(&format!("{template}{line}")).is_ok() {
        template.push_str(line);
    }
}

/// Returns a scalar for YAML that is read as text.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

pub(super) fn is_web_service(manifest: &Manifest) -> bool {
    let label = manifest
        .node
        .get("metadata")
        .and_then(|metadata| metadata.get("labels")?.get(platform::LABEL_COMPONENT)?.string());
    matches!(manifest.object, ManifestObject::Deployment(_)) && label == Some(platform::COMPONENT_WEB)
}
