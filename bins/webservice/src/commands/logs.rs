use std::io::{self, IsTerminal as _};

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{
    ExitCode, Failure, FollowEnd, LogOrigin, LogStop, LogsOptions, Notice, Session, Source, age,
    print_message, restarts_text, until_stdout_closes,
};
use toolforge_client::{Client, Error, WebServiceFetchOptions};
use toolforge_model::ToolName;
use toolforge_render::pod::{Cause, Evidence, TerminationKind, container_runs};
use toolforge_render::web_service::{
    LiveWebService, is_web_service_pod, web_service_causes, web_service_log_file,
};

use crate::advice::advice;
use crate::arguments::Arguments;
use crate::fetch::needs_events;
use crate::invocation::Action;

/// Prints the logs of the web service's pods; no logs are not an error.
pub(super) fn run(session: &Session, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let (runtime, client) = match &session.source {
        Source::Cluster { runtime, client } => (runtime, client),
        Source::Files(_) => {
            return Err(Failure::new(ExitCode::Usage, "logs cannot be read with --from")
                .hint("Leave `--from` out to read them from the cluster."));
        }
    };
    runtime.block_on(until_stdout_closes(show(client, &session.tool, &arguments.logs)))
}

async fn show(client: &Client, tool: &ToolName, options: &LogsOptions) -> Result<(), LogStop> {
    let mut wanted = WebServiceFetchOptions::default();
    wanted.deployment = true;
    wanted.pods = true;
    let live = client.fetch_web_service(tool, wanted).await?.live;
    let is_foreign = live.has_foreign_deployment();
    let live = live.without_foreign_deployment();

    let mut printer = options.printer(origin(&live.pods));
    let mut log = client.web_service_log(tool, &live.pods, options.reading());
    printer.print_written(&mut log).await?;
    let was_empty = !printer.has_printed();
    if was_empty && (!options.follow || live.is_absent()) {
        print_message("No logs found!");
    }
    if was_empty || (needs_events(&live) && !options.follow) {
        say_why(client, tool, &live).await?;
    }
    say_where_else(&live, was_empty);
    if is_foreign {
        Notice::note(format!(
            "Deployment {tool} is not a web service's; `kubectl logs deployment/{tool}` shows its log"
        ))
        .print();
        return Ok(());
    }
    if options.follow && was_empty && !live.is_absent() {
        Notice::note("waiting for the first line").print();
    }
    if options.follow
        && printer.print_follow(log.follow()).await? == FollowEnd::Over
        && (!live.is_absent() || printer.has_printed())
    {
        print_message("the web service has been stopped");
    }
    Ok(())
}

/// Prints why nothing has been logged, why no pod is ready, or that one was restarted, if the cluster knows.
async fn say_why(client: &Client, tool: &ToolName, live: &LiveWebService) -> Result<(), Error> {
    if live.deployment.is_none() {
        return Ok(());
    }
    let mut live = live.clone();
    let mut wanted = WebServiceFetchOptions::default();
    wanted.replica_sets = true;
    wanted.events = true;
    let found = client.fetch_web_service(tool, wanted).await?.live;
    (live.replica_sets, live.events) = (found.replica_sets, found.events);
    let (objects, now) = (live.rollout(), Timestamp::now());
    let (restarts, last) = (objects.restarts(), objects.last_termination());
    if restarts > 0 {
        let ago =
            last.as_ref().and_then(|last| last.finished).map(|moment| format!(", {} ago", age(moment, now)));
        let restarted = restarts_text(restarts, last.as_ref());
        print_message(&format!("the web service was {restarted}{}", ago.unwrap_or_default()));
    }
    let causes = web_service_causes(&live, now);
    let cause = match causes.first() {
        Some(Evidence { cause, object, message, .. }) => {
            print_message(&cause.to_string());
            if !message.is_empty() {
                print_message(&format!("  {}: {}", object, message.escaped()));
            }
            cause
        }
        None if last.map(|last| last.kind()) == Some(TerminationKind::OutOfMemory) => &Cause::OutOfMemory,
        None => return Ok(()),
    };
    Notice::hint(advice(cause, objects.ready_pods(), Action::Logs)).start_paragraph().print();
    Ok(())
}

/// Prints the name of the type's log file, if it has one, to people and if nothing was logged.
fn say_where_else(live: &LiveWebService, was_empty: bool) {
    let file = live.deployment.as_ref().and_then(web_service_log_file);
    if let Some(file) = file.filter(|_| was_empty || io::stderr().is_terminal()) {
        Notice::hint(format!("Errors are written to ~/{file}: `tail ~/{file}`")).print();
    }
}

/// Returns whether lines show their pod: only if several pods have started.
fn origin(pods: &[Pod]) -> LogOrigin {
    let started = pods.iter().filter(|pod| is_web_service_pod(pod) && !container_runs(pod).is_empty());
    if started.count() > 1 { LogOrigin::Pod } else { LogOrigin::SeveralPods }
}
