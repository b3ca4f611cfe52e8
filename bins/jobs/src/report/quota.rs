//! The quota and its usage.

use toolforge_cli::{Document, Failure, quota_report, to_json};
use toolforge_model::{Cpu, Memory, ToolName, Untrusted};
use toolforge_quota::{ComputeResource, Limits, QuotaMark, Resource, ResourceQuota};

use super::simple;

/// Returns the quotas and limits of a tool: for people the three tables of the platform's tool.
pub(crate) fn quota(tool: &ToolName, limits: &Limits) -> Result<Document, Failure> {
    let value = to_json(quota_report(tool, limits))?;
    Ok(Document { text: tables(tool, limits), value })
}

/// Returns the tables of the platform's tool (jobs-cli 16); an unlimited resource has no row.
fn tables(tool: &ToolName, Limits { quotas, limit_ranges, .. }: &Limits) -> String {
    let row = |(name, resource): (&str, Resource)| {
        let resource = &resource;
        let quota = shown_quota(tool, quotas, resource)?;
        let hard = quota.hard.get(resource)?;
        let (used, hard) = amounts(resource, quota.used(resource), *hard);
        Some(vec![name.to_owned(), used, hard])
    };
    let per_job = [
        ("CPU", ComputeResource::Cpu, Resource::LimitsCpu),
        ("Memory", ComputeResource::Memory, Resource::LimitsMemory),
    ];
    let per_job = per_job.into_iter().filter_map(|(name, limited, resource)| {
        let max = limit_ranges.iter().filter_map(|range| range.container.max.get(&limited)).min()?;
        Some(vec![name.to_owned(), String::new(), amounts(&resource, 0, max).1])
    });
    let tables: Vec<String> = [
        ("Running jobs", running().into_iter().filter_map(row).collect::<Vec<_>>()),
        ("Per-job limits", per_job.collect()),
        ("Job definitions", defined().into_iter().filter_map(row).collect()),
    ]
    .into_iter()
    .filter(|(_, rows)| !rows.is_empty())
    .map(|(heading, rows)| simple(&[heading, "Used", "Limit"], &rows))
    .collect();
    if tables.is_empty() {
        return "the namespace has no quota and no limits\n".to_owned();
    }
    tables.join("\n")
}

/// The resources of the table of running workloads, with the names of the platform's tool.
fn running() -> [(&'static str, Resource); 4] {
    [
        ("Total running jobs at once (Kubernetes pods)", Resource::Pods),
        ("Running one-off and cron jobs", Resource::Count("jobs.batch".to_owned())),
        ("CPU", Resource::LimitsCpu),
        ("Memory", Resource::LimitsMemory),
    ]
}

/// The resources of the table of defined workloads, with the names of the platform's tool.
fn defined() -> [(&'static str, Resource); 2] {
    [
        ("Cron jobs", Resource::Count("cronjobs.batch".to_owned())),
        ("Continuous jobs (including web services)", Resource::Count("deployments.apps".to_owned())),
    ]
}

/// Returns the quota of a resource's row. The platform's has the name of the namespace; another one counts only for what that one
/// does not limit.
fn shown_quota<'a>(
    tool: &ToolName,
    quotas: &'a [ResourceQuota],
    resource: &Resource,
) -> Option<&'a ResourceQuota> {
    let limiting = || quotas.iter().filter(|quota| quota.hard.contains_key(resource));
    limiting().find(|quota| quota.name == tool.namespace()).or_else(|| limiting().next())
}

/// Returns what the tables do not say: a warning for each quota whose usage is not counted yet, and for each limit that is about to
/// change, is not counted or cannot be read.
pub(crate) fn quota_warnings(tool: &ToolName, Limits { quotas, .. }: &Limits) -> Vec<String> {
    let mut warnings = Vec::new();
    for (_, resource) in running().into_iter().chain(defined()) {
        let Some(quota) = shown_quota(tool, quotas, &resource) else { continue };
        let name = Untrusted::new(quota.name.as_str());
        let warning = match quota.mark(&resource) {
            Some(QuotaMark::NotCountedYet) => {
                format!(
                    "the usage of quota {} has not been counted yet; actual usage may be higher than shown",
                    name.escaped()
                )
            }
            Some(QuotaMark::Pending) => {
                let pending = quota.notes.get(&resource).and_then(|note| note.pending.clone());
                let pending = Untrusted::new(pending.unwrap_or_default());
                format!(
                    "the limit of {resource} in quota {} becomes {}, which the cluster has not applied yet",
                    name.escaped(),
                    pending.escaped()
                )
            }
            Some(QuotaMark::NotCounted) => format!(
                "the usage of {resource} in quota {} is not counted: the cluster has no such resource",
                name.escaped()
            ),
            Some(QuotaMark::Unreadable) => format!(
                "the limit of {resource} in quota {} is not a quantity; nothing is checked against it",
                name.escaped()
            ),
            Some(QuotaMark::Rounded) | None => continue,
        };
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }
    warnings
}

