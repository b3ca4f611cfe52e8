use serde::Serialize;
use toolforge_cli::{Document, Failure, LimitDocument, Table, document as versioned};
use toolforge_model::{ToolName, Untrusted};
use toolforge_quota::{LimitRange, Resource, ResourceQuota};

/// Above this share of a limit, in percent, it is said that little is left.
const NEARLY: u64 = 80;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReportDocument<'a> {
    tool: &'a ToolName,
    quotas: Vec<QuotaDocument<'a>>,
    limits: Vec<LimitsDocument<'a>>,
}

#[derive(Serialize)]
struct QuotaDocument<'a> {
    name: &'a str,
    resources: Vec<ResourceDocument>,
}

#[derive(Serialize)]
struct ResourceDocument {
    resource: String,
    hard: String,
    used: String,
    state: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LimitsDocument<'a> {
    name: &'a str,
    container: Vec<LimitDocument>,
}

/// Returns what is said of a resource.
fn state(quota: &ResourceQuota, resource: &Resource, hard: u64) -> &'static str {
    let used = quota.used(resource);
    match hard {
        0 => "not allowed",
        _ if used > hard => "over",
        _ if used == hard => "full",
        _ if u128::from(used) * 100 >= u128::from(hard) * u128::from(NEARLY) => "nearly full",
        _ => "",
    }
}

/// Returns what a namespace allows and what is used of it, for people.
#[must_use]
pub fn report(quotas: &[ResourceQuota], limit_ranges: &[LimitRange]) -> String {
    let mut text = String::new();
    for quota in quotas {
        let mut table = Table::new(&["RESOURCE", "USED", "LIMIT", "STATE"]);
        for (resource, hard) in &quota.hard {
            let name = Untrusted::new(resource.to_string()).escaped().to_string();
            let amounts = [resource.amount(quota.used(resource)), resource.amount(*hard)];
            let [used, hard_text] = amounts;
            table.row([name, used, hard_text, state(quota, resource, *hard).to_owned()]);
        }
        text.push_str(&heading(quotas.len(), "quota", &quota.name));
        text.push_str(&table.for_stdout());
        text.push('\n');
    }
    if quotas.is_empty() {
        text.push_str("the namespace has no quota\n\n");
    }
    for range in limit_ranges {
        let mut table = Table::new(&["EACH CONTAINER", "DEFAULT", "REQUEST", "MIN", "MAX"]);
        for LimitDocument { dimension, default, default_request, min, max } in LimitDocument::both(range) {
            let or_none = |amount: Option<String>| amount.unwrap_or_else(|| "-".to_owned());
            table.row([
                dimension.to_owned(),
                or_none(default),
                or_none(default_request),
                or_none(min),
                or_none(max),
            ]);
        }
        text.push_str(&heading(limit_ranges.len(), "limits", &range.name));
        text.push_str(&table.for_stdout());
    }
    if limit_ranges.is_empty() {
        text.push_str("the namespace has no limits for a container\n");
    }
    text
}

/// Returns a heading where there are several of a kind.
fn heading(count: usize, kind: &str, name: &str) -> String {
    if count > 1 { format!("{kind} {}\n", Untrusted::new(name).escaped()) } else { String::new() }
}

/// Returns the report for people and for programs.
pub(crate) fn document(
    tool: &ToolName,
    quotas: &[ResourceQuota],
    limit_ranges: &[LimitRange],
) -> Result<Document, Failure> {
    let resource = |quota: &ResourceQuota, (resource, hard): (&Resource, &u64)| ResourceDocument {
        resource: resource.to_string(),
        hard: resource.amount(*hard),
        used: resource.amount(quota.used(resource)),
        state: match state(quota, resource, *hard) {
            "" => "ok",
            state => state,
        },
    };
    let value = ReportDocument {
        tool,
        quotas: quotas
            .iter()
            .map(|quota| QuotaDocument {
                name: &quota.name,
                resources: quota.hard.iter().map(|row| resource(quota, row)).collect(),
            })
            .collect(),
        limits: limit_ranges
            .iter()
            .map(|range| LimitsDocument { name: &range.name, container: LimitDocument::both(range).into() })
            .collect(),
    };
    Ok(Document { text: report(quotas, limit_ranges), value: versioned("QuotaReport", &value)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use toolforge_quota::profiles;

    #[test]
    fn what_is_full_is_said_in_a_word() {
        let profile = profiles::by_name("seed-2020").unwrap();
        let (mut quota, limits) = (profile.quota, profile.limit_range);
        quota.used.add(Resource::Pods, 4);
        quota.used.add(Resource::LimitsMemory, 7 << 30);
        quota.used.add(Resource::Services, 2);
        insta::assert_snapshot!(report(&[quota], &[limits]), @r"
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
