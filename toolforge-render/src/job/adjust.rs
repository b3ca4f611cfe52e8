//! Smaller sizes of jobs that make a load fit.

use std::collections::BTreeMap;

use k8s_openapi::jiff::Timestamp;
use toolforge_model::{JobKind, JobName, JobRequest};
use toolforge_quota::{MEMORY_STEP, PerResource, SizeBounds, WorkloadSize};

use crate::change::{
    Adjustment, ChangeSet, Largest, LargestSizes, Sized, WorkloadKind, cap_adjustments, lowest_size, set_size,
};
use crate::job::{
    JobFacts, JobObjects, JobPlan, JobWorkload, LoadOptions, LoadPlan, observe_job, plan_load, pods_of_job,
    restart_job, trigger_job,
};
use crate::object::Object;
use crate::pod::running_pods;

/// The most jobs of a load for which smaller sizes are searched: the largest ones.
const MOST_JOBS: usize = 5;

/// Returns the nearest sizes of single jobs that make the whole load as wanted: it
/// [fits](ChangeSet::fits), or fits [without downtime](ChangeSet::fits_without_downtime). Only the largest of its jobs
/// are tried. If none of them is enough, the maximum size of each job is returned.
#[must_use]
pub fn load_adjustments(
    load: &LoadPlan,
    requests: &[JobRequest],
    facts: &JobFacts,
    options: &LoadOptions<'_>,
    is_wanted: fn(&ChangeSet) -> bool,
) -> Vec<Adjustment> {
    let is_size = load.problems.iter().all(|problem| problem.never_fitting().is_some());
    if !is_size || (load.problems.is_empty() && is_wanted(&load.set)) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (plan, sized) in largest_jobs(&load.set, &load.plans, facts) {
        let name = &plan.request().name;
        let Some(index) = requests.iter().position(|request| request.name == *name) else { continue };
        let evaluate = |size| {
            let mut requests = requests.to_vec();
            requests[index] = with_size(&requests[index], sized.size, size)?;
            let load = plan_load(&requests, facts, options);
            (load.problems.is_empty() && load.set.starts_runs_of(name.as_str(), None)).then_some(load.set)
        };
        found.extend(sized.adjustments(is_wanted, evaluate));
    }
    if !found.is_empty() {
        return found;
    }
    let jobs: BTreeMap<&JobName, Sized> = changed_jobs(&load.set, &load.plans, facts)
        .into_iter()
        .map(|(plan, sized)| (&plan.request().name, sized))
        .collect();
    cap_adjustments(jobs.values(), is_wanted, |cap| {
        let mut requests = requests.to_vec();
        let mut changed = Vec::new();
        for request in &mut requests {
            let Some(sized) = jobs.get(&request.name) else { continue };
            let wanted = cap.apply(sized.size, sized.bounds.lowest);
            if wanted != sized.size {
                *request = with_size(request, sized.size, wanted)?;
                changed.push(sized.changed_to(wanted));
            }
        }
        let load = plan_load(&requests, facts, options);
        load.problems.is_empty().then_some((load.set, changed))
    })
}

/// Returns the nearest sizes that allow a job to be restarted: a continuous job is changed to such a size,
/// and a scheduled job is changed to it before the run that a restart starts. There are none if a restart fits now, for a
/// one-off job, and for a workload that no tool manages.
#[must_use]
pub fn restart_adjustments(job: &JobObjects, facts: &JobFacts, now: Timestamp) -> Vec<Adjustment> {
    own_adjustments(job, facts, |job| restart_job(job, facts, now).ok())
}

/// Returns the nearest sizes that allow a scheduled job to run now, after it is changed to such a size.
/// There are none if a run fits now, and for a workload that no tool manages.
#[must_use]
pub fn trigger_adjustments(job: &JobObjects, facts: &JobFacts, now: Timestamp) -> Vec<Adjustment> {
    own_adjustments(job, facts, |job| trigger_job(job, facts, now).ok())
}