/// The most characters of an amount in the platform's form; a longer one is shortened: `9.22P`, not `9223372036854775.807`.
const LONGEST: usize = 12;

/// Returns the usage and its limit.
fn amounts(resource: &Resource, used: u64, hard: u64) -> (String, String) {
    let (short_hard, [short_used]) = resource.short_amounts(hard, [used]);
    let amount = |amount: u64, short: String, of_memory: fn(Memory) -> String| {
        let text = match resource {
            Resource::LimitsCpu => cores(Cpu::from_millis(amount)),
            Resource::LimitsMemory => of_memory(Memory::from_bytes(amount)),
            other => other.amount(amount),
        };
        if text.len() > LONGEST { short } else { text }
    };
    (amount(used, short_used, at_least), amount(hard, short_hard, at_most))
}

/// Returns an amount of CPU as the platform's tool writes it: `0.5`, `16.0`.
pub(super) fn cores(cpu: Cpu) -> String {
    decimal(cpu.millis().into())
}

const GIBIBYTE: u128 = 1 << 30;

/// Returns a limit of memory in the platform's form, rounded down to three places: nothing larger fits.
fn at_most(memory: Memory) -> String {
    format!("{}Gi", decimal(u128::from(memory.bytes()) * 1000 / GIBIBYTE))
}

/// Returns the usage of memory in the platform's form, rounded up to three places.
fn at_least(memory: Memory) -> String {
    format!("{}Gi", decimal((u128::from(memory.bytes()) * 1000).div_ceil(GIBIBYTE)))
}

/// Returns an amount of memory as the platform's tool writes it, rounded to three places: `8.0Gi`, `0.049Gi`.
pub(super) fn gibibytes(memory: Memory) -> String {
    let thousandths = u128::from(memory.bytes()) * 1000;
    let (whole, rest) = (thousandths / GIBIBYTE, thousandths % GIBIBYTE);
    // Half rounds to even, as in Python.
    let is_up = rest * 2 > GIBIBYTE || (rest * 2 == GIBIBYTE && whole % 2 == 1);
    format!("{}Gi", decimal(whole + u128::from(is_up)))
}

/// Returns thousandths as Python writes a float: at least one decimal place, without trailing zeros.
fn decimal(thousandths: u128) -> String {
    let places = format!("{:03}", thousandths % 1000);
    let places = places.trim_end_matches('0');
    format!("{}.{}", thousandths / 1000, if places.is_empty() { "0" } else { places })
}

#[cfg(test)]
mod tests {
    use toolforge_quota::{Bounds, LimitRange, QuotaNote, profiles};

    use super::*;

    fn tool() -> ToolName {
        "stashbot".parse().unwrap()
    }

