//! The text of a request for more quota, with its evidence.

mod needed;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{ExitCode, Failure, RunConflicts, Session, print_text};
use toolforge_model::Untrusted;
use toolforge_quota::{ComputeResource, Limits, ObjectName, Resource, ResourceQuota};
use toolforge_render::change::{Adjustment, ChangeSet};
use toolforge_render::files::{FileContents, FilePlan, FilePlanFacts, file_adjustments, plan_files};
use toolforge_render::usage::{
    BlockedObject, OutOfMemoryKill, WorkloadUsage, blocked_objects, out_of_memory_kills, workload_usage,
};

use needed::{MissingPods, Needed, change_owner};

use crate::arguments::{Arguments, RequestArguments};
use crate::facts::Overview;
use crate::report::heading;
use crate::{facts, files};

/// Prints the text of a request. Nothing is sent.
pub(crate) fn run(
    session: &Session,
    arguments: &Arguments,
    asked: &RequestArguments,
) -> Result<ExitCode, Failure> {
    let overview = facts::overview(session, arguments.quota.clone())?;
    // Without the objects, it is unknown whether anything is blocked.
    if let Some(unread) = overview.unread.first() {
        return Err(Failure::from(unread.clone().into_error())
            .detail(format!("without {}, it is unknown what the quota has refused", unread.resource)));
    }
    let contents = files::read(session, &asked.files)?;
    let planned = if contents.is_empty() {
        None
    } else {
        let facts = files::facts(session, arguments, &contents)?.without_terminating_pods();
        let plan = plan_files(&contents, &facts);
        if let Some(problem) = plan.problems.iter().find(|problem| !problem.kind.is_size()) {
            return Err(Failure::new(ExitCode::Failed, problem.kind.to_string())
                .hint("`quota-check FILE` lists all errors."));
        }
        Some(Planned::new(plan, &contents, facts, &overview))
    };
    let names: Vec<String> = asked.files.iter().map(|path| path.display().to_string()).collect();
    print_text(&text(session.tool.as_str(), &overview, planned.as_ref(), &names))?;
    Ok(toolforge_cli::warn_of_unread(overview.limits()))
}

/// What files need, and with what they would fit.
struct Planned {
    plan: FilePlan,
    smaller: Vec<String>,
    /// Their demand in addition to all missing pods.
    needed: Needed,
    /// The scheduled jobs that can never start, with the reason before each list.
    blocked_runs: Vec<(String, Vec<String>)>,
    /// The scheduled runs that exceed the quota together.
    meetings: Vec<String>,
    /// The scheduled runs that are not compared with the quota.
    left_out: Option<String>,
}

impl Planned {
    fn new(plan: FilePlan, contents: &[FileContents], facts: FilePlanFacts, overview: &Overview) -> Self {
        let smaller = file_adjustments(contents, &facts, &plan, ChangeSet::fits);
        let owners: Vec<ObjectName> = plan.set.pending().filter_map(change_owner).collect();
        let blocked = blocked_objects(&overview.facts, overview.now);
        let missing = MissingPods::new(&facts.jobs.namespace.limits, &blocked, |owner| {
            owners.iter().any(|own| own == owner)
        });
        let mut needed = Needed::default();
        needed.add_missing(&missing);
        // The missing pods count against everything that is added.
        let mut facts = facts;
        facts.jobs.namespace.limits = missing.limits;
        let with_missing = plan_files(contents, &facts);
        let conflicts =
            RunConflicts::with_larger_quota(&with_missing.set, &with_missing.jobs, &facts.jobs, overview.now);
        needed.add(needed_by(&with_missing, contents, &facts));
        needed.add_rows(conflicts.shortfalls());
        // Other schedules help only against runs that meet.
        let schedules = if plan.fits() { conflicts.schedules() } else { &[] };
        Self {
            plan,
            smaller: smaller.iter().chain(schedules).map(Adjustment::description).collect(),
            needed,
            blocked_runs: conflicts
                .blocked_lines()
                .map(|(blocker, lines)| (sentence(blocker.heading()), lines))
                .collect(),
            meetings: conflicts.lines(),
            left_out: conflicts.left_out(),
        }
    }
}

