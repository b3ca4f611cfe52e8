//! Manifests as jobs and as a web service. Whatever the rendered object lacks of the original becomes a note.

use k8s_openapi::api::core::v1::{Container, Probe};
use serde_json::Value;
use toolforge_images::{FoundJobImage, ImageLookupError, State};
use toolforge_model::yaml::{YamlNode, YamlValue};
use toolforge_model::{
    Cpu, Environment, FileLog, JobHealthCheck, JobImage, JobOptions, JobPort, JobRequest, Location, Memory,
    Replicas, Retry, Untrusted, join_words, platform,
};

use crate::convert::conversion::ConvertedFields;
use crate::convert::dependent::creator;
use crate::convert::loss::{self, Carried};
use crate::convert::service::{JobService, selects};
use crate::convert::{ConversionNote, Converter, variables};
use crate::job::{CommandMarks, JobObjects, JobPlanError, command_words, is_job};
use crate::manifest::{Manifest, ManifestKind, ManifestObject, item_kind_of};
use crate::object::{Labels, ObjectKind, cron_job_spec, deployment_spec, is_web_service};
use crate::pod::cpu_of;

/// Returns a manifest in the API version that the cluster serves: the workloads of `extensions`, `apps` and `batch` have the
/// same fields in all of them, but a Deployment had no selector before `apps/v1`. A Service is the only other kind that is read.
#[must_use]
pub fn with_current_version(node: &YamlNode) -> YamlNode {
    let mut node = node.clone();
    let text = |field| node.get(field).and_then(YamlNode::string).map(str::to_owned);
    let (version, kind) = (text("apiVersion").unwrap_or_default(), text("kind").unwrap_or_default());
    let current = ManifestKind::new(&version, &kind).served_version().unwrap_or_default();
    let is_list = item_kind_of(&kind, node.get("items").is_some()).is_some();
    let YamlValue::Mapping(fields) = &mut node.value else { return node };
    for (key, value) in fields {
        match (key.string(), &mut value.value) {
            (Some("apiVersion"), YamlValue::String(text)) if !current.is_empty() => current.clone_into(text),
            (Some("items"), YamlValue::Sequence(found)) if is_list => {
                found.iter_mut().for_each(|item| *item = with_current_version(item));
            }
            (Some("spec"), YamlValue::Mapping(spec))
                if current == "apps/v1" && spec.iter().all(|(key, _)| key.string() != Some("selector")) =>
            {
                let part = |value| YamlNode { location: key.location, value };
                let selector = part(YamlValue::String("selector".to_owned()));
                spec.push((selector, part(YamlValue::Mapping(Vec::new()))));
            }
            _ => {}
        }
    }
    node
}

