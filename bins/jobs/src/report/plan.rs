//! What a load would change, and whether it fits.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{
    Document, Failure, Notice, RunConflicts, SizeForm, WorkloadName, adjustments, adjustments_hint,
    adjustments_text, difference, downtime, forecast_text, is_helped_by_more_quota, quota_rows,
    restart_forecast, restart_outcome, retries_text, rollout, to_json, verdict_code, verdict_text,
    violations,
};
use toolforge_model::{FileJob, JobField, Location, Untrusted, platform};
use toolforge_quota::{Resource, Verdict};
use toolforge_render::change::{Adjustment, Change, ChangeSet, Downtime, Workload, WorkloadKind};
use toolforge_render::job::{
    JobFacts, JobObjects, JobPlan, JobPlanError, JobPlanWarning, JobWorkload, LoadPlan, LoadProblem,
    restart_job,
};
use toolforge_render::object::Difference;
use toolforge_render::pod::RolloutObjects;
use toolforge_report::{
    Action, JobChange, PlanProblem, PlanWarning, PlanWarningCode, ProblemCode, RestartForecast,
};

/// Returns what a load changes, and whether it fits, at rest and at the worst moment; `source` is the jobs file, with its jobs.
pub(crate) fn plan(
    plan: &LoadPlan,
    conflicts: &RunConflicts,
    restarts: &LoadRestarts,
    nearest: &[Adjustment],
    source: Option<(&Path, &[FileJob])>,
) -> Result<Document, Failure> {
    let set = &plan.set;
    let value = toolforge_report::LoadPlan {
        fits: if plan.problems.is_empty() { set.fits_if_known() } else { Some(false) },
        verdict: verdict_code(plan.verdict()),
        adjustments: adjustments(nearest.iter().chain(conflicts.schedules())),
        changes: set.changes.iter().map(|change| job_change(change, restarts)).collect(),
        quotas: quota_rows(set),
        violations: violations(set),
        problems: plan.problems.iter().flat_map(|found| problems(plan, found, source)).collect(),
        warnings: plan_warnings(plan),
        conflicts: conflicts.report(),
        blocked_runs: conflicts.blocked_report(),
    };
    let text = [
        text(plan),
        adjustments_text(set.fits_with_missing_pods() && plan.problems.is_empty(), nearest),
        restarts.text(),
    ]
    .concat();
    Ok(Document { text, value: to_json(value)? })
}

/// Warns that not all retries of failed pods fit the quota.
pub(crate) fn warn_of_retries(set: &ChangeSet) {
    if let Some(retries) = retries_text(set) {
        Notice::warning(format!("it fits the quota, but {retries}")).print();
    }
}

/// Prints the warnings about a plan's jobs, one line for all jobs with the same warning.
pub(crate) fn print_warnings(plan: &LoadPlan) {
    for (warning, names) in warnings(plan) {
        let job = if names.len() == 1 { "job" } else { "jobs" };
        Notice::warning(format!("{job} {}: {warning}", names.join(", "))).print();
    }
}

/// Returns the warnings of each job.
fn plan_warnings(plan: &LoadPlan) -> Vec<PlanWarning> {
    let of_plan = |planned: &JobPlan| {
        let WorkloadName { r#type, object_kind, name } = WorkloadName::of(&planned.workload());
        let warning = |found: &JobPlanWarning| PlanWarning {
            code: PlanWarningCode::from_code(found.code()),
            r#type,
            object_kind: object_kind.clone(),
            name: name.clone(),
            message: found.to_string(),
        };
        planned.warnings().iter().map(warning).collect::<Vec<_>>()
    };
    plan.plans.iter().flat_map(of_plan).collect()
}

/// Returns each warning once, in the order of its first occurrence, with the jobs that have it.
fn warnings(plan: &LoadPlan) -> Vec<(String, Vec<String>)> {
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    for plan in &plan.plans {
        for warning in plan.warnings() {
            let (name, text) = (plan.request().name.to_string(), warning.to_string());
            match groups.iter_mut().find(|(known, _)| *known == text) {
                Some((_, names)) => names.push(name),
                None => groups.push((text, vec![name])),
            }
        }
    }
    groups
}

fn text(plan: &LoadPlan) -> String {
    let set = &plan.set;
    let mut text = String::new();
    for change in set.pending() {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{} {} job {}", change.action, change.kind, change.name);
        for difference in differences(change) {
            let value = |value: &Option<Untrusted>| {
                value.as_ref().map_or_else(|| "default".to_owned(), |value| value.escaped().to_string())
            };
            let name = difference.key.map_or_else(|| difference.path.to_string(), |key| key.to_string());
            let name = Untrusted::new(name);
            let (live, wanted) = (value(&difference.live), value(&difference.wanted));
            let _ = writeln!(text, "  {}: {live} -> {wanted}", name.escaped());
        }
        if change.adopts {
            text.push_str("  taken over from the platform's jobs service, whose record is deleted\n");
        }
        if let Some(downtime) = change.downtime {
            let _ = writeln!(text, "  {}", downtime_note(downtime));
        }
    }
    let kept: Vec<&str> =
        set.changes.iter().filter(|change| change.is_keep()).map(|change| change.name.as_str()).collect();
    if !kept.is_empty() {
        let _ = writeln!(text, "keep {}", kept.join(", "));
    }
    let has_changes = set.pending().next().is_some();
    if !has_changes && plan.problems.is_empty() {
        text.push_str("nothing would change\n");
    }
    let has_verdict = has_changes || !set.fits_with_missing_pods();
    if plan.problems.iter().all(|problem| problem.never_fitting().is_some()) && has_verdict {
        text.push_str(&verdict_text(set, plan.verdict()));
    } else {
        text.push_str(&forecast_text(set));
    }
    text
}

fn downtime_note(downtime: Downtime) -> &'static str {
    match downtime {
        Downtime::BetweenPods => "downtime: the old pod stops before the new one starts",
        _ => "downtime: it is deleted and created again",
    }
}