    #[test]
    fn tables_match_the_platforms() {
        let profile = profiles::by_name("tools-2023").unwrap();
        let (mut quota, limits) = (profile.quota, profile.limit_range);
        quota.used.add(Resource::Pods, 4);
        quota.used.add(Resource::LimitsCpu, 1500);
        quota.used.add(Resource::LimitsMemory, 1536 << 20);
        quota.used.add(Resource::from("count/cronjobs.batch"), 7);
        let limits = Limits { quotas: vec![quota], limit_ranges: vec![limits], ..Limits::default() };
        insta::assert_snapshot!(tables(&tool(), &limits), @"
        Running jobs                                  Used    Limit
        --------------------------------------------  ------  -------
        Total running jobs at once (Kubernetes pods)  4       10
        Running one-off and cron jobs                 0       15
        CPU                                           1.5     2.0
        Memory                                        1.5Gi   8.0Gi

        Per-job limits    Used    Limit
        ----------------  ------  -------
        CPU                       1.0
        Memory                    4.0Gi

        Job definitions                             Used    Limit
        ----------------------------------------  ------  -------
        Cron jobs                                      7       50
        Continuous jobs (including web services)       0        3
        ");
    }

    #[test]
    fn limits_round_down_and_usage_up() {
        let gibibytes = |gibibytes: u64| gibibytes << 30;
        for (used, hard, expected) in [
            (gibibytes(8), gibibytes(8), ("8.0Gi", "8.0Gi")),
            (gibibytes(8) - 1, gibibytes(8) - 1, ("8.0Gi", "7.999Gi")),
            (1, 100 << 20, ("0.001Gi", "0.097Gi")),
        ] {
            let found = amounts(&Resource::LimitsMemory, used, hard);
            assert_eq!((found.0.as_str(), found.1.as_str()), expected);
        }
    }

    #[test]
    fn warns_of_odd_quotas() {
        let hard = [(Resource::Pods, 4), (Resource::LimitsCpu, 8000), (Resource::Secrets, 2)];
        let new =
            ResourceQuota { name: tool().namespace(), hard: hard.clone().into(), ..ResourceQuota::default() };
        let pending = QuotaNote { pending: Some("10".to_owned()), ..QuotaNote::default() };
        let changed = ResourceQuota {
            used: [(Resource::Pods, 0), (Resource::LimitsCpu, 0), (Resource::Secrets, 0)].into(),
            notes: [(Resource::Pods, pending.clone()), (Resource::Secrets, pending)].into(),
            ..new.clone()
        };
        let warnings =
            |quota| quota_warnings(&tool(), &Limits { quotas: vec![quota], ..Limits::default() }).join("\n");
        insta::assert_snapshot!(
            warnings(new),
            @"the usage of quota tool-stashbot has not been counted yet; actual usage may be higher than shown"
        );
        insta::assert_snapshot!(
            warnings(changed),
            @"the limit of pods in quota tool-stashbot becomes 10, which the cluster has not applied yet"
        );
        let unreadable = QuotaNote { is_unreadable: true, ..QuotaNote::default() };
        let odd = ResourceQuota {
            name: tool().namespace(),
            hard: hard.into(),
            used: [(Resource::Pods, 0)].into(),
            notes: [(Resource::Pods, unreadable)].into(),
            ..ResourceQuota::default()
        };
        insta::assert_snapshot!(warnings(odd), @"
        the limit of pods in quota tool-stashbot is not a quantity; nothing is checked against it
        the usage of limits.cpu in quota tool-stashbot is not counted: the cluster has no such resource
        ");
    }

    #[test]
    fn huge_amounts_are_short() {
        for (resource, millis_or_bytes, limit) in [
            // A limit is rounded down.
            (Resource::LimitsCpu, u64::MAX / 2, "9.22P"),
            (Resource::LimitsMemory, u64::MAX, "15.9Ei"),
            (Resource::Pods, u64::MAX / 2, "9.22E"),
            (Resource::LimitsCpu, 16_000, "16.0"),
            (Resource::LimitsMemory, 1 << 40, "1024.0Gi"),
            (Resource::Pods, 100, "100"),
        ] {
            assert_eq!(amounts(&resource, 0, millis_or_bytes).1, limit, "{resource}");
        }
        let max = [(ComputeResource::Cpu, u64::MAX / 2), (ComputeResource::Memory, u64::MAX)];
        let container = Bounds { max: max.into_iter().collect(), ..Bounds::default() };
        let range = LimitRange { container, ..LimitRange::default() };
        insta::assert_snapshot!(tables(&tool(), &Limits { limit_ranges: vec![range], ..Limits::default() }), @"
        Per-job limits    Used    Limit
        ----------------  ------  -------
        CPU                       9.22P
        Memory                    15.9Ei
        ");
    }

    #[test]
    fn unlimited_resources_have_no_row() {
        let hard = [(Resource::Pods, 4), (Resource::Secrets, 10)].into();
        let quota_of = |name: &str| ResourceQuota {
            name: name.to_owned(),
            hard,
            used: [(Resource::Pods, 0), (Resource::Secrets, 0)].into(),
            ..ResourceQuota::default()
        };
        let limits = Limits { quotas: vec![quota_of("tool-stashbot")], ..Limits::default() };
        let answer = quota(&tool(), &limits).unwrap();
        insta::assert_snapshot!(answer.text, @"
        Running jobs                                    Used    Limit
        --------------------------------------------  ------  -------
        Total running jobs at once (Kubernetes pods)       0        4
        ");
        insta::assert_snapshot!(answer.value, @r#"{"apiVersion":"cli.toolforge.org/v1","blocked":null,"kind":"QuotaReport","limits":[],"quotas":[{"name":"tool-stashbot","resources":[{"hard":"4","note":null,"pending":null,"resource":"pods","state":"ok","used":"0"},{"hard":"10","note":null,"pending":null,"resource":"secrets","state":"ok","used":"0"}],"scopes":[]}],"runs":null,"tool":"stashbot","unread":[],"workloads":null}"#);
        insta::assert_snapshot!(tables(&tool(), &Limits::default()), @"the namespace has no quota and no limits");
    }

    #[test]
    fn amounts_match_the_platforms_format() {
        let vectors: serde_json::Value =
            serde_json::from_str(&toolforge_fixtures::read("parity/jobs/vectors.json")).unwrap();
        let mut compared = 0;
        for vector in vectors["quantities"].as_array().unwrap() {
            let text = vector["in"].as_str().unwrap();
            if let (Some(expected), Ok(memory)) =
                (vector["memory"].as_str(), Memory::parse_quantity(text.trim()))
            {
                assert_eq!(gibibytes(memory), expected, "{text}");
                compared += 1;
            }
            // A float of Python has no more digits than that.
            if let (Some(expected), Ok(cpu)) = (vector["cpu"].as_str(), Cpu::parse_quantity(text.trim()))
                && !expected.contains('e')
            {
                assert_eq!(cores(cpu), expected, "{text}");
                compared += 1;
            }
        }
        assert!(compared > 30, "{compared}");
    }
}
