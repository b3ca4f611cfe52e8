//! Manifests as jobs and as a web service. What the rendered object does not have of the original is a note.

use std::num::NonZeroU16;

use k8s_openapi::api::core::v1::{Container, PodSpec, Probe};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::{Value, json};
use toolforge_images::{ImageLookupError, State};
use toolforge_model::yaml::{YamlNode, YamlValue};
use toolforge_model::{
    Cpu, Environment, HealthCheckPathError, JobHealthCheck, JobImage, JobOptions, JobPort, JobRequest,
    Memory, MountStorage, Replicas, Retry, Untrusted, join_words, platform,
};

use crate::convert::{ConvertedWebService, Converter};
use crate::manifest::{Manifest, ManifestObject};
use crate::object::{FieldPath, PathSegment, cron_job_spec, deployment_spec, differences};
use crate::pod::cpu_of;

/// Where the platform mounts its own volumes (volume-admission, 2026; before 2024 also the sockets of SSSD).
const PLATFORM_MOUNTS: [&str; 7] = [
    "/data/project",
    "/data/scratch",
    "/public/dumps",
    "/mnt/nfs",
    "/etc/wmcs-project",
    "/etc/ldap",
    "/var/lib/sss/pipes",
];

/// The fields below `metadata` and `spec` that identify an object, or that the API server sets.
const OWN_FIELDS: [&[&str]; 7] = [
    &["apiVersion"],
    &["kind"],
    &["metadata"],
    &["status"],
    &["spec", "selector"],
    &["spec", "template", "metadata"],
    &["spec", "jobTemplate", "metadata"],
];

/// The values that the API server sets where a manifest has none (Kubernetes 1.33), in an object, a pod or a container.
const DEFAULTS: [(&str, &str); 22] = [
    ("concurrencyPolicy", "Allow"),
    ("suspend", "false"),
    ("successfulJobsHistoryLimit", "3"),
    ("failedJobsHistoryLimit", "1"),
    ("progressDeadlineSeconds", "600"),
    ("revisionHistoryLimit", "10"),
    ("replicas", "1"),
    ("parallelism", "1"),
    ("completions", "1"),
    ("completionMode", "NonIndexed"),
    ("podReplacementPolicy", "TerminatingOrFailed"),
    ("manualSelector", "false"),
    ("backoffLimit", "6"),
    ("dnsPolicy", "ClusterFirst"),
    ("schedulerName", "default-scheduler"),
    ("terminationGracePeriodSeconds", "30"),
    ("restartPolicy", "Always"),
    ("enableServiceLinks", "true"),
    ("terminationMessagePath", "/dev/termination-log"),
    ("terminationMessagePolicy", "File"),
    ("imagePullPolicy", "Always"),
    ("imagePullPolicy", "IfNotPresent"),
];

