//! The process: its arguments, how it exits, and what ends it from outside.

use std::ffi::OsString;
use std::io::Write as _;
use std::os::fd::AsFd as _;

use clap::{Command, FromArgMatches};
use tokio::io::{Interest, Ready};
use tokio::net::unix::pipe::Sender;
use tokio::signal::unix::{SignalKind, signal};

use crate::failure::{ExitCode, Failure};

/// Runs a program, prints its failure and returns its exit code.
#[must_use]
pub fn run(program: impl FnOnce() -> Result<ExitCode, Failure>) -> std::process::ExitCode {
    let exit_code = match program() {
        Ok(exit_code) => exit_code,
        Err(failure) => {
            // Without standard error, the exit code remains.
            let _ = write!(anstream::stderr().lock(), "{failure}");
            failure.exit_code()
        }
    };
    exit_code.code().into()
}

/// Parses the arguments of a process. `Ok(None)` means that help or the version was requested and has been printed.
///
/// # Errors
/// When the arguments are invalid.
pub fn parse<A: FromArgMatches>(
    command: Command,
    arguments: Vec<OsString>,
) -> Result<Option<A>, clap::Error> {
    let parsed = command.try_get_matches_from(arguments).and_then(|matches| A::from_arg_matches(&matches));
    match parsed {
        Ok(parsed) => Ok(Some(parsed)),
        Err(error) if error.exit_code() == 0 => {
            // A closed pipe is not an error.
            let _ = error.print();
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Waits for SIGINT, SIGHUP or SIGTERM and returns the exit code for it: 128 plus the signal's number, as in a shell.
///
/// From the first call on, these signals no longer end the process.
///
/// # Errors
/// When the signal handlers cannot be installed.
pub async fn interrupted() -> Result<ExitCode, Failure> {
    let listen = |kind| signal(kind).map_err(|error| Failure::from_error(ExitCode::Failed, &error));
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut hang_up = listen(SignalKind::hangup())?;
    let mut terminate = listen(SignalKind::terminate())?;
    // The numbers are the same on every Unix.
    let number = tokio::select! {
        _ = hang_up.recv() => 1,
        _ = interrupt.recv() => 2,
        _ = terminate.recv() => 15,
    };
    Ok(ExitCode::Propagated(128 + number))
}

/// Waits until the reading end of the pipe at standard output is closed; waits forever if it is not a pipe.
///
/// A write would fail, too, but a quiet log writes nothing.
pub(crate) async fn stdout_closed() {
    let stdout = std::io::stdout().as_fd().try_clone_to_owned();
    // Unchecked, because a check would make the pipe non-blocking for all processes that share it. Nothing is written
    // here, and a file, which cannot be polled, has no reader that could go away.
    if let Ok(stdout) = stdout.and_then(Sender::from_owned_fd_unchecked)
        && stdout.ready(Interest::ERROR).await.is_ok_and(Ready::is_error)
    {
        return;
    }
    std::future::pending::<()>().await;
}
