//! Files of any kind that request objects of a namespace, as one change set: jobs files, templates of web services, and
//! manifests.
//!
//! [`FileContents`] recognizes what a file is by its content, and [`plan_files`] returns what applying all of it does.

mod adjust;
mod adjust_all;
mod applied;
mod comparable;
mod contents;
mod facts;
mod manifest_change;
mod plan;
mod resize;
mod service;
mod stateful_set;

pub use adjust::file_adjustments;
pub(crate) use contents::ANY_DOCUMENT;
pub use contents::{FileContents, FileJobs, FileTemplate};
pub use facts::{FilePlanFacts, LiveObject, LiveObjects};
pub use plan::{FilePlan, FileProblem, FileProblemKind, plan_files};
