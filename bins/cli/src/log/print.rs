use std::io::{self, ErrorKind, Write};
use std::pin::pin;
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use toolforge_client::{Error, LogReader, LogTail};

use crate::failure::{ExitCode, Failure};
use crate::log::LogPrinter;
use crate::process::stdout_closed;

/// How long after a moment its lines may still come, by way of the node and the network.
const LATE: Duration = Duration::from_secs(2);

/// Why printing came to an end before the log did.
#[derive(Clone, Debug)]
pub enum LogStop {
    /// Nobody reads any more.
    ReaderIsGone,
    /// The log cannot be read or printed.
    Failed(Failure),
}

impl From<Failure> for LogStop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Error> for LogStop {
    fn from(error: Error) -> Self {
        Self::Failed(error.into())
    }
}

impl From<io::Error> for LogStop {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::BrokenPipe => Self::ReaderIsGone,
            _ => Self::Failed(
                Failure::from_error(ExitCode::Failed, &error).detail("the log could not be printed"),
            ),
        }
    }
}

/// Why a log that was followed came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FollowEnd {
    /// What makes the pods is gone, or has finished.
    Over,
    /// The moment until which lines are wanted has passed.
    Until,
}

/// Returns how a command ends that prints a log: as the printing does, or well as soon as nobody reads it any more.
///
/// An interrupt ends the program by its signal, so shells and their scripts see what they expect: 130.
///
/// # Errors
/// When the log cannot be read or printed.
pub async fn until_stdout_closes(
    printing: impl Future<Output = Result<(), LogStop>>,
) -> Result<ExitCode, Failure> {
    let printed = tokio::select! {
        printed = printing => printed,
        () = stdout_closed() => Err(LogStop::ReaderIsGone),
    };
    match printed {
        Ok(()) | Err(LogStop::ReaderIsGone) => Ok(ExitCode::Success),
        Err(LogStop::Failed(failure)) => Err(failure),
    }
}

impl<W: Write> LogPrinter<W> {
    /// Prints what has been written up to now.
    ///
    /// # Errors
    /// When the log cannot be read or printed, or nobody reads it.
    pub async fn print_written(&mut self, log: &mut LogReader) -> Result<(), LogStop> {
        while let Some(item) = log.next().await? {
            if self.is_past(&item) {
                break;
            }
            self.take(item)?;
        }
        Ok(self.flush()?)
    }

    /// Prints what is written from now on, each line as it comes.
    ///
    /// # Errors
    /// When the log cannot be read or printed, or nobody reads it.
    pub async fn print_follow(&mut self, mut log: LogTail) -> Result<FollowEnd, LogStop> {
        let left = self.until().map(left_until);
        if left == Some(Duration::ZERO) {
            return Ok(FollowEnd::Until);
        }
        let mut passed = pin!(async move {
            match left {
                Some(left) => tokio::time::sleep(left).await,
                None => std::future::pending().await,
            }
        });
        loop {
            let item = tokio::select! {
                biased;
                () = &mut passed => return Ok(FollowEnd::Until),
                item = log.next() => item?,
            };
            let Some(item) = item else { return Ok(FollowEnd::Over) };
            self.take(item)?;
            self.flush()?;
        }
    }
}

/// Returns how long lines of a moment or before may still come.
fn left_until(moment: Timestamp) -> Duration {
    let left = moment.duration_since(Timestamp::now());
    let late = LATE.try_into().unwrap_or_default();
    left.checked_add(late).and_then(|left| left.try_into().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use k8s_openapi::jiff::SignedDuration;

    use super::*;

    #[test]
    fn lines_of_a_moment_that_is_long_past_come_no_more() {
        let ago = |seconds| Timestamp::now() - SignedDuration::from_secs(seconds);
        assert_eq!(left_until(ago(3)), Duration::ZERO);
        assert_eq!(left_until(Timestamp::MIN), Duration::ZERO);
        assert!(left_until(ago(0)) > Duration::from_secs(1));
        assert!(left_until(ago(-60)) > Duration::from_secs(60));
        assert!(left_until(Timestamp::MAX) > Duration::from_secs(1_000_000));
    }

    #[test]
    fn a_closed_pipe_is_no_failure() {
        let stop = |kind: ErrorKind| LogStop::from(io::Error::from(kind));
        assert!(matches!(stop(ErrorKind::BrokenPipe), LogStop::ReaderIsGone));
        assert!(matches!(stop(ErrorKind::StorageFull), LogStop::Failed(_)));
    }
}
