use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{Document, Failure, Table, is_terminal, quota_report, to_json};
use toolforge_model::{ToolName, Untrusted};
use toolforge_quota::{ComputeResource, LimitsKind, Resource};
use toolforge_report::{ContainerLimits, QuotaNote, QuotaReport, QuotaState, ResourceUsage};

use crate::facts::Overview;
use crate::usage;

/// The width of a bar.
const BAR: u64 = 20;

/// Returns the quotas and limits of a namespace with their usage, for people.
#[must_use]
pub fn text(report: &QuotaReport) -> String {
    quotas_text(report, false)
}

/// Returns the quotas and limits, on a terminal with a bar for each resource.
pub(crate) fn quotas_text(report: &QuotaReport, has_bars: bool) -> String {
    let QuotaReport { quotas, limits, unread, .. } = report;
    let is_read = |kind: LimitsKind| !unread.iter().any(|unread| unread == kind.as_str());
    let mut text = String::new();
    for quota in quotas {
        let bars: &[&'static str] = if has_bars { &["SHARE"] } else { &[] };
        let header = ["RESOURCE", "USED", "LIMIT"].into_iter().chain(bars.iter().copied()).chain(["STATE"]);
        let mut table = Table::new(&header.collect::<Vec<_>>());
        for row in &quota.resources {
            let name = Untrusted::new(row.resource.as_str()).escaped().to_string();
            let (limit, used) = amounts(row);
            let bar = has_bars.then(|| bar(row));
            table.row([name, used, limit].into_iter().chain(bar).chain([state(row)]));
        }
        if quotas.len() > 1 || !quota.scopes.is_empty() {
            text.push_str(&heading("quota", &quota.name, &quota.scopes));
        }
        text.push_str(&table.for_stdout());
        text.push('\n');
    }
    if quotas.is_empty() && is_read(LimitsKind::ResourceQuota) {
        text.push_str("the namespace has no quota\n\n");
    }
    for range in limits {
        if limits.len() > 1 {
            text.push_str(&heading("limits", &range.name, &[]));
        }
        let tables = [
            ("EACH CONTAINER", &range.container),
            ("EACH POD", &range.pod),
            ("EACH VOLUME CLAIM", &range.claim),
        ];
        for (subject, rows) in tables {
            text.push_str(&limits_table(subject, rows));
        }
        if !range.unreadable.is_empty() {
            let fields = Untrusted::new(range.unreadable.join(", "));
            text.push_str(&format!("not a quantity, and left out: {}\n", fields.escaped()));
        }
    }
    if limits.is_empty() && is_read(LimitsKind::LimitRange) {
        text.push_str("the namespace has no limits for containers\n");
    }
    text
}

/// Returns the limit and the usage of a resource for people; as the cluster states them if they are not numbers.
fn amounts(row: &ResourceUsage) -> (String, String) {
    let resource = Resource::from(row.resource.as_str());
    let shown = |text: &str| Untrusted::new(text).escaped().to_string();
    match (resource.parse_bound(&row.hard), resource.parse_amount(&row.used)) {
        (Ok(hard), Ok(used)) => {
            let (hard, [used]) = resource.short_amounts(hard, [used]);
            (hard, used)
        }
        _ => (shown(&row.hard), shown(&row.used)),
    }
}

/// Returns the used share of a resource as a bar, like `#####...............  25 %`; nothing where no limit is known.
fn bar(row: &ResourceUsage) -> String {
    let resource = Resource::from(row.resource.as_str());
    let (Ok(hard), Ok(used)) = (resource.parse_bound(&row.hard), resource.parse_amount(&row.used)) else {
        return String::new();
    };
    if hard == 0 {
        return String::new();
    }
    let (hard, used) = (u128::from(hard), u128::from(used));
    let filled = (used.saturating_mul(u128::from(BAR)).div_ceil(hard)).min(u128::from(BAR));
    let filled = usize::try_from(filled).unwrap_or(0);
    let empty = usize::try_from(BAR).unwrap_or(0).saturating_sub(filled);
    let percent = used.saturating_mul(100).div_ceil(hard);
    format!("{}{} {percent:>3} %", "#".repeat(filled), ".".repeat(empty))
}

/// Returns how much of a resource is used, and what a person should know of its numbers.
fn state(row: &ResourceUsage) -> String {
    let pending = || {
        let pending = Untrusted::new(row.pending.as_deref().unwrap_or_default());
        format!("limit {} is pending", pending.escaped())
    };
    let note = match row.note {
        Some(QuotaNote::Unreadable) => "not a quantity".to_owned(),
        Some(QuotaNote::NotCountedYet) => "not counted yet".to_owned(),
        Some(QuotaNote::NotCounted) => "not counted: the cluster has no such resource".to_owned(),
        Some(QuotaNote::Pending) => pending(),
        _ => String::new(),
    };
    // A web service has exactly one Service.
    let is_usual = row.resource == Resource::Services.to_string() && row.hard == "1";
    let word = if is_usual && row.state == QuotaState::Blocked { "in use" } else { word(row.state) };
    let words = [word, &note];
    words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join("; ")
}

/// Returns the table of bounds of a LimitRange for one type of object; nothing if it has none.
fn limits_table(subject: &'static str, rows: &[ContainerLimits]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let has_ratio = rows.iter().any(|row| row.max_limit_request_ratio.is_some());
    let ratio = has_ratio.then_some("LIMIT/REQUEST");
    let header: Vec<&'static str> =
        [subject, "DEFAULT", "REQUEST", "MIN", "MAX"].into_iter().chain(ratio).collect();
    let mut table = Table::new(&header);
    for row in rows {
        let of = ComputeResource::from(row.resource.as_str());
        let short = |text: &Option<String>, shown: fn(&ComputeResource, u64) -> String| {
            let text = text.as_deref()?;
            Some(of.parse_amount(text).map_or_else(|_| text.to_owned(), |amount| shown(&of, amount)))
        };
        let bounds = [
            short(&row.default, ComputeResource::short_bound),
            short(&row.default_request, ComputeResource::short_amount),
            short(&row.min, ComputeResource::short_amount),
            short(&row.max, ComputeResource::short_bound),
        ];
        let amounts = bounds.into_iter().chain(has_ratio.then(|| row.max_limit_request_ratio.clone()));
        let amounts = amounts.map(|amount| amount.unwrap_or_else(|| "-".to_owned()));
        let resource = Untrusted::new(row.resource.as_str()).escaped().to_string();
        table.row(std::iter::once(resource).chain(amounts));
    }
    table.for_stdout()
}

/// Returns the word for a state; nothing for a resource that is available.
fn word(state: QuotaState) -> &'static str {
    match state {
        QuotaState::Ok | QuotaState::Unknown => "",
        QuotaState::Near => "nearly full",
        QuotaState::Blocked => "full",
        QuotaState::NotAllowed => "not allowed",
        other => other.as_str(),
    }
}

