//! The terminal, or the pipes, at standard input and output.
//!
//! Everything runs on the calling thread: the login hosts allow few.

use std::io;
use std::os::fd::BorrowedFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{OptionalActions, Termios, isatty, tcgetattr, tcgetwinsize, tcsetattr};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Returns whether standard input and output are both terminals.
#[must_use]
pub fn is_terminal() -> bool {
    isatty(rustix::stdio::stdin()) && isatty(rustix::stdio::stdout())
}

/// Returns the columns and rows of the terminal, if they are known.
pub(crate) fn size() -> Option<(u16, u16)> {
    let size = tcgetwinsize(rustix::stdio::stdout()).ok()?;
    (size.ws_col > 0 && size.ws_row > 0).then_some((size.ws_col, size.ws_row))
}

/// A terminal in raw mode. The previous mode is restored on drop: after an exit, an error, a panic or a handled signal.
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
        // A terminal that is gone needs no mode.
        let _ = tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, &self.before);
    }
}

/// Standard input, read without another thread and without changing the file that other processes share.
pub(crate) enum Input {
    /// A terminal, a pipe or a socket, which can be polled.
    Polled(AsyncFd<BorrowedFd<'static>>),
    /// A file or a device that cannot be polled, because reading it never blocks.
    Plain,
}

impl Input {
    #[expect(
        deprecated,
        reason = "its other form is unsafe code, for files that may be closed; this one never is"
    )]
    pub(crate) fn new() -> io::Result<Self> {
        match AsyncFd::with_interest(rustix::stdio::stdin(), Interest::READABLE) {
            Ok(polled) => Ok(Self::Polled(polled)),
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::PERM.raw_os_error()) => {
                Ok(Self::Plain)
            }
            Err(error) => Err(error),
        }
    }

    /// Reads into a buffer and returns the number of bytes; 0 at the end.
    pub(crate) async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Polled(polled) => loop {
                let mut ready = polled.readable().await?;
                // The file may block, so it is read only if there is input.
                if has_input() {
                    return Ok(rustix::io::read(rustix::stdio::stdin(), buffer)?);
                }
                ready.clear_ready();
            },
            Self::Plain => {
                // Allow output to be sent in between, however large the file is.
                tokio::task::yield_now().await;
                Ok(rustix::io::read(rustix::stdio::stdin(), buffer)?)
            }
        }
    }
}

fn has_input() -> bool {
    let stdin = rustix::stdio::stdin();
    let mut found = [PollFd::new(&stdin, PollFlags::IN)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut found, Some(&now)).is_ok_and(|count| count > 0)
}
