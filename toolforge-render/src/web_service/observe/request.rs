use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Container;
use toolforge_images::{ImageType, Runner, State, WebImage};
use toolforge_model::{
    Cpu, HealthCheck, Memory, MountStorage, Replicas, TypeName, Untrusted, WebServiceImage,
    WebServiceRequest, platform,
};
use toolforge_quota::PerResource;

use crate::object::{deployment_spec, label};
use crate::pod::{PodResources, cpu_of, memory_of};
use crate::web_service::{RUNNER, WebServiceFacts};

/// Why live objects match no request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ObserveError {
    /// There is no Deployment of a web service.
    #[error("there is no Deployment")]
    NoDeployment,
    /// The Deployment has no container named `webservice`.
    #[error("the Deployment has no container {}", platform::CONTAINER_WEBSERVICE)]
    NoContainer,
    /// The image belongs to no type in the catalog, and not to the build service.
    #[error("image {} belongs to no type in the catalog", image.quoted())]
    UnknownImage {
        /// The image's reference.
        image: Untrusted,
    },
    /// The container's command does not start a web service of its image.
    #[error("command {} is not a web service's", command.quoted())]
    ForeignCommand {
        /// The command and its arguments, joined with spaces.
        command: Untrusted,
    },
}

/// Returns the request of the live Deployment.
///
/// An annotation is used only if the spec agrees with it, so a change with kubectl is observed.
///
/// # Errors
/// When there is no Deployment, or no request matches its image or command.
pub fn observe_web_service_request(facts: &WebServiceFacts) -> Result<WebServiceRequest, ObserveError> {
    let own = facts.live.deployment.as_ref().filter(|_| !facts.live.has_foreign_deployment());
    let deployment = own.ok_or(ObserveError::NoDeployment)?;
    let container = web_container(deployment).ok_or(ObserveError::NoContainer)?;
    let command = container.command.as_deref().unwrap_or_default();
    let foreign = || ObserveError::ForeignCommand { command: Untrusted::new(command.join(" ")) };
    let reference = container.image.as_deref().unwrap_or_default();
    let annotations = Annotations::of(deployment);

    let repository = format!("{}/", facts.namespace.platform.build_service_repository);
    let (image, arguments, limits) =
        if let Some(Ok(image)) = reference.strip_prefix(&repository).map(str::parse) {
            let image = WebServiceImage::BuildService { image, mount: mount(deployment) };
            (image, command.to_vec(), PodResources::DEFAULT_LIMITS)
        } else {
            let found: Vec<_> = facts.namespace.catalog.with_web_image(reference).collect();
            if found.is_empty() {
                return Err(ObserveError::UnknownImage { image: Untrusted::new(reference) });
            }
            let (runner, arguments) = runner_and_arguments(command).ok_or_else(foreign)?;
            let candidates = with_runner(&found, runner);
            let (name, web) = chosen(&candidates, annotations.type_name.as_deref()).ok_or_else(foreign)?;
            let defaults = PerResource { cpu: web.default_cpu, memory: web.default_memory };
            (WebServiceImage::Type(name), arguments.to_vec(), defaults)
        };
    let (cpu, memory) = asked(container, &annotations, limits);
    let replicas = deployment_spec(deployment).and_then(|spec| spec.replicas).unwrap_or(1);
    Ok(WebServiceRequest {
        tool: facts.namespace.tool.clone(),
        image,
        cpu,
        memory,
        replicas: Replicas::from_i32_saturating(replicas),
        arguments,
        health_check: health_check(container),
    })
}

/// Returns the storage that the pods mount, by their label.
pub(crate) fn mount(deployment: &Deployment) -> MountStorage {
    let metadata = deployment_spec(deployment).and_then(|spec| spec.template.metadata.as_ref());
    let labels = metadata.and_then(|metadata| metadata.labels.as_ref());
    label(labels, platform::LABEL_MOUNT_STORAGE).and_then(|storage| storage.parse().ok()).unwrap_or_default()
}

/// Returns the health check: the path of the liveness or startup probe, otherwise of the readiness probe.
pub(crate) fn health_check(container: &Container) -> HealthCheck {
    let probes = [&container.liveness_probe, &container.startup_probe, &container.readiness_probe];
    let path =
        probes.into_iter().flatten().find_map(|probe| probe.http_get.as_ref()?.path.as_ref()?.parse().ok());
    path.map_or(HealthCheck::Port, HealthCheck::Path)
}

/// Returns the web service's container, named `webservice`.
pub(crate) fn web_container(deployment: &Deployment) -> Option<&Container> {
    let pod = deployment_spec(deployment)?.template.spec.as_ref()?;
    pod.containers.iter().find(|container| container.name == platform::CONTAINER_WEBSERVICE)
}

