//! Converts ResourceQuota and LimitRange objects to numbers.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1 as core;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use toolforge_quota::{
    Amounts, Bounds, ComputeResource, LimitRange, Limits, LimitsKind, Ratio, Resource, ResourceQuota, Scope,
};

/// The quantities of a field, by their keys.
type Quantities = BTreeMap<String, Quantity>;

/// The ResourceQuotas and LimitRanges of a namespace; `None` for a kind that the cluster did not let the user read.
#[derive(Clone, Debug)]
pub struct LimitObjects {
    /// The ResourceQuotas.
    pub quotas: Option<Vec<core::ResourceQuota>>,
    /// The LimitRanges.
    pub limit_ranges: Option<Vec<core::LimitRange>>,
}

impl LimitObjects {
    /// Returns the numbers. A kind that could not be read is [unread](Limits#structfield.unread).
    #[must_use]
    pub fn limits(&self) -> Limits {
        let Self { quotas, limit_ranges } = self;
        let unread = [
            quotas.is_none().then_some(LimitsKind::ResourceQuota),
            limit_ranges.is_none().then_some(LimitsKind::LimitRange),
        ];
        let limits = limits(self.quotas(), limit_ranges.as_deref().unwrap_or_default());
        Limits { unread: unread.into_iter().flatten().collect(), ..limits }
    }

    /// Returns the ResourceQuotas.
    #[must_use]
    pub fn quotas(&self) -> &[core::ResourceQuota] {
        self.quotas.as_deref().unwrap_or_default()
    }
}

/// Returns the numbers of a namespace's ResourceQuotas and LimitRanges.
#[must_use]
pub fn limits(quotas: &[core::ResourceQuota], limit_ranges: &[core::LimitRange]) -> Limits {
    Limits {
        quotas: quotas.iter().map(resource_quota).collect(),
        limit_ranges: limit_ranges.iter().map(limit_range).collect(),
        ..Limits::default()
    }
}

/// Returns a ResourceQuota's numbers: the limits of its status, or, if the quota controller has not set them yet, those of
/// its spec.
///
/// A number that is not exact, or is not a quantity, has a note, and the others are not affected.
#[must_use]
pub fn resource_quota(object: &core::ResourceQuota) -> ResourceQuota {
    let spec = object.spec.as_ref().and_then(|spec| spec.hard.as_ref());
    let status = object.status.as_ref();
    let applied = status.and_then(|status| status.hard.as_ref()).filter(|hard| !hard.is_empty());
    let mut quota = ResourceQuota {
        name: object.metadata.name.clone().unwrap_or_default(),
        scopes: scopes(object).collect(),
        ..ResourceQuota::default()
    };
    for (key, quantity) in applied.or(spec).into_iter().flatten() {
        add_limit(&mut quota, &Resource::from(key.as_str()), &quantity.0);
    }
    if applied.is_some() {
        add_pending_limits(&mut quota, spec);
    }
    for (key, quantity) in status.and_then(|status| status.used.as_ref()).into_iter().flatten() {
        add_usage(&mut quota, &Resource::from(key.as_str()), &quantity.0);
    }
    quota
}

fn add_limit(quota: &mut ResourceQuota, resource: &Resource, text: &str) {
    let Ok(bound) = resource.parse_bound(text) else {
        let note = quota.notes.entry(resource.clone()).or_default();
        note.is_unreadable = true;
        note.exact_hard = Some(text.to_owned());
        return;
    };
    // `cpu` and `requests.cpu` are two names of one resource; both apply, so the smaller limit is used.
    if quota.hard.get(resource).is_some_and(|held| *held <= bound) {
        return;
    }
    quota.hard.insert(resource.clone(), bound);
    if is_exact(resource, text) {
        if let Some(note) = quota.notes.get_mut(resource) {
            note.exact_hard = None;
        }
    } else {
        quota.notes.entry(resource.clone()).or_default().exact_hard = Some(text.to_owned());
    }
}

/// Adds the limits of the spec that differ from those of the status.
fn add_pending_limits(quota: &mut ResourceQuota, spec: Option<&Quantities>) {
    let mut wanted: BTreeMap<Resource, (u64, &str)> = BTreeMap::new();
    for (key, quantity) in spec.into_iter().flatten() {
        let resource = Resource::from(key.as_str());
        let Ok(bound) = resource.parse_bound(&quantity.0) else { continue };
        // As in the status, the smaller one of `cpu` and `requests.cpu` is used.
        let found = wanted.entry(resource).or_insert((bound, &quantity.0));
        *found = (*found).min((bound, &quantity.0));
    }
    for (resource, (bound, text)) in wanted {
        if quota.hard.get(&resource) != Some(&bound) {
            quota.notes.entry(resource.clone()).or_default().pending = Some(text.to_owned());
            quota.hard.entry(resource).or_insert(bound);
        }
    }
}

