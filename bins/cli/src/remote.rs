use k8s_openapi::api::core::v1::Pod;
use toolforge_client::kube::api::AttachParams;
use toolforge_client::{Client, RemoteEnd, ResourceType};
use toolforge_model::Untrusted;

use crate::failure::{ExitCode, Failure};
use crate::terminal::{Attached, attach, is_terminal};

/// What shells end with where a command cannot be run.
const NOT_RUN: u8 = 127;

/// Runs a command in a container, connected to this process's terminal or pipes, and returns how it ended.
///
/// `whereabouts` says which verb tells what became of the pod where the connection is lost, like `webservice status`.
///
/// # Errors
/// When it could not be run, or the connection was lost.
pub async fn run_remote(
    client: &Client,
    (namespace, pod, container): (String, &str, &str),
    command: &[String],
    whereabouts: &str,
) -> Result<ExitCode, Failure> {
    let path = ResourceType::of::<Pod>().in_namespace(namespace).named(pod);
    let tty = is_terminal();
    // A terminal is one stream, which the server refuses to split.
    let params = AttachParams::default().container(container).stdin(true).tty(tty).stderr(!tty);
    match attach(client.exec(&path, command, &params).await?, tty).await? {
        Attached::Ended(RemoteEnd::Code(code)) => Ok(ExitCode::Propagated(code)),
        Attached::Ended(RemoteEnd::Failed(words)) => {
            let program = Untrusted::new(command.first().cloned().unwrap_or_default());
            let failure = Failure::new(
                ExitCode::Propagated(NOT_RUN),
                format!("command {} could not be run in the container", program.quoted()),
            );
            Err(failure.detail(words.escaped().to_string()))
        }
        Attached::Ended(RemoteEnd::Lost) => {
            Err(Failure::new(ExitCode::Cluster, "the connection to the command was lost").hint(format!(
                "The pod may have been stopped, or its time was over; `{whereabouts}` tells more."
            )))
        }
        Attached::Unread => Ok(ExitCode::Success),
    }
}
