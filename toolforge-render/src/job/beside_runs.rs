//! What the quotas count besides the runs of scheduled jobs, when only these come and go.

use std::collections::BTreeSet;

use toolforge_quota::{Limits, PodTraits, ResourceQuota};

use crate::job::{JobFacts, ScheduledJobLoad, pods_of_job, runs_of_job};
use crate::object::{ObjectId, ObjectKind};
use crate::pod::{count_demand, has_ended, pod_demand, pod_id, stated_pod};

/// Returns the quotas with what they will count besides the runs of scheduled jobs: without the current runs of these jobs, which
/// are simulated themselves, without pods that terminate, and with those that are about to be created.
#[must_use]
pub fn quotas_beside_runs(loads: &[ScheduledJobLoad], facts: &JobFacts) -> Vec<ResourceQuota> {
    limits_beside_runs(loads, facts, |_| false).quotas
}

/// Returns the limits for which nothing terminates or waits any more, with the quotas as [`quotas_beside_runs`] returns them.
///
/// Objects that changes free still count: the changes free them.
pub(super) fn limits_beside_runs(
    loads: &[ScheduledJobLoad],
    facts: &JobFacts,
    is_freed: impl Fn(&str) -> bool,
) -> Limits {
    let mut limits = facts.namespace.limits.clone();
    let mut simulated = BTreeSet::new();
    let jobs = facts.live.all_scheduled(&facts.namespace.tool);
    for job in jobs.iter().filter(|job| loads.iter().any(|load| load.name == job.name)) {
        for run in runs_of_job(job, &facts.live) {
            let id =
                ObjectId::new(ObjectKind::Job, run.metadata.name.clone().unwrap_or_default()).to_string();
            if !is_freed(&id) && simulated.insert(id) {
                limits.free_quota(&count_demand(ObjectKind::Job), &PodTraits::default());
            }
        }
        for pod in pods_of_job(job, &facts.live) {
            let Some(spec) = pod.spec.as_ref().filter(|_| !has_ended(pod)) else { continue };
            let id = pod_id(pod);
            if !is_freed(&id) && simulated.insert(id.clone()) {
                let ranges = &limits.limit_ranges;
                let (demand, traits) =
                    (pod_demand(spec, ranges), stated_pod(spec).with_defaults(ranges).traits());
                limits.free_pod(&id, demand, &traits);
            }
        }
    }
    limits.settled(|object| !simulated.contains(object) && !is_freed(object))
}