/// Returns the runner and the extra arguments of `webservice-runner --type T --port 8000 …`.
pub(super) fn runner_and_arguments(command: &[String]) -> Option<(&str, &[String])> {
    let port = platform::WEB_PORT.to_string();
    match command {
        [program, type_option, runner, port_option, found, arguments @ ..]
            if program == RUNNER && type_option == "--type" && port_option == "--port" && *found == port =>
        {
            Some((runner, arguments))
        }
        _ => None,
    }
}

/// Returns the types that a runner starts.
fn with_runner<'a>(
    types: &[(&'a ImageType, &'a WebImage)],
    runner: &str,
) -> Vec<(&'a ImageType, &'a WebImage)> {
    types.iter().copied().filter(|(_, web)| web.runner.as_str() == runner).collect()
}

/// Returns which type of an image a container's command starts, and its extra arguments: that of the runner in the
/// command, otherwise one that runs any command.
///
/// `None` as the arguments if no type of the image runs the command; the type is then the image's current one.
pub(crate) fn type_of_command(
    types: &[(&ImageType, &WebImage)],
    command: &[String],
    annotation: Option<&str>,
) -> Option<(TypeName, Option<Vec<String>>)> {
    let started = runner_and_arguments(command).and_then(|(runner, arguments)| {
        let (name, _) = chosen(&with_runner(types, runner), annotation)?;
        Some((name, Some(arguments.to_vec())))
    });
    let run = || {
        let (name, _) = chosen(&with_runner(types, Runner::Generic.as_str()), annotation)?;
        Some((name, Some(command.to_vec()))).filter(|_| !command.is_empty())
    };
    started.or_else(run).or_else(|| chosen(types, annotation).map(|(name, _)| (name, None)))
}

/// Returns the type of the annotation in its spelling, otherwise the current type, otherwise the first.
fn chosen<'a>(
    candidates: &[(&'a ImageType, &'a WebImage)],
    annotation: Option<&str>,
) -> Option<(TypeName, &'a WebImage)> {
    let named = annotation.and_then(|name| {
        let name: TypeName = name.parse().ok()?;
        let (_, web) =
            candidates.iter().find(|(found, _)| found.name == name || found.aliases.contains(&name))?;
        Some((name, *web))
    });
    let current = || candidates.iter().find(|(found, _)| found.state == State::Current);
    named.or_else(|| current().or(candidates.first()).map(|(found, web)| (found.name.clone(), *web)))
}

/// Returns the limits of the request; a limit that is the type's default does not count.
fn asked(
    container: &Container,
    annotations: &Annotations,
    defaults: PerResource<Cpu, Memory>,
) -> (Option<Cpu>, Option<Memory>) {
    let resources = container.resources.as_ref();
    let (limits, requests) = (
        resources.and_then(|resources| resources.limits.as_ref()),
        resources.and_then(|resources| resources.requests.as_ref()),
    );
    let default_requests = PodResources::DEFAULT_REQUESTS;
    let ours = annotations.type_name.is_some();
    (
        asked_limit(
            cpu_of(limits),
            cpu_of(requests),
            (defaults.cpu, default_requests.cpu),
            (ours, annotations.default_cpu),
        ),
        asked_limit(
            memory_of(limits),
            memory_of(requests),
            (defaults.memory, default_requests.memory),
            (ours, annotations.default_memory),
        ),
    )
}

/// Returns a limit unless it is the default: in an object of these programs, the default of the annotation; in an object
/// of the platform's tools, the type's default limit together with the default request.
fn asked_limit<T: Copy + PartialEq>(
    limit: Option<T>,
    request: Option<T>,
    (default_limit, default_request): (T, T),
    (ours, noted): (bool, Option<T>),
) -> Option<T> {
    let is_default =
        if ours { noted == limit } else { limit == Some(default_limit) && request == Some(default_request) };
    limit.filter(|_| !is_default)
}

/// The values of the annotations; an unreadable one counts as absent.
struct Annotations {
    type_name: Option<String>,
    default_cpu: Option<Cpu>,
    default_memory: Option<Memory>,
}

impl Annotations {
    fn of(deployment: &Deployment) -> Self {
        let note = |key: &str| deployment.metadata.annotations.as_ref()?.get(key).cloned();
        Self {
            type_name: note(platform::ANNOTATION_TYPE),
            default_cpu: note(platform::ANNOTATION_DEFAULT_CPU)
                .and_then(|text| Cpu::parse_quantity(&text).ok()),
            default_memory: note(platform::ANNOTATION_DEFAULT_MEMORY)
                .and_then(|text| Memory::parse_quantity(&text).ok()),
        }
    }
}