/// The most changes of a plan for which the smallest numbers are searched: each number that is tried plans all files again.
const MOST_CHANGES: usize = 20;

/// Returns what a plan needs: where its rollouts do not fit, not more than they need to complete.
fn needed_by(plan: &FilePlan, contents: &[FileContents], facts: &FilePlanFacts) -> Needed {
    let limits = &facts.jobs.namespace.limits;
    let mut needed = Needed::default();
    needed.add_plan(plan, limits);
    let has_rollout = plan.set.pending().any(|change| change.rollout.is_some());
    // A web service or job that would be replaced in another way keeps its own.
    if plan.set.fits()
        || plan.set.refused_surge.is_some()
        || !has_rollout
        || plan.set.changes.len() > MOST_CHANGES
    {
        return needed;
    }
    needed.minimize(limits, |numbers| {
        let mut facts = facts.clone();
        for quota in &mut facts.jobs.namespace.limits.quotas {
            for (resource, hard) in &mut quota.hard {
                *hard = numbers.get(resource).copied().unwrap_or(0).max(*hard);
            }
        }
        let plan = plan_files(contents, &facts);
        plan.fits() && plan.set.refused_surge.is_none()
    });
    needed
}

/// Text in a table of Markdown, without line endings, pipes and markup.
fn cell(text: &str) -> String {
    let escaped = Untrusted::new(text).escaped().to_string();
    let mut cell = String::with_capacity(escaped.len());
    for character in escaped.chars() {
        if matches!(character, '|' | '`' | '<' | '>' | '*' | '_' | '[' | ']') {
            cell.push('\\');
        }
        cell.push(character);
    }
    cell
}

fn text(tool: &str, overview: &Overview, planned: Option<&Planned>, names: &[String]) -> String {
    let limits = overview.limits();
    let blocked = blocked_objects(&overview.facts, overview.now);
    let needed = match planned {
        Some(planned) => &planned.needed,
        None => {
            let mut needed = Needed::default();
            needed.add_missing(&MissingPods::new(limits, &blocked, |_| false));
            &needed.clone()
        }
    };
    let mut text = format!("# Quota of tool {}\n", cell(tool));
    text.push_str(&requested_text(tool, needed, Blockage::of(&blocked, limits)));
    if !limits.quotas.iter().all(|quota| overview.is_usage_known(quota)) {
        text.push_str(
            "\nThe quota's usage is not known. All numbers assume that nothing else runs in the namespace.\n",
        );
    }
    text.push_str(&quota_text(overview));
    text.push_str(&terminating_text(limits));
    let now = overview.facts.file_kinds.is_none().then_some(overview.now);
    text.push_str(&blocked_text(&blocked, now));
    text.push_str(&kills_text(&out_of_memory_kills(&overview.facts.live.pods)));
    let metrics = overview.metrics.as_deref().unwrap_or_default();
    let usage = workload_usage(&overview.facts.live.pods, &limits.quotas, &limits.limit_ranges, metrics);
    text.push_str(&usage_text(&usage, overview.metrics.is_some()));
    if let Some(planned) = planned {
        text.push_str(&plan_text(planned, overview, names));
    }
    text
}

/// Whether something is blocked now.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Blockage {
    /// Nothing is.
    None,
    /// Terminating pods may use the missing quota.
    Terminating,
    /// Something is, for another reason.
    Lasting,
}

impl Blockage {
    fn of(blocked: &[BlockedObject], limits: &Limits) -> Self {
        let mut now = blocked.iter().filter(|found| found.is_blocked_now).peekable();
        if now.peek().is_none() {
            Self::None
        } else if limits.terminating.iter().any(|pod| !pod.may_be_replaced)
            && now.all(|found| !found.exceeded.is_empty())
        {
            Self::Terminating
        } else {
            Self::Lasting
        }
    }
}

