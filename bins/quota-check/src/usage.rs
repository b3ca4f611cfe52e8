//! The consumers of the quota, the objects that it blocks, and the demand of the next scheduled runs.

use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{Table, WorkloadName, age, verdict_code};
use toolforge_model::{ToolName, Untrusted};
use toolforge_quota::Resource;
use toolforge_render::change::WorkloadKind;
use toolforge_render::usage::QuotaConsumer;
use toolforge_render::usage::{
    BlockedObject, UpcomingRun, WorkloadUsage, blocked_objects, upcoming_runs, workload_usage,
};
use toolforge_report::{CauseCode, QuotaReport, Verdict, WorkloadType};

use crate::facts::Overview;

/// The most runs and blocked objects that are shown to people.
const MOST_SHOWN: usize = 10;

/// Adds the consumers of the quota, blocked objects, and the next runs.
pub(crate) fn add(report: QuotaReport, overview: &Overview) -> QuotaReport {
    let unread = overview.unread.iter().map(|unread| unread.resource.plural.to_owned());
    let report = QuotaReport { unread: report.unread.iter().cloned().chain(unread).collect(), ..report };
    let Overview { facts, metrics, now, .. } = overview;
    let limits = overview.limits();
    let metrics = metrics.as_deref().unwrap_or_default();
    let workloads = workload_usage(&facts.live.pods, &limits.quotas, &limits.limit_ranges, metrics);
    let workload = |usage: &WorkloadUsage| {
        let share = usage.share(&limits.quotas);
        let amount = |resource: Resource| resource.amount(usage.demand.get(&resource));
        let WorkloadName { r#type, object_kind, name } = consumer(&usage.consumer, &facts.namespace.tool);
        toolforge_report::WorkloadUsage {
            r#type,
            object_kind,
            name,
            pods: usage.pods,
            cpu: amount(Resource::LimitsCpu),
            memory: amount(Resource::LimitsMemory),
            share: share.as_ref().map(|share| share.percent),
            share_of: share.map(|share| share.resource.to_string()),
            measured_cpu: usage.measured.map(|measured| measured.cpu.to_string()),
            measured_memory: usage.measured.map(|measured| measured.memory.to_string()),
        }
    };
    QuotaReport {
        workloads: overview.has_workloads().then(|| workloads.iter().map(workload).collect()),
        blocked: overview.has_blocked().then(|| blocked_objects(facts, *now).iter().map(blocked).collect()),
        runs: overview.has_runs().then(|| upcoming_runs(facts, *now).iter().map(run).collect()),
        ..report
    }
}

fn consumer(consumer: &QuotaConsumer, tool: &ToolName) -> WorkloadName {
    let of_kind = |kind: WorkloadKind, name: Untrusted| WorkloadName {
        r#type: WorkloadType::from_code(kind.as_str()),
        object_kind: kind.object_kind().map(|kind| Untrusted::new(kind.as_str())),
        name,
    };
    match consumer {
        QuotaConsumer::WebService { .. } => of_kind(WorkloadKind::WebService, Untrusted::new(tool.as_str())),
        QuotaConsumer::Job { kind, name } => of_kind(*kind, name.clone()),
        QuotaConsumer::Shell { pod } => {
            WorkloadName { r#type: WorkloadType::Shell, ..of_kind(WorkloadKind::Pod, pod.clone()) }
        }
        QuotaConsumer::Pod { name } => of_kind(WorkloadKind::Pod, name.clone()),
        other => WorkloadName {
            r#type: WorkloadType::Other,
            object_kind: None,
            name: Untrusted::new(other.to_string()),
        },
    }
}

fn blocked(found: &BlockedObject) -> toolforge_report::BlockedObject {
    toolforge_report::BlockedObject {
        code: CauseCode::from_code(found.cause.code()),
        object_kind: Untrusted::new(found.object.kind.as_str()),
        name: Untrusted::new(found.object.name.as_str()),
        resources: found.exceeded.iter().map(|exceeded| exceeded.resource.clone()).collect(),
        message: found.message.clone(),
        since: found.since.map(|time| time.to_string()),
        last: found.last.map(|time| time.to_string()),
        count: found.count,
        current: found.is_blocked_now,
    }
}

fn run(run: &UpcomingRun) -> toolforge_report::UpcomingRun {
    let amount = |resource: Resource| resource.amount(run.demand.get(&resource));
    toolforge_report::UpcomingRun {
        name: run.name.to_string(),
        due: run.due.to_string(),
        cpu: amount(Resource::LimitsCpu),
        memory: amount(Resource::LimitsMemory),
        verdict: verdict_code(run.now.verdict()),
    }
}

/// Returns who uses the quota, for people.
pub(crate) fn workloads_text(workloads: &[toolforge_report::WorkloadUsage]) -> String {
    if workloads.is_empty() {
        return "nothing runs\n".to_owned();
    }
    let is_measured = workloads.iter().any(|usage| usage.measured_memory.is_some());
    let measured: &[&'static str] = if is_measured { &["CPU USED", "MEMORY USED"] } else { &[] };
    let header: Vec<&'static str> =
        ["WORKLOAD", "PODS", "CPU", "MEMORY", "SHARE"].into_iter().chain(measured.iter().copied()).collect();
    let mut table = Table::new(&header);
    for usage in workloads {
        let share = usage
            .share
            .zip(usage.share_of.as_deref())
            .map(|(percent, of)| format!("{percent} % of {}", Untrusted::new(of).escaped()));
        let short = |resource: &Resource, text: &str| {
            resource
                .parse_amount(text)
                .map_or_else(|_| text.to_owned(), |amount| resource.short_amount(amount))
        };
        let measured = |resource: &Resource, text: &Option<String>| {
            text.as_deref().map_or_else(|| "-".to_owned(), |text| short(resource, text))
        };
        let mut cells = vec![
            workload(usage),
            usage.pods.to_string(),
            short(&Resource::LimitsCpu, &usage.cpu),
            short(&Resource::LimitsMemory, &usage.memory),
            share.unwrap_or_else(|| "-".to_owned()),
        ];
        if is_measured {
            cells.push(measured(&Resource::LimitsCpu, &usage.measured_cpu));
            cells.push(measured(&Resource::LimitsMemory, &usage.measured_memory));
        }
        table.row(cells);
    }
    let note = if is_measured { "" } else { "the cluster has no usage metrics\n" };
    format!("{}{note}", table.for_stdout())
}

fn workload(usage: &toolforge_report::WorkloadUsage) -> String {
    let name = usage.name.escaped();
    match usage.r#type {
        WorkloadType::WebService => "the web service".to_owned(),
        WorkloadType::OneOff | WorkloadType::Scheduled | WorkloadType::Continuous => format!("job {name}"),
        other => format!("{other} {name}"),
    }
}

/// Returns the blocked objects as text; nothing if there are none.
pub(crate) fn blocked_text(blocked: &[toolforge_report::BlockedObject], now: Timestamp) -> String {
    let mut text = String::new();
    for (is_now, title) in [(true, "blocked now:\n"), (false, "refused within the last hour:\n")] {
        let found: Vec<_> = blocked.iter().filter(|blocked| blocked.current == is_now).collect();
        if found.is_empty() {
            continue;
        }
        text.push_str(title);
        for blocked in found.iter().take(MOST_SHOWN) {
            let ago = |time: &Option<String>| {
                time.as_deref().and_then(|time| time.parse().ok()).map(|time| age(time, now))
            };
            let since = match (is_now, ago(&blocked.since), ago(&blocked.last)) {
                (true, Some(since), _) => format!(" for {since}"),
                (false, _, Some(last)) => format!(", last {last} ago"),
                _ => String::new(),
            };
            let times = match blocked.count {
                0 => String::new(),
                1 => ", 1 time".to_owned(),
                count => format!(", {count} times"),
            };
            text.push_str(&format!(
                "  {} {}{since}{times}: {}\n",
                blocked.object_kind.escaped(),
                blocked.name.escaped(),
                blocked.message.escaped()
            ));
        }
        if found.len() > MOST_SHOWN {
            text.push_str(&format!("  and {} more\n", found.len() - MOST_SHOWN));
        }
    }
    text
}

/// Returns what the next scheduled runs need, for people; nothing without scheduled jobs.
pub(crate) fn runs_text(runs: &[toolforge_report::UpcomingRun]) -> String {
    if runs.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&["NEXT RUN", "DUE (UTC)", "CPU", "MEMORY", "BESIDE WHAT RUNS NOW"]);
    for run in runs.iter().take(MOST_SHOWN) {
        let due: Option<Timestamp> = run.due.parse().ok();
        let due = due.map_or_else(|| run.due.clone(), |due| due.strftime("%Y-%m-%d %H:%M").to_string());
        let verdict = match run.verdict {
            Verdict::Fits | Verdict::FitsAfterTermination => "fits",
            Verdict::FitsWithoutRetries => "fits without retries",
            Verdict::NotCounted => "not known",
            Verdict::Never => "never fits",
            Verdict::NotChecked => "no quota",
            _ => "does not fit",
        };
        table.row([run.name.clone(), due, run.cpu.clone(), run.memory.clone(), verdict.to_owned()]);
    }
    let more = runs.len().saturating_sub(MOST_SHOWN);
    let more = if more > 0 { format!("and {more} more\n") } else { String::new() };
    format!("{}{more}", table.for_stdout())
}
