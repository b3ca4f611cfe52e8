//! In which order steps are taken, and whether all of them fit.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use toolforge_model::JobField;
use toolforge_quota::{
    ContainerDemand, Demand, Pods, Resource, ResourceQuota, RollingUpdate, check_resources, rolling_peak,
    violations,
};

use crate::job::demand::demand_of_run;
use crate::job::load::{LoadPlan, LoadProblem, LoadStep, StepKind};
use crate::job::{
    JobFacts, JobPlan, LiveJob, LiveWorkload, Workload, demand_of_job, demand_of_live_job, render_job,
};
use crate::pod::{containers_of_pod, of_pod};

/// Returns the place of a step: what frees room comes first.
pub(super) fn rank(step: &LoadStep, facts: &JobFacts) -> u8 {
    match &step.kind {
        StepKind::Delete => 0,
        StepKind::Update { .. } | StepKind::Recreate { .. } => {
            let (releases, takes) = (releases(step, facts), takes(step, facts));
            u8::from(takes.iter().any(|(resource, amount)| amount > releases.get(resource))) + 1
        }
        StepKind::Create => 3,
        StepKind::Keep => 4,
    }
}

/// Returns what a step gives back, once it is done.
fn releases(step: &LoadStep, facts: &JobFacts) -> Demand {
    match (&step.kind, &step.live) {
        (StepKind::Keep, _) => Demand::default(),
        // What is left of a job whose pods somebody deleted by hand is replaced.
        (_, None) => left_behind(step, facts),
        // A change of the schedule does not touch the run that is under way.
        (StepKind::Update { .. }, Some(LiveJob { workload: LiveWorkload::Scheduled(_), .. })) => {
            [(Resource::Count("cronjobs.batch".to_owned()), 1)].into_iter().collect()
        }
        (_, Some(live)) => demand_of_live_job(live, &facts.live, &facts.limits.limit_ranges),
    }
}

fn left_behind(step: &LoadStep, facts: &JobFacts) -> Demand {
    let has_name = |metadata: &ObjectMeta| metadata.name.as_deref() == Some(step.name.as_str());
    let services = facts.live.services.iter().filter(|service| has_name(&service.metadata)).count();
    let routes = facts.live.http_routes.iter().filter(|route| has_name(&route.metadata)).count();
    let count = |number| u64::try_from(number).unwrap_or(0);
    [
        (Resource::Services, count(services)),
        (Resource::Count("services".to_owned()), count(services)),
        (Resource::Count("httproutes.gateway.networking.k8s.io".to_owned()), count(routes)),
    ]
    .into_iter()
    .collect()
}

/// Returns what a step takes, once it is done.
fn takes(step: &LoadStep, facts: &JobFacts) -> Demand {
    match (&step.kind, &step.plan) {
        (StepKind::Keep | StepKind::Delete, _) | (_, None) => Demand::default(),
        (_, Some(plan)) => demand_of_job(&render_job(plan), &facts.limits.limit_ranges),
    }
}

/// Returns what a step takes at the worst moment.
fn takes_at_peak(step: &LoadStep, facts: &JobFacts) -> Demand {
    let takes = takes(step, facts);
    let (StepKind::Update { differences }, Some(plan), Some(live)) = (&step.kind, &step.plan, &step.live)
    else {
        return takes;
    };
    let Workload::Continuous(deployment) = render_job(plan).workload else { return takes };
    let replicas = deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
    // Mails and the number of replicas are in the pods' template, too, but the latter replaces none.
    if replicas == 1 || differences.iter().all(|difference| difference.key == JobField::Replicas) {
        return takes;
    }
    let replicas = u64::try_from(replicas).unwrap_or(0);
    // What the API server fills in: a quarter, rounded up for those that come, down for those that go (Kubernetes 1.33).
    let update = if plan.is_in_place {
        RollingUpdate { max_surge: 0, max_unavailable: 1 }
    } else {
        RollingUpdate { max_surge: replicas.div_ceil(4), max_unavailable: replicas / 4 }
    };
    let each = |live: &LiveJob| {
        let pod = live.workload.template().and_then(|template| template.spec.as_ref());
        pod.map(|pod| of_pod(pod, &facts.limits.limit_ranges)).unwrap_or_default()
    };
    let wanted = LiveJob::of_manifests(&render_job(plan));
    let standing = match &live.workload {
        LiveWorkload::Continuous(deployment) => {
            deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1)
        }
        LiveWorkload::OneOff(_) | LiveWorkload::Scheduled(_) => 0,
    };
    let old = Pods { count: u64::try_from(standing).unwrap_or(0), each: each(live) };
    let new = Pods { count: replicas, each: each(&wanted) };
    takes.max(&rolling_peak(&old, &new, update))
}

pub(super) fn judge(plan: &mut LoadPlan, facts: &JobFacts) {
    let limits = &facts.limits;
    let released = plan.steps.iter().map(|step| releases(step, facts)).sum();
    let taken = plan.steps.iter().map(|step| takes(step, facts)).sum();
    let taken_at_peak = plan.steps.iter().map(|step| takes_at_peak(step, facts)).sum();
    let all: Vec<ContainerDemand> = plan.steps.iter().flat_map(|step| containers(step, facts)).collect();
    plan.at_rest = limits.evaluate(&released, &taken, &all);
    plan.at_peak = limits.evaluate(&released, &taken_at_peak, &all);
    plan.problems.retain(|problem| !matches!(problem, LoadProblem::NeverFits { .. }));
    let unused: Vec<ResourceQuota> = limits.quotas.iter().map(ResourceQuota::without_usage).collect();
    for step in &plan.steps {
        let within_limits = |container| violations(&limits.limit_ranges, &container).is_empty();
        let Some(run) = scheduled_run(step, facts) else { continue };
        if !containers(step, facts).into_iter().all(within_limits) {
            continue;
        }
        let checks = check_resources(&unused, &Demand::default(), &run);
        if let Some(row) = checks.iter().find(|check| !check.fits()) {
            plan.problems.push(LoadProblem::NeverFits { name: step.name.clone(), row: row.to_string() });
        }
    }
}

/// Returns the containers that a step creates.
fn containers(step: &LoadStep, facts: &JobFacts) -> Vec<ContainerDemand> {
    let Some(plan) = written(step) else { return Vec::new() };
    let wanted = LiveJob::of_manifests(&render_job(plan));
    let pod = wanted.workload.template().and_then(|template| template.spec.as_ref());
    let containers = pod.into_iter().flat_map(|pod| containers_of_pod(pod, &facts.limits.limit_ranges));
    containers.map(|resources| ContainerDemand::new(step.name.as_str(), resources)).collect()
}

/// Returns what one run takes of a scheduled job that a step writes.
fn scheduled_run(step: &LoadStep, facts: &JobFacts) -> Option<Demand> {
    let manifests = render_job(written(step)?);
    matches!(manifests.workload, Workload::Scheduled(_))
        .then(|| demand_of_run(&manifests, &facts.limits.limit_ranges))
}

/// Returns the plan of a step that writes one.
fn written(step: &LoadStep) -> Option<&JobPlan> {
    step.plan.as_ref().filter(|_| !matches!(step.kind, StepKind::Keep | StepKind::Delete))
}
