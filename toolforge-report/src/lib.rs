//! The JSON documents and the exit codes of `webservice`, `jobs` and `quota-check`.
//!
//! The programs build their output from these types, and other programs can read it with them. The crate has no I/O and
//! does not depend on Kubernetes. `docs/reference/json.md` is generated from it, see [`reference()`].
//!
//! ```
//! use toolforge_report::{Document, ExitCode, QuotaReport, QuotaState};
//!
//! // Standard output of `quota-check --output json`.
//! let json = r#"{
//!     "apiVersion": "cli.toolforge.org/v1", "kind": "QuotaReport", "tool": "stashbot", "limits": [], "unread": [],
//!     "quotas": [{"name": "tool-stashbot", "scopes": [], "resources": [
//!         {"resource": "pods", "hard": "4", "used": "4", "state": "blocked"}
//!     ]}]
//! }"#;
//! let document: Document<QuotaReport> = serde_json::from_str(json).unwrap();
//! assert_eq!(document.body.quotas[0].resources[0].state, QuotaState::Blocked);
//! assert_eq!(ExitCode::from(3), ExitCode::DoesNotFit);
//! ```
//!
//! Fields are added in later versions and never renamed or removed while `apiVersion` stays the same; readers ignore
//! fields that they do not know. A code that a reader does not know is read as `Other`.

mod apply;
mod audit;
mod cron;
mod describe;
mod document;
mod exit_code;
mod failure;
mod fleet;
mod image;
mod job;
mod lint;
mod plan;
mod quota;
mod reference;
mod web_service;
mod workload;

pub use apply::{AppliedChange, ApplyReport, DryRun, ObjectResult, Outcome, WriteKind};
pub use audit::{AuditCode, AuditFinding, NamespaceAudit, QuotaAudit};
pub use cron::{
    BlockedRun, CalendarConflict, CalendarJob, CalendarResource, CalendarShortfall, CronCalendar, CronJob,
    CronJobList, CronSuggestion, CronSuggestions, LeftOutJob, LeftOutReason, RunResult, ScheduleWarning,
    ScheduleWarningCode, UnmovedJob, UnmovedReason,
};
pub use document::{API_VERSION, Document, Kind};
pub use exit_code::ExitCode;
pub use failure::{DetailCode, Failure, FailureCode, FailureDetail, Note, NoteLevel, Notes};
pub use fleet::{Fleet, FleetChange, FleetChangeCode, FleetQuota, FleetState, FleetSummary, FormerLimit};
pub use image::{ImageState, ImageType, ImageTypes, Runner};
pub use job::{
    FileLog, HealthCheck, Job, JobList, JobState, JobStatus, MissedReason, MissedRuns, ShortState,
    UnmanagedWorkload, UsedResource,
};
pub use lint::{Level, LintEdit, LintFinding, LintFix, LintReport, LintedFile};
pub use plan::{
    Action, Adjustment, Difference, Downtime, FileChange, FilePlan, JobChange, LoadPlan, ObjectChange,
    PlanProblem, PlanWarning, PlanWarningCode, PodPart, ProblemCode, QuotaRow, RestartForecast, Rollout,
    SizePart, Violation, ViolationCode, WebServicePlan, WhatIf,
};
pub use quota::{
    BlockedObject, ContainerLimits, LimitRange, Quota, QuotaNote, QuotaReport, QuotaState, ResourceUsage,
    UpcomingRun, Verdict, WorkloadUsage,
};
pub use reference::reference;
pub use web_service::{
    Cause, CauseCode, Check, CheckCode, CheckLevel, Diagnosis, LastTermination, LocalCommand, Mount, Routing,
    TerminationCode, WebServiceRequest, WebServiceState, WebServiceStatus,
};
pub use workload::WorkloadType;
