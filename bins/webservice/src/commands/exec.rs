use k8s_openapi::api::core::v1::Pod;
use toolforge_cli::{ExitCode, Failure, RemoteContainer, Session, interrupted, run_remote};
use toolforge_client::ResourceType;
use toolforge_client::kube::api::ListParams;
use toolforge_model::platform;
use toolforge_render::web_service::{newest_ready_pod, shell_command};

use crate::invocation::Invocation;

/// Opens a shell in a running pod, or runs a command there, and returns its exit code.
pub(super) fn run(session: &Session, invocation: &Invocation) -> Result<ExitCode, Failure> {
    let (runtime, client) = session.cluster()?;
    let namespace = session.tool.namespace();
    runtime.block_on(async {
        let collection = ResourceType::of::<Pod>().in_namespace(namespace.as_str());
        let params = ListParams::default().labels(&format!("{}={}", platform::LABEL_NAME, session.tool));
        let pods = client.list::<Pod>(&collection, &params).await?.items;
        let name = newest_ready_pod(&pods).ok_or_else(|| {
            Failure::new(ExitCode::Failed, "no pod of the web service is ready")
                .hint("`webservice status` shows why; `webservice shell` opens a shell in a new pod.")
        })?;
        let command = shell_command(&invocation.arguments);
        let container =
            RemoteContainer { namespace: &namespace, pod: name, container: platform::CONTAINER_WEBSERVICE };
        tokio::select! {
            ended = run_remote(client, container, &command, "webservice status") => ended,
            signal = interrupted() => signal,
        }
    })
}
