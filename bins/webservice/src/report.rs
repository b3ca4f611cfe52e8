//! What a person and a program read.

use std::fmt::Write;

use k8s_openapi::jiff::Timestamp;
use serde::Serialize;
use toolforge_cli::{Document, Failure, Table, age, document};
use toolforge_model::{ToolName, Untrusted, WebServiceRequest};
use toolforge_quota::Verdict;
use toolforge_render::change::{Change, Difference};
use toolforge_render::observe::{Evidence, Observation, WebServiceState, WebServiceStatus};
use toolforge_render::plan::{Routing, WebServicePlan};

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
    started: Option<String>,
    host: Option<&'a Untrusted>,
    routing: Option<&'static str>,
    missing: Vec<String>,
    causes: Vec<CauseDocument<'a>>,
    request: Option<RequestDocument<'a>>,
}

#[derive(Serialize)]
struct CauseDocument<'a> {
    code: &'static str,
    cause: String,
    object: &'a Untrusted,
    message: &'a Untrusted,
}

#[derive(Serialize)]
struct RequestDocument<'a> {
    r#type: &'a str,
    cpu: Option<String>,
    memory: Option<String>,
    replicas: u32,
    arguments: &'a [String],
}

impl<'a> From<&'a WebServiceRequest> for RequestDocument<'a> {
    fn from(request: &'a WebServiceRequest) -> Self {
        let WebServiceRequest { tool: _, image, cpu, memory, replicas, arguments } = request;
        Self {
            r#type: image.type_name(),
            cpu: cpu.map(|cpu| cpu.to_string()),
            memory: memory.map(|memory| memory.to_string()),
            replicas: replicas.count(),
            arguments,
        }
    }
}

fn routing(routing: Routing) -> &'static str {
    match routing {
        Routing::Ingress => "ingress",
        Routing::HttpRoute => "httproute",
    }
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
        started: status.started.map(|moment| moment.to_string()),
        host: status.route.as_ref().map(|route| &route.host),
        routing: status.route.as_ref().map(|route| routing(route.routing)),
        missing: status.missing.iter().map(ToString::to_string).collect(),
        causes: status
            .causes
            .iter()
            .map(|Evidence { cause, object, message }| CauseDocument {
                code: cause.code(),
                cause: cause.to_string(),
                object,
                message,
            })
            .collect(),
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

/// Returns what a plan changes, a line each.
pub(crate) fn changes(changes: &[Change]) -> String {
    let mut text = String::new();
    for change in changes {
        let (kind, name) = change.object();
        // Writing to a String cannot fail.
        let _ = match change {
            Change::Create { .. } => writeln!(text, "create {kind} {name}"),
            Change::Delete { .. } => writeln!(text, "delete {kind} {name}"),
            Change::Keep { .. } => Ok(()),
            Change::Update { differences, .. } => {
                let lines: String = differences.iter().map(difference).collect();
                write!(text, "change {kind} {name}\n{lines}")
            }
        };
    }
    text
}

fn difference(Difference { path, live, wanted }: &Difference) -> String {
    let path = Untrusted::new(path.as_str());
    let value = |value: &Option<Untrusted>| {
        value.as_ref().map_or_else(|| "nothing".to_owned(), |value| value.escaped().to_string())
    };
    format!("  {}: {} -> {}\n", path.escaped(), value(live), value(wanted))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PlanDocument<'a> {
    request: RequestDocument<'a>,
    image: &'a str,
    host: String,
    routing: &'static str,
    fits: bool,
    changes: Vec<ChangeDocument<'a>>,
    quotas: Vec<RowDocument>,
    violations: Vec<String>,
}

#[derive(Serialize)]
struct ChangeDocument<'a> {
    action: &'static str,
    kind: String,
    name: &'a str,
    differences: Vec<DifferenceDocument<'a>>,
}

#[derive(Serialize)]
struct DifferenceDocument<'a> {
    path: &'a str,
    live: Option<&'a Untrusted>,
    wanted: Option<&'a Untrusted>,
}

#[derive(Serialize)]
struct RowDocument {
    quota: String,
    resource: String,
    hard: String,
    used: String,
    after: String,
    fits: bool,
}

/// Returns what a plan would change, and whether it fits.
pub(crate) fn plan(
    plan: &WebServicePlan,
    planned: &[Change],
    verdict: &Verdict,
) -> Result<Document, Failure> {
    let value = PlanDocument {
        request: plan.request().into(),
        image: plan.image(),
        host: plan.host(),
        routing: routing(plan.routing()),
        fits: verdict.fits(),
        changes: planned.iter().map(change_document).collect(),
        quotas: verdict
            .rows
            .iter()
            .map(|row| RowDocument {
                quota: row.quota.clone(),
                resource: row.resource.to_string(),
                hard: row.resource.amount(row.hard),
                used: row.resource.amount(row.used),
                after: row.resource.amount(row.after),
                fits: row.fits(),
            })
            .collect(),
        violations: verdict.violations.iter().map(ToString::to_string).collect(),
    };
    Ok(Document { text: plan_text(planned, verdict), value: document("WebServicePlan", &value)? })
}

fn plan_text(planned: &[Change], verdict: &Verdict) -> String {
    let mut text = changes(planned);
    if text.is_empty() {
        text.push_str("nothing would change\n");
    }
    if !verdict.rows.is_empty() {
        let mut table = Table::new(&["RESOURCE", "LIMIT", "USED", "AFTER", "VERDICT"]);
        for row in &verdict.rows {
            let amount = |amount| row.resource.amount(amount);
            let word = if row.fits() { "fits" } else { "too much" };
            let resource = Untrusted::new(row.resource.to_string()).escaped().to_string();
            table.row([resource, amount(row.hard), amount(row.used), amount(row.after), word.to_owned()]);
        }
        text.push('\n');
        text.push_str(&table.for_stdout());
    }
    for violation in &verdict.violations {
        let _ = writeln!(text, "{violation}");
    }
    text.push_str(match (verdict.fits(), verdict.rows.is_empty()) {
        (true, true) => "\nno quota is known, so whether it fits is not known\n",
        (true, false) => "\nit fits the quota; whether a node has room is another question\n",
        (false, _) => "\nit does not fit\n",
    });
    text
}

fn change_document(change: &Change) -> ChangeDocument<'_> {
    let (kind, name) = change.object();
    let (action, differences) = match change {
        Change::Create { .. } => ("create", &[][..]),
        Change::Update { differences, .. } => ("update", differences.as_slice()),
        Change::Keep { .. } => ("keep", &[][..]),
        Change::Delete { .. } => ("delete", &[][..]),
    };
    let differences = differences
        .iter()
        .map(|Difference { path, live, wanted }| DifferenceDocument {
            path,
            live: live.as_ref(),
            wanted: wanted.as_ref(),
        })
        .collect();
    ChangeDocument { action, kind: kind.to_string(), name, differences }
}