impl Converter<'_> {
    /// Adds the jobs of manifests, and the web service among them. A Service is part of the job whose pods it selects.
    ///
    /// Objects that a controller or the web service creates need no job: their owner creates them again.
    pub fn add_manifests(&mut self, manifests: &[Manifest]) {
        let mut own = Vec::new();
        for manifest in manifests {
            match creator(manifest) {
                Some(creator) => self.add_dependent(manifest, &creator),
                None => own.push(manifest),
            }
        }
        let manifests = own;
        let services: Vec<&Manifest> = manifests
            .iter()
            .copied()
            .filter(|found| matches!(found.object, ManifestObject::Service(_)))
            .collect();
        let mut used: Vec<Location> = Vec::new();
        for manifest in &manifests {
            let found = self.add_manifest(manifest, &services);
            used.extend(found.map(|service| service.location));
        }
        for service in services.iter().filter(|service| !used.contains(&service.location)) {
            let reason = match manifests.iter().any(|workload| selects(service, workload)) {
                true => "a job has one Service, with one port of TCP or UDP and its own name",
                false => {
                    "a Service is converted with the Deployment whose pods it selects, as the port of its job"
                }
            };
            self.leave(&service.to_string(), reason, service.location);
        }
    }

    /// Adds the job of a manifest, and returns the Service that is its port.
    fn add_manifest<'m>(&mut self, manifest: &Manifest, services: &[&'m Manifest]) -> Option<&'m Manifest> {
        if matches!(manifest.object, ManifestObject::Service(_)) {
            return None;
        }
        let what = manifest.to_string();
        let Some(pod) = manifest.object.pod_spec() else {
            self.leave(&what, "a jobs file has no such objects", manifest.location);
            return None;
        };
        if let ManifestObject::Deployment(found) = &manifest.object
            && is_web_service(found.metadata.labels.as_ref())
        {
            self.add_web_service(manifest, pod);
            return services.iter().copied().find(|service| selects(service, manifest));
        }
        let container = pod.containers.first()?;
        if is_argument_of_the_image(container) {
            let reason = "it has arguments for the image's own entry point, and no command";
            self.leave(&what, reason, manifest.location);
            return None;
        }
        let service = JobService::of(manifest, pod, services);
        let mut original = manifest.to_json();
        let mut notes = variables::remove_replaced(&mut original);
        let mount = loss::mount(&original);
        let mut carried = Carried::of(&original, &self.namespace.tool, mount);
        let mut options = self.pod_options(container, &original, &mut notes);
        let is_noted = |note: &ConversionNote| {
            matches!(note, ConversionNote::ReplacedImage { .. } | ConversionNote::RenamedImage { .. })
        };
        if notes.iter().any(is_noted) {
            carried.add(&original, &["image"]);
        }
        if container.command.as_ref().is_none_or(Vec::is_empty) {
            notes.push(ConversionNote::EntryPoint);
        }
        options.mount = Some(mount);
        options.emails = original["metadata"]["labels"][platform::LABEL_EMAILS]
            .as_str()
            .and_then(|text| text.parse().ok());
        match &manifest.object {
            ManifestObject::CronJob(found) => {
                let spec = cron_job_spec(found);
                options.schedule = spec.map(|spec| spec.schedule.clone());
                let run = spec.and_then(|spec| spec.job_template.spec.as_ref());
                let limit = run.and_then(|run| run.active_deadline_seconds);
                options.timeout = limit.and_then(|seconds| u32::try_from(seconds).ok());
                options.retry = run.and_then(|run| run.backoff_limit).map(retry);
                if spec.is_some_and(|spec| spec.suspend == Some(true)) {
                    notes.push(ConversionNote::Suspended);
                }
            }
            ManifestObject::Job(found) => {
                options.retry = found.spec.as_ref().and_then(|spec| spec.backoff_limit).map(retry);
            }
            ManifestObject::Pod(_)
                if pod.restart_policy.as_deref().is_some_and(|policy| policy != "Always") => {}
            ManifestObject::Pod(_) => options.is_continuous = true,
            ManifestObject::Deployment(found) => {
                options.is_continuous = true;
                let replicas = deployment_spec(found).and_then(|spec| spec.replicas);
                options.replicas = replicas.map(Replicas::from_i32_saturating);
                options.port = service.as_ref().map(|service| service.port);
                options.health_check = health_check(container, options.port);
                if let (Some(JobHealthCheck::Script(_)), Some(_)) =
                    (&options.health_check, &container.liveness_probe)
                {
                    carried.add(&original, &["livenessProbe", "exec", "command"]);
                }
            }
            _ => {
                let reason = format!("a {} cannot be a job: write a Deployment or a Job", manifest.kind);
                self.leave(&what, reason, manifest.location);
                return None;
            }
        }
        if pod.containers.len() > 1 {
            let names =
                pod.containers.iter().skip(1).map(|other| Untrusted::new(other.name.as_str())).collect();
            notes.push(ConversionNote::OtherContainers { names });
            carried.add_other_containers(&original);
        }
        // Other pods reach a job with a port by its name, which then has no dots.
        let wanted =
            if options.port.is_some() { manifest.name.replace('.', "-") } else { manifest.name.clone() };
        let name = self.unique_name(&wanted);
        if name.as_str() != manifest.name {
            notes.push(ConversionNote::Renamed { from: Untrusted::new(manifest.name.as_str()) });
        }
        options.name = Some(name);
        let mut rendered = None;
        if let Ok(request) = options.clone().into_request(&self.namespace.tool) {
            carried.set_defaults(request.cpu, request.memory);
            let compared = match self.rendered(request.clone()) {
                Ok(objects) => Some(rendered.insert(objects).clone()),
                Err(error) => {
                    notes.push(ConversionNote::Unplanned { error });
                    for field in ["image", "imagePullPolicy"] {
                        carried.add(&original, &[field]);
                    }
                    self.with_another_image(request).ok()
                }
            };
            let objects = compared.map(JobObjects::into_objects).unwrap_or_default();
            notes.extend(carried.notes_of_job(&original, &objects));
            let workload = objects.iter().find(|object| object.kind() != ObjectKind::Service);
            if let Some(workload) = workload {
                notes.extend(variables::order_notes(&original, &workload.to_json()));
            }
            let address = objects.iter().find(|object| object.kind() == ObjectKind::Service);
            if let (Some(service), Some(address)) = (&service, address) {
                notes.extend(service.notes(&address.to_json()));
            }
        }
        self.add(options, ConvertedFields { notes, carried, rendered }, &what, manifest.location);
        service.map(|service| service.manifest)
    }

    /// Plans a job with an image of the catalog, to compare its other fields.
    fn with_another_image(&self, request: JobRequest) -> Result<JobObjects, JobPlanError> {
        let image = self.namespace.catalog.newest_for_jobs("bookworm");
        let image = image.map_or_else(|| request.image.clone(), |found| JobImage::Type(found.name.clone()));
        self.rendered(JobRequest { image, ..request })
    }

    /// Returns the options that a container states.
    fn pod_options(
        &self,
        container: &Container,
        original: &Value,
        notes: &mut Vec<ConversionNote>,
    ) -> JobOptions {
        let reference = container.image.clone().unwrap_or_default();
        let image = self.image_of(&reference, notes);
        let command = self.command(container, original, image.is_build_service());
        let (command, file_log) = command.unzip();
        let file_log = file_log.unwrap_or_default();
        let limits = container.resources.as_ref().and_then(|resources| resources.limits.as_ref());
        let requests = container.resources.as_ref().and_then(|resources| resources.requests.as_ref());
        let amount = |key: &str| {
            limits
                .and_then(|limits| limits.get(key))
                .or_else(|| requests?.get(key))
                .map(|found| found.0.clone())
        };
        let mut environment = Environment::default();
        for variable in container.env.iter().flatten() {
            // The platform sets `HOME`. Variables that cannot be set are missing in the job, and a note says so.
            if variable.value_from.is_none() && variable.name != "HOME" {
                let _ = environment.set(&variable.name, variable.value.clone().unwrap_or_default());
            }
        }
        JobOptions {
            command,
            image: Some(image),
            memory: amount("memory").and_then(|text| Memory::parse_quantity(&text).ok()),
            cpu: amount("cpu").and_then(|text| Cpu::parse_quantity(&text).ok()).filter(|cpu| {
                // A job that names no amounts has the platform's own.
                let is_default = *cpu == self.namespace.platform.default_cpu_limit
                    && cpu_of(requests) == Some(JobRequest::DEFAULT_CPU);
                !is_default
            }),
            file_log: Some(file_log.is_on()),
            file_log_stdout: file_log.stdout().cloned(),
            file_log_stderr: file_log.stderr().cloned(),
            environment,
            ..JobOptions::default()
        }
    }

    /// Returns the command line of a container without the log files that the jobs service adds to it, and these log files;
    /// `None` if the image chooses the command.
    fn command(
        &self,
        container: &Container,
        original: &Value,
        is_build_service: bool,
    ) -> Option<(String, FileLog)> {
        let words = command_words(container);
        if words.is_empty() {
            return None;
        }
        let labels = |metadata: &Value| -> Labels {
            serde_json::from_value(metadata["labels"].clone()).unwrap_or_default()
        };
        let own = labels(&original["metadata"]);
        // Pods that were copied from those of a job have its labels.
        let of_pods =
            loss::template(original).map(|template| labels(&template["metadata"])).unwrap_or_default();
        let is_managed = is_job(Some(&own), &self.namespace.tool);
        let marks = CommandMarks {
            labels: Some(if is_managed { &own } else { &of_pods }),
            written: original["metadata"]["annotations"][platform::ANNOTATION_COMMAND].as_str(),
            is_managed,
        };
        let (command, file_log) = marks.read(&words, &self.namespace.tool, is_build_service);
        let is_wrapped = is_managed || file_log.has_files();
        Some(if is_wrapped { (command, file_log) } else { (script(&words), FileLog::Off) })
    }

    /// Returns the image of a reference by its shortest name; one that the catalog does not have is replaced if possible.
    fn image_of(&self, reference: &str, notes: &mut Vec<ConversionNote>) -> JobImage {
        let asked = JobImage::Reference(reference.to_owned());
        let catalog = &self.namespace.catalog;
        match catalog.job_image(&asked, &self.namespace.platform.build_service_repository) {
            Ok(found) => self.noted_if_outdated(found, notes),
            Err(ImageLookupError::Reference { near, .. }) => {
                let found =
                    catalog.renamed_job_image(reference, &self.namespace.platform.build_service_repository);
                let reference = Untrusted::new(reference);
                if let Some(found) = found {
                    let (image, today) = (found.image.clone(), Untrusted::new(found.reference.as_str()));
                    notes.push(ConversionNote::RenamedImage { reference, image, today });
                    return self.noted_if_outdated(found, notes);
                }
                let Some(near) = near else { return asked };
                let Ok(image) = near.as_raw().parse::<JobImage>() else { return asked };
                notes.push(ConversionNote::ReplacedImage { reference, image: image.clone() });
                image
            }
            // The plan says why it is not valid.
            Err(_) => asked,
        }
    }

    /// Returns an image of the catalog, with a note if the platform does not support it.
    fn noted_if_outdated(&self, found: FoundJobImage, notes: &mut Vec<ConversionNote>) -> JobImage {
        if let JobImage::Type(name) = &found.image
            && found.state != State::Current
        {
            let replacement = self.namespace.catalog.replacement_for_jobs(name);
            let replacement = replacement.map(|found| found.name.clone());
            let (name, state) = (name.clone(), found.state);
            notes.push(ConversionNote::OutdatedImage { name, state, replacement });
        }
        found.image
    }
}

