//! Whether a change fits, in the same words in every program.

use std::borrow::Cow;
use std::fmt::Write as _;

use toolforge_model::Untrusted;
use toolforge_quota::{LimitViolationKind, Verdict};
use toolforge_render::change::{Adjustment, BlockedRun, ChangeSet, PodPart};
use toolforge_report::{Downtime, Rollout};

use crate::report::{WorkloadName, forecast_cells, terminating_line};
use crate::table::Table;

/// Returns the resources that a change set affects, the limits that it breaks, and the sentence of its verdict.
#[must_use]
pub fn verdict_text(set: &ChangeSet, verdict: Verdict) -> String {
    let mut text = forecast_text(set);
    text.push_str(&format!("\n{}\n", sentence(set, verdict)));
    text
}

/// Returns the resources that a change set affects, and the limits that it breaks.
#[must_use]
pub fn forecast_text(set: &ChangeSet) -> String {
    let mut text = String::new();
    if !set.at_rest.resources().is_empty() {
        let mut table = Table::new(&["RESOURCE", "LIMIT", "USED", "AFTER", "PEAK", "VERDICT"]);
        for row in set.forecast() {
            table.row(forecast_cells(&row));
        }
        text.push('\n');
        text.push_str(&table.for_stdout());
    }
    for violation in set.at_rest.violations() {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{violation}");
    }
    for pod in set.terminating() {
        let _ = writeln!(text, "{}, and will free the missing quota", terminating_line(pod));
    }
    text
}

/// Returns the sentence of a verdict, which also says whose runs cannot start although the rest fits.
fn sentence(set: &ChangeSet, verdict: Verdict) -> Cow<'static, str> {
    let blocked: Vec<&BlockedRun> = set.runs_that_cannot_start().collect();
    let jobs = match blocked.as_slice() {
        [one] if verdict.completes() => one.workload.to_string(),
        [_, ..] if verdict.completes() => format!("{} jobs", blocked.len()),
        _ => return sentence_of_changes(set, verdict),
    };
    let fits = match verdict {
        Verdict::Fits => "it fits now, but".into(),
        _ => format!("{};", sentence_of_changes(set, verdict)),
    };
    let can_start =
        if blocked.iter().any(|run| run.is_history_full) { "cannot start" } else { "can never start" };
    format!("{fits} {jobs} {can_start}: see the warning above").into()
}

fn sentence_of_changes(set: &ChangeSet, verdict: Verdict) -> Cow<'static, str> {
    match retries_text(set) {
        Some(retries) if verdict == Verdict::FitsWithoutRetries => format!(
            "it fits the quota, but {retries}; whether a node has enough free resources is not checked"
        )
        .into(),
        _ if !set.fits() && set.late_pods().next().is_some() => {
            let pods: Vec<&str> = set.late_pods().collect();
            format!("it does not fit in this order: create {} before the Jobs", pods.join(" and ")).into()
        }
        _ => fixed_sentence(set, verdict).into(),
    }
}

/// Returns the note that not all retries of failed pods fit, as the rest of a sentence; `None` if they do.
#[must_use]
pub fn retries_text(set: &ChangeSet) -> Option<String> {
    let missing: Vec<String> = set.refused_retries()?.shortfalls().map(ToString::to_string).collect();
    Some(format!("not all retries fit if pods fail: {}", missing.join(", ")))
}

fn fixed_sentence(set: &ChangeSet, verdict: Verdict) -> &'static str {
    const FITS: &str = "it fits the quota; whether a node has enough free resources is not checked";
    match verdict {
        Verdict::NotChecked => "no quota is known, so this was not checked",
        Verdict::MissingPods if set.at_rest.resources().iter().any(|row| row.creates) => {
            "the change fits the quota, but existing workloads have missing pods that do not fit"
        }
        Verdict::MissingPods => "it needs no quota, but existing workloads have missing pods that do not fit",
        Verdict::Fits if set.at_rest.resources().is_empty() => "it fits; it needs no quota now",
        Verdict::Fits => FITS,
        Verdict::NotCounted => {
            "the cluster has not counted the quota's usage yet, and refuses new pods until it has"
        }
        Verdict::FitsAfterTermination if set.fits() => {
            "it fits the quota, but new pods may have to wait until old ones have terminated; whether a node has enough \
             free resources is not checked"
        }
        Verdict::FitsOneAfterAnother => {
            "it fits the quota, but not all at once: some pods wait until pods of jobs have terminated; whether a node has \
             enough free resources is not checked"
        }
        Verdict::FitsAfterTermination => "it does not fit yet, but will once these pods have terminated",
        Verdict::Deadlock => {
            "it does not fit: the new pods would wait for the old ones, which stop only when new ones are ready"
        }
        Verdict::Never => never(set),
        _ => "it does not fit in addition to current usage",
    }
}

