//! What it takes to make the cluster's jobs those of a file.

use std::collections::BTreeSet;

use toolforge_model::{JobKey, JobName, JobRequest, Untrusted, platform};
use toolforge_quota::{Demand, Pods, RollingUpdate, Verdict, at_rest, rolling_peak, violations};

use crate::demand::{containers_of_pod, of_pod};
use crate::job::demand::demand_of_run;
use crate::job::{
    JobDifference, JobFacts, JobManifests, JobPlan, JobPlanError, LiveJob, LiveWorkload, RecordedJob,
    RunOutcome, Workload, demand_of_job, demand_of_live_job, job_differences, observe_job, render_job,
};

/// What is done to one job.
#[derive(Clone, Debug)]
pub struct LoadStep {
    /// The job's name.
    pub name: JobName,
    /// What is done.
    pub kind: StepKind,
    /// What shall stand; `None` where the job goes.
    pub plan: Option<JobPlan>,
    /// What stands; `None` where the job is new.
    pub live: Option<LiveJob>,
    /// The record of the platform's jobs service that is removed first, so that it does not undo the step.
    pub record: Option<RecordedJob>,
}

/// What is done to a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepKind {
    /// Nothing: it is as it should be.
    Keep,
    /// It is made.
    Create,
    /// Its objects are replaced by others.
    Update {
        /// What differs.
        differences: Vec<JobDifference>,
    },
    /// It is deleted and made anew, because its object cannot be changed.
    Recreate {
        /// What differs.
        differences: Vec<JobDifference>,
    },
    /// It is deleted.
    Delete,
}

/// Why a job cannot be made what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoadProblem {
    /// No plan can be made.
    #[error("job {name}: {error}")]
    Plan {
        /// The job's name.
        name: JobName,
        /// Why.
        error: JobPlanError,
    },
    /// The platform's jobs service keeps a record of the job, and would undo a change.
    #[error("job {name} is kept by the platform's jobs service, which would undo a change made here")]
    Recorded {
        /// The job's name.
        name: JobName,
    },
    /// The job runs now, as something else.
    #[error("one-off job {name} is under way, and what it should be differs: {}", keys.iter().map(|key| key.as_str()).collect::<Vec<_>>().join(", "))]
    UnderWay {
        /// The job's name.
        name: JobName,
        /// What differs.
        keys: Vec<JobKey>,
    },
    /// One run takes more than the namespace may ever use.
    #[error("a run of job {name} never fits: {row}")]
    NeverFits {
        /// The job's name.
        name: JobName,
        /// The quota's row.
        row: String,
    },
}

/// All that a load does, in the order in which it is done: what frees room, what changes, what is new; then what stays.
#[derive(Clone, Debug, Default)]
pub struct LoadPlan {
    /// The steps.
    pub steps: Vec<LoadStep>,
    /// Whether the namespace holds everything once all is done.
    pub at_rest: Verdict,
    /// Whether it holds the worst moment, old and new pods side by side.
    pub at_peak: Verdict,
    /// Why jobs cannot be made what they should be.
    pub problems: Vec<LoadProblem>,
}

impl LoadPlan {
    /// Returns the steps that write something.
    pub fn changes(&self) -> impl Iterator<Item = &LoadStep> {
        self.steps.iter().filter(|step| step.kind != StepKind::Keep)
    }

    /// Returns whether everything fits, at rest and at the worst moment.
    #[must_use]
    pub fn fits(&self) -> bool {
        self.at_rest.fits() && self.at_peak.fits()
    }
}

/// How a load goes about things.
#[derive(Clone, Debug, Default)]
pub struct LoadOptions<'a> {
    /// The file, as it is noted on what is written; `None` notes none.
    pub file: Option<&'a str>,
    /// Whether jobs that came from the same file, and are no longer in it, are removed.
    pub prunes: bool,
    /// Whether jobs that the platform's jobs service keeps are taken over.
    pub adopts: bool,
}

/// Returns what it takes to make the cluster's jobs those that are asked for.
#[must_use]
pub fn plan_load(requests: &[JobRequest], facts: &JobFacts, options: &LoadOptions<'_>) -> LoadPlan {
    let live = facts.live.jobs_of(&facts.tool);
    let mut plan = LoadPlan::default();
    for request in requests {
        let standing = live.iter().find(|job| job.name == request.name);
        match step(request, standing, facts, options) {
            Ok(step) => plan.steps.push(step),
            Err(problem) => plan.problems.push(problem),
        }
    }
    if options.prunes {
        let wanted: BTreeSet<&JobName> = requests.iter().map(|request| &request.name).collect();
        let goes = |job: &&LiveJob| {
            let file = job.annotation(platform::ANNOTATION_FILE);
            file.is_some() && file == options.file && !wanted.contains(&job.name) && !job.is_leaving()
        };
        let delete = |job: &LiveJob| LoadStep {
            name: job.name.clone(),
            kind: StepKind::Delete,
            plan: None,
            live: Some(job.clone()),
            record: facts.live.recorded.get(&job.name).copied(),
        };
        plan.steps.extend(live.iter().filter(goes).map(delete));
    }
    for step in &plan.steps {
        if step.record.is_some() && step.kind != StepKind::Keep && !options.adopts {
            plan.problems.push(LoadProblem::Recorded { name: step.name.clone() });
        }
    }
    plan.steps.sort_by_key(|step| rank(step, facts));
    judge(&mut plan, facts);
    if plan.at_rest.fits() && !plan.at_peak.fits() {
        // One pod after the other needs no more than what is there at rest.
        for step in &mut plan.steps {
            step.plan = step.plan.take().map(JobPlan::in_place);
        }
        judge(&mut plan, facts);
    }
    plan
}