/// Returns the nearest number of retries that a job can have.
fn retry(count: i32) -> Retry {
    Retry::from_i32_saturating(count.min(Retry::MAX.into()))
}

/// Returns the health check of a container, if a job with this port can have it.
fn health_check(container: &Container, port: Option<JobPort>) -> Option<JobHealthCheck> {
    let probe: &Probe = container.liveness_probe.as_ref().or(container.readiness_probe.as_ref())?;
    if let Some(exec) = &probe.exec {
        return Some(JobHealthCheck::Script(script(exec.command.as_deref().unwrap_or_default())));
    }
    let path = probe.http_get.as_ref()?.path.as_deref().unwrap_or("/");
    let JobPort::Tcp { .. } = port? else { return None };
    Some(JobHealthCheck::Http(path.parse().ok()?))
}

/// Returns arguments as the script of a shell.
fn script(words: &[String]) -> String {
    match words {
        [shell, option, script] if is_shell(shell) && option == "-c" => script.clone(),
        [shell, option, end, script] if is_shell(shell) && option == "-c" && end == "--" => script.clone(),
        words => join_words(words),
    }
}

/// Returns whether a container has only arguments that begin with an option: an unnamed program gets them.
fn is_argument_of_the_image(container: &Container) -> bool {
    let first = container.args.iter().flatten().next();
    container.command.as_ref().is_none_or(Vec::is_empty) && first.is_some_and(|first| first.starts_with('-'))
}

fn is_shell(program: &str) -> bool {
    matches!(program, "sh" | "/bin/sh")
}
