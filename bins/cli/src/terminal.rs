//! The terminal, or the pipes, at standard input and output.
//!
//! Everything runs on the calling thread: the login hosts allow few.

use std::io;
use std::os::fd::BorrowedFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{OptionalActions, Termios, isatty, tcgetattr, tcgetwinsize, tcsetattr};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Returns whether a person is at both ends: standard input and output are terminals.
#[must_use]
pub fn is_terminal() -> bool {
    isatty(rustix::stdio::stdin()) && isatty(rustix::stdio::stdout())
}

/// Returns the columns and rows of the terminal, where it knows them.
pub(crate) fn size() -> Option<(u16, u16)> {
    let size = tcgetwinsize(rustix::stdio::stdout()).ok()?;
    (size.ws_col > 0 && size.ws_row > 0).then_some((size.ws_col, size.ws_row))
}

/// A terminal that hands every key on. It is as it was before when this is dropped, however that comes about: an end,
/// an error, a panic that unwinds, a signal that was waited for.
pub(crate) struct RawMode {
    before: Termios,
}

impl RawMode {
    pub(crate) fn enter() -> io::Result<Self> {
        let before = tcgetattr(rustix::stdio::stdin())?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, &raw)?;
        Ok(Self { before })
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        // A terminal that has gone away needs no mode.
        let _ = tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, &self.before);
    }
}

/// Standard input, read without a thread of its own and without changing the file that other programs share.
pub(crate) enum Input {
    /// A terminal, a pipe or a socket: the system tells when there is something to read.
    Told(AsyncFd<BorrowedFd<'static>>),
    /// A file or a device of which the system does not tell, because reading it never waits.
    Plain,
}

impl Input {
    #[expect(
        deprecated,
        reason = "its other form is unsafe code, for files that may be closed; this one never is"
    )]
    pub(crate) fn new() -> io::Result<Self> {
        match AsyncFd::with_interest(rustix::stdio::stdin(), Interest::READABLE) {
            Ok(told) => Ok(Self::Told(told)),
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::PERM.raw_os_error()) => {
                Ok(Self::Plain)
            }
            Err(error) => Err(error),
        }
    }

    /// Returns how many bytes were read; none at the end.
    pub(crate) async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Told(told) => loop {
                let mut ready = told.readable().await?;
                // The file may block: it is read only where that cannot happen now.
                if has_something() {
                    return Ok(rustix::io::read(rustix::stdio::stdin(), buffer)?);
                }
                ready.clear_ready();
            },
            Self::Plain => {
                // What is written to the other side gets its turn, however large the file.
                tokio::task::yield_now().await;
                Ok(rustix::io::read(rustix::stdio::stdin(), buffer)?)
            }
        }
    }
}

fn has_something() -> bool {
    let stdin = rustix::stdio::stdin();
    let mut found = [PollFd::new(&stdin, PollFlags::IN)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut found, Some(&now)).is_ok_and(|count| count > 0)
}
