//! ResourceQuota and LimitRange as Kubernetes objects, turned into plain numbers.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1 as core;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use toolforge_model::{Cpu, Memory, QuantityError, Untrusted};
use toolforge_quota::{LimitRange, Ratio, Resource, ResourceQuota};

/// An amount in a ResourceQuota or a LimitRange that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} {}: {} cannot be read", name.quoted(), field.escaped())]
pub struct LimitsError {
    /// `ResourceQuota` or `LimitRange`.
    pub kind: &'static str,
    /// The object's name.
    pub name: Untrusted,
    /// The field.
    pub field: Untrusted,
    /// What is wrong with its amount.
    #[source]
    pub source: QuantityError,
}

/// Returns a ResourceQuota's numbers: the limits that its status states, or, where the quota controller has
/// not filled them in yet, those that its spec asks for, with nothing used.
///
/// # Errors
/// When an amount is no Kubernetes quantity.
pub fn resource_quota(object: &core::ResourceQuota) -> Result<ResourceQuota, LimitsError> {
    let name = object.metadata.name.clone().unwrap_or_default();
    let status = object.status.as_ref();
    let amounts = |field: &str, map: Option<&BTreeMap<String, Quantity>>| {
        let mut amounts = BTreeMap::new();
        for (key, quantity) in map.into_iter().flatten() {
            let resource = Resource::from(key.as_str());
            let amount = resource.parse_amount(&quantity.0).map_err(|source| LimitsError {
                kind: "ResourceQuota",
                name: Untrusted::new(name.as_str()),
                field: Untrusted::new(format!("{field}.{key}")),
                source,
            })?;
            // `cpu` and `requests.cpu` are two keys for one resource: both bind, so the smaller limit holds.
            amounts.entry(resource).and_modify(|held: &mut u64| *held = amount.min(*held)).or_insert(amount);
        }
        Ok(amounts)
    };
    let hard = match status.and_then(|status| status.hard.as_ref()).filter(|hard| !hard.is_empty()) {
        Some(hard) => amounts("status.hard", Some(hard))?,
        None => amounts("spec.hard", object.spec.as_ref().and_then(|spec| spec.hard.as_ref()))?,
    };
    let used = amounts("status.used", status.and_then(|status| status.used.as_ref()))?;
    let only_other_pods = leaves_out(object, "NotTerminating");
    let only_pods_without_deadline = leaves_out(object, "Terminating");
    Ok(ResourceQuota { name, hard, used, only_other_pods, only_pods_without_deadline })
}

/// Returns whether a quota's scopes leave out pods that ask for resources and for which `holding` holds: every scope
/// has to hold for a pod to count. Pods with a deadline are `Terminating`, all others `NotTerminating`.
fn leaves_out(object: &core::ResourceQuota, holding: &str) -> bool {
    let holds = |scope: &str| scope == holding || scope == "NotBestEffort";
    let Some(spec) = &object.spec else { return false };
    let selected =
        spec.scope_selector.iter().flat_map(|selector| selector.match_expressions.iter().flatten());
    spec.scopes.iter().flatten().any(|scope| !holds(scope))
        || selected.into_iter().any(|expression| !holds(&expression.scope_name))
}

