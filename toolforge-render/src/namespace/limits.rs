//! Converts ResourceQuota and LimitRange objects to numbers.

use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::api::core::v1 as core;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use toolforge_model::{Cpu, Memory, QuantityError, Untrusted};
use toolforge_quota::{Amounts, LimitRange, Limits, PerResource, Ratio, Resource, ResourceQuota, Scope};

/// An invalid quantity in a ResourceQuota or a LimitRange.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} {}: {} cannot be read", name.quoted(), field.escaped())]
#[non_exhaustive]
pub struct LimitsError {
    /// The kind of the object.
    pub kind: LimitsKind,
    /// The object's name.
    pub name: Untrusted,
    /// The field.
    pub field: Untrusted,
    /// The error of the quantity.
    #[source]
    pub source: QuantityError,
}

/// The kind of an object with limits of a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LimitsKind {
    /// A ResourceQuota of `v1`.
    ResourceQuota,
    /// A LimitRange of `v1`.
    LimitRange,
}

impl LimitsKind {
    /// Returns the kind as the API spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ResourceQuota => "ResourceQuota",
            Self::LimitRange => "LimitRange",
        }
    }
}

impl fmt::Display for LimitsKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Returns the numbers of a namespace's ResourceQuotas and LimitRanges.
///
/// # Errors
/// When an amount is not a Kubernetes quantity.
pub fn limits(
    quotas: &[core::ResourceQuota],
    limit_ranges: &[core::LimitRange],
) -> Result<Limits, LimitsError> {
    Ok(Limits {
        quotas: quotas.iter().map(resource_quota).collect::<Result<_, _>>()?,
        limit_ranges: limit_ranges.iter().map(limit_range).collect::<Result<_, _>>()?,
        ..Limits::default()
    })
}

/// Parses an amount or an upper bound of a resource.
type Parse = fn(&Resource, &str) -> Result<u64, QuantityError>;

/// Returns a ResourceQuota's numbers: the limits of its status, or, if the quota controller has not set them yet, those of
/// its spec with nothing used.
///
/// # Errors
/// When an amount is not a Kubernetes quantity.
pub fn resource_quota(object: &core::ResourceQuota) -> Result<ResourceQuota, LimitsError> {
    let name = object.metadata.name.clone().unwrap_or_default();
    let status = object.status.as_ref();
    let amounts = |field: &str, map: Option<&BTreeMap<String, Quantity>>, parse: Parse| {
        let mut amounts = BTreeMap::new();
        for (key, quantity) in map.into_iter().flatten() {
            let resource = Resource::from(key.as_str());
            let amount = parse(&resource, &quantity.0).map_err(|source| LimitsError {
                kind: LimitsKind::ResourceQuota,
                name: Untrusted::new(name.as_str()),
                field: Untrusted::new(format!("{field}.{key}")),
                source,
            })?;
            // `cpu` and `requests.cpu` are two names of one resource; both apply, so the smaller limit counts.
            amounts.entry(resource).and_modify(|held: &mut u64| *held = amount.min(*held)).or_insert(amount);
        }
        Ok(amounts)
    };
    let hard = match status.and_then(|status| status.hard.as_ref()).filter(|hard| !hard.is_empty()) {
        Some(hard) => amounts("status.hard", Some(hard), Resource::parse_bound)?,
        None => amounts(
            "spec.hard",
            object.spec.as_ref().and_then(|spec| spec.hard.as_ref()),
            Resource::parse_bound,
        )?,
    };
    let used =
        amounts("status.used", status.and_then(|status| status.used.as_ref()), Resource::parse_amount)?;
    let used = used.into_iter().collect();
    Ok(ResourceQuota { name, hard, used, scopes: scopes(object).collect() })
}

/// Returns the scopes of a quota, from both fields that can contain them.
fn scopes(object: &core::ResourceQuota) -> impl Iterator<Item = Scope> {
    let spec = object.spec.as_ref();
    let listed = spec.and_then(|spec| spec.scopes.as_deref()).unwrap_or_default();
    let selector = spec.and_then(|spec| spec.scope_selector.as_ref());
    let selected = selector.and_then(|selector| selector.match_expressions.as_deref()).unwrap_or_default();
    let selected = selected.iter().map(|expression| expression.scope_name.as_str());
    listed.iter().map(String::as_str).chain(selected).map(Scope::from)
}