fn requested_text(tool: &str, needed: &Needed, blockage: Blockage) -> String {
    let mut text = "\n## Requested\n\n".to_owned();
    if needed.is_empty() {
        text.push_str(match blockage {
            Blockage::None => "The quota blocks nothing, and nothing that was checked needs more quota.\n",
            Blockage::Terminating => {
                "No larger quota is needed: what is blocked fits once the terminating pods are gone.\n"
            }
            Blockage::Lasting => {
                "A larger quota is not known to help: the messages below say why the pods are refused. Nothing else \
                 that was checked needs more quota.\n"
            }
        });
        return text;
    }
    if needed.guesses.is_empty() {
        text.push_str("The smallest limits that admit everything below:\n\n");
    } else {
        let guesses: Vec<String> = needed.guesses.iter().map(|owner| cell(owner.text().as_raw())).collect();
        let _ = writeln!(
            text,
            "At least these limits are needed. The number of missing pods of {} is not known, so one pod is counted for each:\n",
            guesses.join(", ")
        );
    }
    for (resource, amount) in &needed.quota {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "- {}: {}", cell(&resource.to_string()), resource.amount(*amount));
    }
    let largest = [
        ("memory", needed.container_memory.map(|bytes| Resource::LimitsMemory.amount(bytes))),
        ("CPU", needed.container_cpu.map(|millis| Resource::LimitsCpu.amount(millis))),
    ];
    for (name, amount) in largest {
        if let Some(amount) = amount {
            let _ = writeln!(text, "- {name} of one container: {amount}");
        }
    }
    let overrides = needed.overrides();
    if !overrides.is_empty() {
        text.push_str(
            "\nFor the platform's admins, in `values/tools.yaml` of maintain-kubeusers:\n\n```yaml\n",
        );
        let _ =
            writeln!(text, "quotas:\n  overrides:\n    {tool}:\n      version: T000000 # the id of the task");
        for (key, amount) in overrides {
            let _ = writeln!(text, "      {key}: {amount}");
        }
        text.push_str("```\n");
    }
    let others: Vec<String> =
        needed.without_override().map(|(resource, _)| cell(&resource.to_string())).collect();
    if !others.is_empty() {
        let _ = writeln!(text, "\nOverrides have no key for {}.", others.join(", "));
    }
    text
}

fn quota_text(overview: &Overview) -> String {
    let limits = overview.limits();
    let mut text = "\n## Quota and use\n\n".to_owned();
    if limits.quotas.is_empty() {
        text.push_str("The namespace has no quota.\n");
    }
    for (index, quota) in limits.quotas.iter().enumerate() {
        if index > 0 {
            text.push('\n');
        }
        text.push_str(&heading_of(quota, &limits.quotas));
        text.push_str("| resource | used | limit |\n| --- | --- | --- |\n");
        for (resource, hard) in &quota.hard {
            let (hard, [used]) = resource.short_amounts(*hard, [quota.used(resource)]);
            let used = if overview.is_usage_known(quota) { used } else { "not known".to_owned() };
            let _ = writeln!(text, "| {} | {used} | {hard} |", cell(&resource.to_string()));
        }
    }
    for range in &limits.limit_ranges {
        let max =
            |resource: &ComputeResource| range.container.max.get(resource).map(|max| resource.amount(max));
        let max = [("CPU", max(&ComputeResource::Cpu)), ("memory", max(&ComputeResource::Memory))];
        let max: Vec<String> =
            max.into_iter().filter_map(|(name, max)| Some(format!("{name} {}", max?))).collect();
        if !max.is_empty() {
            let _ = writeln!(text, "\nOne container may have at most {}.", max.join(" and "));
        }
    }
    text
}

