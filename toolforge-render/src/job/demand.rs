//! What jobs take of the quotas.

use toolforge_quota::{
    ContainerDemand, Demand, LimitRange, QuotaCheck, Resource, ResourceCheck, check_resources,
};

use crate::job::{JobFacts, JobManifests, LiveJob, LiveJobs, LiveWorkload, Workload, pods_of_job, runs_of};
use crate::pod::{containers_of_pod, has_ended, of_pod};

/// Returns what a job's objects take of the quotas while it runs: all pods of a continuous job, one run of any other.
#[must_use]
pub fn demand_of_job(manifests: &JobManifests, limit_ranges: &[LimitRange]) -> Demand {
    let mut demand = Demand::default();
    let mut count = |kind: &str| demand.add(Resource::Count(kind.to_owned()), 1);
    let (pod, times) = match &manifests.workload {
        Workload::OneOff(job) => {
            count("jobs.batch");
            (job.spec.as_ref().and_then(|spec| spec.template.spec.as_ref()), 1)
        }
        Workload::Scheduled(_) => {
            // A run takes its place when its time comes; see the calendar.
            count("cronjobs.batch");
            (None, 0)
        }
        Workload::Continuous(deployment) => {
            count("deployments.apps");
            count("replicasets.apps");
            let spec = deployment.spec.as_ref();
            let replicas = spec.and_then(|spec| spec.replicas).unwrap_or(1);
            (spec.and_then(|spec| spec.template.spec.as_ref()), u64::try_from(replicas).unwrap_or(0))
        }
    };
    if let Some(pod) = pod {
        demand.add_all(&of_pod(pod, limit_ranges).times(times));
    }
    if manifests.service.is_some() {
        demand.add(Resource::Services, 1);
        demand.add(Resource::Count("services".to_owned()), 1);
    }
    if manifests.http_route.is_some() {
        demand.add(Resource::Count("httproutes.gateway.networking.k8s.io".to_owned()), 1);
    }
    demand
}

/// Returns what one run of a rendered job takes.
#[must_use]
pub(super) fn demand_of_run(manifests: &JobManifests, limit_ranges: &[LimitRange]) -> Demand {
    let pod = match &manifests.workload {
        Workload::OneOff(job) => job.spec.as_ref().and_then(|spec| spec.template.spec.as_ref()),
        Workload::Scheduled(cron_job) => {
            let spec = cron_job.spec.as_ref().and_then(|spec| spec.job_template.spec.as_ref());
            spec.and_then(|spec| spec.template.spec.as_ref())
        }
        Workload::Continuous(deployment) => {
            deployment.spec.as_ref().and_then(|spec| spec.template.spec.as_ref())
        }
    };
    pod.map(|pod| of_pod(pod, limit_ranges)).unwrap_or_default()
}

/// Returns what one run of a job takes: its Job and one pod.
pub(super) fn of_run(job: &LiveJob, facts: &JobFacts) -> Demand {
    let mut demand = of_one_pod(job, facts);
    demand.add(Resource::Count("jobs.batch".to_owned()), 1);
    demand
}

fn of_one_pod(job: &LiveJob, facts: &JobFacts) -> Demand {
    let pod = job.workload.template().and_then(|template| template.spec.as_ref());
    pod.map(|pod| of_pod(pod, &facts.limits.limit_ranges)).unwrap_or_default()
}

fn containers_of_run(job: &LiveJob, facts: &JobFacts) -> Vec<ContainerDemand> {
    let pod = job.workload.template().and_then(|template| template.spec.as_ref());
    let containers = pod.into_iter().flat_map(|pod| containers_of_pod(pod, &facts.limits.limit_ranges));
    containers.map(|resources| ContainerDemand::new(job.name.as_str(), resources)).collect()
}

/// Returns whether one run of a scheduled job fits now.
#[must_use]
pub fn verdict_of_run(job: &LiveJob, facts: &JobFacts) -> QuotaCheck {
    facts.limits.evaluate(&Demand::default(), &of_run(job, facts), &containers_of_run(job, facts))
}

/// Returns whether the namespace has room for one run of a scheduled job in the place of those that stand.
#[must_use]
pub fn verdict_of_run_instead(job: &LiveJob, facts: &JobFacts) -> QuotaCheck {
    let releases = demand_of_live_job(job, &facts.live, &facts.limits.limit_ranges);
    let mut takes = of_run(job, facts);
    // The job itself stays.
    takes.add(Resource::Count("cronjobs.batch".to_owned()), 1);
    facts.limits.evaluate(&releases, &takes, &containers_of_run(job, facts))
}

/// Returns whether the namespace has room for the pods that a restart of a continuous job adds for a while: a quarter of
/// its replicas, rounded up (what the API server fills in).
#[must_use]
pub fn has_room_to_surge(job: &LiveJob, facts: &JobFacts) -> bool {
    let LiveWorkload::Continuous(deployment) = &job.workload else { return true };
    let replicas = deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
    let each = of_one_pod(job, facts);
    let surge = u64::try_from(replicas).unwrap_or(0).div_ceil(4);
    let checks = check_resources(&facts.limits.quotas, &Demand::default(), &each.times(surge));
    checks.iter().all(ResourceCheck::fits)
}

/// Returns what a live job's objects hold of the quotas now.
#[must_use]
pub fn demand_of_live_job(job: &LiveJob, live: &LiveJobs, limit_ranges: &[LimitRange]) -> Demand {
    let mut demand = Demand::default();
    for pod in pods_of_job(job, live) {
        if has_ended(pod) {
            demand.add(Resource::Count("pods".to_owned()), 1);
        } else if let Some(spec) = &pod.spec {
            demand.add_all(&of_pod(spec, limit_ranges));
        }
    }
    let mut count = |kind: &str, number: usize| {
        demand.add(Resource::Count(kind.to_owned()), u64::try_from(number).unwrap_or(u64::MAX));
    };
    match &job.workload {
        LiveWorkload::OneOff(_) => count("jobs.batch", 1),
        LiveWorkload::Scheduled(_) => {
            count("cronjobs.batch", 1);
            count("jobs.batch", runs_of(job, live).len());
        }
        LiveWorkload::Continuous(_) => {
            count("deployments.apps", 1);
            count("replicasets.apps", 1);
        }
    }
    let services = usize::from(job.service.is_some());
    count("services", services);
    count("httproutes.gateway.networking.k8s.io", usize::from(job.http_route.is_some()));
    demand.add(Resource::Services, u64::try_from(services).unwrap_or(0));
    demand
}
