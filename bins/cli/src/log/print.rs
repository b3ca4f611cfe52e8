use std::io::{self, ErrorKind, Write};
use std::pin::pin;
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use toolforge_client::{Error, LogReader, LogTail};

use crate::failure::{ExitCode, Failure};
use crate::log::LogPrinter;
use crate::process::stdout_closed;

/// How late a line may arrive, by way of the node and the network.
const LATE: Duration = Duration::from_secs(2);

/// Why printing stopped before the end of the log.
#[derive(Clone, Debug)]
pub enum LogStop {
    /// Standard output is closed.
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

/// Why a followed log ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FollowEnd {
    /// The owner of the pods is gone or has finished.
    Over,
    /// The end of the requested time has passed.
    Until,
}

/// Prints a log until it ends or standard output is closed, which is a success.
///
/// SIGINT is not handled, so a shell sees the usual 130.
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
    /// Prints the lines up to now.
    ///
    /// # Errors
    /// When the log cannot be read or printed, or standard output is closed.
    pub async fn print_written(&mut self, log: &mut LogReader) -> Result<(), LogStop> {
        while let Some(item) = log.next().await? {
            if self.is_past(&item) {
                break;
            }
            self.take(item)?;
        }
        Ok(self.flush()?)
    }

    /// Prints new lines as they arrive.
    ///
    /// # Errors
    /// When the log cannot be read or printed, or standard output is closed.
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

/// Returns how long lines up to a time may still arrive.
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
    fn nothing_arrives_long_after_until() {
        let ago = |seconds| Timestamp::now() - SignedDuration::from_secs(seconds);
        assert_eq!(left_until(ago(3)), Duration::ZERO);
        assert_eq!(left_until(Timestamp::MIN), Duration::ZERO);
        assert!(left_until(ago(0)) > Duration::from_secs(1));
        assert!(left_until(ago(-60)) > Duration::from_secs(60));
        assert!(left_until(Timestamp::MAX) > Duration::from_secs(1_000_000));
    }

    #[test]
    fn closed_pipe_is_not_a_failure() {
        let stop = |kind: ErrorKind| LogStop::from(io::Error::from(kind));
        assert!(matches!(stop(ErrorKind::BrokenPipe), LogStop::ReaderIsGone));
        assert!(matches!(stop(ErrorKind::StorageFull), LogStop::Failed(_)));
    }
}
