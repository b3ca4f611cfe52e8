//! What it takes to make the cluster's jobs those of a file.

mod judge;
mod step;

use std::collections::BTreeSet;

use toolforge_model::{JobField, JobName, JobRequest, platform};
use toolforge_quota::{Demand, Limits, QuotaCheck};

use crate::job::{JobDifference, JobFacts, JobPlan, JobPlanError, LiveJob, RecordedJob};

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
        keys: Vec<JobField>,
    },
    /// The tool's domain leads to one job only.
    #[error("the tool's domain leads to one job only, and these are published: {}", names.iter().map(JobName::as_str).collect::<Vec<_>>().join(", "))]
    SeveralPublic {
        /// The jobs' names.
        names: Vec<JobName>,
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

/// All that a load does, in the order in which it is done: what frees room, what changes, what is new; then what stays.
#[derive(Clone, Debug)]
pub struct LoadPlan {
    /// The steps.
    pub steps: Vec<LoadStep>,
    /// Whether the namespace holds everything once all is done.
    pub at_rest: QuotaCheck,
    /// Whether it holds the worst moment, old and new pods side by side.
    pub at_peak: QuotaCheck,
    /// Why jobs cannot be made what they should be.
    pub problems: Vec<LoadProblem>,
}

impl LoadPlan {
    /// Returns a plan without steps.
    fn empty() -> Self {
        let nothing = Limits::default().evaluate(&Demand::default(), &Demand::default(), &[]);
        Self { steps: Vec::new(), at_rest: nothing.clone(), at_peak: nothing, problems: Vec::new() }
    }

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

impl LoadStep {
    /// Returns the file that made the job, where that is another one than the step's own: a load of that file may remove
    /// the job.
    #[must_use]
    pub fn other_file(&self, own: Option<&str>) -> Option<&str> {
        let noted = self.live.as_ref()?.annotation(platform::ANNOTATION_FILE)?;
        (self.kind == StepKind::Keep && own.is_some() && own != Some(noted)).then_some(noted)
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
    /// Whether one-off jobs that have ended are run again, although nothing of them differs.
    pub renews: bool,
}

/// Returns what it takes to make the cluster's jobs those that are asked for.
#[must_use]
pub fn plan_load(requests: &[JobRequest], facts: &JobFacts, options: &LoadOptions<'_>) -> LoadPlan {
    let live = facts.live.jobs_of(&facts.tool);
    let mut plan = LoadPlan::empty();
    for request in requests {
        let standing = live.iter().find(|job| job.name == request.name);
        match step::step(request, standing, facts, options) {
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
    plan.problems.extend(step::several_public(&plan.steps, &live));
    for step in &plan.steps {
        if step.record.is_some() && step.kind != StepKind::Keep && !options.adopts {
            plan.problems.push(LoadProblem::Recorded { name: step.name.clone() });
        }
    }
    plan.steps.sort_by_key(|step| judge::rank(step, facts));
    judge::judge(&mut plan, facts);
    if plan.at_rest.fits() && !plan.at_peak.fits() {
        // One pod after the other needs no more than what is there at rest.
        for step in &mut plan.steps {
            step.plan = step.plan.take().map(JobPlan::in_place);
        }
        judge::judge(&mut plan, facts);
    }
    plan
}
