use std::io::{self, BufWriter, ErrorKind, IsTerminal as _};

use clap::Args;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::{Span, SpanRelativeTo, Timestamp};
use toolforge_cli::{ExitKind, Failure, Session, Source, reader_is_gone};
use toolforge_client::{Client, Error, LogOptions, LogSince, Wanted};
use toolforge_model::{Colors, ToolName, Untrusted};
use toolforge_render::facts::LiveWebService;
use toolforge_render::observe::{Evidence, causes, log_file, runs, serves};

use crate::advice::advice;
use crate::arguments::Arguments;
use crate::report::{LogPrinter, LogStyle};

/// The options of `logs`.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Log options")]
pub(crate) struct LogsOptions {
    /// Go on with what is written from now on, by new pods, too.
    #[arg(short, long)]
    follow: bool,
    /// Only so many of the last lines, of all pods together.
    #[arg(short, long, value_name = "COUNT", allow_hyphen_values = true)]
    last: Option<u32>,
    /// Only lines from then on: so long ago, like 10m, 2h or 1d, or at a moment, like 2026-11-25T10:00:00Z.
    #[arg(long, value_name = "WHEN", value_parser = since, allow_hyphen_values = true)]
    since: Option<LogSince>,
    /// Only lines with this text in them.
    #[arg(long, value_name = "TEXT")]
    grep: Option<String>,
}

/// Why printing came to an end before the log did.
enum Stop {
    /// Nobody reads any more.
    ReaderIsGone,
    Failed(Failure),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error.into())
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::BrokenPipe => Self::ReaderIsGone,
            _ => Self::Failed(
                Failure::from_error(ExitKind::Request, &error).detail("the log could not be printed"),
            ),
        }
    }
}

/// Prints what the web service's pods have written. It succeeds where there is nothing, too.
///
/// An interrupt ends the program by its signal, so shells and their scripts see what they expect: 130.
pub(super) fn run(session: &Session, arguments: &Arguments) -> Result<ExitKind, Failure> {
    let (runtime, client) = match &session.source {
        Source::Cluster { runtime, client } => (runtime, client),
        Source::Files(_) => {
            return Err(Failure::new(ExitKind::Usage, "logs do not stand in files")
                .hint("Leave `--from` out to read them from the cluster."));
        }
    };
    let shown = runtime.block_on(async {
        tokio::select! {
            shown = show(client, &session.tool, &arguments.logs) => shown,
            () = reader_is_gone() => Err(Stop::ReaderIsGone),
        }
    });
    match shown {
        Ok(()) | Err(Stop::ReaderIsGone) => Ok(ExitKind::Done),
        Err(Stop::Failed(failure)) => Err(failure),
    }
}

async fn show(client: &Client, tool: &ToolName, options: &LogsOptions) -> Result<(), Stop> {
    let LogsOptions { follow, last, since, grep } = options.clone();
    // The platform's tool takes 0 for "all".
    let last = last.filter(|last| *last > 0);
    let wanted = Wanted { deployment: true, pods: true, ..Wanted::default() };
    let live = client.fetch_web_service(tool, wanted).await?.live;

    let style = LogStyle { colors: colors(), grep: grep.clone(), several: has_several(&live.pods) };
    let mut printer = LogPrinter::new(BufWriter::new(io::stdout()), style, last);
    let reading = if follow { LogOptions::following() } else { LogOptions::default() };
    // Which lines have the text is known only here, so all of them are needed then.
    let reading = LogOptions { last: last.filter(|_| grep.is_none()), since, ..reading };
    let mut log = client.web_service_log(tool, &live.pods, reading);
    while let Some(item) = log.next().await? {
        printer.take(item)?;
    }
    printer.flush()?;
    let was_empty = !printer.has_printed();
    if was_empty && (!follow || live.is_absent()) {
        anstream::eprintln!("No logs found!");
    }
    if was_empty {
        say_why(client, tool, &live).await?;
    }
    say_where_else(&live, was_empty);
    if !follow {
        return Ok(());
    }
    let mut log = log.follow();
    while let Some(item) = log.next().await? {
        printer.take(item)?;
        printer.flush()?;
    }
    if !live.is_absent() || printer.has_printed() {
        anstream::eprintln!("the web service has been stopped");
    }
    Ok(())
}

