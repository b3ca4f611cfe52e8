//! What a plan would change, and whether it fits.

use std::fmt::Write;

use serde::Serialize;
use toolforge_cli::{Document, Failure, Table, document};
use toolforge_model::Untrusted;
use toolforge_quota::Verdict;
use toolforge_render::change::{Change, Difference};
use toolforge_render::plan::WebServicePlan;

use super::{RequestDocument, routing};

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
