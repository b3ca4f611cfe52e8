//! What a live web service uses of the quotas.

use toolforge_quota::{Demand, LimitRange, Pods, Resource};

use crate::change::{ChangeDemand, PodReplacement};
use crate::object::{Object, ObjectKind};
use crate::pod::pod_id;
use crate::pod::{REPLICA_SETS, count_demand, has_ended, of_live_pods, pod_demand, pods_of};
use crate::web_service::LiveWebService;

/// Returns what a change to objects frees and requests; `replaces` is whether the live pods are replaced.
pub(crate) fn of_change(
    objects: &[Object],
    replaces: bool,
    live: &LiveWebService,
    limit_ranges: &[LimitRange],
) -> ChangeDemand {
    let mut demand = ChangeDemand::of_objects(objects, limit_ranges, None);
    demand.freed = of_live(live, limit_ranges);
    demand.freed_pods = live.pods.iter().map(pod_id).collect();
    demand.created = Demand::default();
    for object in objects {
        let new = pods_of(object, limit_ranges);
        if !live.ids().any(|(kind, _)| kind == object.kind()) {
            demand.created.add_all(&count_demand(object.kind()));
            demand.created.add_all(&new.each.times(new.count));
            continue;
        }
        let (Object::Deployment(_), Some(deployment)) = (object, &live.deployment) else { continue };
        let before = pods_of(&Object::from(deployment.clone()), limit_ranges);
        if replaces {
            let old = staying_pods(live, limit_ranges);
            // As many pods as before, and as large: those that cannot be created are no part of it.
            let missing = if before == new { new.count.saturating_sub(old.count) } else { 0 };
            let replacement = PodReplacement { old, new, missing };
            demand.requested = demand.besides_pods.clone();
            demand.requested.add_all(&replacement.at_rest());
            demand.replace_pods(deployment, replacement);
        } else if new.count > before.count {
            demand.created.add_all(&new.each);
        }
    }
    demand
}

/// Returns the live pods that run until they are replaced; each counts as the largest of them.
fn staying_pods(live: &LiveWebService, limit_ranges: &[LimitRange]) -> Pods {
    let staying = live.pods.iter().filter(|pod| !has_ended(pod) && pod.metadata.deletion_timestamp.is_none());
    let demands: Vec<Demand> =
        staying.filter_map(|pod| pod.spec.as_ref()).map(|spec| pod_demand(spec, limit_ranges)).collect();
    Pods {
        count: u64::try_from(demands.len()).unwrap_or(u64::MAX),
        each: demands.iter().fold(Demand::default(), Demand::max),
    }
}

/// Returns what the live objects of a web service use of the quotas now.
fn of_live(live: &LiveWebService, limit_ranges: &[LimitRange]) -> Demand {
    let mut demand = of_live_pods(&live.pods, limit_ranges);
    for (kind, _) in live.ids() {
        demand.add_all(&count_demand(kind));
        if kind == ObjectKind::Deployment {
            // One ReplicaSet is counted with the Deployment.
            let others = u64::try_from(live.replica_sets.len()).unwrap_or(0).saturating_sub(1);
            demand.add(Resource::Count(REPLICA_SETS.to_owned()), others);
        }
    }
    demand
}
