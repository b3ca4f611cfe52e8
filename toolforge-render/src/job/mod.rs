//! Jobs: from a request to Kubernetes objects, and back.
//!
//! [`JobPlan`] resolves a request, and [`JobPlan::objects`] renders it. [`observe_job`] reads live objects back into a
//! request, [`job_status`] returns their state, and [`plan_load`] compares a whole file with what exists.
//!
//! ```
//! use toolforge_images::Catalog;
//! use toolforge_model::{JobOptions, ToolName};
//! use toolforge_render::namespace::Platform;
//! use toolforge_render::job::{JobFacts, JobPlan, observe_job};
//!
//! let tool: ToolName = "stashbot".parse()?;
//! let options = JobOptions {
//!     name: Some("bot".parse()?),
//!     command: Some("./bot.py".to_owned()),
//!     image: Some("tool-stashbot/bot:latest".parse()?),
//!     is_continuous: true,
//!     ..JobOptions::default()
//! };
//! let request = options.into_request(&tool).map_err(|mistakes| format!("{mistakes:?}"))?;
//! let facts = JobFacts::new(tool, 52503, Catalog::bundled(), Platform::default());
//! let plan = JobPlan::new(request.clone(), &facts)?;
//!
//! // The law of the house: what was rendered is observed as what was asked for.
//! assert_eq!(observe_job(&plan.objects(), &facts), request);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod calendar;
mod change;
mod demand;
mod difference;
mod documents;
mod facts;
mod job_objects;
mod labels;
mod load;
mod objects;
mod observe;
mod plan;
mod run_now;
mod stagger;

pub use calendar::{JobLoad, calendar_of, held_by_runs};
pub use difference::job_differences;
pub use facts::{JobFacts, LiveJobs, RecordedJob};
pub use job_objects::{JobObjects, Workload};
pub use labels::{is_job, job_name_of};
pub use load::{LoadOptions, LoadPlan, LoadProblem, job_deletions, plan_load};
pub use observe::{
    JobState, JobStatus, MissedReason, MissedRuns, RunOutcome, job_status, observe_job, pods_of_job, runs_of,
};
pub use plan::{JobPlan, JobPlanError, JobPlanWarning};
pub use run_now::{RunNowError, manual_run, restart_job, set_suspended, trigger_job};
pub use stagger::{Proposal, stagger};