/// Returns whether more quota, or larger limits, would help a change set that does not fit: not if it requests too little or
/// lacks an amount.
#[must_use]
pub fn is_helped_by_more_quota(set: &ChangeSet) -> bool {
    let violations = set.at_rest.violations();
    let is_above = |kind| matches!(kind, LimitViolationKind::AboveMax { .. });
    set.at_rest.shortfalls().chain(set.at_peak.shortfalls()).next().is_some()
        || violations.is_empty()
        || violations.iter().any(|found| is_above(found.kind))
}

/// Returns why a change set never fits.
fn never(set: &ChangeSet) -> &'static str {
    let kinds = || set.at_rest.violations().iter().map(|found| found.kind);
    let is_below = |kind| matches!(kind, LimitViolationKind::BelowMin { .. });
    let has_other = kinds().any(|kind| !kind.is_unset() && !is_below(kind));
    let is_exceeded = has_other || kinds().next().is_none() || set.at_rest.shortfalls().next().is_some();
    match (kinds().any(LimitViolationKind::is_unset), kinds().any(is_below)) {
        _ if is_exceeded => "it can never fit: it exceeds the quota or a limit on its own",
        (true, true) => {
            "it can never fit: a required amount is not set, and another is less than the minimum"
        }
        (true, false) => "it can never fit: a required amount is not set",
        _ => "it can never fit: it is less than the minimum",
    }
}

/// Returns the nearest sizes and rollouts that make everything fit or, if everything `fits`, avoid downtime; nothing if
/// there are none.
#[must_use]
pub fn adjustments_text(fits: bool, adjustments: &[Adjustment]) -> String {
    if adjustments.is_empty() {
        return String::new();
    }
    let mut text = match (fits, adjustments.len()) {
        (true, _) => "without downtime:\n",
        (false, 1) => "what would fit:\n",
        (false, _) => "one of these would fit:\n",
    }
    .to_owned();
    for found in adjustments {
        let downtime = if found.downtime.is_some() { ", with downtime" } else { "" };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {}{downtime}", found.description());
    }
    text
}

/// How a size is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SizeForm {
    /// As options of the command: `--mem 300Mi`.
    Options,
    /// As keys of a job in a jobs file: `mem: 300Mi`.
    Keys,
}

/// Returns the hint with the nearest sizes that fit, as they are set; `None` if there are none.
#[must_use]
pub fn adjustments_hint(nearest: &[Adjustment], form: SizeForm) -> Option<String> {
    let mut sizes: Vec<String> = nearest.iter().filter_map(|found| setting(found, form)).collect();
    let last = sizes.pop()?;
    let others =
        if sizes.is_empty() { String::new() } else { format!("{}, or with ", sizes.join(", with ")) };
    Some(format!("It would fit with {others}{last}."))
}

/// Returns how other sizes or schedules are set; `None` for another rollout.
fn setting(found: &Adjustment, form: SizeForm) -> Option<String> {
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    for found in found.all() {
        let keys = keys(found, form)?;
        match groups.iter_mut().find(|(known, _)| *known == keys) {
            Some((_, workloads)) => workloads.push(found.workload().to_string()),
            None => groups.push((keys, vec![found.workload().to_string()])),
        }
    }
    let group = |(keys, workloads): &(String, Vec<String>)| match form {
        SizeForm::Options => format!("`{keys}`"),
        SizeForm::Keys => format!("`{keys}` of {}", workloads.join(" and ")),
    };
    let downtime = if found.downtime.is_some() { " and downtime" } else { "" };
    Some(format!("{}{downtime}", groups.iter().map(group).collect::<Vec<_>>().join(" and ")))
}

