//! What a load would change, and whether it fits.

use std::fmt::Write as _;

use serde::Serialize;
use toolforge_cli::{Document, ExitCode, Failure, QuotaRowDocument, Table, document};
use toolforge_model::{JobField, Untrusted, platform};
use toolforge_quota::{Resource, ResourceCheck};
use toolforge_render::job::{JobDifference, LiveWorkload, LoadPlan, LoadStep, StepKind};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PlanDocument<'a> {
    fits: bool,
    steps: Vec<StepDocument<'a>>,
    quotas: Vec<QuotaRowDocument>,
    violations: Vec<String>,
    problems: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StepDocument<'a> {
    action: &'static str,
    name: &'a str,
    kind: &'static str,
    differences: Vec<DifferenceDocument<'a>>,
}

#[derive(Serialize)]
struct DifferenceDocument<'a> {
    key: &'static str,
    live: Option<&'a Untrusted>,
    wanted: Option<&'a Untrusted>,
}

/// Returns what a load changes, and whether it fits, at rest and at the worst moment.
pub(crate) fn plan(plan: &LoadPlan) -> Result<Document, Failure> {
    let value = PlanDocument {
        fits: plan.fits() && plan.problems.is_empty(),
        steps: plan.steps.iter().map(step_document).collect(),
        quotas: rows(plan)
            .map(|(row, peak)| {
                QuotaRowDocument::new(row, peak, row.fits() && (!row.increases || peak <= row.hard))
            })
            .collect(),
        violations: violations(plan).collect(),
        problems: plan.problems.iter().map(ToString::to_string).collect(),
    };
    Ok(Document { text: text(plan), value: document("LoadPlan", &value)? })
}

/// Returns the quotas' rows with what is used at the worst moment.
fn rows(plan: &LoadPlan) -> impl Iterator<Item = (&ResourceCheck, u64)> {
    plan.at_rest.resources().iter().map(|row| {
        let peak = plan
            .at_peak
            .resources()
            .iter()
            .find(|peak| peak.quota == row.quota && peak.resource == row.resource);
        (row, peak.map_or(row.after, |peak| peak.after))
    })
}

fn text(plan: &LoadPlan) -> String {
    let mut text = String::new();
    for step in plan.changes() {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{} {} job {}", step_word(&step.kind), kind(step), step.name);
        for JobDifference { key, live, wanted } in differences(&step.kind) {
            let value = |value: &Option<Untrusted>| {
                value.as_ref().map_or_else(|| "default".to_owned(), |value| value.escaped().to_string())
            };
            let _ = writeln!(text, "  {key}: {} -> {}", value(live), value(wanted));
        }
        if step.record.is_some() {
            text.push_str("  taken over from the platform's jobs service, whose record goes\n");
        }
        if let Some(note) = outage(step) {
            let _ = writeln!(text, "  {note}");
        }
    }
    let kept: Vec<&str> =
        plan.steps.iter().filter(|step| step.kind == StepKind::Keep).map(|step| step.name.as_str()).collect();
    if !kept.is_empty() {
        let _ = writeln!(text, "keep {}", kept.join(", "));
    }
    if plan.changes().count() == 0 {
        text.push_str("nothing would change\n");
    }
    if !plan.at_rest.resources().is_empty() {
        let mut table = Table::new(&["RESOURCE", "LIMIT", "USED", "AFTER", "PEAK", "VERDICT"]);
        for (row, peak) in rows(plan) {
            let fits = row.fits() && (!row.increases || peak <= row.hard);
            let resource = Untrusted::new(row.resource.to_string()).escaped().to_string();
            let amounts = [row.hard, row.used, row.after, peak].map(|amount| row.resource.amount(amount));
            let verdict = if fits { "fits" } else { "too much" };
            table.row(std::iter::once(resource).chain(amounts).chain([verdict.to_owned()]));
        }
        text.push('\n');
        text.push_str(&table.for_stdout());
    }
    for violation in violations(plan) {
        let _ = writeln!(text, "{violation}");
    }
    if plan.problems.is_empty() && plan.changes().count() > 0 {
        text.push_str(match (plan.fits(), plan.at_rest.resources().is_empty()) {
            (true, true) => "\nno quota is known, so whether it fits is not known\n",
            (true, false) => "\nit fits the quota; whether a node has room is another question\n",
            (false, _) => "\nit does not fit\n",
        });
    }
    text
}

/// Returns the word for what is done to a job.
pub(crate) fn step_word(kind: &StepKind) -> &'static str {
    match kind {
        StepKind::Keep => "keep",
        StepKind::Create => "create",
        StepKind::Update { .. } => "change",
        StepKind::Recreate { .. } => "recreate",
        StepKind::Delete => "delete",
    }
}