/// Returns a LimitRange's numbers for containers; items of other types are ignored.
///
/// # Errors
/// When an amount is not a Kubernetes quantity.
pub fn limit_range(object: &core::LimitRange) -> Result<LimitRange, LimitsError> {
    let name = object.metadata.name.clone().unwrap_or_default();
    let mut range = LimitRange { name: name.clone(), ..LimitRange::default() };
    let items = object.spec.iter().flat_map(|spec| &spec.limits).filter(|item| item.type_ == "Container");
    for item in items {
        let fail = |field: &str| {
            let (name, field) = (Untrusted::new(name.as_str()), Untrusted::new(field));
            move |source| LimitsError { kind: LimitsKind::LimitRange, name, field, source }
        };
        let amounts = |field: &str, map: &Option<BTreeMap<String, Quantity>>, is_bound: bool| {
            let quantity = |key| map.as_ref().and_then(|map| map.get(key)).map(|quantity| &quantity.0);
            let cpu = if is_bound { Cpu::parse_bound } else { Cpu::parse_quantity };
            let memory = if is_bound { Memory::parse_bound } else { Memory::parse_quantity };
            let cpu = quantity("cpu").map(|text| cpu(text).map_err(fail(&format!("{field}.cpu"))));
            let memory =
                quantity("memory").map(|text| memory(text).map_err(fail(&format!("{field}.memory"))));
            Ok(Amounts { cpu: cpu.transpose()?, memory: memory.transpose()? })
        };
        range.default = amounts("default", &item.default, false)?.or(range.default);
        range.default_request =
            amounts("defaultRequest", &item.default_request, false)?.or(range.default_request);
        range.max = amounts("max", &item.max, true)?.or(range.max);
        range.min = amounts("min", &item.min, false)?.or(range.min);
        let ratio = |key: &str| {
            let quantity = item.max_limit_request_ratio.as_ref().and_then(|map| map.get(key));
            let field = format!("maxLimitRequestRatio.{key}");
            quantity.map(|text| Ratio::parse_quantity(&text.0).map_err(fail(&field))).transpose()
        };
        let PerResource { cpu, memory } = range.max_limit_request_ratio;
        range.max_limit_request_ratio =
            PerResource { cpu: ratio("cpu")?.or(cpu), memory: ratio("memory")?.or(memory) };
    }
    Ok(range)
}

#[cfg(test)]
mod tests {
    use toolforge_quota::PodTraits;

    use super::*;

    #[test]
    fn scopes_select_pods() {
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
            let with_a_deadline = PodTraits { has_deadline: true, ..PodTraits::default() };
            assert_eq!(!quota.scopes.matches(PodTraits::default()), expected, "{spec}");
            assert_eq!(!quota.scopes.matches(with_a_deadline), with_deadline, "{spec}");
        }
    }

    #[test]
    fn smaller_of_two_limits_counts() {
        let object = serde_json::from_value(serde_json::json!({
            "metadata": {}, "status": {"hard": {"cpu": "1", "requests.cpu": "2", "requests.memory": "1Gi", "memory": "2Gi"}},
        }))
        .unwrap();
        let quota = resource_quota(&object).unwrap();
        assert_eq!(quota.hard[&Resource::RequestsCpu], 1000);
        assert_eq!(quota.hard[&Resource::RequestsMemory], 1 << 30);
    }

    #[test]
    fn limit_request_ratio_is_parsed() {
        let object = serde_json::from_value(serde_json::json!({
            "metadata": {}, "spec": {"limits": [{"type": "Container", "maxLimitRequestRatio": {"cpu": "4", "memory": "1500m"}}]},
        }))
        .unwrap();
        let range = limit_range(&object).unwrap();
        assert_eq!(range.max_limit_request_ratio.cpu, Some(Ratio::from_thousandths(4000)));
        assert_eq!(range.max_limit_request_ratio.memory, Some(Ratio::from_thousandths(1500)));
    }
}