/// Returns what differs, in the order in which a file is best written.
fn differences(change: &Change) -> Vec<&Difference> {
    let mut differences: Vec<&Difference> = change.differences().collect();
    differences.sort_by_key(|difference| difference.key.unwrap_or(JobField::WebService));
    differences
}

fn job_change(change: &Change, restarts: &LoadRestarts) -> JobChange {
    let WorkloadName { r#type, object_kind, name } = WorkloadName::of(&change.workload());
    JobChange {
        action: Action::from_code(change.action.as_str()),
        r#type,
        object_kind,
        name,
        rollout: rollout(change),
        downtime: downtime(change),
        restart: restarts.forecast(&change.name),
        differences: differences(change).into_iter().map(difference).collect(),
    }
}

/// Returns where the problem of a single job is in its file.
pub(crate) fn problem_location(problem: &LoadProblem, jobs: &[FileJob]) -> Option<Location> {
    let [name] = problem.jobs() else { return None };
    let job = jobs.iter().find(|job| job.request.name == *name)?;
    let is_image = matches!(problem, LoadProblem::Plan { error: JobPlanError::NoSuchImage(_), .. });
    Some(if is_image { job.image_location } else { job.location })
}

/// Returns a problem once for each job that has it, with its place in the jobs file.
fn problems(plan: &LoadPlan, found: &LoadProblem, source: Option<(&Path, &[FileJob])>) -> Vec<PlanProblem> {
    let location = source.and_then(|(file, jobs)| Some((file, problem_location(found, jobs)?)));
    let problem = |workload: Workload| {
        let WorkloadName { r#type, object_kind, name } = WorkloadName::of(&workload);
        PlanProblem {
            code: ProblemCode::from_code(found.code()),
            r#type,
            object_kind,
            name,
            file: location.map(|(file, _)| Untrusted::new(file.display().to_string())),
            line: location.map(|(_, location)| location.line),
            column: location.map(|(_, location)| location.column),
            message: found.to_string(),
        }
    };
    plan.workloads_with(found).map(problem).collect()
}

/// Returns the failure of what does not fit, before anything is sent; `nearest` is the hint with the nearest sizes that fit.
pub(crate) fn verdict_failure(plan: &LoadPlan, nearest: Option<String>) -> Failure {
    fit_hint(plan, nearest).into_iter().fold(Failure::does_not_fit(&plan.set), Failure::hint)
}

/// Adds what of a plan does not fit, and what to do about it; `nearest` is the hint with the nearest sizes that fit.
pub(crate) fn with_planned(failure: Failure, plan: &LoadPlan, nearest: Option<String>) -> Failure {
    fit_hint(plan, nearest).into_iter().fold(failure.exceeded(&plan.set), Failure::hint)
}

/// Returns what to do about a plan that does not fit: one hint, with the nearest sizes if there are any.
pub(crate) fn fit_hint(plan: &LoadPlan, nearest: Option<String>) -> Option<String> {
    let with_sizes = || {
        nearest.map(|nearest| match is_helped_by_more_quota(&plan.set) {
            true => format!("{nearest} {}", more_quota()),
            false => format!("{nearest} `toolforge jobs quota` shows the limits of one job."),
        })
    };
    wait_hint(&plan.set)
        .or_else(with_sizes)
        .or_else(|| default_cpu_hint(plan))
        .or_else(|| set_hint(&plan.set))
}

/// Returns a hint to wait, if terminating pods will free the missing quota.
pub(crate) fn wait_hint(set: &ChangeSet) -> Option<String> {
    (!set.fits() && set.verdict() == Verdict::FitsAfterTermination)
        .then(|| "Wait until these pods have terminated, then run the command again.".to_owned())
}

/// Returns how to see the usage, and to request more quota.
pub(crate) fn more_quota() -> String {
    format!(
        "`toolforge jobs quota` shows the usage, and {} explains how to request more.",
        platform::QUOTA_HELP
    )
}

/// Adds what does not fit, and what to do about it; `nearest` are the nearest sizes of a job that fit.
pub(crate) fn with_what_does_not_fit(failure: Failure, set: &ChangeSet, nearest: &[Adjustment]) -> Failure {
    let nearest = adjustments_hint(nearest, SizeForm::Keys)
        .map(|hint| format!("{hint} Change it in the jobs file, and run `toolforge jobs load FILE`."));
    let hint = wait_hint(set).or(nearest).or_else(|| set_hint(set));
    hint.into_iter().fold(failure.exceeded(set), Failure::hint)
}

fn exceeded(set: &ChangeSet) -> Vec<&Resource> {
    set.at_rest.shortfalls().chain(set.at_peak.shortfalls()).map(|row| &row.resource).collect()
}

fn default_cpu_hint(plan: &LoadPlan) -> Option<String> {
    let is_changed = |plan_of: &&JobPlan| {
        let name = plan_of.request().name.as_str();
        plan_of.request().cpu.is_none() && plan.set.pending().any(|change| change.name == name)
    };
    let found = plan.plans.iter().find(is_changed)?;
    if !exceeded(&plan.set).contains(&&Resource::LimitsCpu) {
        return None;
    }
    Some(format!(
        "A job without a CPU setting has a limit of {}, which counts against the quota; with `cpu: 200m` only that counts. {}",
        found.resources().limits.cpu,
        more_quota()
    ))
}

fn set_hint(set: &ChangeSet) -> Option<String> {
    let violations = set.at_rest.violations();
    if violations.iter().any(|violation| violation.kind.is_unset()) {
        return Some("Set the amount that is missing; `toolforge jobs quota` shows the limits.".to_owned());
    }
    if violations.iter().any(|violation| violation.kind.is_below_min()) {
        return Some(
            "Request at least the minimum, or leave the option out; `toolforge jobs quota` shows the limits."
                .to_owned(),
        );
    }
    if !violations.is_empty() {
        return Some("Request less of it; `toolforge jobs quota` shows the limits of one job.".to_owned());
    }
    let exceeded = exceeded(set);
    if exceeded.is_empty() {
        return None;
    }
    let replaced = set.pending().filter(|change| change.rollout.is_some() && set.at_rest.fits());
    let replaced: Vec<&str> = replaced.map(|change| change.name.as_str()).collect();
    if !replaced.is_empty() {
        // Their old pods or ReplicaSets are in the way.
        let (their, them) = if replaced.len() == 1 { ("its", "it") } else { ("their", "them") };
        return Some(format!(
            "`toolforge jobs delete {}` first frees {their} quota; then create {them} again, with downtime in between. {}",
            replaced.join(" "),
            more_quota()
        ));
    }
    let advice = if exceeded.iter().any(|resource| resource.is_measured()) {
        "Request less memory or CPU, or delete other jobs"
    } else {
        "Delete jobs that are not needed"
    };
    Some(format!("{advice}; {}", more_quota()))
}

/// What a restart of each continuous job would do that a load keeps, by the job's name.
#[derive(Clone, Debug, Default)]
pub(crate) struct LoadRestarts(BTreeMap<String, JobRestart>);

#[derive(Clone, Debug)]
struct JobRestart {
    set: ChangeSet,
    /// Whether none of its pods is ready now.
    is_down: bool,
}

impl LoadRestarts {
    pub(crate) fn of(plan: &LoadPlan, facts: &JobFacts, now: Timestamp) -> Self {
        let is_kept = |name: &str| {
            let mut changes = plan.set.changes.iter();
            changes.any(|change| {
                change.name == name && change.is_keep() && change.kind == WorkloadKind::Continuous
            })
        };
        let jobs = facts.live.jobs_of(&facts.namespace.tool);
        let kept = jobs.iter().filter(|job| is_kept(job.name.as_str()) && job.workload.replicas() != Some(0));
        Self(
            kept.filter_map(|job| {
                let set = restart_job(job, facts, now).ok()?;
                Some((job.name.to_string(), JobRestart { set, is_down: is_down(job) }))
            })
            .collect(),
        )
    }

    /// Returns what a restart of a job would do, for the JSON output.
    pub(crate) fn forecast(&self, name: &str) -> Option<RestartForecast> {
        self.0.get(name).map(|restart| restart_forecast(&restart.set))
    }

    /// Returns a line for all jobs with the same outcome.
    pub(crate) fn text(&self) -> String {
        let mut outcomes: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for (name, JobRestart { set, is_down }) in &self.0 {
            outcomes.entry(restart_outcome(set, *is_down)).or_default().push(name);
        }
        let mut text = String::new();
        for (outcome, names) in outcomes {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "a restart of {} {outcome}", names.join(" or "));
        }
        text
    }
}

fn is_down(job: &JobObjects) -> bool {
    match &job.workload {
        JobWorkload::Continuous(deployment) => {
            let deployment = Some(&**deployment);
            RolloutObjects { deployment, replica_sets: &[], pods: &[], events: &[] }.is_down()
        }
        JobWorkload::Scheduled(_) | JobWorkload::OneOff(_) => false,
    }
}
