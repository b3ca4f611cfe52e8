//! A command in a container, connected to the terminal or the pipes of this process.

use std::io::{ErrorKind, Write};

use k8s_openapi::api::core::v1::Pod;
use tokio::signal::unix::{Signal, SignalKind, signal};
use toolforge_client::kube::api::AttachParams;
use toolforge_client::{
    Client, RemoteEnd, RemoteEvent, RemoteInput, RemoteOutput, RemoteProcess, ResourceType,
};
use toolforge_model::Untrusted;

use crate::failure::{ExitCode, Failure};
use crate::terminal::{Input, RawMode, is_terminal, size};

/// What shells end with where a command cannot be run.
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

/// Runs a command in a container, connected to this process's terminal or pipes, and returns how it ended.
///
/// `whereabouts` says which verb tells what became of the pod where the connection is lost, like `webservice status`.
///
/// # Errors
/// When it could not be run, or the connection was lost.
pub async fn run_remote(
    client: &Client,
    container: RemoteContainer<'_>,
    command: &[String],
    whereabouts: &str,
) -> Result<ExitCode, Failure> {
    let RemoteContainer { namespace, pod, container } = container;
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

/// How much is read of the input at once: what fits in a message of every server.
const CHUNK: usize = 16 * 1024;

/// How a connection to a command came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Attached {
    /// The command ended.
    Ended(RemoteEnd),
    /// Nobody reads the output any more.
    Unread,
}

/// Connects the terminal or the pipes of this process to a command until it ends.
///
/// With `tty` every key goes to the command, and the terminal is as before when this returns.
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
        // What cannot be written to a command that has gone is told by its end.
        never = feed(input, stdin, tty.then_some(resized)) => match never {},
    }
}

/// Writes what the command says to where it belongs.
async fn show(mut output: RemoteOutput) -> Result<Attached, Failure> {
    loop {
        let written = match output.next().await? {
            RemoteEvent::Stdout(bytes) => write(&mut std::io::stdout().lock(), &bytes),
            RemoteEvent::Stderr(bytes) => write(&mut std::io::stderr().lock(), &bytes),
            RemoteEvent::Ended(end) => return Ok(Attached::Ended(end)),
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

/// Gives the command what is typed and the size of the terminal, until somebody else ends it.
async fn feed(mut input: RemoteInput, stdin: Input, resized: Option<Signal>) -> std::convert::Infallible {
    let fed = match resized {
        Some(resized) => feed_terminal(&mut input, &stdin, resized).await,
        None => feed_pipe(&mut input, &stdin).await,
    };
    // The command is told of the end of its input, and goes on until it is done.
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