/// Returns the heading of the table of one of several quotas, with the pods that it counts.
fn heading_of(quota: &ResourceQuota, quotas: &[ResourceQuota]) -> String {
    let scopes: Vec<String> = quota.scopes.iter().map(ToString::to_string).collect();
    if quotas.len() < 2 && scopes.is_empty() {
        return String::new();
    }
    let heading = heading("Quota", &quota.name, &scopes);
    format!("### {}\n\n", cell(heading.trim_end()))
}

/// Returns the terminating pods, which the request does not count; nothing if there are none.
fn terminating_text(limits: &Limits) -> String {
    let ending = limits.terminating.iter().filter(|pod| !pod.may_be_replaced);
    let names = ending.map(|pod| cell(pod.object().text().as_raw())).collect::<Vec<_>>();
    match names.len() {
        0 => String::new(),
        1 => format!("\nIn use until it has terminated, and not counted for the request: {}.\n", names[0]),
        _ => format!(
            "\nIn use until they have terminated, and not counted for the request: {}.\n",
            names.join(", ")
        ),
    }
}

/// Returns the blocked objects; `now` is `None` for facts from files, which do not say when they were written.
fn blocked_text(blocked: &[BlockedObject], now: Option<Timestamp>) -> String {
    let (current, past): (Vec<_>, Vec<_>) = blocked.iter().partition(|found| found.is_blocked_now);
    let mut text = "\n## Blocked\n\n".to_owned();
    text.push_str(match (current.is_empty(), past.is_empty()) {
        (false, _) => "",
        (true, false) => "Nothing is blocked now.\n",
        (true, true) if now.is_none() => "No refusals are known; events were not read from the cluster.\n",
        (true, true) => "No refusals are known; the cluster keeps events for an hour.\n",
    });
    text.push_str(&refusals_text(&current));
    if !past.is_empty() {
        text.push_str("\n## Refused within the last hour\n\n");
        text.push_str(&refusals_text(&past));
    }
    if let Some(now) = now.filter(|_| !blocked.is_empty()) {
        let _ = writeln!(text, "\nAs of {}.", now.strftime("%Y-%m-%d %H:%M UTC"));
    }
    text
}

/// Returns refusals as a table; nothing if there are none.
fn refusals_text(refused: &[&BlockedObject]) -> String {
    if refused.is_empty() {
        return String::new();
    }
    let mut text =
        "| object | since | last | refusals | message |\n| --- | --- | --- | --- | --- |\n".to_owned();
    for found in refused {
        let time = |time: Option<Timestamp>| {
            time.map_or_else(|| "-".to_owned(), |time| time.strftime("%Y-%m-%d %H:%M UTC").to_string())
        };
        let last = if found.is_blocked_now { "still blocked".to_owned() } else { time(found.last) };
        let _ = writeln!(
            text,
            "| {} | {} | {last} | {} | {} |",
            cell(found.object.text().as_raw()),
            time(found.since),
            if found.count == 0 { "-".to_owned() } else { found.count.to_string() },
            cell(found.message.as_raw())
        );
    }
    text
}

fn kills_text(kills: &[OutOfMemoryKill]) -> String {
    if kills.is_empty() {
        return String::new();
    }
    let mut text = "\n## Killed for using more memory than the limit\n\n".to_owned();
    text.push_str(
        "| workload | limit | last kill | restarts of the container |\n| --- | --- | --- | --- |\n",
    );
    for kill in kills {
        let limit = kill.limit.map_or_else(|| "-".to_owned(), |limit| limit.to_string());
        let at = kill.at.map_or_else(|| "-".to_owned(), |at| at.strftime("%Y-%m-%d %H:%M UTC").to_string());
        let _ =
            writeln!(text, "| {} | {limit} | {at} | {} |", cell(&kill.consumer.to_string()), kill.restarts);
    }
    text
}

