//! What a plan would change, and whether it fits.

use std::fmt::Write;

use toolforge_cli::{
    Document, Failure, RunConflicts, adjustments, adjustments_text, difference, downtime, quota_rows,
    restart_forecast, restart_outcome, rollout, rollout_note, to_json, verdict_code, verdict_text,
    violations,
};
use toolforge_model::{Untrusted, platform};
use toolforge_render::change::{Action, Adjustment, ChangeSet, Step};
use toolforge_render::object::{Difference, FieldPath, PathSegment};
use toolforge_render::web_service::WebServicePlan;
use toolforge_report::{ObjectChange, RestartForecast};

use super::{request_report, routing};

/// Returns the changes, a line for each object and each field.
pub(crate) fn change_lines(set: &ChangeSet) -> String {
    let mut text = String::new();
    for step in set.changes.iter().flat_map(|change| &change.steps) {
        let Some(action) = step.action().filter(|action| *action != Action::Keep) else { continue };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{action} {}", step.id);
        for difference in step.shown_differences() {
            text.push_str(&difference_line(difference));
        }
    }
    text
}

/// Returns the changes in terms of the options, like `memory 512Mi -> 1Gi`, and the deleted objects; `plan`
/// shows every field.
pub(crate) fn change_summary(set: &ChangeSet) -> String {
    let mut text = String::new();
    let value = |value: &Option<Untrusted>| {
        value.as_ref().map_or_else(|| "default".to_owned(), |value| value.escaped().to_string())
    };
    // Writing to a String cannot fail.
    for step in set.changes.iter().flat_map(|change| &change.steps) {
        if step.action() == Some(Action::Delete) {
            let _ = writeln!(text, "delete {}", step.id);
        }
        for difference in step.shown_differences() {
            let Some(word) = option_word(&difference.path) else { continue };
            let _ = writeln!(text, "{word} {} -> {}", value(&difference.live), value(&difference.wanted));
        }
    }
    text
}

/// Returns the word for a field that an option sets.
fn option_word(path: &FieldPath) -> Option<&'static str> {
    let names: Vec<&str> = path
        .segments()
        .iter()
        .filter_map(|segment| match segment {
            PathSegment::Field(name) => Some(name.as_str()),
            PathSegment::Item { .. } => None,
        })
        .collect();
    match names.as_slice() {
        ["spec", "replicas"] => Some("replicas"),
        ["spec", "paused"] => Some("paused"),
        ["spec", "template", "metadata", "labels", platform::LABEL_MOUNT_STORAGE] => Some("mount"),
        [.., "limits", "memory"] => Some("memory"),
        [.., "limits", "cpu"] => Some("cpu"),
        [.., "containers", "image"] => Some("image"),
        _ => None,
    }
}

fn difference_line(Difference { path, live, wanted, .. }: &Difference) -> String {
    let path = Untrusted::new(path.to_string());
    let value = |value: &Option<Untrusted>| {
        value.as_ref().map_or_else(|| "nothing".to_owned(), |value| value.escaped().to_string())
    };
    format!("  {}: {} -> {}\n", path.escaped(), value(live), value(wanted))
}

/// Changes, and the nearest sizes that make them fit or have no downtime.
pub(crate) struct Forecast {
    pub(crate) set: ChangeSet,
    pub(crate) adjustments: Vec<Adjustment>,
    /// Whether none of the pods is ready now.
    pub(crate) is_down: bool,
}

/// Returns what a plan would change, and whether it fits; `restart` are the changes of a restart, if something runs; `conflicts`
/// are the scheduled runs that no longer fit.
pub(crate) fn plan(
    plan: &WebServicePlan,
    forecast: &Forecast,
    restart: Option<&Forecast>,
    conflicts: &RunConflicts,
) -> Result<Document, Failure> {
    let Forecast { set, adjustments: nearest, is_down: _ } = forecast;
    let fits = set.fits();
    let change = set.changes.first();
    let value = toolforge_report::WebServicePlan {
        request: request_report(plan.request()),
        image: plan.image().to_owned(),
        host: plan.host(),
        routing: routing(plan.routing()),
        fits: set.fits_if_known(),
        verdict: verdict_code(set.verdict()),
        adjustments: adjustments(nearest),
        rollout: change.and_then(rollout),
        downtime: change.and_then(downtime),
        objects: change.iter().flat_map(|change| &change.steps).filter_map(object_change).collect(),
        quotas: quota_rows(set),
        violations: violations(set),
        restart: restart.map(restart_report),
        conflicts: conflicts.report(),
    };
    let mut text = plan_text(set);
    if let Some(note) = rollout_note(set).filter(|_| fits) {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{note}");
    }
    text.push_str(&adjustments_text(set.fits_with_missing_pods(), nearest));
    // A plan that replaces the pods already shows it.
    if let Some(restart) = restart.filter(|_| change.is_none_or(|change| change.rollout.is_none())) {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "a restart {}", restart_outcome(&restart.set, restart.is_down));
        if restart.adjustments != *nearest {
            text.push_str(&adjustments_text(restart.set.fits(), &restart.adjustments));
        }
    }
    Ok(Document { text, value: to_json(value)? })
}

/// Returns what a restart would do, with the nearest sizes.
fn restart_report(Forecast { set, adjustments: nearest, is_down: _ }: &Forecast) -> RestartForecast {
    RestartForecast { adjustments: adjustments(nearest), ..restart_forecast(set) }
}

fn plan_text(set: &ChangeSet) -> String {
    let mut text = change_lines(set);
    if text.is_empty() {
        text.push_str("nothing would change\n");
    }
    text.push_str(&verdict_text(set, set.verdict()));
    text
}

fn object_change(step: &Step) -> Option<ObjectChange> {
    Some(ObjectChange {
        action: toolforge_report::Action::from_code(step.action()?.as_str()),
        object_kind: step.id.kind.as_str().to_owned(),
        name: step.id.name.clone(),
        differences: step.shown_differences().map(difference).collect(),
    })
}