fn step(
    request: &JobRequest,
    standing: Option<&LiveJob>,
    facts: &JobFacts,
    options: &LoadOptions<'_>,
) -> Result<LoadStep, LoadProblem> {
    let name = request.name.clone();
    let plan = JobPlan::new(request.clone(), facts)
        .map_err(|error| LoadProblem::Plan { name: name.clone(), error })?;
    let plan = match options.file {
        Some(file) => plan.of_file(file),
        None => plan,
    };
    let record = facts.live.recorded.get(&name).copied();
    let Some(live) = standing else {
        return Ok(LoadStep { name, kind: StepKind::Create, plan: Some(plan), live: None, record });
    };
    let mut differences = job_differences(&observe_job(live, facts), plan.request());
    let manifests = render_job(&plan);
    if differences.is_empty() && manifests.service.is_some() && live.service.is_none() {
        let wanted = plan.request().kind.port().map(|port| Untrusted::new(port.to_string()));
        differences.push(JobDifference {
            key: JobKey::Port,
            live: Some(Untrusted::new("no Service")),
            wanted,
        });
    }
    let kind = if differences.is_empty() && !live.is_leaving() {
        StepKind::Keep
    } else if let LiveWorkload::OneOff(run) = &live.workload {
        if !RunOutcome::of(run, &facts.live).is_over() && !live.is_leaving() {
            let keys = differences.iter().map(|difference| difference.key).collect();
            return Err(LoadProblem::UnderWay { name, keys });
        }
        StepKind::Recreate { differences }
    } else if is_changeable(live, &manifests) && !live.is_leaving() {
        StepKind::Update { differences }
    } else {
        StepKind::Recreate { differences }
    };
    Ok(LoadStep { name, kind, plan: Some(plan), live: Some(live.clone()), record })
}

/// Returns whether a live object can become the wanted one: it is of the same kind, and a Deployment's selector, which
/// never changes, is today's.
fn is_changeable(live: &LiveJob, wanted: &JobManifests) -> bool {
    match (&live.workload, &wanted.workload) {
        (LiveWorkload::Scheduled(_), Workload::Scheduled(_)) => true,
        (LiveWorkload::Continuous(live), Workload::Continuous(wanted)) => {
            let selector = |spec: Option<&k8s_openapi::api::apps::v1::DeploymentSpec>| {
                spec.and_then(|spec| spec.selector.match_labels.clone())
            };
            selector(live.spec.as_ref()) == selector(wanted.spec.as_ref())
        }
        _ => false,
    }
}

/// Returns the place of a step: what frees room comes first.
fn rank(step: &LoadStep, facts: &JobFacts) -> u8 {
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
        (StepKind::Keep, _) | (_, None) => Demand::default(),
        // A change of the schedule does not touch the run that is under way.
        (StepKind::Update { .. }, Some(LiveJob { workload: LiveWorkload::Scheduled(_), .. })) => {
            [(toolforge_quota::Resource::Count("cronjobs.batch".to_owned()), 1)].into_iter().collect()
        }
        (_, Some(live)) => demand_of_live_job(live, &facts.live, &facts.limit_ranges),
    }
}

/// Returns what a step takes, once it is done.
fn takes(step: &LoadStep, facts: &JobFacts) -> Demand {
    match (&step.kind, &step.plan) {
        (StepKind::Keep | StepKind::Delete, _) | (_, None) => Demand::default(),
        (_, Some(plan)) => demand_of_job(&render_job(plan), &facts.limit_ranges),
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
    if replicas == 1 || differences.iter().all(|difference| difference.key == JobKey::Replicas) {
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
        pod.map(|pod| of_pod(pod, &facts.limit_ranges)).unwrap_or_default()
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
    takes.most(&rolling_peak(&old, &new, update))
}

fn judge(plan: &mut LoadPlan, facts: &JobFacts) {
    let sum = |amounts: &mut dyn Iterator<Item = Demand>| {
        amounts.fold(Demand::default(), |mut sum, amount| {
            sum.add_all(&amount);
            sum
        })
    };
    let released = sum(&mut plan.steps.iter().map(|step| releases(step, facts)));
    let taken = sum(&mut plan.steps.iter().map(|step| takes(step, facts)));
    let taken_at_peak = sum(&mut plan.steps.iter().map(|step| takes_at_peak(step, facts)));
    plan.at_rest = at_rest(&facts.quotas, &released, &taken);
    plan.at_peak = at_rest(&facts.quotas, &released, &taken_at_peak);
    plan.problems.retain(|problem| !matches!(problem, LoadProblem::NeverFits { .. }));
    for step in plan.steps.iter().filter(|step| !matches!(step.kind, StepKind::Keep | StepKind::Delete)) {
        let Some(job) = &step.plan else { continue };
        let manifests = render_job(job);
        let wanted = LiveJob::of_manifests(&manifests);
        let pod = wanted.workload.template().and_then(|template| template.spec.as_ref());
        for container in pod.into_iter().flat_map(|pod| containers_of_pod(pod, &facts.limit_ranges)) {
            for violation in violations(&facts.limit_ranges, &container) {
                if !plan.at_rest.violations.contains(&violation) {
                    plan.at_rest.violations.push(violation);
                }
            }
        }
        if let Workload::Scheduled(_) = manifests.workload {
            let run = demand_of_run(&manifests, &facts.limit_ranges);
            let empty: Vec<_> = facts
                .quotas
                .iter()
                .cloned()
                .map(|mut quota| {
                    quota.used.clear();
                    quota
                })
                .collect();
            if let Some(row) = at_rest(&empty, &Demand::default(), &run).shortfalls().next() {
                plan.problems.push(LoadProblem::NeverFits { name: step.name.clone(), row: row.to_string() });
            }
        }
    }
}
