//! Running a command in a container, and how that ends this one.

use k8s_openapi::api::core::v1::Pod;
use toolforge_cli::{Attached, ExitKind, Failure, attach, is_terminal};
use toolforge_client::{Client, ExecOptions, RemoteEnd, ResourceType};
use toolforge_model::Untrusted;

/// What shells end with where a command cannot be run.
const NOT_RUN: u8 = 127;

/// Runs a command in a container, connected to this process's terminal or pipes, and returns how it ended.
pub(super) async fn run(
    client: &Client,
    (namespace, pod, container): (String, &str, &str),
    command: &[String],
) -> Result<ExitKind, Failure> {
    let path = ResourceType::of::<Pod>().in_namespace(namespace).named(pod);
    let tty = is_terminal();
    let options = ExecOptions { container, command, stdin: true, tty };
    match attach(client.exec(&path, &options).await?, tty).await? {
        Attached::Ended(RemoteEnd::Code(code)) => Ok(ExitKind::Passed(code)),
        Attached::Ended(RemoteEnd::Failed(words)) => {
            let program = Untrusted::new(command.first().cloned().unwrap_or_default());
            let failure = Failure::new(
                ExitKind::Passed(NOT_RUN),
                format!("command {} could not be run in the container", program.quoted()),
            );
            Err(failure.detail(words.escaped().to_string()))
        }
        Attached::Ended(RemoteEnd::Lost) => {
            Err(Failure::new(ExitKind::Cluster, "the connection to the command was lost")
                .hint("The pod may have been stopped, or its time was over; `webservice status` tells more."))
        }
        Attached::Unread => Ok(ExitKind::Done),
    }
}
