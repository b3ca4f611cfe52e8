//! What a plan would change, and whether it fits.

use std::fmt::Write;

use serde::Serialize;
use toolforge_cli::{Document, Failure, QuotaRowDocument, Table, document};
use toolforge_model::Untrusted;
use toolforge_quota::{QuotaCheck, ResourceCheck};
use toolforge_render::web_service::{
    Change, Difference, Facts, Rollout, WebServicePlan, changes, has_outage, replaces_pods, verdict_at_peak,
};

use super::{request_report, routing};

/// Returns what a plan changes, a line each.
pub(crate) fn change_lines(changes: &[Change]) -> String {
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
    request: toolforge_report::WebServiceRequest,
    image: &'a str,
    host: String,
    routing: toolforge_report::Routing,
    fits: bool,
    rollout: &'static str,
    has_outage: bool,
    changes: Vec<ChangeDocument<'a>>,
    quotas: Vec<QuotaRowDocument>,
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

/// Returns what a plan would change, and whether it fits.
pub(crate) fn plan(plan: &WebServicePlan, facts: &Facts, verdict: &QuotaCheck) -> Result<Document, Failure> {
    let planned = changes(plan, &facts.live);
    let at_peak = verdict_at_peak(plan, facts);
    let peak = |row: &ResourceCheck| {
        let same = |other: &&ResourceCheck| other.quota == row.quota && other.resource == row.resource;
        row.after.max(at_peak.resources().iter().find(same).map_or(0, |row| row.after))
    };
    let value = PlanDocument {
        request: request_report(plan.request()),
        image: plan.image(),
        host: plan.host(),
        routing: routing(plan.routing()),
        fits: verdict.fits(),
        rollout: plan.rollout().as_str(),
        has_outage: has_outage(plan, &facts.live),
        changes: planned.iter().map(change_document).collect(),
        quotas: verdict
            .resources()
            .iter()
            .map(|row| QuotaRowDocument::new(row, peak(row), row.fits()))
            .collect(),
        violations: verdict.violations().iter().map(ToString::to_string).collect(),
    };
    let mut text = plan_text(&planned, verdict, peak);
    if let Some(note) = rollout_note(plan, facts).filter(|_| verdict.fits()) {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{note}");
    }
    Ok(Document { text, value: document("WebServicePlan", &value)? })
}

/// Returns what a person should know of how the pods are replaced, where that is not the gentlest way.
pub(crate) fn rollout_note(plan: &WebServicePlan, facts: &Facts) -> Option<String> {
    if !replaces_pods(plan, &facts.live) {
        return None;
    }
    let surge = verdict_at_peak(&plan.clone().rolled_out_by(Rollout::Surge), facts);
    let missing = surge.shortfalls().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    match plan.rollout() {
        Rollout::InPlace => Some(format!(
            "the quota has no room for one pod more ({missing}), so the pods are replaced one after the other; the others serve on"
        )),
        Rollout::Recreate if has_outage(plan, &facts.live) => Some(format!(
            "the quota has no room for the new pod beside the old one ({missing}), so nobody is served from the old pod's end until the new one is ready"
        )),
        Rollout::Surge | Rollout::Recreate => None,
    }
}

fn plan_text(planned: &[Change], verdict: &QuotaCheck, peak: impl Fn(&ResourceCheck) -> u64) -> String {
    let mut text = change_lines(planned);
    if text.is_empty() {
        text.push_str("nothing would change\n");
    }
    if !verdict.resources().is_empty() {
        let mut table = Table::new(&["RESOURCE", "LIMIT", "USED", "AFTER", "PEAK", "VERDICT"]);
        for row in verdict.resources() {
            let amount = |amount| row.resource.amount(amount);
            let word = if row.fits() { "fits" } else { "too much" };
            let resource = Untrusted::new(row.resource.to_string()).escaped().to_string();
            let amounts = [row.hard, row.used, row.after, peak(row)].map(amount);
            table.row(std::iter::once(resource).chain(amounts).chain([word.to_owned()]));
        }
        text.push('\n');
        text.push_str(&table.for_stdout());
    }
    for violation in verdict.violations() {
        let _ = writeln!(text, "{violation}");
    }
    text.push_str(match (verdict.fits(), verdict.resources().is_empty()) {
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