/// Returns a LimitRange's numbers for containers; items of other types do not bind a tool's pods one by one.
///
/// # Errors
/// When an amount is no Kubernetes quantity.
pub fn limit_range(object: &core::LimitRange) -> Result<LimitRange, LimitsError> {
    let name = object.metadata.name.clone().unwrap_or_default();
    let mut range = LimitRange { name: name.clone(), ..LimitRange::default() };
    let items = object.spec.iter().flat_map(|spec| &spec.limits).filter(|item| item.type_ == "Container");
    for item in items {
        let fail = |field: &str| {
            let (name, field) = (Untrusted::new(name.as_str()), Untrusted::new(field));
            move |source| LimitsError { kind: "LimitRange", name, field, source }
        };
        let cpu = |field: &str, map: &Option<BTreeMap<String, Quantity>>| {
            let text = map.as_ref().and_then(|map| map.get("cpu"));
            text.map(|text| Cpu::from_cluster(&text.0).map_err(fail(field))).transpose()
        };
        let memory = |field: &str, map: &Option<BTreeMap<String, Quantity>>| {
            let text = map.as_ref().and_then(|map| map.get("memory"));
            text.map(|text| Memory::from_cluster(&text.0).map_err(fail(field))).transpose()
        };
        range.default_cpu = cpu("default.cpu", &item.default)?.or(range.default_cpu);
        range.default_memory = memory("default.memory", &item.default)?.or(range.default_memory);
        range.default_request_cpu =
            cpu("defaultRequest.cpu", &item.default_request)?.or(range.default_request_cpu);
        range.default_request_memory =
            memory("defaultRequest.memory", &item.default_request)?.or(range.default_request_memory);
        range.max_cpu = cpu("max.cpu", &item.max)?.or(range.max_cpu);
        range.max_memory = memory("max.memory", &item.max)?.or(range.max_memory);
        range.min_cpu = cpu("min.cpu", &item.min)?.or(range.min_cpu);
        range.min_memory = memory("min.memory", &item.min)?.or(range.min_memory);
        let ratio = |dimension: &str, field: &str| {
            let text = item.max_limit_request_ratio.as_ref().and_then(|map| map.get(dimension));
            text.map(|text| Ratio::from_cluster(&text.0).map_err(fail(field))).transpose()
        };
        range.max_limit_request_ratio_cpu =
            ratio("cpu", "maxLimitRequestRatio.cpu")?.or(range.max_limit_request_ratio_cpu);
        range.max_limit_request_ratio_memory =
            ratio("memory", "maxLimitRequestRatio.memory")?.or(range.max_limit_request_ratio_memory);
    }
    Ok(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_decide_whether_a_quota_binds() {
        for (spec, expected, with_deadline) in [
            (serde_json::json!({}), false, false),
            (serde_json::json!({"scopes": ["NotTerminating"]}), false, true),
            (serde_json::json!({"scopes": ["NotTerminating", "BestEffort"]}), true, true),
            (serde_json::json!({"scopes": ["Terminating"]}), true, false),
            (
                serde_json::json!({"scopeSelector": {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "Exists"}]}}),
                true,
                true,
            ),
        ] {
            let object = serde_json::from_value(serde_json::json!({"metadata": {}, "spec": spec})).unwrap();
            let quota = resource_quota(&object).unwrap();
            assert_eq!(quota.only_other_pods, expected, "{spec}");
            assert_eq!(quota.only_pods_without_deadline, with_deadline, "{spec}");
        }
    }

    #[test]
    fn of_two_keys_for_one_resource_the_smaller_limit_holds() {
        let object = serde_json::from_value(serde_json::json!({
            "metadata": {}, "status": {"hard": {"cpu": "1", "requests.cpu": "2", "requests.memory": "1Gi", "memory": "2Gi"}},
        }))
        .unwrap();
        let quota = resource_quota(&object).unwrap();
        assert_eq!(quota.hard[&Resource::RequestsCpu], 1000);
        assert_eq!(quota.hard[&Resource::RequestsMemory], 1 << 30);
    }

    #[test]
    fn the_ratio_of_limit_and_request_is_read() {
        let object = serde_json::from_value(serde_json::json!({
            "metadata": {}, "spec": {"limits": [{"type": "Container", "maxLimitRequestRatio": {"cpu": "4", "memory": "1500m"}}]},
        }))
        .unwrap();
        let range = limit_range(&object).unwrap();
        assert_eq!(range.max_limit_request_ratio_cpu, Some(Ratio::from_thousandths(4000)));
        assert_eq!(range.max_limit_request_ratio_memory, Some(Ratio::from_thousandths(1500)));
    }
}
