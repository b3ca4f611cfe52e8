//! What it takes so that the cluster's jobs are those of a file.

use std::collections::BTreeSet;

use toolforge_model::{JobField, JobName, JobRequest, Untrusted, platform};
use toolforge_quota::{Demand, Limits, ResourceCheck, ResourceQuota};

use crate::change::{Action, Change, ChangeSet};
use crate::job::change::{Current, Manner, change_to, change_to_nothing};
use crate::job::{JobFacts, JobObjects, JobPlan, JobPlanError};
use crate::object::ObjectKind;
use crate::pod::one_pod_of;

/// Why a job cannot become what it should be.
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
    #[error("one-off job {name} is running and differs from what is wanted: {}", keys.iter().map(|key| key.as_str()).collect::<Vec<_>>().join(", "))]
    UnderWay {
        /// The job's name.
        name: JobName,
        /// What differs.
        keys: Vec<JobField>,
    },
    /// The tool's domain leads to one job only.
    #[error("the tool's domain leads to one job only, and these are published: {}", names.iter().map(JobName::as_str).collect::<Vec<_>>().join(", "))]
    SeveralPublic {
        /// The jobs' names.
        names: Vec<JobName>,
    },
    /// One run requests more than the namespace may ever use.
    #[error("a run of job {name} never fits: {shortfall}")]
    NeverFits {
        /// The job's name.
        name: JobName,
        /// The quota and the resource.
        shortfall: Box<ResourceCheck>,
    },
}

impl LoadProblem {
    /// Returns the job whose problem it is, where it is one job's.
    #[must_use]
    pub fn job(&self) -> Option<&JobName> {
        match self {
            Self::Plan { name, .. }
            | Self::Recorded { name }
            | Self::UnderWay { name, .. }
            | Self::NeverFits { name, .. } => Some(name),
            Self::SeveralPublic { .. } => None,
        }
    }
}

/// All that a load does.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LoadPlan {
    /// What is done to each job: what frees quota first, then what changes, then what is new; then what is kept.
    pub set: ChangeSet,
    /// The plans of the jobs that are asked for, in their order.
    pub plans: Vec<JobPlan>,
    /// Why jobs cannot become what they should be.
    pub problems: Vec<LoadProblem>,
    /// Jobs that are kept as they are and came from another file, with that file: a load of it may delete them.
    pub from_other_files: Vec<(JobName, Untrusted)>,
}

impl LoadPlan {
    /// Returns whether everything fits, at rest and at the worst moment.
    #[must_use]
    pub fn fits(&self) -> bool {
        self.set.fits()
    }

    /// Returns the plan of a job that is asked for.
    #[must_use]
    pub fn plan(&self, name: &str) -> Option<&JobPlan> {
        self.plans.iter().find(|plan| plan.request().name.as_str() == name)
    }
}

/// How a load goes about things.
#[derive(Clone, Debug, Default)]
pub struct LoadOptions<'a> {
    /// The file, as it is noted on what is written; `None` notes none.
    pub file: Option<&'a str>,
    /// Whether jobs that came from the same file, and are no longer in it, are deleted.
    pub prunes: bool,
    /// Whether jobs that the platform's jobs service keeps are taken over.
    pub adopts: bool,
    /// Whether one-off jobs whose run is over are run again, although nothing of them differs.
    pub renews: bool,
}

