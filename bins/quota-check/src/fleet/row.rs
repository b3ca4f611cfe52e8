//! One quota of a fleet, as a row.

use k8s_openapi::api::core::v1 as core;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use toolforge_cli::quota_usage;
use toolforge_model::ToolName;
use toolforge_quota::{Resource, ResourceQuota};
use toolforge_render::namespace::resource_quota;
use toolforge_report::{FleetQuota, FleetState};

/// A quota, or a namespace whose quotas cannot be read.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) report: FleetQuota,
    /// The amounts, for sorting.
    pub(crate) amounts: Option<ResourceQuota>,
    /// The amounts by the keys of the quota: `cpu` and `requests.cpu` are two, although they are one resource.
    pub(crate) stated: Vec<StatedAmount>,
}

/// A limit as a quota states it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StatedAmount {
    /// The key, such as `cpu`.
    pub(crate) key: String,
    pub(crate) hard: u64,
    pub(crate) used: u64,
}

impl Row {
    /// Returns the row of a quota that is `near` from this percentage on.
    pub(crate) fn of_quota(quota: &core::ResourceQuota, threshold: u64) -> Self {
        let namespace = quota.metadata.namespace.clone().unwrap_or_default();
        let name = quota.metadata.name.clone();
        let amounts = resource_quota(quota);
        let most = most_used(&amounts);
        let is_unreadable = amounts.notes.values().any(|note| note.is_unreadable);
        let report = FleetQuota {
            quota: name,
            state: if is_unreadable { FleetState::Unreadable } else { state(&amounts, threshold) },
            share: most.map(Share::percent),
            resource: most.map(|most| most.resource.to_string()),
            resources: quota_usage(&amounts, threshold).resources,
            ..empty(namespace, FleetState::Ok)
        };
        Self { report, amounts: Some(amounts), stated: stated(quota) }
    }

    /// Returns the row of a quota that cannot be read, or, without a name, of a namespace whose quotas cannot.
    pub(crate) fn unread(namespace: String, quota: Option<String>, state: FleetState) -> Self {
        Self { report: FleetQuota { quota, ..empty(namespace, state) }, amounts: None, stated: Vec::new() }
    }

    /// Returns the name that people know: that of the tool, else that of the namespace.
    pub(crate) fn name(&self) -> &str {
        self.report.tool.as_deref().unwrap_or(&self.report.namespace)
    }

    /// Returns the share of the limit that is used of the resource that pods use most, as used amount and limit.
    pub(crate) fn share(&self) -> Option<Share<'_>> {
        self.amounts.as_ref().and_then(most_used)
    }

    /// Returns the used amount of a resource.
    pub(crate) fn used(&self, resource: &Resource) -> u64 {
        self.amounts.as_ref().map_or(0, |amounts| amounts.used(resource))
    }
}

/// Returns the limits of a quota that are quantities: those of its status, or, if it has none yet, of its spec.
fn stated(quota: &core::ResourceQuota) -> Vec<StatedAmount> {
    let spec = quota.spec.as_ref().and_then(|spec| spec.hard.as_ref());
    let status = quota.status.as_ref();
    let applied = status.and_then(|status| status.hard.as_ref()).filter(|hard| !hard.is_empty());
    let used = status.and_then(|status| status.used.as_ref());
    let amount = |(key, hard): (&String, &Quantity)| {
        let resource = Resource::from(key.as_str());
        let used = used.and_then(|used| resource.parse_amount(&used.get(key)?.0).ok()).unwrap_or(0);
        Some(StatedAmount { key: key.clone(), hard: resource.parse_bound(&hard.0).ok()?, used })
    };
    applied.or(spec).into_iter().flatten().filter_map(amount).collect()
}

fn empty(namespace: String, state: FleetState) -> FleetQuota {
    FleetQuota {
        tool: ToolName::from_namespace(&namespace).map(|tool| tool.to_string()),
        namespace,
        quota: None,
        state,
        share: None,
        resource: None,
        resources: Vec::new(),
        change: None,
    }
}

