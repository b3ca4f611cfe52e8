//! The usage of the quotas by a live web service.

use k8s_openapi::api::core::v1::Container;
use toolforge_quota::{Demand, LimitRange, Pods, Resource};

use crate::change::{ChangeDemand, PodReplacement};
use crate::object::{Object, ObjectKind, deployment_spec, deployment_spec_mut};
use crate::pod::pod_id;
use crate::pod::{REPLICA_SETS, count_demand, has_ended, of_live_pods, pod_demand, pods_of};
use crate::web_service::LiveWebService;
use crate::web_service::patch::replaced_containers;

/// Returns what a change to objects frees and requests; `replaces` is whether the live pods are replaced.
pub(crate) fn of_change(
    objects: &[Object],
    replaces: bool,
    live: &LiveWebService,
    limit_ranges: &[LimitRange],
) -> ChangeDemand {
    let objects: Vec<Object> = objects.iter().map(|object| stored(object, live)).collect();
    let mut demand = ChangeDemand::of_objects(&objects, limit_ranges, None);
    let mut creates_pods = false;
    demand.freed = of_live(live, limit_ranges);
    demand.freed_objects = live.pods.iter().map(pod_id).collect();
    demand.created = Demand::default();
    for object in &objects {
        let new = pods_of(object, limit_ranges);
        if !live.ids().any(|(kind, _)| kind == object.kind()) {
            creates_pods |= new.count > 0;
            demand.created.add_all(&count_demand(object.kind()));
            demand.created.add_all(&new.each.times(new.count));
            continue;
        }
        let (Object::Deployment(_), Some(deployment)) = (object, &live.deployment) else { continue };
        let before = pods_of(&Object::from(deployment.clone()), limit_ranges);
        creates_pods |= replaces || new.count > before.count;
        if replaces {
            let old = staying_pods(live, limit_ranges);
            let replacement = if before == new {
                PodReplacement::of_same(old, new)
            } else {
                PodReplacement { old, new, missing: 0 }
            };
            demand.requested = demand.other_objects.clone();
            demand.requested.add_all(&replacement.at_rest());
            demand.replace_pods(deployment, replacement);
        } else if new.count > before.count {
            demand.created.add_all(&new.each);
        }
    }
    if !creates_pods {
        // A limit does not apply to running pods.
        demand.pods.clear();
    }
    demand
}

/// Returns an object after it is applied: containers that others have added to the pods remain.
fn stored(object: &Object, live: &LiveWebService) -> Object {
    let mut object = object.clone();
    let live_pod = live
        .deployment
        .as_ref()
        .and_then(|deployment| deployment_spec(deployment).and_then(|spec| spec.template.spec.as_ref()));
    if let (Object::Deployment(deployment), Some(live_pod)) = (&mut object, live_pod)
        && let Some(pod) = deployment_spec_mut(deployment).and_then(|spec| spec.template.spec.as_mut())
    {
        let replaced = replaced_containers(live);
        let wanted = pod.containers.clone();
        let stays = |container: &&Container| {
            !wanted.iter().any(|ours| ours.name == container.name) && !replaced.contains(container)
        };
        pod.containers.extend(live_pod.containers.iter().filter(stays).cloned());
        pod.init_containers = live_pod.init_containers.clone();
    }
    object
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