/// Returns the heading of one of several quotas or LimitRanges, with the pods that it counts.
pub(crate) fn heading(kind: &str, name: &str, scopes: &[String]) -> String {
    let name = Untrusted::new(name);
    if scopes.is_empty() {
        return format!("{kind} {}\n", name.escaped());
    }
    let scopes = Untrusted::new(scopes.join(", "));
    format!("{kind} {}, which counts only pods with {}\n", name.escaped(), scopes.escaped())
}

/// Returns the output of the program.
pub(crate) fn document(tool: &ToolName, overview: &Overview) -> Result<Document, Failure> {
    let report = usage::add(quota_report(tool, overview.limits()), overview);
    let text = overview_text(&report, is_terminal(), overview.now);
    Ok(Document { text, value: to_json(report)? })
}

/// Returns the quotas and limits, and, if known, their consumers, blocked objects, and the next runs.
fn overview_text(report: &QuotaReport, has_bars: bool, now: Timestamp) -> String {
    let sections = [
        report.workloads.as_deref().map(usage::workloads_text),
        report.blocked.as_deref().map(|blocked| usage::blocked_text(blocked, now)),
        report.runs.as_deref().map(usage::runs_text),
    ];
    let sections = sections.into_iter().flatten().filter(|section| !section.is_empty());
    let mut text = quotas_text(report, has_bars);
    for section in sections {
        text.push('\n');
        text.push_str(&section);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use toolforge_quota::{Limits, profiles};

    #[test]
    fn terminals_get_bars() {
        let mut limits: Limits = profiles::by_name("seed-2020").unwrap().into();
        let quota = &mut limits.quotas[0];
        quota.hard.retain(|resource, _| {
            matches!(resource, Resource::Pods | Resource::LimitsMemory | Resource::ServicesNodeports)
        });
        quota.used.add(Resource::Pods, 5);
        quota.used.add(Resource::LimitsMemory, 3 << 29);
        limits.limit_ranges.clear();
        insta::assert_snapshot!(quotas_text(&quota_report(&"stashbot".parse().unwrap(), &limits), true), @"
        RESOURCE            USED    LIMIT  SHARE                       STATE
        pods                5       4      #################### 125 %  over
        limits.memory       1536Mi  8Gi    ####................  19 %
        services.nodeports  0       0                                  not allowed

        the namespace has no limits for containers
        ");
    }

    #[test]
    fn full_resources_are_marked() {
        let profile = profiles::by_name("seed-2020").unwrap();
        let mut limits: Limits = profile.into();
        let quota = &mut limits.quotas[0];
        quota.used.add(Resource::Pods, 4);
        quota.used.add(Resource::LimitsMemory, 7 << 30);
        quota.used.add(Resource::Services, 2);
        insta::assert_snapshot!(text(&quota_report(&"stashbot".parse().unwrap(), &limits)), @r"
        RESOURCE                USED  LIMIT  STATE
        pods                    4     4      full
        requests.cpu            0     2
        requests.memory         0     6Gi
        limits.cpu              0     2
        limits.memory           7Gi   8Gi    nearly full
        services                2     1      over
        services.nodeports      0     0      not allowed
        replicationcontrollers  0     1
        secrets                 0     10
        configmaps              0     10
        persistentvolumeclaims  0     3

        EACH CONTAINER  DEFAULT  REQUEST  MIN    MAX
        cpu             500m     150m     50m    1
        memory          512Mi    256Mi    100Mi  4Gi
        ");
    }
}