/// Returns what it takes so that the cluster's jobs are those that are asked for. Each job is rendered once.
#[must_use]
pub fn plan_load(requests: &[JobRequest], facts: &JobFacts, options: &LoadOptions<'_>) -> LoadPlan {
    let live = facts.live.jobs_of(&facts.tool);
    let record = |name: &JobName| facts.live.recorded.get(name).copied();
    let manner = Manner { adopts: options.adopts, renews: options.renews };
    let (mut changes, mut plans) = (Vec::new(), Vec::new());
    let (mut problems, mut from_other_files) = (Vec::new(), Vec::new());
    for request in requests {
        let name = &request.name;
        let found = live.iter().find(|job| job.name == *name);
        let plan = match JobPlan::new(request.clone(), facts) {
            Ok(plan) => plan.of_file(options.file),
            Err(error) => {
                problems.push(LoadProblem::Plan { name: name.clone(), error });
                continue;
            }
        };
        let current = Current { live: found, record: record(name) };
        match change_to(&plan, &current, facts, manner) {
            Ok(change) => {
                if change.is_keep()
                    && let Some(other) = found.and_then(|job| other_file(job, options.file))
                {
                    from_other_files.push((name.clone(), Untrusted::new(other)));
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
        let goes = |job: &&JobObjects| {
            let file = job.annotation(platform::ANNOTATION_FILE);
            file.is_some() && file == options.file && !wanted.contains(&job.name) && !job.is_leaving()
        };
        for job in live.iter().filter(goes) {
            let current = Current { live: Some(job), record: record(&job.name) };
            let change = change_to_nothing(&job.name, &current, facts);
            if change.adopts && !options.adopts {
                problems.push(LoadProblem::Recorded { name: job.name.clone() });
            }
            changes.push(change);
        }
    }
    problems.extend(several_public(&plans, &changes, &live));
    let set = ChangeSet::new(changes, &facts.limits);
    problems.extend(set.changes.iter().filter_map(|change| never_fits(change, &set, &facts.limits)));
    LoadPlan { set, plans, problems, from_other_files }
}

/// Returns what is deleted with jobs; a name may be that of a job of which only a record exists.
#[must_use]
pub fn job_deletions<'a>(names: impl IntoIterator<Item = &'a JobName>, facts: &JobFacts) -> ChangeSet {
    let live = facts.live.jobs_of(&facts.tool);
    let change = |name: &JobName| {
        let current = Current {
            live: live.iter().find(|job| job.name == *name),
            record: facts.live.recorded.get(name).copied(),
        };
        change_to_nothing(name, &current, facts)
    };
    let changes = names.into_iter().map(change).collect();
    ChangeSet::new(changes, &Limits::default())
}

/// Returns the file that created a job, where that is another one.
fn other_file<'a>(job: &'a JobObjects, own: Option<&str>) -> Option<&'a str> {
    let noted = job.annotation(platform::ANNOTATION_FILE)?;
    (own.is_some() && own != Some(noted)).then_some(noted)
}

/// Returns the problem of a domain to which several jobs would lay claim once all is done.
fn several_public(plans: &[JobPlan], changes: &[Change], live: &[JobObjects]) -> Option<LoadProblem> {
    let is_public = |plan: &&JobPlan| plan.request().kind.port().is_some_and(|port| port.is_public());
    let is_touched = |job: &&JobObjects| changes.iter().any(|change| change.name == job.name.as_str());
    let wanted = plans.iter().filter(is_public).map(|plan| plan.request().name.clone());
    let others = live.iter().filter(|job| !is_touched(job) && job.http_route.is_some());
    let names: Vec<JobName> = wanted.chain(others.map(|job| job.name.clone())).collect();
    (names.len() > 1).then_some(LoadProblem::SeveralPublic { names })
}

/// Returns why a run of a scheduled job could not even start in an empty namespace.
fn never_fits(change: &Change, set: &ChangeSet, limits: &Limits) -> Option<LoadProblem> {
    if matches!(change.action, Action::Keep | Action::Delete) {
        return None;
    }
    let owner = change.demand.containers.first().and_then(|container| container.object.as_ref());
    // What breaks a limit is reported as that.
    if set.at_rest.violations().iter().any(|violation| violation.object.as_ref() == owner) {
        return None;
    }
    let cron_job = change.objects().find(|object| object.kind() == ObjectKind::CronJob)?;
    let run = one_pod_of(cron_job, &limits.limit_ranges);
    let unused = |quota: &ResourceQuota| {
        let mut quota = quota.clone();
        quota.used = Demand::default();
        quota
    };
    let quotas = limits.quotas.iter().map(unused).collect();
    let empty = Limits { quotas, ..Limits::default() };
    let check = empty.evaluate(&Demand::default(), &run, &[]);
    let shortfall = Box::new(check.shortfalls().next()?.clone());
    Some(LoadProblem::NeverFits { name: change.name.parse().ok()?, shortfall })
}
