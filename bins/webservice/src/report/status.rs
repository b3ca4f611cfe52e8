//! The state of a web service.

use std::fmt::Write;

use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{Document, Failure, age, cause, last_termination, restarts_text, to_json};
use toolforge_model::ToolName;
use toolforge_render::namespace::Platform;
use toolforge_render::object::is_kubectl;
use toolforge_render::pod::{Evidence, ReadyPods};
use toolforge_render::web_service::{WebServiceObservation, WebServiceState, WebServiceStatus};

use super::{request_report, routing};
use crate::advice::advice;
use crate::invocation::Action;

/// Returns the state of a web service.
pub(crate) fn status(
    tool: &ToolName,
    platform: &Platform,
    observation: &WebServiceObservation,
    now: Timestamp,
) -> Result<Document, Failure> {
    let value = to_json(status_report(tool, observation))?;
    Ok(Document { text: status_text(observation, platform, now), value })
}

/// Returns the state of a web service for the JSON output.
pub(super) fn status_report(
    tool: &ToolName,
    WebServiceObservation { request, status }: &WebServiceObservation,
) -> toolforge_report::WebServiceStatus {
    toolforge_report::WebServiceStatus {
        tool: tool.clone(),
        state: toolforge_report::WebServiceState::from_code(status.state.as_str()),
        up: status.state.is_up(),
        image_type: status.type_name.clone(),
        image: status.image.clone(),
        replicas: status.desired,
        ready: status.ready,
        restarts: status.restarts,
        last_termination: status.last_termination.as_ref().map(last_termination),
        started: status.started.map(|moment| moment.to_string()),
        host: status.route.as_ref().map(|route| route.host.clone()),
        routing: status.route.as_ref().map(|route| routing(route.routing)),
        created_by: status.created_by.clone(),
        missing: status.missing.iter().map(ToString::to_string).collect(),
        causes: status.causes.iter().map(cause).collect(),
        request: request.as_ref().ok().map(request_report),
    }
}

fn status_text(
    WebServiceObservation { request, status }: &WebServiceObservation,
    platform: &Platform,
    now: Timestamp,
) -> String {
    let mut text = format!("{}\n", headline(status));
    let mut line = |name: &str, value: String| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {name:<8} {value}");
    };
    if let Some(id) = &status.foreign {
        line(
            "note",
            format!(
                "{id} exists and is not a web service's; a web service needs its name: delete it with kubectl, or create it again under another name"
            ),
        );
    }
    if status.state == WebServiceState::Stopped {
        return text;
    }
    let restarts = match status.restarts {
        0 => String::new(),
        count => format!(", {}", restarts_text(count, None)),
    };
    line("pods", format!("{} of {} ready{restarts}", status.ready, status.desired));
    if let Some(end) = &status.last_termination {
        let ago = end.finished.map(|moment| format!(", {} ago", age(moment, now))).unwrap_or_default();
        line("last run", format!("{end}{ago}"));
    }
    if let Some(started) = status.started {
        line("since", format!("{} ago", age(started, now)));
    }
    if let Some(image) = &status.image {
        line("image", image.escaped().to_string());
    }
    if let Some(route) = &status.route {
        line("address", platform.url(route.host.escaped()));
    }
    if let Some(manager) = status.created_by.as_ref().filter(|manager| is_kubectl(manager)) {
        line("created", format!("by hand, with {}; `webservice start` takes it over", manager.escaped()));
    }
    for kind in &status.missing {
        let after = status.foreign.as_ref().map(|id| format!(" once {id} is deleted")).unwrap_or_default();
        line("missing", format!("{kind}: `webservice start` creates it again{after}"));
    }
    if let Err(error) = request
        && status.image.is_some()
    {
        line("note", error.to_string());
    }
    for Evidence { cause, object, message, .. } in &status.causes {
        line("problem", cause.to_string());
        if !message.is_empty() {
            line("", format!("{}: {}", object, message.escaped()));
        }
    }
    if let Some(first) = status.causes.first() {
        let _ = writeln!(
            text,
            "  {:<8} {}",
            "next",
            advice(&first.cause, ReadyPods::of(status.ready, status.outdated), Action::Status)
        );
    }
    text
}

/// Returns the sentence that scripts read; it contains `is running` only if the web service serves requests.
fn headline(status: &WebServiceStatus) -> String {
    let type_name = status.type_name.as_deref().unwrap_or("unknown");
    let service = format!("Your webservice of type {type_name}");
    match status.state {
        WebServiceState::Stopped => "Your webservice is not running".to_owned(),
        WebServiceState::Running => format!("{service} is running on backend kubernetes"),
        WebServiceState::Updating => format!("{service} is running on backend kubernetes, and being updated"),
        WebServiceState::Degraded => format!("{service} is running on backend kubernetes, but degraded"),
        WebServiceState::Starting => format!("{service} is starting"),
        WebServiceState::Failing => format!("{service} does not start"),
        WebServiceState::Unreachable => format!("{service} cannot be reached"),
        WebServiceState::ScaledToZero => format!("{service} is scaled to 0 replicas"),
        WebServiceState::Stopping => "Your webservice is stopping".to_owned(),
        other => format!("{service}: {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_a_code() {
        let states = [
            WebServiceState::Stopped,
            WebServiceState::Running,
            WebServiceState::Updating,
            WebServiceState::Starting,
            WebServiceState::Degraded,
            WebServiceState::Failing,
            WebServiceState::Unreachable,
            WebServiceState::ScaledToZero,
            WebServiceState::Stopping,
        ];
        for state in states {
            let code = toolforge_report::WebServiceState::from_code(state.as_str());
            assert_eq!(code.as_str(), state.as_str());
        }
    }
}