/// Says why nothing has been written, where the cluster knows.
async fn say_why(client: &Client, tool: &ToolName, live: &LiveWebService) -> Result<(), Error> {
    if live.deployment.is_none() {
        return Ok(());
    }
    let mut live = live.clone();
    if !live.pods.iter().any(serves) {
        let wanted = Wanted { replica_sets: true, ..Wanted::default() };
        live.replica_sets = client.fetch_web_service(tool, wanted).await?.live.replica_sets;
    }
    if let Some(Evidence { cause, object, message }) = causes(&live).first() {
        anstream::eprintln!("{cause}");
        if !message.is_empty() {
            anstream::eprintln!("  {}: {}", object.escaped(), message.escaped());
        }
        anstream::eprintln!("\nhint: {}", advice(cause));
    }
    Ok(())
}

/// Names the file in which the rest stands, where the web service's type writes one and somebody may look for it.
fn say_where_else(live: &LiveWebService, was_empty: bool) {
    let file = live.deployment.as_ref().and_then(log_file);
    if let Some(file) = file.filter(|_| was_empty || io::stderr().is_terminal()) {
        anstream::eprintln!("hint: What goes wrong in a web service of this type stands in ~/{file}.");
    }
}

/// Returns whether several pods have begun to write.
fn has_several(pods: &[Pod]) -> bool {
    pods.iter().filter(|pod| serves(pod) && !runs(pod).is_empty()).count() > 1
}

/// Returns whether standard output shows colours: a terminal that can, and nobody who forbids it (`NO_COLOR`).
fn colors() -> Colors {
    match anstream::AutoStream::choice(&io::stdout()) {
        anstream::ColorChoice::Never => Colors::Drop,
        anstream::ColorChoice::Auto | anstream::ColorChoice::Always | anstream::ColorChoice::AlwaysAnsi => {
            Colors::Keep
        }
    }
}

/// Reads how long ago, or since which moment.
fn since(text: &str) -> Result<LogSince, String> {
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Ok(LogSince::Moment(moment));
    }
    let span = text.parse::<Span>().and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()));
    let seconds =
        span.ok().and_then(|span| u32::try_from(span.as_secs()).ok()).filter(|seconds| *seconds > 0);
    seconds.map(LogSince::Seconds).ok_or_else(|| {
        let text = Untrusted::new(text);
        format!(
            "{} is neither a time of a second or more, like 10m, 2h or 1d, nor a moment, like 2026-11-25T10:00:00Z",
            text.quoted()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_so_long_ago_or_a_moment() {
        for (text, seconds) in [("10m", 600), ("2h", 7200), ("1d", 86_400), ("1h30m", 5400), ("90s", 90)] {
            assert_eq!(since(text), Ok(LogSince::Seconds(seconds)), "{text}");
        }
        let moment = Timestamp::from_second(1_764_064_800).unwrap();
        for text in ["2025-11-25T10:00:00Z", "2025-11-25T12:00:00+02:00", "2025-11-25 10:00:00Z"] {
            assert_eq!(since(text), Ok(LogSince::Moment(moment)), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused_with_what_is_one() {
        for text in ["", "10", "0s", "-5m", "1ms", "yesterday", "2025-11-25T10:00:00", "1y", "99999999999h"] {
            let refusal = since(text).unwrap_err();
            assert!(
                refusal.ends_with("like 10m, 2h or 1d, nor a moment, like 2026-11-25T10:00:00Z"),
                "{text}"
            );
        }
    }
}
