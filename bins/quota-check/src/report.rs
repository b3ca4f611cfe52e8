use toolforge_cli::{Document, Failure, Table, quota_report, to_json};
use toolforge_model::{ToolName, Untrusted};
use toolforge_quota::{LimitRange, ResourceQuota};
use toolforge_report::{QuotaReport, QuotaState};

/// Returns the quotas and limits of a namespace with their usage, for people.
#[must_use]
pub fn text(report: &QuotaReport) -> String {
    let QuotaReport { tool: _, quotas, limits } = report;
    let mut text = String::new();
    for quota in quotas {
        let mut table = Table::new(&["RESOURCE", "USED", "LIMIT", "STATE"]);
        for row in &quota.resources {
            let name = Untrusted::new(row.resource.as_str()).escaped().to_string();
            table.row([name, row.used.clone(), row.hard.clone(), word(row.state).to_owned()]);
        }
        text.push_str(&heading(quotas.len(), "quota", &quota.name));
        text.push_str(&table.for_stdout());
        text.push('\n');
    }
    if quotas.is_empty() {
        text.push_str("the namespace has no quota\n\n");
    }
    for range in limits {
        let mut table = Table::new(&["EACH CONTAINER", "DEFAULT", "REQUEST", "MIN", "MAX"]);
        for row in &range.container {
            let amounts = [&row.default, &row.default_request, &row.min, &row.max];
            let amounts = amounts.map(|amount| amount.clone().unwrap_or_else(|| "-".to_owned()));
            table.row(std::iter::once(row.resource.clone()).chain(amounts));
        }
        text.push_str(&heading(limits.len(), "limits", &range.name));
        text.push_str(&table.for_stdout());
    }
    if limits.is_empty() {
        text.push_str("the namespace has no limits for containers\n");
    }
    text
}

/// Returns the word for a state; nothing for a resource that is available.
fn word(state: QuotaState) -> &'static str {
    match state {
        QuotaState::Ok => "",
        QuotaState::NearlyFull => "nearly full",
        QuotaState::NotAllowed => "not allowed",
        other => other.as_str(),
    }
}

/// Returns a heading if there are several of a kind.
fn heading(count: usize, kind: &str, name: &str) -> String {
    if count > 1 { format!("{kind} {}\n", Untrusted::new(name).escaped()) } else { String::new() }
}

/// Returns the output of the program.
pub(crate) fn document(
    tool: &ToolName,
    quotas: &[ResourceQuota],
    limit_ranges: &[LimitRange],
) -> Result<Document, Failure> {
    let report = quota_report(tool, quotas, limit_ranges);
    Ok(Document { text: text(&report), value: to_json(report)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use toolforge_quota::{Resource, profiles};

    #[test]
    fn full_resources_are_marked() {
        let profile = profiles::by_name("seed-2020").unwrap();
        let (mut quota, limits) = (profile.quota, profile.limit_range);
        quota.used.add(Resource::Pods, 4);
        quota.used.add(Resource::LimitsMemory, 7 << 30);
        quota.used.add(Resource::Services, 2);
        insta::assert_snapshot!(text(&quota_report(&"stashbot".parse().unwrap(), &[quota], &[limits])), @r"
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