fn own_adjustments(
    job: &JobObjects,
    facts: &JobFacts,
    verb: impl Fn(&JobObjects) -> Option<ChangeSet>,
) -> Vec<Adjustment> {
    let request = observe_job(job, facts);
    let plan = JobPlan::new(request.clone(), facts).ok().filter(|_| job.is_managed());
    let Some(plan) = plan else { return Vec::new() };
    let sized = sized(&plan, job.workload.job_kind(), facts);
    sized.adjustments(ChangeSet::fits, |size| {
        if size == sized.size {
            return verb(job);
        }
        let request = with_size(&request, sized.size, size)?;
        if !matches!(request.kind, JobKind::Scheduled { .. }) {
            let load = plan_load(&[request], facts, &LoadOptions::default());
            return load.problems.is_empty().then_some(load.set);
        }
        let JobWorkload::Scheduled(mut wanted) = JobPlan::new(request, facts).ok()?.objects().workload else {
            return None;
        };
        wanted.metadata = job.workload.metadata().clone();
        verb(&JobObjects { workload: JobWorkload::Scheduled(wanted), ..job.clone() })
    })
}

/// Returns the jobs that create pods, and are changed or lack pods.
pub(crate) fn changed_jobs<'a>(
    set: &ChangeSet,
    plans: &'a [JobPlan],
    facts: &JobFacts,
) -> Vec<(&'a JobPlan, Sized)> {
    let plans: BTreeMap<&str, &JobPlan> =
        plans.iter().map(|plan| (plan.request().name.as_str(), plan)).collect();
    let changed = set
        .sizable()
        .filter(|change| !matches!(change.kind, WorkloadKind::WebService | WorkloadKind::Manifest));
    changed
        .filter_map(|change| {
            let plan = *plans.get(change.name.as_str())?;
            Some((plan, sized(plan, change.kind, facts)))
        })
        .collect()
}

/// Returns the largest jobs that create pods, and are changed or lack pods.
pub(crate) fn largest_jobs<'a>(
    set: &ChangeSet,
    plans: &'a [JobPlan],
    facts: &JobFacts,
) -> Vec<(&'a JobPlan, Sized)> {
    let mut jobs = changed_jobs(set, plans, facts);
    jobs.sort_by_key(|(_, Sized { size, .. })| {
        let total = (size.memory.saturating_mul(size.replicas), size.cpu.saturating_mul(size.replicas));
        std::cmp::Reverse(total)
    });
    jobs.truncate(MOST_JOBS);
    jobs
}

fn sized(plan: &JobPlan, kind: WorkloadKind, facts: &JobFacts) -> Sized {
    let bounds = SizeBounds {
        lowest: lowest_size(&facts.namespace.limits.limit_ranges),
        // Above the default, half of the memory is requested.
        steps: PerResource {
            cpu: Vec::new(),
            memory: vec![JobRequest::DEFAULT_MEMORY.bytes() + MEMORY_STEP],
        },
    };
    Sized { kind, name: plan.request().name.to_string(), object: None, size: size_of(plan), bounds }
}

fn size_of(plan: &JobPlan) -> WorkloadSize {
    let limits = plan.resources().limits;
    let replicas = match &plan.request().kind {
        JobKind::Continuous { replicas, .. } => replicas.count().into(),
        JobKind::OneOff { .. } | JobKind::Scheduled { .. } => 1,
    };
    WorkloadSize { memory: limits.memory.bytes(), cpu: limits.cpu.millis(), replicas }
}

/// Returns a request with another size; unchanged amounts stay as requested.
pub(crate) fn with_size(
    request: &JobRequest,
    before: WorkloadSize,
    wanted: WorkloadSize,
) -> Option<JobRequest> {
    let mut request = request.clone();
    let replicas = match &mut request.kind {
        JobKind::Continuous { replicas, .. } => Some(replicas),
        JobKind::OneOff { .. } | JobKind::Scheduled { .. } => None,
    };
    set_size((before, wanted), &mut request.memory, &mut request.cpu, replicas)?;
    // If a file or an option sets the default, it gets the default's limit, which is larger.
    request.cpu = request.cpu.filter(|cpu| *cpu != JobRequest::DEFAULT_CPU);
    Some(request)
}

/// What a job of a size would need: to be changed to it, and to be restarted or run afterwards.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct JobForecast {
    /// The change to the size.
    pub change: ChangeSet,
    /// A restart of a continuous job afterwards, or a run of a scheduled job; `None` for a one-off job.
    pub restart: Option<ChangeSet>,
    /// Whether no run of a scheduled job fits, even in an empty namespace.
    pub never_fits: bool,
}

