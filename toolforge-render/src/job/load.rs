//! The changes that make the jobs of a namespace match a list of requests.

use std::collections::BTreeSet;

use k8s_openapi::jiff::Timestamp;
use toolforge_model::{JobName, JobRequest, Untrusted, platform};
use toolforge_quota::{Demand, Limits, Resource, Verdict};

use crate::change::{Action, Change, ChangeSet, Workload, WorkloadKind};
use crate::job::change::{Current, change_to, change_to_nothing, object_deletion};
use crate::job::{
    FoundWorkload, JobFacts, JobObjects, JobPlan, LoadProblem, RunOutcome, WorkloadRef, job_status,
    pods_of_job, runs_of_job,
};
use crate::object::{Object, ObjectKind, cron_job_spec};
use crate::pod::{least_run_demand, of_live_pods, one_pod_of, shortfalls_when_empty};

/// The result of planning a load.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LoadPlan {
    /// The changes: those that free quota first, then updates, then new jobs, then jobs that are kept.
    pub set: ChangeSet,
    /// The plans of the requested jobs, in the order of the requests.
    pub plans: Vec<JobPlan>,
    /// The problems that prevent the load.
    pub problems: Vec<LoadProblem>,
    /// The requested jobs.
    pub(crate) requested: Vec<Workload>,
    /// Unchanged jobs that belong to another file: loading it may delete them.
    pub from_other_files: Vec<JobOfOtherFile>,
}

/// A job that was created from another file than the one that is loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct JobOfOtherFile {
    /// The job.
    pub name: JobName,
    /// The file's identity, as written on the job's objects.
    pub file: Untrusted,
}

impl AsRef<ChangeSet> for LoadPlan {
    fn as_ref(&self) -> &ChangeSet {
        &self.set
    }
}

impl LoadPlan {
    /// Returns whether everything fits, at rest and at the peak.
    #[must_use]
    pub fn fits(&self) -> bool {
        self.set.fits()
    }

    /// Returns the verdict; a run that exceeds the whole quota never fits.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        if self.never_fitting().next().is_some() { Verdict::Never } else { self.set.verdict() }
    }

    /// Returns the names of the scheduled jobs that never fit.
    pub fn never_fitting(&self) -> impl Iterator<Item = &str> {
        self.problems.iter().filter_map(LoadProblem::never_fitting).chain(self.set.refused_runs())
    }

    /// Returns the loaded jobs that may not run: those with a run that has not started, because later runs may wait for it, and
    /// continuous ones that are kept and [may fail](crate::job::JobStatus::may_fail) according to the facts `before` at `now`.
    #[must_use]
    pub fn jobs_that_may_not_run(&self, before: &JobFacts, now: Timestamp) -> Vec<JobName> {
        let is_kept = |job: &JobObjects| {
            self.set.changes.iter().any(|change| change.is_keep() && change.name == job.name.as_str())
        };
        let starts = |job: &JobObjects| {
            let runs = runs_of_job(job, &before.live);
            runs.iter().any(|run| matches!(RunOutcome::of(run, &before.live), RunOutcome::Starting { .. }))
        };
        let may_fail = |job: &JobObjects| is_kept(job) && job_status(job, &before.live, now).may_fail();
        let mut jobs = before.live.jobs_of(&before.namespace.tool);
        jobs.retain(|job| self.plans.iter().any(|plan| plan.request().name == job.name));
        jobs.retain(|job| starts(job) || may_fail(job));
        jobs.into_iter().map(|job| job.name).collect()
    }

    /// Returns the jobs that have a problem.
    pub fn workloads_with<'a>(&'a self, problem: &'a LoadProblem) -> impl Iterator<Item = Workload> + 'a {
        problem.jobs().iter().map(|name| {
            let requested = self.requested.iter().find(|requested| requested.name == name.as_str());
            // Only jobs that are published are not among the requested ones, and these are continuous.
            let published = || Workload::new(WorkloadKind::Continuous, name.as_str(), None);
            requested.cloned().unwrap_or_else(published)
        })
    }

    /// Returns the plan of a requested job.
    #[must_use]
    pub fn plan(&self, name: &str) -> Option<&JobPlan> {
        self.plans.iter().find(|plan| plan.request().name.as_str() == name)
    }
}