fn add_usage(quota: &mut ResourceQuota, resource: &Resource, text: &str) {
    let Ok(amount) = resource.parse_amount(text) else { return };
    if !is_exact(resource, text) {
        quota.notes.entry(resource.clone()).or_default().exact_used = Some(text.to_owned());
    }
    let counted = quota.used.get(resource);
    quota.used.add(resource.clone(), amount.saturating_sub(counted));
}

/// Returns whether an amount is a whole number of the smallest unit, and not as large as the largest.
fn is_exact(resource: &Resource, text: &str) -> bool {
    let (amount, bound) = (resource.parse_amount(text), resource.parse_bound(text));
    amount == bound && amount != Ok(i64::MAX.unsigned_abs())
}

/// Returns the scopes of a quota, from both fields that can contain them.
fn scopes(object: &core::ResourceQuota) -> impl Iterator<Item = Scope> {
    let spec = object.spec.as_ref();
    let listed = spec.and_then(|spec| spec.scopes.as_deref()).unwrap_or_default();
    let listed = listed.iter().map(|name| Scope::new(name, "Exists", []));
    let selector = spec.and_then(|spec| spec.scope_selector.as_ref());
    let selected = selector.and_then(|selector| selector.match_expressions.as_deref()).unwrap_or_default();
    let selected = selected.iter().map(|expression| {
        let values = expression.values.iter().flatten().cloned();
        Scope::new(&expression.scope_name, &expression.operator, values)
    });
    listed.chain(selected)
}

/// Returns a LimitRange's numbers. A value that is not a quantity is left out and listed in
/// [`LimitRange::unreadable`](LimitRange#structfield.unreadable).
#[must_use]
pub fn limit_range(object: &core::LimitRange) -> LimitRange {
    let name = object.metadata.name.clone().unwrap_or_default();
    let mut range = LimitRange { name, ..LimitRange::default() };
    for item in object.spec.iter().flat_map(|spec| &spec.limits) {
        let mut read = |field: &str, map: Option<&Quantities>, is_bound: bool| -> Amounts {
            let mut amounts = Amounts::default();
            for (key, quantity) in map.into_iter().flatten() {
                let resource = ComputeResource::from(key.as_str());
                let parsed = if is_bound {
                    resource.parse_bound(&quantity.0)
                } else {
                    resource.parse_amount(&quantity.0)
                };
                match parsed {
                    Ok(amount) => amounts.extend([(resource, amount)]),
                    Err(_) => range.unreadable.push(format!("{field}.{key}")),
                }
            }
            amounts
        };
        let bounds = Bounds {
            max: read("max", item.max.as_ref(), true),
            min: read("min", item.min.as_ref(), false),
            max_limit_request_ratio: BTreeMap::new(),
        };
        let default = read("default", item.default.as_ref(), false);
        let default_request = read("defaultRequest", item.default_request.as_ref(), false);
        let target = match item.type_.as_str() {
            "Container" => {
                range.default = default.or(&range.default);
                range.default_request = default_request.or(&range.default_request);
                &mut range.container
            }
            "Pod" => &mut range.pod,
            "PersistentVolumeClaim" => &mut range.claim,
            _ => continue,
        };
        target.max = bounds.max.or(&target.max);
        target.min = bounds.min.or(&target.min);
        for (key, quantity) in item.max_limit_request_ratio.iter().flatten() {
            match Ratio::parse_quantity(&quantity.0) {
                Ok(ratio) => {
                    target.max_limit_request_ratio.insert(ComputeResource::from(key.as_str()), ratio);
                }
                Err(_) => range.unreadable.push(format!("maxLimitRequestRatio.{key}")),
            }
        }
    }
    range
}