/// What is used of a resource's limit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Share<'a> {
    pub(crate) resource: &'a Resource,
    pub(crate) used: u64,
    /// More than zero.
    pub(crate) hard: u64,
}

impl Share<'_> {
    /// Returns the used percentage, rounded down.
    pub(crate) fn percent(self) -> u64 {
        let percent = u128::from(self.used) * 100 / u128::from(self.hard);
        u64::try_from(percent).unwrap_or(u64::MAX)
    }

    /// Compares two shares exactly, each of a used amount and a limit.
    pub(crate) fn compare(one: (u64, u64), other: (u64, u64)) -> std::cmp::Ordering {
        let product = |used: u64, hard: u64| u128::from(used) * u128::from(hard);
        product(one.0, other.1).cmp(&product(other.0, one.1))
    }
}

/// Returns the pods' resource with the largest used share; `None` if the quota limits none of them. A tool with
/// its only allowed Service is not short of anything.
fn most_used(quota: &ResourceQuota) -> Option<Share<'_>> {
    let limited = quota.hard.iter().filter(|(resource, hard)| resource.is_of_pods() && **hard > 0);
    let shares = limited.map(|(resource, hard)| Share { resource, used: quota.used(resource), hard: *hard });
    shares.max_by(|a, b| Share::compare((a.used, a.hard), (b.used, b.hard)))
}

fn state(quota: &ResourceQuota, threshold: u64) -> FleetState {
    let is_provisioned = |resource: &Resource| match resource {
        Resource::Secrets | Resource::ConfigMaps => true,
        Resource::Count(counted) => matches!(counted.as_str(), "secrets" | "configmaps"),
        _ => false,
    };
    let mut used = quota.hard.keys().filter(|resource| !is_provisioned(resource));
    if used.all(|resource| quota.used(resource) == 0) {
        return FleetState::Unused;
    }
    match most_used(quota).map(Share::percent) {
        Some(100..) => FleetState::Blocked,
        Some(percent) if percent >= threshold => FleetState::Near,
        _ => FleetState::Ok,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(hard: &[(&str, &str)], used: &[(&str, &str)]) -> Row {
        let map = |amounts: &[(&str, &str)]| {
            let amounts =
                amounts.iter().map(|(key, amount)| ((*key).to_owned(), serde_json::Value::from(*amount)));
            serde_json::Value::Object(amounts.collect())
        };
        let quota = serde_json::json!({
            "metadata": {"namespace": "tool-x", "name": "tool-x"},
            "status": {"hard": map(hard), "used": map(used)},
        });
        Row::of_quota(&serde_json::from_value(quota).unwrap(), 80)
    }

    #[test]
    fn state_depends_on_resources_of_pods() {
        let hard = [("pods", "10"), ("limits.memory", "8Gi"), ("services", "1"), ("configmaps", "10")];
        for (used, state, share) in [
            (&[("configmaps", "1")][..], FleetState::Unused, 0),
            (&[("services", "1")], FleetState::Ok, 0),
            (&[("pods", "7"), ("limits.memory", "1Gi")], FleetState::Ok, 70),
            (&[("pods", "1"), ("limits.memory", "6554Mi")], FleetState::Near, 80),
            (&[("pods", "1"), ("limits.memory", "6553Mi")], FleetState::Ok, 79),
            (&[("pods", "10")], FleetState::Blocked, 100),
            (&[("pods", "15")], FleetState::Blocked, 150),
        ] {
            let report = row(&hard, used).report;
            assert_eq!((report.state, report.share), (state, Some(share)), "{used:?}");
        }
    }

    #[test]
    fn quota_without_resources_of_pods_has_no_share() {
        let report = row(&[("services", "1"), ("pods", "0")], &[("services", "1")]).report;
        assert_eq!((report.state, report.share), (FleetState::Ok, None));
    }

    #[test]
    fn unreadable_amount_marks_the_row() {
        let report = row(&[("pods", "many")], &[]).report;
        assert_eq!((report.state, report.quota.as_deref()), (FleetState::Unreadable, Some("tool-x")));
    }
}
