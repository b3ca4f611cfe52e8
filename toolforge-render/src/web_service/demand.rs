//! What a live web service uses of the quotas.

use toolforge_quota::{Demand, LimitRange, Pods, Resource};

use crate::object::ObjectKind;
use crate::pod::{count_demand, has_ended, of_live_pods, pod_demand};
use crate::web_service::LiveWebService;

/// Returns the live pods that run until they are replaced; each counts as the largest of them.
pub(crate) fn staying_pods(live: &LiveWebService, limit_ranges: &[LimitRange]) -> Pods {
    let staying = live.pods.iter().filter(|pod| !has_ended(pod) && pod.metadata.deletion_timestamp.is_none());
    let demands: Vec<Demand> =
        staying.filter_map(|pod| pod.spec.as_ref()).map(|spec| pod_demand(spec, limit_ranges)).collect();
    Pods {
        count: u64::try_from(demands.len()).unwrap_or(u64::MAX),
        each: demands.iter().fold(Demand::default(), Demand::max),
    }
}

/// Returns what the live objects of a web service use of the quotas now.
pub(crate) fn of_live(live: &LiveWebService, limit_ranges: &[LimitRange]) -> Demand {
    let mut demand = of_live_pods(&live.pods, limit_ranges);
    for (kind, _) in live.ids() {
        demand.add_all(&count_demand(kind));
        if kind == ObjectKind::Deployment {
            // One ReplicaSet is counted with the Deployment.
            let others = u64::try_from(live.replica_sets.len()).unwrap_or(0).saturating_sub(1);
            demand.add(Resource::Count("replicasets.apps".to_owned()), others);
        }
    }
    demand
}