/// Returns the options or keys that set what one workload changes.
fn keys(found: &Adjustment, form: SizeForm) -> Option<String> {
    let set = |name: &str, value: String| match form {
        SizeForm::Options if value.contains(' ') => format!("--{name} \"{value}\""),
        SizeForm::Options => format!("--{name} {value}"),
        SizeForm::Keys if value.contains(' ') => format!("{name}: \"{value}\""),
        SizeForm::Keys => format!("{name}: {value}"),
    };
    let parts = [
        found.limits.memory.map(|memory| set("mem", memory.to_string())),
        found.limits.cpu.map(|cpu| set("cpu", cpu.to_string())),
        found.replicas.map(|count| set("replicas", count.to_string())),
        found.schedule.as_ref().map(|schedule| set("schedule", schedule.to_string())),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() {
        return None;
    }
    Some(parts.join(if form == SizeForm::Options { " " } else { ", " }))
}

/// Returns the code of a verdict.
#[must_use]
pub fn verdict_code(verdict: Verdict) -> toolforge_report::Verdict {
    toolforge_report::Verdict::from_code(verdict.as_str())
}

/// Returns the nearest sizes and rollouts as they are written in documents.
#[must_use]
pub fn adjustments<'a>(found: impl IntoIterator<Item = &'a Adjustment>) -> Vec<toolforge_report::Adjustment> {
    let adjustment = |found: &Adjustment| {
        let WorkloadName { r#type, object_kind, name } = WorkloadName::of(&found.workload());
        toolforge_report::Adjustment {
            r#type,
            object_kind,
            name,
            memory: found.limits.memory.map(|memory| memory.to_string()),
            cpu: found.limits.cpu.map(|cpu| cpu.to_string()),
            memory_request: found.requests.memory.map(|memory| memory.to_string()),
            cpu_request: found.requests.cpu.map(|cpu| cpu.to_string()),
            part: found.part.as_ref().map(part_code),
            container: match &found.part {
                Some(PodPart::Container(name) | PodPart::InitContainer(name)) => {
                    Some(Untrusted::new(name.as_str()))
                }
                _ => None,
            },
            replicas: found.replicas,
            parallelism: found.parallelism,
            rollout: found.rollout.map(|rollout| Rollout::from_code(rollout.as_str())),
            schedule: found.schedule.as_ref().map(ToString::to_string),
            downtime: found.downtime.map(|downtime| Downtime::from_code(downtime.as_str())),
            also: adjustments(&found.also),
        }
    };
    found.into_iter().map(adjustment).collect()
}

fn part_code(part: &PodPart) -> toolforge_report::PodPart {
    match part {
        PodPart::Container(_) => toolforge_report::PodPart::Container,
        PodPart::InitContainer(_) => toolforge_report::PodPart::InitContainer,
        PodPart::Pod => toolforge_report::PodPart::Pod,
        PodPart::EachContainer => toolforge_report::PodPart::EachContainer,
        _ => toolforge_report::PodPart::Other,
    }
}

/// Returns the goal of a search for adjustments: that everything fits; if it fits without missing pods, that it fits with them;
/// or, if it fits with downtime, that there is none. `fits` is whether the set and everything else that is planned with it fit.
#[must_use]
pub fn adjustment_goal(fits: bool, set: &ChangeSet) -> fn(&ChangeSet) -> bool {
    match fits {
        false => ChangeSet::fits,
        true if !set.fits_with_missing_pods() => ChangeSet::fits_with_missing_pods,
        true => ChangeSet::fits_without_downtime,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verdict_has_a_code() {
        for verdict in [
            Verdict::Fits,
            Verdict::FitsAfterTermination,
            Verdict::FitsOneAfterAnother,
            Verdict::FitsWithoutRetries,
            Verdict::NotCounted,
            Verdict::MissingPods,
            Verdict::QuotaExceeded,
            Verdict::Deadlock,
            Verdict::Never,
            Verdict::NotChecked,
        ] {
            assert_eq!(verdict_code(verdict).as_str(), verdict.as_str());
        }
    }
}
