//! Jobs: from a request to Kubernetes objects, and back.
//!
//! [`JobPlan`] resolves a request, and [`JobPlan::objects`] renders it. [`observe_job`] reads live objects back into a
//! request, [`job_status`] returns their state, and [`plan_load`] compares a whole file with the live objects.
//!
//! ```
//! use toolforge_images::Catalog;
//! use toolforge_model::{JobOptions, ToolName};
//! use toolforge_render::{job::{JobFacts, JobPlan, observe_job}, namespace::Namespace};
//! let tool: ToolName = "stashbot".parse()?;
//! let options = JobOptions {
//!     name: Some("bot".parse()?),
//!     command: Some("./bot.py".to_owned()),
//!     image: Some("tool-stashbot/bot:latest".parse()?),
//!     is_continuous: true,
//!     ..JobOptions::default()
//! };
//! let request = options.into_request(&tool)?;
//! let facts = JobFacts::new(Namespace::new(&tool, Catalog::bundled()).with_uid(52503));
//! let plan = JobPlan::new(request.clone(), &facts)?;
//! assert_eq!(observe_job(&plan.objects(), &facts), request);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod adjust;
mod calendar;
mod change;
mod demand;
mod duration;
mod facts;
mod file_warning;
mod job_objects;
mod labels;
mod limits_without_runs;
mod load;
mod objects;
mod observe;
mod plan;
mod problem;
mod program_file;
mod request_difference;
mod run_now;
mod runs_after_changes;
mod stagger;
mod unmanaged;
mod workload_ref;
mod wrapper;

pub use adjust::{JobForecast, largest_job, load_adjustments, restart_adjustments, trigger_adjustments};
pub(crate) use adjust::{changed_jobs, largest_jobs, with_size};
pub use calendar::ScheduledJobLoad;
pub(crate) use change::{adoption, own_finalizers};
pub use duration::DurationSource;
pub use facts::{JobFacts, LiveJobs, RecordedJob};
pub use file_warning::{FileFacts, JobFileWarning};
pub use job_objects::{JobObjects, JobWorkload};
pub use labels::{is_job, job_name_of};
pub use limits_without_runs::{quotas_without_runs, simulate_scheduled_jobs, simulate_without_finite_pods};
pub use load::{JobOfOtherFile, LoadOptions, LoadPlan, job_deletions, plan_load, workload_deletions};
pub(crate) use observe::{CommandMarks, command_words};
pub use observe::{
    FailureReason, JobReplicas, JobState, JobStatus, MissedReason, MissedRuns, RunOutcome, job_status,
    observe_job, pod_status, pods_of_job, runs_of_job,
};
pub use plan::{JobPlan, JobPlanError, JobPlanWarning};
pub use problem::LoadProblem;
pub(crate) use program_file::{CommandScope, is_interpreter, located_warnings};
pub use program_file::{command_file_warning, job_file_warnings};
pub use request_difference::job_differences;
pub use run_now::{
    ManualRunRecord, RunNowError, manual_run, manual_run_record, restart_job, resume_job, suspend_job,
    trigger_job,
};
pub use runs_after_changes::{FiniteRun, RunsAfterChanges, conflicts_during_rollout};
pub use stagger::{ScheduleProposal, StaggeredJobs, UnmovedJob, UnmovedReason, stagger};
pub use unmanaged::{FoundWorkload, WorkloadLookupError, usage_of_pod};
pub use workload_ref::{WorkloadRef, WorkloadRefError};
