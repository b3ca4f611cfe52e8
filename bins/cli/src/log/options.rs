use std::io::{self, BufWriter, Stdout};

use clap::Args;
use k8s_openapi::jiff::civil::DateTime;
use k8s_openapi::jiff::tz::Offset;
use k8s_openapi::jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};
use toolforge_client::{LogOptions, LogSince};
use toolforge_model::{Colors, Untrusted};

use crate::log::{LogOrigin, LogPrinter, LogStyle};
use crate::options::parse_whole;

/// The heading of the options of `logs`.
const LOGS: &str = "Log options";

/// The options of `logs`.
#[derive(Clone, Debug, Default, Args)]
pub struct LogsOptions {
    /// Keep streaming new lines, including those of new pods.
    #[arg(short, long, help_heading = LOGS)]
    pub follow: bool,
    /// Print only the last lines, counted over all pods.
    // As in the platform's tool, 0 means all.
    #[arg(short, long, alias = "tail", help_heading = LOGS, value_name = "COUNT", value_parser = count, allow_hyphen_values = true)]
    pub last: Option<u32>,
    /// Only lines newer than a duration (10m, 2h, 1d) or an ISO 8601 time (2026-11-25T10:00:00Z), UTC unless it has a time zone.
    #[arg(long, help_heading = LOGS, value_name = "TIME", value_parser = since, allow_hyphen_values = true)]
    pub since: Option<LogSince>,
    /// Only lines older than a duration or an ISO 8601 time.
    #[arg(long, help_heading = LOGS, value_name = "TIME", value_parser = since, allow_hyphen_values = true)]
    pub until: Option<LogSince>,
    /// Only lines that contain this text.
    #[arg(long, help_heading = LOGS, value_name = "TEXT")]
    pub grep: Option<String>,
}

impl LogsOptions {
    /// Returns the part of the log to read.
    #[must_use]
    pub fn reading(&self) -> LogOptions {
        let reading = if self.follow { LogOptions::following() } else { LogOptions::default() };
        // These filters run here, so the server has to send all lines.
        let last = self.count().filter(|_| self.grep.is_none() && self.until.is_none());
        reading.with_last(last).with_since(self.since)
    }

    /// Returns a printer for standard output.
    #[must_use]
    pub fn printer(&self, origin: LogOrigin) -> LogPrinter<BufWriter<Stdout>> {
        let until = self.until.map(moment);
        let style = LogStyle { colors: colors(), grep: self.grep.clone(), until, origin };
        LogPrinter::new(BufWriter::new(io::stdout()), style, self.count())
    }

    fn count(&self) -> Option<u32> {
        self.last.filter(|last| *last > 0)
    }
}

fn count(text: &str) -> Result<u32, String> {
    parse_whole(text, 0..=u32::MAX)
}

/// Returns the time; a duration is subtracted from this machine's clock.
fn moment(since: LogSince) -> Timestamp {
    match since {
        LogSince::Seconds(seconds) => {
            let ago = SignedDuration::from_secs(seconds.into());
            Timestamp::now().checked_sub(ago).unwrap_or(Timestamp::MIN)
        }
        LogSince::Moment(moment) => moment,
    }
}

/// Returns whether colors are kept: standard output is a terminal with colors, and `NO_COLOR` is not set.
fn colors() -> Colors {
    match anstream::AutoStream::choice(&io::stdout()) {
        anstream::ColorChoice::Never => Colors::Drop,
        anstream::ColorChoice::Auto | anstream::ColorChoice::Always | anstream::ColorChoice::AlwaysAnsi => {
            Colors::Keep
        }
    }
}

/// Parses a duration or an ISO 8601 time; one without a zone is in UTC, as for the platform's tool.
fn since(text: &str) -> Result<LogSince, String> {
    // A civil time ignores the name of a zone.
    let civil = || text.parse::<DateTime>().ok().filter(|_| !text.contains('['));
    let in_utc = || civil().and_then(|civil| Offset::UTC.to_timestamp(civil).ok());
    if let Some(moment) = text.parse::<Timestamp>().ok().or_else(in_utc) {
        return Ok(LogSince::Moment(moment));
    }
    let span = text.parse::<Span>().and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()));
    let seconds =
        span.ok().and_then(|span| u32::try_from(span.as_secs()).ok()).filter(|seconds| *seconds > 0);
    seconds.map(LogSince::Seconds).ok_or_else(|| {
        let text = Untrusted::new(text);
        format!(
            "{} is neither a duration of at least one second, like 10m, 2h or 1d, nor a time, like 2026-11-25T10:00:00Z",
            text.quoted()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_accepts_durations_and_times() {
        for (text, seconds) in [("10m", 600), ("2h", 7200), ("1d", 86_400), ("1h30m", 5400), ("90s", 90)] {
            assert_eq!(since(text), Ok(LogSince::Seconds(seconds)), "{text}");
        }
        let moment = Timestamp::from_second(1_764_064_800).unwrap();
        for text in [
            "2025-11-25T10:00:00Z",
            "2025-11-25T12:00:00+02:00",
            "2025-11-25 10:00:00Z",
            "2025-11-25T12:00:00+02:00[Europe/Berlin]",
            // In UTC.
            "2025-11-25T10:00:00",
            "2025-11-25 10:00",
            "20251125T100000",
        ] {
            assert_eq!(since(text), Ok(LogSince::Moment(moment)), "{text}");
        }
        let midnight = Timestamp::from_second(1_764_028_800).unwrap();
        assert_eq!(since("2025-11-25"), Ok(LogSince::Moment(midnight)));
    }

    #[test]
    fn since_rejects_invalid_times() {
        for text in [
            "",
            "10",
            "0s",
            "-5m",
            "1ms",
            "yesterday",
            "2025-11-25T10:00:00[Europe/Berlin]",
            "1y",
            "99999999999h",
        ] {
            let refusal = since(text).unwrap_err();
            assert!(refusal.ends_with("like 10m, 2h or 1d, nor a time, like 2026-11-25T10:00:00Z"), "{text}");
        }
    }

    #[test]
    fn server_counts_last_lines_only_without_filters() {
        let options = LogsOptions { last: Some(5), ..LogsOptions::default() };
        assert_eq!(options.reading().last, Some(5));
        let zero = LogsOptions { last: Some(0), ..LogsOptions::default() };
        assert_eq!(zero.reading().last, None);
        let grep = LogsOptions { grep: Some("x".to_owned()), ..options.clone() };
        assert_eq!(grep.reading().last, None);
        let until = LogsOptions { until: Some(LogSince::Seconds(60)), ..options };
        assert_eq!(until.reading().last, None);
    }
}