impl JobForecast {
    /// Returns what a request would need; `None` if it cannot be planned.
    #[must_use]
    pub fn new(request: &JobRequest, facts: &JobFacts) -> Option<Self> {
        let load = plan_load(std::slice::from_ref(request), facts, &LoadOptions::default());
        if load.problems.iter().any(|problem| problem.never_fitting().is_none()) {
            return None;
        }
        let never_fits = !load.problems.is_empty();
        let after = after(facts, &load.set);
        let job = after.live.job(&after.namespace.tool, &request.name);
        let restart = job.and_then(|job| match job.workload {
            JobWorkload::Scheduled(_) => trigger_job(&job, &after, Timestamp::UNIX_EPOCH).ok(),
            JobWorkload::Continuous(_) => restart_job(&job, &after, Timestamp::UNIX_EPOCH).ok(),
            JobWorkload::OneOff(_) => None,
        });
        Some(Self { change: load.set, restart, never_fits })
    }

    /// Returns whether both fit, however pods are replaced.
    #[must_use]
    pub fn fits(&self) -> bool {
        !self.never_fits && self.sets().all(ChangeSet::fits)
    }

    /// Returns whether both fit, and pods are replaced as the platform usually does.
    #[must_use]
    pub fn fits_as_usual(&self) -> bool {
        self.fits() && self.sets().all(|set| set.refused_surge.is_none())
    }

    fn sets(&self) -> impl Iterator<Item = &ChangeSet> {
        std::iter::once(&self.change).chain(&self.restart)
    }
}

/// Returns the largest memory, CPU and replicas of a job, each on its own, for which a change and every later restart
/// or run are as wanted once terminating pods are gone: they [fit](JobForecast::fits), or fit
/// [as usual](JobForecast::fits_as_usual).
#[must_use]
pub fn largest_job(
    request: &JobRequest,
    facts: &JobFacts,
    is_wanted: fn(&JobForecast) -> bool,
) -> Option<LargestSizes> {
    let facts = &facts.clone().without_terminating_pods();
    let plan = JobPlan::new(request.clone(), facts).ok()?;
    let kind = match &request.kind {
        JobKind::OneOff { .. } => WorkloadKind::OneOff,
        JobKind::Scheduled { .. } => WorkloadKind::Scheduled,
        JobKind::Continuous { .. } => WorkloadKind::Continuous,
    };
    let sized = sized(&plan, kind, facts);
    let largest = sized.largest(&facts.namespace.limits, |size| {
        let request = with_size(request, sized.size, size);
        request.and_then(|request| JobForecast::new(&request, facts)).is_some_and(|found| is_wanted(&found))
    });
    let is_continuous = kind == WorkloadKind::Continuous;
    Some(LargestSizes {
        replicas: if is_continuous { largest.replicas } else { Largest::Nothing },
        ..largest
    })
}

/// Returns the facts after a load, when all pods run.
fn after(facts: &JobFacts, set: &ChangeSet) -> JobFacts {
    let mut facts = facts.clone();
    facts.namespace.limits = set.settled_limits(&facts.namespace.limits);
    for change in set.pending() {
        let is_other = |name: Option<&String>| name.is_none_or(|name| *name != change.name);
        let Ok(name) = change.name.parse() else { continue };
        let own = facts.live.job(&facts.namespace.tool, &name);
        let pods = own.iter().flat_map(|job| pods_of_job(job, &facts.live));
        let pods: Vec<Option<String>> = pods.map(|pod| pod.metadata.name.clone()).collect();
        facts.live.pods.retain(|pod| !pods.contains(&pod.metadata.name));
        facts.live.deployments.retain(|found| is_other(found.metadata.name.as_ref()));
        facts.live.cron_jobs.retain(|found| is_other(found.metadata.name.as_ref()));
        for object in change.objects() {
            if let Object::Deployment(deployment) = object {
                facts.live.pods.extend(running_pods(deployment));
            }
        }
        facts.live.extend(change.objects().cloned());
    }
    facts
}