/// Options of a load.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct LoadOptions<'a> {
    /// The file that is written on the objects; `None` writes none.
    pub file: Option<&'a str>,
    /// Whether jobs that belong to the file and are no longer in it are deleted.
    pub prunes: bool,
    /// Whether jobs that the platform's jobs service manages are adopted.
    pub adopts: bool,
    /// The jobs to wait for: the changes of jobs that follow one of them in the requests are applied after it finishes.
    pub waits_for: Vec<JobName>,
    /// The requested jobs that an earlier attempt has applied: they are left unchanged.
    pub done: Vec<JobName>,
}

impl<'a> LoadOptions<'a> {
    /// Returns the options for the jobs of a file, which is written on the objects.
    #[must_use]
    pub fn of_file(file: &'a str) -> Self {
        Self { file: Some(file), ..Self::default() }
    }
}

/// Returns the changes that make the jobs of a namespace match the requests. Each job is rendered once.
#[must_use]
pub fn plan_load(requests: &[JobRequest], facts: &JobFacts, options: &LoadOptions<'_>) -> LoadPlan {
    let live = facts.live.jobs_of(&facts.namespace.tool);
    let record = |name: &JobName| facts.live.recorded.get(name).copied();
    let (mut changes, mut plans) = (Vec::new(), Vec::new());
    let (mut problems, mut from_other_files) = (Vec::new(), Vec::new());
    let mut stage = 0;
    for request in requests {
        let name = &request.name;
        let own_stage = stage;
        let is_awaited = options.waits_for.contains(name);
        stage += usize::from(is_awaited);
        if options.done.contains(name) {
            continue;
        }
        let found = live.iter().find(|job| job.name == *name);
        let plan = match JobPlan::new(request.clone(), facts) {
            Ok(plan) => plan.of_file(options.file),
            Err(error) => {
                problems.push(LoadProblem::Plan { name: name.clone(), error });
                continue;
            }
        };
        let current = Current { live: found, record: record(name) };
        match change_to(&plan, &current, facts, options.adopts) {
            Ok(mut change) => {
                (change.stage, change.is_awaited) = (own_stage, is_awaited);
                if let Some(job) = found.filter(|_| is_awaited && change.is_keep()) {
                    change.running = running_demand(job, facts);
                }
                if change.is_keep()
                    && let Some(other) = found.and_then(|job| other_file(job, options.file))
                {
                    from_other_files.push(JobOfOtherFile { name: name.clone(), file: Untrusted::new(other) });
                }
                if change.adopts && !options.adopts {
                    problems.push(LoadProblem::Recorded { name: name.clone() });
                }
                changes.push(change);
            }
            Err(problem) => problems.push(problem),
        }
        plans.push(plan);
    }
    if options.prunes {
        let wanted: BTreeSet<&JobName> = requests.iter().map(|request| &request.name).collect();
        let is_pruned = |job: &&JobObjects| {
            let file = job.annotation(platform::ANNOTATION_FILE);
            file.is_some() && file == options.file && !wanted.contains(&job.name) && !job.is_terminating()
        };
        for job in live.iter().filter(is_pruned) {
            let current = Current { live: Some(job), record: record(&job.name) };
            let change = change_to_nothing(&job.name, &current, facts);
            if change.adopts && !options.adopts {
                problems.push(LoadProblem::Recorded { name: job.name.clone() });
            }
            changes.push(change);
        }
    }
    problems.extend(several_public(&plans, &changes, &live));
    let set = facts.change_set(changes);
    problems
        .extend(set.changes.iter().filter_map(|change| never_fits(change, &set, &facts.namespace.limits)));
    let requested = requests
        .iter()
        .map(|request| Workload::new(WorkloadKind::of(&request.kind), request.name.as_str(), None));
    LoadPlan { set, plans, problems, requested: requested.collect(), from_other_files }
}