#[cfg(test)]
mod tests {
    use toolforge_quota::{PodTraits, QuotaMark};

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
            (
                serde_json::json!({"scopeSelector": {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "DoesNotExist"}]}}),
                false,
                false,
            ),
            (
                serde_json::json!({"scopeSelector": {"matchExpressions": [
                    {"scopeName": "PriorityClass", "operator": "NotIn", "values": ["high"]}, {"scopeName": "Terminating", "operator": "Exists"},
                ]}}),
                true,
                false,
            ),
        ] {
            let object = serde_json::from_value(serde_json::json!({"metadata": {}, "spec": spec})).unwrap();
            let quota = resource_quota(&object);
            let with_a_deadline = PodTraits { has_deadline: true, ..PodTraits::default() };
            assert_eq!(!quota.scopes.matches(&PodTraits::default()), expected, "{spec}");
            assert_eq!(!quota.scopes.matches(&with_a_deadline), with_deadline, "{spec}");
        }
    }

    #[test]
    fn smaller_of_two_limits_applies() {
        let object = serde_json::from_value(serde_json::json!({
            "metadata": {}, "status": {"hard": {"cpu": "1", "requests.cpu": "2", "requests.memory": "1Gi", "memory": "2Gi"}},
        }))
        .unwrap();
        let quota = resource_quota(&object);
        assert_eq!(quota.hard[&Resource::RequestsCpu], 1000);
        assert_eq!(quota.hard[&Resource::RequestsMemory], 1 << 30);
    }

    #[test]
    fn limit_request_ratio_is_parsed() {
        let object = serde_json::from_value(serde_json::json!({
            "metadata": {}, "spec": {"limits": [{"type": "Container", "maxLimitRequestRatio": {"cpu": "4", "memory": "1500m"}}]},
        }))
        .unwrap();
        let range = limit_range(&object);
        let ratios = &range.container.max_limit_request_ratio;
        assert_eq!(ratios[&ComputeResource::Cpu], Ratio::from_thousandths(4000));
        assert_eq!(ratios[&ComputeResource::Memory], Ratio::from_thousandths(1500));
    }

    fn quota(spec: &serde_json::Value, status: &serde_json::Value) -> ResourceQuota {
        let object = serde_json::json!({"metadata": {}, "spec": {"hard": spec}, "status": status});
        resource_quota(&serde_json::from_value(object).unwrap())
    }

    #[test]
    fn one_odd_number_marks_its_row_only() {
        let hard = serde_json::json!({
            "limits.cpu": "9223372036854775807", "limits.memory": "0.098Gi", "pods": "many", "services": "1",
            "count/unicorns.example.com": "3",
        });
        let used = serde_json::json!({"limits.cpu": "1500u", "limits.memory": "0", "services": "1"});
        let quota = quota(&hard, &serde_json::json!({"hard": hard, "used": used}));
        let mark = |key: &str| quota.mark(&Resource::from(key));
        assert_eq!(mark("limits.cpu"), Some(QuotaMark::Rounded));
        assert_eq!(mark("limits.memory"), Some(QuotaMark::Rounded));
        assert_eq!(mark("pods"), Some(QuotaMark::Unreadable));
        assert_eq!(mark("services"), None);
        assert_eq!(mark("count/unicorns.example.com"), Some(QuotaMark::NotCounted));
        assert_eq!(quota.hard[&Resource::LimitsMemory], 105_226_698);
        assert_eq!(quota.used(&Resource::LimitsCpu), 2);
        let note = &quota.notes[&Resource::LimitsCpu];
        assert_eq!(note.exact_hard.as_deref(), Some("9223372036854775807"));
        assert_eq!(note.exact_used.as_deref(), Some("1500u"));
        assert!(!quota.hard.contains_key(&Resource::Pods));
    }

    #[test]
    fn pending_limits_are_marked() {
        let status = serde_json::json!({"hard": {"pods": "4"}, "used": {"pods": "1"}});
        let quota = quota(&serde_json::json!({"pods": "10", "secrets": "5"}), &status);
        assert_eq!(quota.hard[&Resource::Pods], 4);
        assert_eq!(quota.notes[&Resource::Pods].pending.as_deref(), Some("10"));
        assert_eq!(quota.mark(&Resource::Pods), Some(QuotaMark::Pending));
        assert_eq!(quota.mark(&Resource::Secrets), Some(QuotaMark::Pending));
    }

    #[test]
    fn larger_of_two_names_is_not_pending() {
        let hard = serde_json::json!({"ephemeral-storage": "128Mi", "requests.ephemeral-storage": "500M", "cpu": "2", "requests.cpu": "1"});
        let used = serde_json::json!({"ephemeral-storage": "0", "requests.ephemeral-storage": "0", "cpu": "0", "requests.cpu": "0"});
        let quota = quota(&hard, &serde_json::json!({"hard": hard, "used": used}));
        assert_eq!(quota.hard[&Resource::RequestsEphemeralStorage], 128 << 20);
        assert_eq!(quota.mark(&Resource::RequestsEphemeralStorage), None);
        assert_eq!(quota.mark(&Resource::RequestsCpu), None);
    }

    #[test]
    fn quota_without_status_is_not_counted_yet() {
        let quota = quota(&serde_json::json!({"pods": "4"}), &serde_json::json!({}));
        assert_eq!(quota.hard[&Resource::Pods], 4);
        assert_eq!(quota.mark(&Resource::Pods), Some(QuotaMark::NotCountedYet));
    }

    #[test]
    fn every_type_of_limit_is_read() {
        let object = serde_json::from_value(serde_json::json!({"metadata": {}, "spec": {"limits": [
            {"type": "Container", "default": {"ephemeral-storage": "1Gi", "cpu": "none"}, "max": {"memory": "0.098Gi"}},
            {"type": "Pod", "max": {"memory": "2Gi"}, "maxLimitRequestRatio": {"cpu": "2"}},
            {"type": "PersistentVolumeClaim", "min": {"storage": "1Gi"}},
        ]}}))
        .unwrap();
        let range = limit_range(&object);
        assert_eq!(range.default.get(&ComputeResource::EphemeralStorage), Some(1 << 30));
        assert_eq!(range.container.max.get(&ComputeResource::Memory), Some(105_226_698));
        assert_eq!(range.pod.max.get(&ComputeResource::Memory), Some(2 << 30));
        assert_eq!(range.pod.max_limit_request_ratio.len(), 1);
        assert_eq!(range.claim.min.get(&ComputeResource::Storage), Some(1 << 30));
        assert_eq!(range.unreadable, ["default.cpu"]);
    }
}
