use std::io::{self, IsTerminal as _};

use k8s_openapi::api::core::v1::Pod;
use toolforge_cli::{
    ExitCode, Failure, FollowEnd, LogOrigin, LogStop, LogsOptions, Session, Source, until_stdout_closes,
};
use toolforge_client::{Client, Error, FetchOptions};
use toolforge_model::ToolName;
use toolforge_render::pod::{Evidence, runs};
use toolforge_render::web_service::{LiveWebService, causes, log_file, serves};

use crate::advice::advice;
use crate::arguments::Arguments;

/// Prints what the web service's pods have written. It succeeds where there is nothing, too.
pub(super) fn run(session: &Session, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let (runtime, client) = match &session.source {
        Source::Cluster { runtime, client } => (runtime, client),
        Source::Files(_) => {
            return Err(Failure::new(ExitCode::Usage, "logs do not stand in files")
                .hint("Leave `--from` out to read them from the cluster."));
        }
    };
    runtime.block_on(until_stdout_closes(show(client, &session.tool, &arguments.logs)))
}

async fn show(client: &Client, tool: &ToolName, options: &LogsOptions) -> Result<(), LogStop> {
    let wanted = FetchOptions { deployment: true, pods: true, ..FetchOptions::default() };
    let live = client.fetch_web_service(tool, wanted).await?.live;

    let mut printer = options.printer(origin(&live.pods));
    let mut log = client.web_service_log(tool, &live.pods, options.reading());
    printer.print_written(&mut log).await?;
    let was_empty = !printer.has_printed();
    if was_empty && (!options.follow || live.is_absent()) {
        anstream::eprintln!("No logs found!");
    }
    if was_empty {
        say_why(client, tool, &live).await?;
    }
    say_where_else(&live, was_empty);
    if options.follow
        && printer.print_follow(log.follow()).await? == FollowEnd::Over
        && (!live.is_absent() || printer.has_printed())
    {
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
        let wanted = FetchOptions { replica_sets: true, ..FetchOptions::default() };
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

/// Returns what lines tell of their pod: something where several have begun to write.
fn origin(pods: &[Pod]) -> LogOrigin {
    let begun = pods.iter().filter(|pod| serves(pod) && !runs(pod).is_empty());
    if begun.count() > 1 { LogOrigin::Pod } else { LogOrigin::SeveralPods }
}