/// Returns the changes that delete all jobs with names; a job may have only a record.
#[must_use]
pub fn job_deletions<'a>(names: impl IntoIterator<Item = &'a JobName>, facts: &JobFacts) -> ChangeSet {
    let live = facts.live.jobs_of(&facts.namespace.tool);
    let mut jobs: Vec<WorkloadRef> = Vec::new();
    let mut seen = BTreeSet::new();
    for name in names.into_iter().filter(|name| seen.insert(*name)) {
        let before = jobs.len();
        jobs.extend(live.iter().filter(|job| job.name == *name).map(JobObjects::workload_ref));
        if jobs.len() == before {
            jobs.push(WorkloadRef { kind: None, name: name.clone() });
        }
    }
    workload_deletions(&jobs, &[], facts)
}

/// Returns the changes that delete jobs, and other objects if they have not changed since they were read. Several jobs of
/// different kinds may have the same name.
#[must_use]
pub fn workload_deletions(jobs: &[WorkloadRef], others: &[FoundWorkload], facts: &JobFacts) -> ChangeSet {
    let live = facts.live.jobs_of(&facts.namespace.tool);
    let mut records = facts.live.recorded.clone();
    let mut change = |job: &WorkloadRef| {
        let has_kind = |found: &JobObjects| job.kind.is_none_or(|kind| kind == found.workload.kind());
        let current = Current {
            live: live.iter().find(|found| found.name == job.name && has_kind(found)),
            record: records.remove(&job.name),
        };
        change_to_nothing(&job.name, &current, facts)
    };
    let jobs: Vec<Change> = jobs.iter().map(&mut change).collect();
    let changes = jobs.into_iter().chain(others.iter().map(object_deletion)).collect();
    ChangeSet::new(changes, &Limits::default())
}

/// Returns what the pods of a job use until they have finished.
fn running_demand(job: &JobObjects, facts: &JobFacts) -> Demand {
    let pods = of_live_pods(pods_of_job(job, &facts.live), &facts.namespace.limits.limit_ranges);
    let ends = pods.iter().filter(|(resource, _)| !matches!(resource, Resource::Count(_)));
    ends.map(|(resource, amount)| (resource.clone(), amount)).collect()
}

/// Returns the file of a job, if it is a different one.
fn other_file<'a>(job: &'a JobObjects, own: Option<&str>) -> Option<&'a str> {
    let noted = job.annotation(platform::ANNOTATION_FILE)?;
    (own.is_some() && own != Some(noted)).then_some(noted)
}

/// Returns the problem that several jobs would be published after the load.
fn several_public(plans: &[JobPlan], changes: &[Change], live: &[JobObjects]) -> Option<LoadProblem> {
    let is_public = |plan: &&JobPlan| plan.request().kind.port().is_some_and(|port| port.is_public());
    let is_touched = |job: &&JobObjects| changes.iter().any(|change| change.name == job.name.as_str());
    let wanted = plans.iter().filter(is_public).map(|plan| plan.request().name.clone());
    let others = live.iter().filter(|job| !is_touched(job) && job.http_route.is_some());
    let names: Vec<JobName> = wanted.chain(others.map(|job| job.name.clone())).collect();
    (names.len() > 1).then_some(LoadProblem::SeveralPublic { names })
}

/// Returns why a run of a scheduled job could not start even in an empty namespace.
fn never_fits(change: &Change, set: &ChangeSet, limits: &Limits) -> Option<LoadProblem> {
    if matches!(change.action, Action::Keep | Action::Delete) {
        return None;
    }
    let owner = change.demand.pods.first().and_then(|pod| pod.object.as_ref());
    // Exceeding a limit is reported as such.
    if set.at_rest.violations().iter().any(|violation| violation.object.as_ref() == owner) {
        return None;
    }
    let object = change.objects().find(|object| object.kind() == ObjectKind::CronJob)?;
    let Object::CronJob(cron_job) = object else { return None };
    let spec = cron_job_spec(cron_job)?.job_template.spec.as_ref()?;
    let run = least_run_demand(spec, &one_pod_of(object, &limits.limit_ranges));
    let shortfalls = shortfalls_when_empty(&run, &change.demand.pods, limits);
    let name = change.name.parse().ok()?;
    (!shortfalls.is_empty()).then_some(LoadProblem::NeverFits { name, shortfalls })
}
