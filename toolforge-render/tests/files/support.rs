//! Plans of files as text.

use std::fmt::Write as _;

use toolforge_model::{ToolName, Untrusted};
use toolforge_quota::{Verdict, profiles};
use toolforge_render::change::ChangeSet;
use toolforge_render::files::{FileContents, FilePlan, FilePlanFacts, file_adjustments, plan_files};
use toolforge_render::namespace::Documents;
use toolforge_render::pod::pod_demand;

/// A condition that a change set has to meet.
type Wanted = fn(&ChangeSet) -> bool;

/// Returns the plan of files for a namespace with the quotas of a profile and live objects: the changes, the resources that
/// differ, and the verdict.
pub(crate) fn plan(profile: &str, live: &str, files: &[&str]) -> String {
    let tool: ToolName = "stashbot".parse().unwrap();
    let mut documents = Documents::default();
    if !live.is_empty() {
        documents.read("live", &format!("---\n{live}")).unwrap();
    }
    let mut facts = documents.file_facts(documents.namespace(&tool).unwrap()).unwrap();
    if let Ok(profile) = profiles::by_name(profile) {
        let limits = std::mem::take(&mut facts.jobs.namespace.limits);
        facts.jobs.namespace.limits = limits.with_profile(profile);
    }
    let limits = &mut facts.jobs.namespace.limits;
    // As in a cluster, which counts the usage as soon as there is a quota.
    for quota in &mut limits.quotas {
        quota.hard.keys().for_each(|resource| quota.used.add(resource.clone(), 0));
    }
    // The usage of the live pods.
    for pod in &facts.jobs.live.pods {
        let used = pod_demand(pod.spec.as_ref().unwrap(), &limits.limit_ranges);
        for quota in limits.quotas.iter_mut().filter(|_| !profile.is_empty()) {
            used.iter().for_each(|(resource, amount)| quota.used.add(resource.clone(), amount));
        }
    }
    let contents: Vec<FileContents> = files.iter().map(|text| FileContents::parse(text, &tool)).collect();
    let mut text = String::new();
    for error in contents.iter().flat_map(|contents| &contents.errors) {
        writeln!(text, "error: {error}").unwrap();
    }
    let plan = plan_files(&contents, &facts);
    for problem in &plan.problems {
        writeln!(text, "problem: {}", problem.kind).unwrap();
    }
    for change in &plan.set.changes {
        let rollout = change.rollout.map(|rollout| format!(", {}", rollout.as_str())).unwrap_or_default();
        let downtime = change.downtime.map(|_| ", downtime").unwrap_or_default();
        let name = Untrusted::new(change.name.as_str());
        writeln!(text, "{} {} {}{rollout}{downtime}", change.action, change.kind, name.escaped()).unwrap();
    }
    for row in plan.set.forecast() {
        let check = row.at_rest;
        let amount = |amount| check.resource.amount(amount);
        let fits = if row.fits() { "" } else { " too much" };
        let (used, after, peak) = (amount(check.used), amount(check.after), amount(row.peak));
        writeln!(text, "  {} {used} -> {after}, peak {peak} of {}{fits}", check.resource, amount(check.hard))
            .unwrap();
    }
    for violation in plan.set.at_rest.violations() {
        writeln!(text, "  {violation}").unwrap();
    }
    writeln!(text, "{}", plan.verdict().as_str()).unwrap();
    let wanted: [(&str, Wanted); 2] =
        [("fits", ChangeSet::fits), ("no downtime", ChangeSet::fits_without_downtime)];
    for (name, is_wanted) in wanted {
        for found in file_adjustments(&contents, &facts, &plan, is_wanted) {
            let downtime = if found.downtime.is_some() { ", with downtime" } else { "" };
            writeln!(text, "{name}: {}{downtime}", found.description()).unwrap();
        }
    }
    text
}

/// Returns the verdict about a file with the quotas as they are in live objects.
pub(crate) fn verdict_of(live: &str, file: &str) -> Verdict {
    planned(live, file).verdict()
}

/// Returns the plan of a file with the quotas as they are in live objects.
pub(crate) fn planned(live: &str, file: &str) -> FilePlan {
    planned_with_facts(live, file).0
}

/// Returns the same, and the facts of the namespace.
pub(crate) fn planned_with_facts(live: &str, file: &str) -> (FilePlan, FilePlanFacts) {
    let tool: ToolName = "stashbot".parse().unwrap();
    let mut documents = Documents::default();
    documents.read("live", &format!("---\n{live}")).unwrap();
    let facts = documents.file_facts(documents.namespace(&tool).unwrap()).unwrap();
    (plan_files(&[FileContents::parse(file, &tool)], &facts), facts)
}

/// Returns a Deployment with one container.
pub(crate) fn deployment(name: &str, memory: &str, replicas: u32, rest: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, namespace: tool-stashbot, uid: u-{name}}}\n\
         spec:\n  replicas: {replicas}\n  selector: {{matchLabels: {{app: {name}}}}}\n{rest}\
         \x20 template:\n    metadata: {{labels: {{app: {name}}}}}\n    spec:\n      containers:\n      - name: main\n\
         \x20       image: x\n        resources: {{limits: {{memory: {memory}, cpu: 100m}}}}\n---\n"
    )
}

/// Returns a live pod of a Deployment.
pub(crate) fn pod(name: &str, memory: &str, rest: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}-1, namespace: tool-stashbot, labels: {{app: {name}}}{rest}}}\n\
         spec: {{containers: [{{name: main, image: x, resources: {{limits: {{memory: {memory}, cpu: 100m}}}}}}]}}\n\
         status: {{phase: Running}}\n---\n"
    )
}