fn usage_text(usage: &[WorkloadUsage], is_measured: bool) -> String {
    if usage.is_empty() {
        return String::new();
    }
    let mut text = "\n## What runs\n\n".to_owned();
    let measured = if is_measured { " CPU used | memory used |" } else { "" };
    let _ = writeln!(text, "| workload | pods | CPU limit | memory limit |{measured}");
    let _ = writeln!(text, "| --- | --- | --- | --- |{}", if is_measured { " --- | --- |" } else { "" });
    for found in usage {
        let amount = |resource: &Resource| resource.short_amount(found.demand.get(resource));
        let (cpu, memory) = (amount(&Resource::LimitsCpu), amount(&Resource::LimitsMemory));
        let measured = found.measured.map_or_else(
            || " - | - |".to_owned(),
            |measured| {
                let memory = Resource::LimitsMemory.short_amount(measured.memory.bytes());
                format!(" {} | {memory} |", measured.cpu)
            },
        );
        let measured = if is_measured { measured } else { String::new() };
        let name = cell(&found.consumer.to_string());
        let _ = writeln!(text, "| {name} | {} | {cpu} | {memory} |{measured}", found.pods);
    }
    if !is_measured {
        text.push_str("\nThe cluster has no usage metrics.\n");
    }
    text
}

/// Returns a fragment with a capital letter at its start.
fn sentence(fragment: &str) -> String {
    let mut characters = fragment.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(characters).collect()
}

fn plan_text(planned: &Planned, overview: &Overview, names: &[String]) -> String {
    let Planned { plan, smaller, needed, blocked_runs, meetings, left_out } = planned;
    let quotas = &overview.limits().quotas;
    let names: Vec<String> = names.iter().map(|name| cell(name)).collect();
    let heading = if needed.is_empty() { "The plan" } else { "The plan that needs it" };
    let mut text = format!("\n## {heading} ({})\n\n", names.join(", "));
    for change in plan.set.pending() {
        let _ = writeln!(text, "- {} {}", change.action, cell(&change.workload().to_string()));
    }
    let names: BTreeSet<&str> = plan.set.forecast().map(|row| row.at_rest.quota.as_str()).collect();
    for quota in quotas.iter().filter(|quota| names.contains(quota.name.as_str())) {
        text.push('\n');
        text.push_str(&heading_of(quota, quotas));
        text.push_str("| resource | limit | used | after | at the peak |\n| --- | --- | --- | --- | --- |\n");
        for row in plan.set.forecast().filter(|row| row.at_rest.quota == quota.name) {
            let check = row.at_rest;
            let (hard, [used, after, peak]) =
                check.resource.short_amounts(check.hard, [check.used, check.after, row.peak]);
            let resource = cell(&check.resource.to_string());
            let used = if overview.is_usage_known(quota) { used } else { "not known".to_owned() };
            let _ = writeln!(text, "| {resource} | {hard} | {used} | {after} | {peak} |");
        }
    }
    for violation in plan.set.at_rest.violations() {
        let _ = writeln!(text, "\n{}", cell(&violation.to_string()));
    }
    for problem in &plan.problems {
        let _ = writeln!(text, "\n{}", cell(&problem.kind.to_string()));
    }
    let blocked = blocked_runs.iter().map(|(heading, lines)| (heading.as_str(), lines));
    for (heading, lines) in
        blocked.chain([("These runs exceed the quota within the next 24 hours:", meetings)])
    {
        if !lines.is_empty() {
            let _ = writeln!(text, "\n{heading}\n");
            for line in lines {
                let _ = writeln!(text, "- {}", cell(line));
            }
        }
    }
    if let Some(left_out) = left_out {
        let _ = writeln!(text, "\nNot included: {}.", cell(left_out));
    }
    if !smaller.is_empty() {
        let these = if smaller.len() == 1 { "this" } else { "one of these" };
        let _ = writeln!(text, "\nIt would fit with {these} instead:\n");
        for found in smaller {
            let _ = writeln!(text, "- {}", cell(found));
        }
    }
    text
}
