//! All objects of a text against the quota, as if nothing else were in the namespace.

use toolforge_quota::{Demand, DemandChange, Limits, Resource};

use super::super::check::{Check, Object};
use super::super::rule::Rule;
use super::super::syntax::Node;
use super::resources::demand;
use super::service::label;
use crate::manifest::ManifestKind;

/// Checks the sum of all objects, and each run of a CronJob by itself. A resource is reported once, at the object with which
/// it is exceeded.
pub(crate) fn check(check: &mut Check<'_>, objects: &[Object<'_>]) {
    let quotas =
        check.context.limits.quotas.iter().map(toolforge_quota::ResourceQuota::without_usage).collect();
    let limits =
        Limits { quotas, limit_ranges: check.context.limits.limit_ranges.clone(), ..Limits::default() };
    let mut total = Demand::default();
    let mut reported: Vec<(String, Resource)> = Vec::new();
    for object in objects {
        let mut requested = counts(*object);
        let pod = object.pods().and_then(|pods| demand(pods.spec?));
        let pod = pod.map(|pod| pod.with_defaults(&limits.limit_ranges));
        let mut once = Demand::default();
        if let Some(pod) = &pod {
            let each = pod.demand();
            match pod_count(*object) {
                Some(count) => requested.add_all(&each.times(count)),
                None => once = each,
            }
        }
        total.add_all(&requested);
        let mut most = total.clone();
        most.add_all(&once);
        let change = DemandChange {
            requested: most.clone(),
            created: most,
            // Quotas with scopes look at the traits of the pods that are added.
            pods: pod.into_iter().collect(),
            ..DemandChange::default()
        };
        check.object = Some(label(*object));
        for row in limits.evaluate_change(&change).shortfalls() {
            let key = (row.quota.clone(), row.resource.clone());
            if reported.contains(&key) {
                continue;
            }
            reported.push(key);
            let place = object.name_node().unwrap_or(object.head());
            let message = if objects.len() > 1 {
                format!("with this object, the file exceeds the quota: {row}")
            } else {
                format!("the object exceeds the quota: {row}")
            };
            check.at(Rule::ExceedsQuota, place, message).answered(format!(
                "{} \"{}\" is forbidden: exceeded quota: {}, limited: {}",
                object.kind.name,
                object.name(),
                row.quota,
                row.resource
            ));
        }
    }
    check.object = None;
}

/// Returns how many pods an object has at once; `None` for those that only its runs have.
fn pod_count(object: Object<'_>) -> Option<u64> {
    let number =
        |field: &str| object.spec().and_then(|spec| spec.get(field)).and_then(Node::integer).unwrap_or(1);
    let count = |number: i64| u64::try_from(number).unwrap_or(0);
    match object.kind.name {
        "CronJob" => None,
        "Deployment" | "ReplicaSet" | "StatefulSet" => Some(count(number("replicas"))),
        "Job" if object.spec().and_then(|spec| spec.get("suspend")).and_then(Node::boolean) == Some(true) => {
            Some(0)
        }
        "Job" => Some(count(number("parallelism").min(number("completions").max(number("parallelism"))))),
        _ => Some(1),
    }
}

/// Returns what the object itself counts for; a Deployment's pods have a ReplicaSet, which is an object of the namespace, too.
fn counts(object: Object<'_>) -> Demand {
    let kind = object.kind;
    let mut demand = ManifestKind::new(kind.api_version, kind.name).object_demand();
    if kind.name == "Deployment" {
        demand.add_all(&ManifestKind::new(kind.api_version, "ReplicaSet").object_demand());
    }
    demand
}
