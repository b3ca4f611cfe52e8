//! Reading one run's log; it is continued when the connection breaks.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use kube::api::LogParams;
use tokio::time::{Instant, sleep};

use crate::log::item::LogSince;
use crate::log::resume::ResumePoint;
use crate::log::split_lines::Lines;
use crate::{Client, Error, ObjectPath};

/// How long a log that is not followed may be silent before it is requested again.
const IDLE: Duration = Duration::from_secs(30);

/// If a followed log was silent for this long and then fails, it does not count as unavailable before: a proxy may end a silent
/// response, and most do after a minute.
const QUIET: Duration = Duration::from_secs(30);

/// The log to read, and how much of it.
#[derive(Clone, Debug)]
pub(crate) struct LogRequest {
    pub(crate) pod: ObjectPath,
    pub(crate) container: String,
    /// Whether to read the log of the run before the newest.
    pub(crate) previous: bool,
    pub(crate) follow: bool,
    /// Whether to skip a last line without a line end: the server may have stopped in the middle of it, and it is read
    /// again.
    pub(crate) whole_lines: bool,
    pub(crate) since: Option<LogSince>,
    /// The number of last lines.
    pub(crate) last: Option<u32>,
}

/// One line of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LogEvent {
    /// A line of the log.
    Line(Timestamp, String),
    /// A line without a time: the kubelet's message why there is no log.
    Notice(String),
}

/// One log that is being read; it is continued when the connection breaks.
pub(crate) struct Reading {
    client: Client,
    request: LogRequest,
    outage: Duration,
    /// Whether to continue after the last line that has been read, instead of starting as requested.
    goes_on: bool,
    lines: Option<Lines>,
    has_ended: bool,
    failing_since: Option<Instant>,
    failures: u32,
}

impl Reading {
    pub(crate) fn new(client: Client, request: LogRequest, outage: Duration, goes_on: bool) -> Self {
        Self {
            client,
            request,
            outage,
            goes_on,
            lines: None,
            has_ended: false,
            failing_since: None,
            failures: 0,
        }
    }

    /// Returns the next line that has not been read, or `None` at the end of the response. Cancel-safe.
    pub(crate) async fn next(&mut self, seen: &mut ResumePoint) -> Result<Option<LogEvent>, Error> {
        while !self.has_ended {
            let start = Instant::now();
            let next = match &mut self.lines {
                None => {
                    match open(&self.client, &self.request, seen.since().filter(|_| self.goes_on)).await {
                        Ok(Some(lines)) => {
                            if self.goes_on {
                                seen.answer_begins();
                            }
                            self.lines = Some(lines);
                            continue;
                        }
                        Ok(None) => break,
                        Err(error) => Err(error),
                    }
                }
                Some(lines) => lines.next().await,
            };
            let text = match next {
                Ok(Some(text)) => text,
                Ok(None) => {
                    self.has_ended = true;
                    let rest = self.lines.as_mut().and_then(Lines::rest);
                    match rest.filter(|_| !self.request.whole_lines) {
                        Some(rest) => rest,
                        None => break,
                    }
                }
                Err(error) => {
                    self.lines = None;
                    match self.pause_after(error, start).await {
                        Ok(()) => continue,
                        // An unreachable node must not hide the logs of the others.
                        Err(Error::Api(refusal)) if refusal.code() >= 500 => {
                            self.has_ended = true;
                            return Ok(Some(LogEvent::Notice(refusal.message().as_raw().to_owned())));
                        }
                        Err(error) => return Err(error),
                    }
                }
            };
            (self.failing_since, self.failures, self.goes_on) = (None, 0, true);
            match read(&text) {
                LogEvent::Line(moment, message) if !seen.is_new(moment, &message) => {}
                event => return Ok(Some(event)),
            }
        }
        self.has_ended = true;
        Ok(None)
    }

    /// Waits before the log is requested again, or returns the error if that does not help or took too long. The failed request
    /// began at `start`.
    ///
    /// A followed log may be quiet for any time, so its outage begins with the failure.
    async fn pause_after(&mut self, error: Error, mut start: Instant) -> Result<(), Error> {
        if self.request.follow {
            if start.elapsed() >= QUIET {
                (self.failing_since, self.failures) = (None, 0);
            }
            start = Instant::now();
        }
        let since = *self.failing_since.get_or_insert(start);
        if !error.is_transient() || since.elapsed() > self.outage {
            return Err(error);
        }
        let pause = self.client.retry().pause(self.failures);
        self.failures = self.failures.saturating_add(1);
        sleep(pause).await;
        Ok(())
    }
}

/// Requests the log, or the rest of it. Returns `None` if there is no such pod or run (yet).
async fn open(
    client: &Client,
    request: &LogRequest,
    resume: Option<Timestamp>,
) -> Result<Option<Lines>, Error> {
    let LogRequest { pod, container, previous, follow, whole_lines: _, since, last } = request;
    let (since, last) = match resume {
        Some(moment) => (Some(LogSince::Moment(moment)), None),
        None => (*since, *last),
    };
    let (since_seconds, since_time) = match since {
        None => (None, None),
        Some(LogSince::Seconds(seconds)) => (Some(seconds.max(1).into()), None),
        // kube rounds to the nearest second; a line must not be lost by that.
        Some(LogSince::Moment(moment)) => (None, Timestamp::from_second(moment.as_second()).ok()),
    };
    let params = LogParams {
        container: Some(container.clone()),
        follow: *follow,
        previous: *previous,
        since_seconds,
        since_time,
        tail_lines: last.map(i64::from),
        timestamps: true,
        ..LogParams::default()
    };
    let (requests, name) = pod.requests()?;
    let request = requests.logs(&name, &params)?.map(Bytes::from);
    match client.exchange().open(&request).await {
        Ok(answer) => Ok(Some(Lines::new(answer.into_body(), (!follow).then_some(IDLE)))),
        // The kubelet responds with 400 for a run that does not exist yet, or no longer exists.
        Err(error) if error.api_status().is_some_and(|refusal| matches!(refusal.code(), 400 | 404)) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Parses `2026-11-25T10:00:00.123456789Z message`.
fn read(text: &str) -> LogEvent {
    let line = text.split_once(' ').unwrap_or((text, ""));
    match line.0.parse() {
        Ok(moment) => LogEvent::Line(moment, line.1.to_owned()),
        // The kubelet's text in place of a log that the node has deleted (Kubernetes 1.33, `GetContainerLogs`).
        Err(_) if text.starts_with("unable to retrieve container logs for ") => {
            LogEvent::Notice(GONE.to_owned())
        }
        Err(_) => LogEvent::Notice(text.to_owned()),
    }
}

/// The notice about a log that the node has deleted.
const GONE: &str = "the log of an earlier run is gone";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_lines_start_with_a_time() {
        let moment: Timestamp = "2026-11-25T10:00:00.123456789Z".parse().unwrap();
        for (text, message) in [("a  b ", "a  b "), ("", "")] {
            let line = format!("2026-11-25T10:00:00.123456789Z {text}");
            assert_eq!(read(&line), LogEvent::Line(moment, message.to_owned()));
        }
        let deleted = "unable to retrieve container logs for containerd://1";
        assert_eq!(read(deleted), LogEvent::Notice("the log of an earlier run is gone".to_owned()));
        let notice = "failed to open log file";
        assert_eq!(read(notice), LogEvent::Notice(notice.to_owned()));
    }
}
