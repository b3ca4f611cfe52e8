//! How a web service fares.

use std::fmt::Write;

use k8s_openapi::jiff::Timestamp;
use serde::Serialize;
use toolforge_cli::{CauseDocument, Document, Failure, age, document};
use toolforge_model::{ToolName, Untrusted};
use toolforge_render::pod::{Evidence, LastEnd};
use toolforge_render::web_service::{Observation, WebServiceState, WebServiceStatus};

use super::{RequestDocument, routing};
use crate::advice::advice;

/// The status for programs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StatusDocument<'a> {
    tool: &'a ToolName,
    state: &'static str,
    up: bool,
    r#type: Option<&'a str>,
    image: Option<&'a Untrusted>,
    replicas: u32,
    ready: u32,
    restarts: u32,
    last_end: Option<LastEndDocument<'a>>,
    started: Option<String>,
    host: Option<&'a Untrusted>,
    routing: Option<&'static str>,
    missing: Vec<String>,
    causes: Vec<CauseDocument<'a>>,
    request: Option<RequestDocument<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LastEndDocument<'a> {
    pod: &'a Untrusted,
    exit_code: i32,
    reason: &'a Untrusted,
    finished: Option<String>,
}

/// Returns how a web service fares.
pub(crate) fn status(
    tool: &ToolName,
    observation: &Observation,
    now: Timestamp,
) -> Result<Document, Failure> {
    let Observation { request, status } = observation;
    let value = StatusDocument {
        tool,
        state: status.state.as_str(),
        up: status.state.is_up(),
        r#type: status.type_name.as_deref(),
        image: status.image.as_ref(),
        replicas: status.desired,
        ready: status.ready,
        restarts: status.restarts,
        last_end: status.last_end.as_ref().map(|LastEnd { pod, exit_code, reason, finished }| {
            LastEndDocument {
                pod,
                exit_code: *exit_code,
                reason,
                finished: finished.map(|moment| moment.to_string()),
            }
        }),
        started: status.started.map(|moment| moment.to_string()),
        host: status.route.as_ref().map(|route| &route.host),
        routing: status.route.as_ref().map(|route| routing(route.routing)),
        missing: status.missing.iter().map(ToString::to_string).collect(),
        causes: status.causes.iter().map(CauseDocument::from).collect(),
        request: request.as_ref().ok().map(RequestDocument::from),
    };
    Ok(Document { text: status_text(observation, now), value: document("WebServiceStatus", &value)? })
}

fn status_text(Observation { request, status }: &Observation, now: Timestamp) -> String {
    let mut text = format!("{}\n", headline(status));
    let mut line = |name: &str, value: String| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {name:<8} {value}");
    };
    if status.state == WebServiceState::Stopped {
        return text;
    }
    let restarts = match status.restarts {
        0 => String::new(),
        1 => ", restarted once".to_owned(),
        count => format!(", restarted {count} times"),
    };
    line("pods", format!("{} of {} ready{restarts}", status.ready, status.desired));
    if let Some(end) = &status.last_end {
        let ago = end.finished.map(|moment| format!(", {} ago", age(moment, now))).unwrap_or_default();
        line("last end", format!("{end}{ago}"));
    }
    if let Some(started) = status.started {
        line("since", format!("{} ago", age(started, now)));
    }
    if let Some(image) = &status.image {
        line("image", image.escaped().to_string());
    }
    if let Some(route) = &status.route {
        line("address", format!("https://{}/", route.host.escaped()));
    }
    for kind in &status.missing {
        line("missing", format!("{kind}: `webservice start` makes it again"));
    }
    if let Err(error) = request
        && status.image.is_some()
    {
        line("note", error.to_string());
    }
    for Evidence { cause, object, message } in &status.causes {
        line("problem", cause.to_string());
        if !message.is_empty() {
            line("", format!("{}: {}", object.escaped(), message.escaped()));
        }
    }
    if let Some(first) = status.causes.first() {
        let _ = writeln!(text, "  {:<8} {}", "next", advice(&first.cause));
    }
    text
}

/// Returns the sentence that scripts read; `is running` stands in it only where pages are served.
fn headline(status: &WebServiceStatus) -> String {
    let type_name = status.type_name.as_deref().unwrap_or("unknown");
    let service = format!("Your webservice of type {type_name}");
    match status.state {
        WebServiceState::Stopped => "Your webservice is not running".to_owned(),
        WebServiceState::Running => format!("{service} is running on backend kubernetes"),
        WebServiceState::Updating => format!("{service} is running on backend kubernetes, and being updated"),
        WebServiceState::Degraded => format!("{service} is running on backend kubernetes, but not as asked"),
        WebServiceState::Starting => format!("{service} is starting"),
        WebServiceState::Failing => format!("{service} does not come up"),
        WebServiceState::Unreachable => format!("{service} cannot be reached"),
        WebServiceState::ScaledToZero => format!("{service} is scaled to no pods"),
        WebServiceState::Stopping => "Your webservice is stopping".to_owned(),
    }
}
