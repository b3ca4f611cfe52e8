//! Running a web service in a container on a developer's machine.

use toolforge_model::{MountStorage, platform};

use crate::object::Object;
use crate::web_service::WebServicePlan;

/// How a container runs on the developer's machine.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LocalOptions {
    /// The container engine: `docker` or `podman`.
    pub engine: String,
    /// The directory that is mounted as the tool's home.
    pub home: String,
    /// The user that the container runs as; `None` means the image's user.
    pub user: Option<LocalUser>,
}

impl LocalOptions {
    /// Returns the options of a container engine and a home, with the image's user.
    #[must_use]
    pub fn new(engine: impl Into<String>, home: impl Into<String>) -> Self {
        Self { engine: engine.into(), home: home.into(), user: None }
    }
}

/// The user that a container runs as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalUser {
    /// The user id.
    pub uid: u32,
    /// The group id.
    pub gid: u32,
}

/// Returns the command line that runs a planned web service with its image, command, port, limits and mounts.
#[must_use]
pub fn local_command(plan: &WebServicePlan, options: &LocalOptions) -> Vec<String> {
    let LocalOptions { engine, home, user } = options;
    let tool = &plan.request.tool;
    let home_in_container = tool.home();
    let port = platform::WEB_PORT;
    let resources = plan.resources();
    let millis = resources.limits.cpu.millis();
    let mut line = vec![engine.clone(), "run".to_owned(), "--rm".to_owned()];
    let mut option = |name: &str, value: String| line.extend([name.to_owned(), value]);
    option("--name", format!("webservice-{tool}"));
    // Other machines cannot reach it.
    option("--publish", format!("127.0.0.1:{port}:{port}"));
    option("--memory", format!("{}b", resources.limits.memory.bytes()));
    option("--cpus", format!("{}.{:03}", millis / 1000, millis % 1000));
    if let Some(LocalUser { uid, gid }) = user {
        option("--user", format!("{uid}:{gid}"));
    }
    let objects = plan.objects();
    let pod = objects.iter().find_map(Object::pod_template).and_then(|template| template.spec.clone());
    let container = pod.and_then(|pod| pod.containers.into_iter().next()).unwrap_or_default();
    let env = container.env.unwrap_or_default();
    // The platform's volume admission webhook does the same to a pod.
    if plan.request.image.mount() == MountStorage::All {
        option("--volume", format!("{home}:{home_in_container}"));
        option("--env", format!("TOOL_DATA_DIR={home_in_container}"));
        if !env.iter().any(|variable| variable.name == "NO_HOME") {
            option("--env", format!("HOME={home_in_container}"));
        }
    }
    for variable in env {
        option("--env", format!("{}={}", variable.name, variable.value.unwrap_or_default()));
    }
    if let Some(directory) = container.working_dir {
        option("--workdir", directory);
    }
    // Kubernetes' `command` replaces the image's entrypoint.
    let mut command = container.command.unwrap_or_default().into_iter();
    if let Some(program) = command.next() {
        option("--entrypoint", program);
    }
    line.extend(container.image);
    line.extend(command);
    line
}