fn kind(step: &LoadStep) -> &'static str {
    match (&step.plan, &step.live) {
        (Some(plan), _) => plan.request().kind.as_str(),
        (None, Some(live)) => live.workload.job_kind(),
        (None, None) => "recorded",
    }
}

fn differences(kind: &StepKind) -> &[JobDifference] {
    match kind {
        StepKind::Update { differences } | StepKind::Recreate { differences } => differences,
        StepKind::Keep | StepKind::Create | StepKind::Delete => &[],
    }
}

/// Returns what is said of a change that ends what runs.
fn outage(step: &LoadStep) -> Option<&'static str> {
    let LiveWorkload::Continuous(deployment) = &step.live.as_ref()?.workload else { return None };
    let replicas = deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
    match &step.kind {
        StepKind::Update { differences } => {
            let replaces = |difference: &JobDifference| {
                !matches!(difference.key, JobField::Replicas | JobField::Publish)
            };
            (replicas == 1 && differences.iter().any(replaces))
                .then_some("it does not run from its old pod's end until its new one is up")
        }
        StepKind::Recreate { .. } => Some("it does not run until it is made anew"),
        StepKind::Keep | StepKind::Create | StepKind::Delete => None,
    }
}

fn step_document(step: &LoadStep) -> StepDocument<'_> {
    StepDocument {
        action: step_word(&step.kind),
        name: step.name.as_str(),
        kind: kind(step),
        differences: differences(&step.kind)
            .iter()
            .map(|JobDifference { key, live, wanted }| DifferenceDocument {
                key: key.as_str(),
                live: live.as_ref(),
                wanted: wanted.as_ref(),
            })
            .collect(),
    }
}

/// Returns which limits for one container are broken, each with its job.
fn violations(plan: &LoadPlan) -> impl Iterator<Item = String> {
    plan.at_rest.violations().iter().map(|violation| format!("job {violation}"))
}

/// Returns the failure of what does not fit, before anything is sent.
pub(crate) fn verdict_failure(plan: &LoadPlan) -> Failure {
    let failure = Failure::new(ExitCode::DoesNotFit, "this does not fit, and nothing was sent");
    with_what_does_not_fit(failure, plan)
}

/// Adds what does not fit, and what to do about it.
pub(crate) fn with_what_does_not_fit(failure: Failure, plan: &LoadPlan) -> Failure {
    let mut failure = violations(plan).fold(failure, Failure::detail);
    for row in plan.at_rest.shortfalls() {
        failure = failure.detail(row.to_string());
    }
    if plan.at_rest.fits() {
        for row in plan.at_peak.shortfalls() {
            failure = failure.detail(format!("while old and new pods stand side by side: {row}"));
        }
    }
    fit_hints(plan).into_iter().fold(failure, Failure::hint)
}

fn fit_hints(plan: &LoadPlan) -> Vec<String> {
    let mut hints = Vec::new();
    let violations = plan.at_rest.violations();
    if violations.iter().any(|violation| violation.kind.is_below_min()) {
        hints
            .push("Ask for more of it, or leave it out; `toolforge jobs quota` shows the limits.".to_owned());
    } else if !violations.is_empty() {
        hints.push("Ask for less of it; `toolforge jobs quota` shows the limits of one job.".to_owned());
    }
    let short: Vec<&Resource> =
        plan.at_rest.shortfalls().chain(plan.at_peak.shortfalls()).map(|row| &row.resource).collect();
    let is_default = |step: &LoadStep| {
        let plan = step.plan.as_ref().filter(|_| step.kind != StepKind::Keep);
        plan.is_some_and(|plan| plan.request().cpu.is_none())
    };
    if let Some(step) = plan.steps.iter().find(|step| is_default(step))
        && short.contains(&&Resource::LimitsCpu)
    {
        let limit = step.plan.as_ref().map(|plan| plan.resources().cpu_limit.to_string()).unwrap_or_default();
        hints.push(format!(
            "A job that asks for no CPU may use up to {limit}, and that counts; with a CPU of its own, like 200m, it counts as that."
        ));
    }
    let is_measured = short.iter().any(|resource| resource.is_measured());
    let advice = if is_measured {
        "Ask for less memory or CPU, or delete something else"
    } else {
        "Delete what is not needed"
    };
    if !short.is_empty() {
        hints.push(format!(
            "{advice}; `toolforge jobs quota` shows what is used, and {} tells how to ask for more.",
            platform::QUOTA_HELP
        ));
    }
    hints
}
