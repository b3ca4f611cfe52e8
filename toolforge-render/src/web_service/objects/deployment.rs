use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec};
use k8s_openapi::api::core::v1::{Container, ContainerPort, EnvVar, PodSpec, PodTemplateSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use toolforge_images::Runner;
use toolforge_model::{MountStorage, platform};

use crate::change::Rollout;
use crate::pod::{PodResources, resources};
use crate::web_service::objects::metadata;
use crate::web_service::objects::probes::{pause_before_the_end, probes};
use crate::web_service::{WebServicePlan, labels};

/// The program in the platform's images that starts a web server (webservice 0.98).
pub(crate) const RUNNER: &str = "/usr/bin/webservice-runner";

/// The environment of an image of the build service (webservice 0.93). The volume admission webhook reads `NO_HOME`.
const BUILD_SERVICE_ENVIRONMENT: [(&str, &str); 2] =
    [("PORT", "8000"), ("NO_HOME", "a buildservice pod does not need a home env")];

/// Returns the Deployment of a planned web service.
pub(super) fn deployment(plan: &WebServicePlan) -> Deployment {
    let tool = &plan.request.tool;
    let mut template_labels = labels(&plan.request);
    // No label means all, as in every Deployment that the platform's tools created before 2023.
    if plan.request.image.mount() == MountStorage::None {
        template_labels.insert(platform::LABEL_MOUNT_STORAGE.to_owned(), MountStorage::None.to_string());
    }
    template_labels.extend(plan.selector.clone());
    Deployment {
        metadata: ObjectMeta { annotations: Some(annotations(plan)), ..metadata(plan, tool.to_string()) },
        spec: DeploymentSpec {
            replicas: Some(plan.request.replicas.as_i32()),
            selector: LabelSelector { match_labels: Some(plan.selector.clone()), ..LabelSelector::default() },
            strategy: Some(Rollout::default().strategy()),
            template: PodTemplateSpec {
                metadata: Some(ObjectMeta { labels: Some(template_labels), ..ObjectMeta::default() }),
                spec: Some(PodSpec { containers: vec![container(plan)], ..PodSpec::default() }),
            },
            ..DeploymentSpec::default()
        }
        .into(),
        ..Deployment::default()
    }
}

/// Returns what the spec does not contain: the type's name, and which limits are the type's defaults.
fn annotations(plan: &WebServicePlan) -> BTreeMap<String, String> {
    let PodResources { limits, requests: _ } = plan.resources;
    let mut annotations = BTreeMap::new();
    let mut note = |key: &str, value: String| annotations.insert(key.to_owned(), value);
    note(platform::ANNOTATION_TYPE, plan.request.image.type_name().to_owned());
    if plan.request.cpu.is_none() {
        note(platform::ANNOTATION_DEFAULT_CPU, limits.cpu.to_string());
    }
    if plan.request.memory.is_none() {
        note(platform::ANNOTATION_DEFAULT_MEMORY, limits.memory.to_string());
    }
    annotations
}

fn container(plan: &WebServicePlan) -> Container {
    let probes = probes(&plan.request.health_check);
    let port = i32::from(platform::WEB_PORT);
    let arguments = &plan.request.arguments;
    let (command, env, working_dir) = match plan.runner {
        Some(runner) => {
            (Some(runner_command(runner, arguments)), None, Some(format!("{}/", plan.request.tool.home())))
        }
        None => (Some(arguments.clone()).filter(|command| !command.is_empty()), Some(environment()), None),
    };
    Container {
        name: platform::CONTAINER_WEBSERVICE.to_owned(),
        image: Some(plan.image.clone()),
        command,
        env,
        working_dir,
        ports: Some(vec![ContainerPort {
            name: Some("http".to_owned()),
            container_port: port,
            protocol: Some("TCP".to_owned()),
            ..ContainerPort::default()
        }]),
        startup_probe: probes.startup,
        readiness_probe: Some(probes.readiness),
        liveness_probe: probes.liveness,
        lifecycle: Some(pause_before_the_end()),
        resources: Some(resources(plan.resources)),
        stdin: Some(false),
        tty: Some(false),
        ..Container::default()
    }
}

/// Returns the command of a type of the catalog.
fn runner_command(runner: Runner, arguments: &[String]) -> Vec<String> {
    let runner = runner.to_string();
    let port = platform::WEB_PORT.to_string();
    [RUNNER, "--type", &runner, "--port", &port]
        .into_iter()
        .map(str::to_owned)
        .chain(arguments.iter().cloned())
        .collect()
}

/// Returns the environment of an image of the build service.
pub(crate) fn environment() -> Vec<EnvVar> {
    let variable = |(name, value): (&str, &str)| EnvVar {
        name: name.to_owned(),
        value: Some(value.to_owned()),
        ..EnvVar::default()
    };
    BUILD_SERVICE_ENVIRONMENT.map(variable).into()
}