/// Returns a manifest in the API version that the cluster serves: the workloads of `extensions`, `apps` and `batch` have the
/// same fields in all of them, but a Deployment had no selector before `apps/v1`.
#[must_use]
pub fn with_current_version(node: &YamlNode) -> YamlNode {
    let mut node = node.clone();
    let text = |field| node.get(field).and_then(YamlNode::string).map(str::to_owned);
    let (version, kind) = (text("apiVersion").unwrap_or_default(), text("kind").unwrap_or_default());
    let current = match (version.split('/').next().unwrap_or_default(), kind.as_str()) {
        ("extensions" | "apps", "Deployment" | "DaemonSet" | "ReplicaSet" | "StatefulSet") => "apps/v1",
        ("batch", "CronJob" | "Job") => "batch/v1",
        _ => "",
    };
    let items = kind.ends_with("List");
    let YamlValue::Mapping(fields) = &mut node.value else { return node };
    for (key, value) in fields {
        match (key.string(), &mut value.value) {
            (Some("apiVersion"), YamlValue::String(text)) if !current.is_empty() => current.clone_into(text),
            (Some("items"), YamlValue::Sequence(found)) if items => {
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
    pub fn add_manifests(&mut self, manifests: &[Manifest]) {
        let services: Vec<&Manifest> =
            manifests.iter().filter(|found| matches!(found.object, ManifestObject::Service(_))).collect();
        let mut used = vec![false; services.len()];
        for manifest in manifests {
            let port = services.iter().position(|service| selects(service, manifest));
            let service = port.and_then(|index| {
                used[index] = true;
                services.get(index).copied()
            });
            self.add_manifest(manifest, service);
        }
        for (service, _) in services.iter().zip(used).filter(|(_, used)| !used) {
            let reason =
                "a Service is converted with the Deployment whose pods it selects, as the port of its job";
            self.leave(&service.to_string(), reason, service.location);
        }
    }

    fn add_manifest(&mut self, manifest: &Manifest, service: Option<&Manifest>) {
        if matches!(manifest.object, ManifestObject::Service(_)) {
            return;
        }
        let what = manifest.to_string();
        let Some(pod) = manifest.object.pod_spec() else {
            self.leave(&what, "a jobs file has no such objects", manifest.location);
            return;
        };
        if is_web_service(manifest) {
            self.add_web_service(manifest, pod);
            return;
        }
        let mut notes = Vec::new();
        let mut options = self.pod_options(pod, &mut notes);
        options.mount = Some(mount(manifest));
        match &manifest.object {
            ManifestObject::CronJob(found) => {
                let spec = cron_job_spec(found);
                options.schedule = spec.map(|spec| spec.schedule.clone());
                let run = spec.and_then(|spec| spec.job_template.spec.as_ref());
                let limit = run.and_then(|run| run.active_deadline_seconds);
                options.timeout = limit.and_then(|seconds| u32::try_from(seconds).ok());
                options.retry = run.and_then(|run| run.backoff_limit).map(retry);
                // The API server's default, too.
                if spec.is_some_and(|spec| spec.concurrency_policy.as_deref().unwrap_or("Allow") == "Allow") {
                    notes.push(
                        "spec.concurrencyPolicy: was Allow, is now Forbid: no run starts while another one works"
                            .to_owned(),
                    );
                }
                if spec.is_some_and(|spec| spec.suspend == Some(true)) {
                    notes.push("it is suspended; run `jobs suspend` after `jobs load`".to_owned());
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
                options.port = service.and_then(port);
                options.health_check =
                    pod.containers.first().and_then(|container| health_check(container, &mut notes));
            }
            _ => {
                let reason = format!("a {} cannot be a job: write a Deployment or a Job", manifest.kind);
                self.leave(&what, reason, manifest.location);
                return;
            }
        }
        if pod.containers.len() > 1 {
            let others: Vec<_> = pod.containers.iter().skip(1).map(|other| other.name.clone()).collect();
            notes.push(format!("a job has one container; not converted: {}", others.join(", ")));
        }
        // Other pods reach a job with a port by its name, which then has no dots.
        let wanted =
            if options.port.is_some() { manifest.name.replace('.', "-") } else { manifest.name.clone() };
        let name = self.unique_name(&wanted);
        if name.as_str() != manifest.name {
            notes.push(format!("the name was {}", manifest.name));
        }
        options.name = Some(name);
        if let Ok(request) = options.clone().into_request(&self.namespace.tool) {
            match self.namespace.job(request) {
                Ok(plan) => {
                    let rendered = plan.objects.iter().map(crate::object::Object::to_json);
                    let rendered = rendered.into_iter().find(|object| object["spec"].is_object());
                    notes.extend(lost(&original(manifest), &rendered.unwrap_or_default(), manifest));
                }
                Err(error) => notes.push(error.to_string()),
            }
        }
        self.add(options, notes, &what, manifest.location);
    }

    /// Returns what a pod's first container says.
    fn pod_options(&self, pod: &PodSpec, notes: &mut Vec<String>) -> JobOptions {
        let Some(container) = pod.containers.first() else { return JobOptions::default() };
        let reference = container.image.clone().unwrap_or_default();
        let image = self.image_of(&reference, notes);
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
            match (&variable.value, &variable.value_from) {
                (_, Some(_)) => notes.push(format!(
                    "env {}: a jobs file holds only plain values; use `toolforge envvars`",
                    variable.name
                )),
                // The platform sets it.
                (Some(_), None) if variable.name == "HOME" => {}
                (value, None) => {
                    if let Err(error) = environment.set(&variable.name, value.clone().unwrap_or_default()) {
                        notes.push(error.to_string());
                    }
                }
            }
        }
        JobOptions {
            command: command(container),
            image: Some(image),
            memory: amount("memory").and_then(|text| Memory::parse_quantity(&text).ok()),
            cpu: amount("cpu").and_then(|text| Cpu::parse_quantity(&text).ok()).filter(|cpu| {
                // The platform's own amounts are those of a job that names none.
                let is_default = *cpu == self.namespace.platform.default_cpu_limit
                    && cpu_of(requests) == Some(JobRequest::DEFAULT_CPU);
                !is_default
            }),
            // The container writes to its own output.
            file_log: Some(false),
            environment,
            ..JobOptions::default()
        }
    }

    /// Returns the image of a reference by its shortest name; one that the catalog does not have is replaced where it can be.
    fn image_of(&self, reference: &str, notes: &mut Vec<String>) -> JobImage {
        let asked = JobImage::Reference(reference.to_owned());
        let catalog = &self.namespace.catalog;
        match catalog.job_image(&asked, &self.namespace.platform.build_service_repository) {
            Ok(found) => {
                if let JobImage::Type(name) = &found.image
                    && found.state != State::Current
                    && let Some(replacement) = catalog.replacement(name)
                {
                    notes.push(format!("image {name} is {}; {} replaces it", found.state, replacement.name));
                }
                found.image
            }
            Err(ImageLookupError::Reference { near: Some(near), .. }) => {
                let Ok(image) = near.as_raw().parse::<JobImage>() else { return asked };
                notes.push(format!("image {reference} is not in the catalog; {image} replaces it"));
                image
            }
            // The plan says why it is none.
            Err(_) => asked,
        }
    }

    fn add_web_service(&mut self, manifest: &Manifest, pod: &PodSpec) {
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
                template.push_str(&format!("{field}: {}\n", quoted(&amount.0)));
            }
        }
        if let ManifestObject::Deployment(found) = &manifest.object
            && let Some(replicas) =
                deployment_spec(found).and_then(|spec| spec.replicas).filter(|count| *count != 1)
        {
            template.push_str(&format!("replicas: {replicas}\n"));
        }
        if image.state != State::Current {
            notes.push(format!("type {} is {}", image.name, image.state));
        }
        if container.args.as_ref().is_some_and(|args| args.len() > 2) {
            notes.push("the command is not converted; see `extra_args`".to_owned());
        }
        let notes = notes.into_iter().map(Untrusted::new).collect();
        self.conversion.web_service =
            Some(ConvertedWebService { template, notes, location: manifest.location });
    }
}

/// Returns a scalar for YAML that is read as text.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

fn is_web_service(manifest: &Manifest) -> bool {
    let label = manifest
        .node
        .get("metadata")
        .and_then(|metadata| metadata.get("labels")?.get(platform::LABEL_COMPONENT)?.string());
    matches!(manifest.object, ManifestObject::Deployment(_)) && label == Some(platform::COMPONENT_WEB)
}

/// Returns whether a Service selects the pods of a Deployment.
fn selects(service: &Manifest, workload: &Manifest) -> bool {
    let ManifestObject::Service(service) = &service.object else { return false };
    let ManifestObject::Deployment(deployment) = &workload.object else { return false };
    let template = deployment_spec(deployment).and_then(|spec| spec.template.metadata.as_ref());
    let labels = template.and_then(|metadata| metadata.labels.as_ref());
    let selector =
        service.spec.as_ref().and_then(|spec| spec.selector.as_ref()).filter(|labels| !labels.is_empty());
    selector.is_some_and(|selector| {
        selector.iter().all(|(key, value)| labels.and_then(|labels| labels.get(key)) == Some(value))
    })
}

fn port(service: &Manifest) -> Option<JobPort> {
    let ManifestObject::Service(service) = &service.object else { return None };
    let port = service.spec.as_ref()?.ports.as_ref()?.first()?;
    let protocol = port.protocol.as_deref().unwrap_or("TCP").to_ascii_lowercase();
    let number = u16::try_from(port.port).ok().and_then(NonZeroU16::new)?;
    Some(match protocol.as_str() {
        "udp" => JobPort::Udp { number },
        _ => JobPort::Tcp { number, is_public: false },
    })
}

/// Returns a number of retries that a job can have.
fn retry(count: i32) -> Retry {
    Retry::from_i32_saturating(count)
}

/// Returns the storage that the pods see: since 2020, that of pods with the label `toolforge: tool`.
fn mount(manifest: &Manifest) -> MountStorage {
    let template = |object: &Value| {
        let spec = &object["spec"];
        [&spec["jobTemplate"]["spec"]["template"], &spec["template"], object]
            .into_iter()
            .find(|found| found["spec"]["containers"].is_array())
            .map(|found| found["metadata"]["labels"].clone())
            .unwrap_or_default()
    };
    let labels = template(&original(manifest));
    let wanted = labels[platform::LABEL_MOUNT_STORAGE].as_str().and_then(|text| text.parse().ok());
    // Since 2025, every pod in a tool's namespace gets it.
    wanted.unwrap_or(MountStorage::All)
}

fn health_check(container: &Container, notes: &mut Vec<String>) -> Option<JobHealthCheck> {
    let probe: &Probe = container.liveness_probe.as_ref().or(container.readiness_probe.as_ref())?;
    if let Some(exec) = &probe.exec {
        let words = exec.command.clone().unwrap_or_default();
        return Some(JobHealthCheck::Script(join_words(&words)));
    }
    let http = probe.http_get.as_ref()?;
    if matches!(&http.port, IntOrString::String(_)) {
        notes.push("the health check uses the job's port".to_owned());
    }
    let path = http.path.clone().unwrap_or_else(|| "/".to_owned());
    let path = path.parse().map_err(|error: HealthCheckPathError| notes.push(error.to_string())).ok()?;
    Some(JobHealthCheck::Http(path))
}

/// Returns the command line of a container; `None` if the image chooses it.
fn command(container: &Container) -> Option<String> {
    let words: Vec<String> = container.command.iter().chain(&container.args).flatten().cloned().collect();
    match words.as_slice() {
        [] => None,
        [shell, option, script] if is_shell(shell) && option == "-c" => Some(script.clone()),
        [shell, option, end, script] if is_shell(shell) && option == "-c" && end == "--" => {
            Some(script.clone())
        }
        words => Some(join_words(words)),
    }
}

fn is_shell(program: &str) -> bool {
    matches!(program, "sh" | "/bin/sh")
}

fn original(manifest: &Manifest) -> Value {
    match &manifest.object {
        ManifestObject::Deployment(found) => serde_json::to_value(found),
        ManifestObject::CronJob(found) => serde_json::to_value(found),
        ManifestObject::Job(found) => serde_json::to_value(found),
        ManifestObject::Pod(found) => serde_json::to_value(found),
        _ => Ok(Value::Null),
    }
    .unwrap_or_default()
}

/// Returns what the rendered object does not have of the original, a line each.
fn lost(original: &Value, rendered: &Value, manifest: &Manifest) -> Vec<String> {
    let mut original = original.clone();
    let mut rendered = rendered.clone();
    if matches!(manifest.object, ManifestObject::Pod(_)) {
        // Only the pods of the two can be compared.
        original = json!({"spec": {"template": {"spec": original["spec"]}}});
    }
    prepare(&mut original, &mut rendered);
    differences(&original, &rendered)
        .into_iter()
        .filter(|found| !is_own(&found.path) && !is_default(&found.path, found.wanted.as_ref()))
        .map(|found| {
            let text = |value: Option<Untrusted>| value.map(|text| text.as_raw().to_owned());
            match (text(found.wanted), text(found.live)) {
                (Some(original), Some(now)) => format!("{}: was {original}, is now {now}", found.path),
                (Some(original), None) => format!("{}: {original} is not converted", found.path),
                (None, now) => format!("{}: is now {}", found.path, now.unwrap_or_default()),
            }
        })
        .collect()
}

/// Gives the containers the same name, and removes what is compared otherwise: command and image, the platform's volumes.
fn prepare(original: &mut Value, rendered: &mut Value) {
    for object in [original, rendered] {
        let Some(pod) = pod_spec_mut(object) else { continue };
        if let Some(containers) = pod["containers"].as_array_mut() {
            containers.truncate(1);
            for container in containers {
                container["name"] = json!(platform::CONTAINER_JOB);
                for field in [
                    "command",
                    "args",
                    "image",
                    "env",
                    "ports",
                    "livenessProbe",
                    "readinessProbe",
                    "startupProbe",
                ] {
                    container[field] = Value::Null;
                }
                remove_home(&mut container["volumeMounts"], "mountPath");
            }
        }
        remove_home(&mut pod["volumes"], "hostPath");
    }
}

/// Removes the volumes that the platform mounts itself.
fn remove_home(list: &mut Value, field: &str) {
    let is_platform = |item: &Value| {
        let path = item[field].as_str().or_else(|| item[field]["path"].as_str()).unwrap_or_default();
        PLATFORM_MOUNTS.iter().any(|mount| path.starts_with(mount))
    };
    if let Some(items) = list.as_array_mut() {
        items.retain(|item| !is_platform(item));
    }
}

fn pod_spec_mut(object: &mut Value) -> Option<&mut Value> {
    ["/spec/jobTemplate/spec/template/spec", "/spec/template/spec"]
        .into_iter()
        .find(|path| object.pointer(path).is_some())
        .and_then(|path| object.pointer_mut(path))
}

fn is_own(path: &FieldPath) -> bool {
    let fields: Vec<&str> = path
        .segments()
        .iter()
        .map(|segment| match segment {
            PathSegment::Field(name) => name.as_str(),
            PathSegment::Item { .. } => "",
        })
        .collect();
    OWN_FIELDS.iter().any(|own| fields.starts_with(own))
        || fields.ends_with(&["template", "metadata"])
        || fields.windows(2).any(|pair| pair == ["template", "metadata"])
}

/// Returns whether a value is the one that the API server sets where a manifest has none.
fn is_default(path: &FieldPath, value: Option<&Untrusted>) -> bool {
    let Some(PathSegment::Field(name)) = path.segments().last() else { return false };
    let Some(value) = value else { return false };
    DEFAULTS.iter().any(|(field, default)| name == field && value.as_raw() == *default)
}
