use std::io::{ErrorKind, Write};

use tokio::signal::unix::{Signal, SignalKind, signal};
use toolforge_client::{RemoteEnd, RemoteInput, RemoteOutput, RemoteProcess, Said};

use crate::failure::{ExitCode, Failure};
use crate::terminal::input::Input;
use crate::terminal::raw_mode::{RawMode, size};

/// How much is read of the input at once: what fits in a message of every server.
const CHUNK: usize = 16 * 1024;

/// How a connection to a command came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attached {
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
pub async fn attach(process: RemoteProcess, tty: bool) -> Result<Attached, Failure> {
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
            Said::Stdout(bytes) => write(&mut std::io::stdout().lock(), &bytes),
            Said::Stderr(bytes) => write(&mut std::io::stderr().lock(), &bytes),
            Said::Ended(end) => return Ok(Attached::Ended(end)),
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
