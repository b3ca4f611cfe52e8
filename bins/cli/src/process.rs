//! The process: its arguments, how it exits, and the signals that end it.

use std::cell::{Cell, RefCell};
use std::ffi::OsString;
use std::future::poll_fn;
use std::os::fd::AsFd as _;
use std::task::{Context, Poll};

use clap::{Command, FromArgMatches};
use rustix::io::Errno;
use tokio::io::{Interest, Ready};
use tokio::net::unix::pipe::Sender;
use tokio::signal::unix::{Signal, SignalKind, signal};
use toolforge_report::Notes;

use crate::failure::{ExitCode, Failure};
use crate::format::{format, format_of, set_format, set_format_of_refused};
use crate::notice;
use crate::output::{document_text, failure_text};

/// The files that a program opens at the same time: for the runtime, signals, connections and the files of the home.
const OPEN_FILES: usize = 16;

/// Runs a program, prints its failure and returns its exit code.
#[must_use]
pub fn run(program: impl FnOnce() -> Result<ExitCode, Failure>) -> std::process::ExitCode {
    let exit_code = match check_open_files().and_then(|()| program()) {
        Ok(exit_code) => {
            print_kept_notices();
            exit_code
        }
        Err(failure) => {
            notice::write(&failure_text(&failure, notice::take_kept(), format()));
            failure.exit_code()
        }
    };
    exit_code.code().into()
}

/// Prints the notices of a process that prints a document, if it has any: as one document to standard error.
pub fn print_kept_notices() {
    let notes = notice::take_kept();
    if !notes.is_empty() {
        notice::write(&document_text(&Notes { notes }, format()).unwrap_or_default());
    }
}

/// Checks that the process may open the files that it needs: the runtime panics without them.
fn check_open_files() -> Result<(), Failure> {
    let files = std::fs::File::open("/dev/null").and_then(|first| {
        // A copy takes a third of the time of opening the file again.
        std::iter::repeat_with(|| first.try_clone()).take(OPEN_FILES - 1).collect::<Result<Vec<_>, _>>()
    });
    match files {
        Err(error) if error.raw_os_error() == Some(Errno::MFILE.raw_os_error()) => {
            Err(Failure::new(ExitCode::Failed, "this process may not open enough files")
                .detail(error.to_string())
                .hint("Raise the limit: `ulimit -n 64`."))
        }
        _ => Ok(()),
    }
}

/// Parses the arguments of a process, and from now on prints its failure in the format that they request. `Ok(None)`
/// means that help or the version was requested and has been printed.
///
/// # Errors
/// When the arguments are invalid.
pub fn parse<A: FromArgMatches>(
    mut command: Command,
    arguments: &[OsString],
) -> Result<Option<A>, clap::Error> {
    // Copying the command would double the start-up time.
    let parsed = command.try_get_matches_from_mut(arguments).and_then(|matches| {
        set_format(format_of(&matches));
        A::from_arg_matches(&matches)
    });
    match parsed {
        Ok(parsed) => Ok(Some(parsed)),
        Err(error) if error.exit_code() == 0 => {
            // A closed pipe is not an error.
            let _ = error.print();
            Ok(None)
        }
        Err(error) => {
            set_format_of_refused(&command, arguments);
            Err(error)
        }
    }
}

thread_local! {
    /// The signals that end a command, with their numbers; `None` until the first wait for one.
    ///
    /// They are kept, so one that arrives between two waits ends the next wait immediately.
    static SIGNALS: RefCell<Option<[(Signal, u8); 3]>> = const { RefCell::new(None) };
}

/// Waits for SIGINT, SIGHUP or SIGTERM and returns the exit code for it: 128 plus the signal's number, as in a shell.
///
/// From the first call on, these signals no longer end the process.
///
/// # Errors
/// When the signal handlers cannot be installed.
pub async fn interrupted() -> Result<ExitCode, Failure> {
    poll_fn(|context| {
        SIGNALS.with_borrow_mut(|signals| {
            if signals.is_none() {
                match listen() {
                    Ok(all) => *signals = Some(all),
                    Err(error) => return Poll::Ready(Err(Failure::from_error(ExitCode::Failed, &error))),
                }
            }
            received(signals, context).map(Ok)
        })
    })
    .await
}

/// The signal that has interrupted a command.
#[derive(Debug, Default)]
pub struct Interruption(Cell<Option<ExitCode>>);

impl Interruption {
    /// Waits for the signal; returns at once if it was received before.
    pub async fn wait(&self) {
        if self.0.get().is_none() {
            self.0.set(Some(interrupted().await.unwrap_or(ExitCode::Partial)));
        }
    }

    /// Returns the exit code of the signal; `None` if there was none.
    #[must_use]
    pub fn exit_code(&self) -> Option<ExitCode> {
        self.0.get()
    }

    /// Returns the failure of a command that sends nothing more.
    #[must_use]
    pub fn failure(&self) -> Failure {
        let exit_code = self.exit_code().unwrap_or(ExitCode::Partial);
        Failure::new(exit_code, "interrupted; nothing more was sent")
    }
}

fn listen() -> std::io::Result<[(Signal, u8); 3]> {
    // The numbers are the same on every Unix.
    Ok([
        (signal(SignalKind::hangup())?, 1),
        (signal(SignalKind::interrupt())?, 2),
        (signal(SignalKind::terminate())?, 15),
    ])
}

fn received(signals: &mut Option<[(Signal, u8); 3]>, context: &mut Context<'_>) -> Poll<ExitCode> {
    let ready = signals.iter_mut().flatten().map(|(signal, number)| (signal.poll_recv(context), *number));
    // All are polled, so each of them wakes.
    let ready: Vec<u8> = ready.filter_map(|(poll, number)| poll.is_ready().then_some(number)).collect();
    match ready.first() {
        Some(number) => Poll::Ready(ExitCode::Propagated(128 + number)),
        None => Poll::Pending,
    }
}

/// Waits until the reading end of the pipe at standard output is closed; waits forever if it is not a pipe.
///
/// A write would also fail, but a quiet log writes nothing.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signal_between_two_waits_is_kept() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let wait = || {
            runtime.block_on(async {
                tokio::time::timeout(std::time::Duration::from_millis(200), interrupted()).await
            })
        };
        assert!(wait().is_err());
        let process = std::process::id().to_string();
        let hang_up = || std::process::Command::new("kill").args(["-HUP", &process]).status().unwrap();
        assert!(hang_up().success());
        assert_eq!(wait().unwrap().unwrap(), ExitCode::Propagated(129));
        assert!(wait().is_err());
    }
}
