//! What jobs use of the quotas.

use toolforge_quota::{Demand, LimitRange};

use crate::job::{JobFacts, JobObjects, JobWorkload, LiveJobs, pods_of_job, runs_of_job};
use crate::object::ObjectKind;
use crate::pod::{count_demand, of_live_pods, pod_demand, retry_demand, run_demand};

/// Returns what one run of a job requests: its Job and its pods, also those that have succeeded or failed before.
pub(super) fn of_run(job: &JobObjects, facts: &JobFacts) -> Demand {
    let Some(spec) = job.workload.job_spec() else { return Demand::default() };
    let pod = spec.template.spec.as_ref();
    let each = pod.map(|pod| pod_demand(pod, &facts.namespace.limits.limit_ranges)).unwrap_or_default();
    let mut demand = run_demand(spec, &each);
    demand.add_all(&retry_demand(spec));
    demand
}

/// Returns what a live job's objects use of the quotas now.
pub(super) fn of_live(job: &JobObjects, live: &LiveJobs, limit_ranges: &[LimitRange]) -> Demand {
    let mut demand = of_live_pods(pods_of_job(job, live), limit_ranges);
    for (kind, _) in job.ids() {
        demand.add_all(&count_demand(kind));
    }
    if let JobWorkload::Scheduled(_) = &job.workload {
        let runs = u64::try_from(runs_of_job(job, live).len()).unwrap_or(u64::MAX);
        demand.add_all(&count_demand(ObjectKind::Job).times(runs));
    }
    demand
}

/// Returns what the Service and the HTTPRoute of a name use that are left of a job whose workload is gone.
pub(super) fn of_addresses(name: &str, live: &LiveJobs) -> Demand {
    let kinds = [ObjectKind::Service, ObjectKind::HttpRoute].into_iter();
    kinds.filter(|kind| live.address(*kind, name).is_some()).map(count_demand).sum()
}
