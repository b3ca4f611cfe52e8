//! The same web service on a developer's own machine.

use toolforge_model::{MountStorage, platform};

use crate::object::Object;
use crate::web_service::WebServicePlan;

/// What runs containers on the developer's machine, and with what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalOptions {
    /// The program: `docker` or `podman`.
    pub engine: String,
    /// The directory that is mounted as the tool's home.
    pub home: String,
    /// The user and group as whom it runs; `None` leaves it to the image.
    pub user: Option<(u32, u32)>,
}

/// Returns the command line that runs a planned web service with its image, command, port, limits and mounts.
#[must_use]
pub fn local_command(plan: &WebServicePlan, options: &LocalOptions) -> Vec<String> {
    let LocalOptions { engine, home, user } = options;
    let tool = &plan.request.tool;
    let folder = tool.home();
    let port = platform::WEB_PORT;
    let resources = plan.resources();
    let millis = resources.cpu_limit.millis();
    let mut line = vec![engine.clone(), "run".to_owned(), "--rm".to_owned()];
    let mut option = |name: &str, value: String| line.extend([name.to_owned(), value]);
    option("--name", format!("webservice-{tool}"));
    // On this machine only: what is tried out is nobody else's business.
    option("--publish", format!("127.0.0.1:{port}:{port}"));
    option("--memory", format!("{}b", resources.memory_limit.bytes()));
    option("--cpus", format!("{}.{:03}", millis / 1000, millis % 1000));
    if let Some((user, group)) = user {
        option("--user", format!("{user}:{group}"));
    }
    let objects = plan.objects();
    let pod = objects.iter().find_map(Object::pod_template).and_then(|template| template.spec.clone());
    let container = pod.and_then(|pod| pod.containers.into_iter().next()).unwrap_or_default();
    let env = container.env.unwrap_or_default();
    // What the platform's volume admission does to a pod.
    if plan.request.image.mount() == MountStorage::All {
        option("--volume", format!("{home}:{folder}"));
        option("--env", format!("TOOL_DATA_DIR={folder}"));
        if !env.iter().any(|variable| variable.name == "NO_HOME") {
            option("--env", format!("HOME={folder}"));
        }
    }
    for variable in env {
        option("--env", format!("{}={}", variable.name, variable.value.unwrap_or_default()));
    }
    if let Some(folder) = container.working_dir {
        option("--workdir", folder);
    }
    // Kubernetes' `command` takes the place of the image's entrypoint.
    let mut command = container.command.unwrap_or_default().into_iter();
    if let Some(program) = command.next() {
        option("--entrypoint", program);
    }
    line.extend(container.image);
    line.extend(command);
    line
}
