//! The usage of the quotas by jobs.

use toolforge_quota::{Demand, LimitRange, PodTraits, Pods};

use crate::job::{JobFacts, JobObjects, JobWorkload, LiveJobs, pods_of_job, runs_of_job};
use crate::object::ObjectKind;
use crate::pod::{
    count_demand, freed_at_end, least_pods, of_live_pods, parallel_pods, pod_demand, run_demand, traits_of,
};

/// What one run of a job requests.
#[derive(Debug, Default)]
pub(super) struct RunDemand {
    /// Its Job and its pods, including those that have already succeeded; none of them fails.
    pub(super) each: Demand,
    /// Its pods that need not run at the same time as the others.
    pub(super) extra_pods: Pods,
    /// What decides which quotas count it.
    pub(super) traits: PodTraits,
}

/// Returns what one run of a job requests.
pub(super) fn of_run(job: &JobObjects, facts: &JobFacts) -> RunDemand {
    let Some(spec) = job.workload.job_spec() else { return RunDemand::default() };
    let Some(pod) = spec.template.spec.as_ref() else {
        return RunDemand { each: run_demand(spec, &Demand::default()), ..RunDemand::default() };
    };
    let limit_ranges = &facts.namespace.limits.limit_ranges;
    let one = pod_demand(pod, limit_ranges);
    let each = run_demand(spec, &one);
    let traits = traits_of(pod, limit_ranges);
    let count = parallel_pods(spec).saturating_sub(least_pods(spec));
    RunDemand { each, extra_pods: Pods { count, each: freed_at_end(spec, &one) }, traits }
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

/// Returns the usage of the Service and the HTTPRoute with a name that remain of a job whose workload is gone.
pub(super) fn of_addresses(name: &str, live: &LiveJobs) -> Demand {
    let kinds = [ObjectKind::Service, ObjectKind::HttpRoute].into_iter();
    kinds.filter(|kind| live.address(*kind, name).is_some()).map(count_demand).sum()
}
