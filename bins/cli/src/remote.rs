//! A command in a container, connected to the terminal or the pipes of this process.

use std::io::{ErrorKind, Write};

use k8s_openapi::api::core::v1::Pod;
use tokio::signal::unix::{Signal, SignalKind, signal};
use toolforge_client::kube::api::AttachParams;
use toolforge_client::{
    Client, Error, RemoteEvent, RemoteExit, RemoteInput, RemoteOutput, RemoteProcess, ResourceType,
};
use toolforge_model::{Untrusted, quote_word};

use crate::failure::{ExitCode, Failure};
use crate::terminal::{Input, RawMode, is_terminal, size};

/// The exit code of shells for a command that cannot be run.
const NOT_RUN: u8 = 127;

/// A container of a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RemoteContainer<'a> {
    /// The namespace of the pod.
    pub namespace: &'a str,
    /// The name of the pod.
    pub pod: &'a str,
    /// The name of the container.
    pub container: &'a str,
}

/// Runs a command in a container, connected to this process's terminal or pipes, and returns its exit code.
///
/// `status_command` is named if the connection is lost, like `webservice status`.
///
/// # Errors
/// When it could not be run, or the connection was lost.
pub async fn run_remote(
    client: &Client,
    container: RemoteContainer<'_>,
    command: &[String],
    status_command: &str,
) -> Result<ExitCode, Failure> {
    let RemoteContainer { namespace, pod, container } = container;
    let path = ResourceType::of::<Pod>().in_namespace(namespace).named(pod);
    let tty = is_terminal();
    // A terminal is one stream, which the server refuses to split.
    let params = AttachParams::default().container(container).stdin(true).tty(tty).stderr(!tty);
    match attach(client.exec(&path, command, &params).await?, tty).await? {
        Attached::Ended(RemoteExit::Code(code)) => Ok(ExitCode::Propagated(code)),
        Attached::Ended(RemoteExit::Failed(message)) => {
            let program = Untrusted::new(command.first().cloned().unwrap_or_default());
            let failure = Failure::new(
                ExitCode::Propagated(NOT_RUN),
                format!("command {} cannot be run in the container", program.quoted()),
            );
            let failure = failure.detail(message.escaped().to_string());
            Err(match shell_line(command) {
                Some(line) => failure.hint(format!("A command line needs a shell: `-- sh -c {line}`.")),
                None => failure,
            })
        }
        Attached::Ended(RemoteExit::Lost) => {
            Err(Failure::new(ExitCode::Cluster, "the connection to the command was lost").hint(format!(
                "The pod may have been stopped or has timed out; `{status_command}` shows its state."
            )))
        }
        Attached::Unread => Ok(ExitCode::Success),
    }
}

/// Returns a command as one quoted word for a shell, if it is a line that only a shell understands.
fn shell_line(command: &[String]) -> Option<String> {
    let is_line = match command {
        [word] => word.contains(|letter: char| letter.is_whitespace() || "&|;<>$`*".contains(letter)),
        words => words.iter().any(|word| ["&&", "||", "|", ";", ">", ">>", "<"].contains(&word.as_str())),
    };
    is_line.then(|| Untrusted::new(quote_word(&command.join(" "))).escaped().to_string())
}

/// Size of a read from standard input, which fits in a message of any server.
const CHUNK: usize = 16 * 1024;

/// How a connection to a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Attached {
    /// The command exited.
    Ended(RemoteExit),
    /// Standard output is closed.
    Unread,
}

/// Connects the terminal or the pipes of this process to a command until it ends.
///
/// With `tty`, all keys go to the command; the terminal is restored afterwards.
///
/// # Errors
/// When the terminal cannot be used, or the connection breaks.
async fn attach(process: RemoteProcess, tty: bool) -> Result<Attached, Failure> {
    let RemoteProcess { input, output } = process;
    let local = |error: std::io::Error| {
        Failure::from_error(ExitCode::Failed, &error).detail("standard input or the terminal cannot be used")
    };
    let resized = signal(SignalKind::window_change()).map_err(local)?;
    let stdin = Input::new().map_err(local)?;
    let _raw = if tty { Some(RawMode::enter().map_err(local)?) } else { None };
    tokio::select! {
        ended = show(output) => ended,
        // If the command has exited, the output reports it.
        never = feed(input, stdin, tty.then_some(resized)) => match never {},
    }
}

/// Writes the output of the command.
async fn show(mut output: RemoteOutput) -> Result<Attached, Failure> {
    loop {
        let event = output.next().await.map_err(|error| Error::OutcomeUnknown(Box::new(error)))?;
        let written = match event {
            RemoteEvent::Stdout(bytes) => write(&mut std::io::stdout().lock(), &bytes),
            RemoteEvent::Stderr(bytes) => write(&mut std::io::stderr().lock(), &bytes),
            RemoteEvent::Exited(end) => return Ok(Attached::Ended(end)),
        };
        match written {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(Attached::Unread),
            Err(error) => {
                return Err(
                    Failure::from_error(ExitCode::Failed, &error).detail("the output cannot be written")
                );
            }
            Ok(()) => {}
        }
    }
}

fn write(to: &mut impl Write, bytes: &[u8]) -> std::io::Result<()> {
    to.write_all(bytes)?;
    to.flush()
}

/// Sends input and terminal sizes to the command; never returns.
async fn feed(mut input: RemoteInput, stdin: Input, resized: Option<Signal>) -> std::convert::Infallible {
    let fed = match resized {
        Some(resized) => feed_terminal(&mut input, &stdin, resized).await,
        None => feed_pipe(&mut input, &stdin).await,
    };
    // The command continues after the end of its input.
    if fed.is_ok() {
        let _ = input.close().await;
    }
    std::future::pending().await
}

async fn feed_pipe(input: &mut RemoteInput, stdin: &Input) -> Result<(), toolforge_client::Error> {
    let mut buffer = vec![0; CHUNK];
    loop {
        match stdin.read(&mut buffer).await {
            Ok(0) | Err(_) => return Ok(()),
            Ok(count) => input.write(&buffer[..count]).await?,
        }
    }
}

async fn feed_terminal(
    input: &mut RemoteInput,
    stdin: &Input,
    mut resized: Signal,
) -> Result<(), toolforge_client::Error> {
    let mut buffer = vec![0; CHUNK];
    if let Some((columns, rows)) = size() {
        input.resize(columns, rows).await?;
    }
    loop {
        tokio::select! {
            read = stdin.read(&mut buffer) => match read {
                Ok(0) | Err(_) => return Ok(()),
                Ok(count) => input.write(&buffer[..count]).await?,
            },
            _ = resized.recv() => {
                if let Some((columns, rows)) = size() {
                    input.resize(columns, rows).await?;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_shell_lines_need_a_shell() {
        let line =
            |words: &[&str]| shell_line(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        assert_eq!(line(&["ls && pwd"]).as_deref(), Some("'ls && pwd'"));
        assert_eq!(line(&["ls", "&&", "pwd"]).as_deref(), Some("'ls && pwd'"));
        assert_eq!(line(&["echo $HOME"]).as_deref(), Some("'echo $HOME'"));
        assert_eq!(line(&["ls", "-l", "a b"]), None);
        assert_eq!(line(&["nosuch"]), None);
    }
}
