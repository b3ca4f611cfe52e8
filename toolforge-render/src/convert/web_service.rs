//! Deployments of `webservice` as a `service.template`.

use k8s_openapi::api::core::v1::{Container, PodSpec};
use serde_json::Value;
use toolforge_images::{ImageType, State, WebImage};
use toolforge_model::{
    BuildServiceImage, HealthCheck, MountStorage, ServiceTemplate, TypeName, Untrusted, platform,
};

use crate::convert::loss::{self, Carried};
use crate::convert::{ConversionNote, ConvertedWebService, Converter, variables};
use crate::job::command_words;
use crate::manifest::{Manifest, ManifestObject};
use crate::object::{Object, ObjectKind, deployment_spec, replacement_differences};
use crate::secret::without_secrets;
use crate::web_service::{health_check, type_of_command};

/// The type of a web service's image, and how it runs the container's command.
struct FoundType {
    /// The lines of the template that name it.
    lines: String,
    /// Its name and state, if it is one of the catalog.
    of_catalog: Option<(TypeName, State)>,
    /// The extra arguments; `None` if the type does not run the command.
    arguments: Option<Vec<String>>,
}

impl Converter<'_> {
    pub(super) fn add_web_service(&mut self, manifest: &Manifest, pod: &PodSpec) {
        let what = manifest.to_string();
        if self.conversion.web_service.is_some() {
            self.leave(&what, "a tool has one web service", manifest.location);
            return;
        }
        let Some(container) = pod.containers.first() else { return };
        let mut original = manifest.to_json();
        let replaced = variables::remove_replaced(&mut original);
        let Some(found) = self.type_of(container, &original) else {
            let reference = container.image.clone().unwrap_or_default();
            self.leave(&what, format!("no type has the image {reference}"), manifest.location);
            return;
        };
        let mut template = found.lines;
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
        if let HealthCheck::Path(path) = health_check(container) {
            add_line(&mut template, &format!("health-check-path: {}\n", quoted(path.as_str())));
        }
        let command = command_words(container);
        let (mut carries_command, mut blocking) = (!command.is_empty(), None);
        match (found.arguments, &found.of_catalog) {
            (Some(arguments), _) => {
                carries_command = arguments.is_empty()
                    || add_line(&mut template, &format!("extra_args: {}\n", Value::from(arguments)));
            }
            (None, Some((name, _))) if carries_command => {
                let command = Untrusted::new(without_secrets("command", &Value::from(command).to_string()));
                blocking = Some(ConversionNote::CommandNotRun { name: name.clone(), command });
            }
            (None, _) => carries_command = false,
        }
        let mut notes = replaced;
        notes.extend(blocking);
        if let Some((name, state)) = found.of_catalog.filter(|(_, state)| *state != State::Current) {
            notes.push(ConversionNote::OutdatedImage { name, state, replacement: None });
        }
        notes.extend(self.notes_of_web_service(&original, &template, carries_command));
        ConversionNote::sort(&mut notes);
        self.conversion.web_service =
            Some(ConvertedWebService { template, notes, location: manifest.location });
    }

    /// Returns the type of a container's image that runs its command.
    fn type_of(&self, container: &Container, original: &Value) -> Option<FoundType> {
        let reference = container.image.as_deref().unwrap_or_default();
        let renamed = self.namespace.catalog.renamed_image(reference);
        let reference = renamed.as_deref().unwrap_or(reference);
        let command = command_words(container);
        let repository = format!("{}/", self.namespace.platform.build_service_repository);
        if let Some(image) = reference.strip_prefix(&repository) {
            let image: BuildServiceImage = image.parse().ok()?;
            let mount = match loss::mount(original) {
                MountStorage::None => "mount: none\n",
                _ => "",
            };
            let lines = format!("type: buildservice\nbuildservice-image: {}\n{mount}", image.as_str());
            return Some(FoundType { lines, of_catalog: None, arguments: Some(command) });
        }
        let types: Vec<(&ImageType, &WebImage)> = self.namespace.catalog.with_web_image(reference).collect();
        let annotation = original["metadata"]["annotations"][platform::ANNOTATION_TYPE].as_str();
        let (name, arguments) = type_of_command(&types, &command, annotation)?;
        let state = types.iter().find(|(found, _)| found.name == name).map(|(found, _)| found.state);
        let lines = format!("type: {name}\n");
        Some(FoundType { lines, of_catalog: state.map(|state| (name, state)), arguments })
    }

    /// Returns the notes about what the web service of a template lacks or changes compared with a Deployment.
    fn notes_of_web_service(
        &self,
        before: &Value,
        template: &str,
        carries_command: bool,
    ) -> Vec<ConversionNote> {
        let options = ServiceTemplate::parse(template).map(|template| template.options).unwrap_or_default();
        let (cpu, memory) = (options.cpu, options.memory);
        let request = options.into_request(&self.namespace.tool).ok();
        let objects = request.and_then(|request| self.namespace.web(request).ok()).map(|plan| plan.objects);
        let rendered = objects.into_iter().flatten().find(|object| object.kind() == ObjectKind::Deployment);
        let after = rendered.as_ref().map(Object::to_json).unwrap_or_default();
        let mut carried = Carried::of(before, &self.namespace.tool, loss::mount(before));
        if !carries_command {
            for field in ["command", "args"] {
                carried.remove(before, field);
            }
        }
        carried.add(before, &["image"]);
        carried.set_defaults(cpu, memory);
        let differences = replacement_differences(ObjectKind::Deployment, before, &after);
        let notes = carried.notes(differences);
        // Values that the type adds are not part of the template.
        notes.filter(|note| !matches!(note, ConversionNote::Field { before: None, .. })).collect()
    }
}

/// Adds a line to a template, if the template is still valid with it; returns whether it is added.
fn add_line(template: &mut String, line: &str) -> bool {
    let is_readable = ServiceTemplate::parse(&format!("{template}{line}")).is_ok();
    if is_readable {
        template.push_str(line);
    }
    is_readable
}

/// Returns a scalar for YAML that is read as text.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}
