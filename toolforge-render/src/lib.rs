//! From the request of a Toolforge tool's owner to Kubernetes objects, and back.
//!
//! This crate knows Kubernetes objects, and never talks to a cluster. Data goes through it once: a request and the facts of
//! a namespace become a plan ([`WebServicePlan`], [`JobPlan`]), the plan becomes [`Object`]s, and the difference from the
//! live objects becomes a [`ChangeSet`]: the steps, their order, and whether they fit the quota, at rest and at the peak of
//! the rollout. In the other direction, live objects are read as a request, as a status, and as the causes of failure.
//!
//! It does no I/O: facts and the current time are arguments, and the results are data. `toolforge-client` fetches facts and
//! applies change sets.
//!
//! ```
//! use toolforge_images::Catalog;
//! use toolforge_model::{HealthCheck, Replicas, ToolName, WebServiceImage, WebServiceRequest};
//! use toolforge_render::{
//!     Namespace, PlanOptions, StartTime, WebServiceFacts, WebServicePlan, observe_web_service_request, web_service_changes,
//! };
//!
//! let tool: ToolName = "stashbot".parse()?;
//! let request = WebServiceRequest {
//!     image: WebServiceImage::from_type_name("php8.2".parse()?, &tool),
//!     tool: tool.clone(),
//!     cpu: None,
//!     memory: Some("1Gi".parse()?),
//!     replicas: Replicas::ONE,
//!     arguments: Vec::new(),
//!     health_check: HealthCheck::Port,
//! };
//! let mut facts = WebServiceFacts::new(Namespace::new(&tool, Catalog::bundled()));
//! let plan = WebServicePlan::new(request.clone(), &facts, PlanOptions::default())?;
//! let changes = web_service_changes(&plan, &facts, StartTime::Keep);
//! assert_eq!(changes.at_peak.to_string(), "fits");
//!
//! // The round-trip invariant: rendered objects are observed as the request that they were rendered from.
//! facts.live = changes.objects().cloned().collect();
//! assert_eq!(observe_web_service_request(&facts)?, request);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod change;
pub mod convert;
pub mod files;
pub mod job;
pub mod lint;
pub mod manifest;
pub mod namespace;
pub mod object;
mod plan;
pub mod pod;
mod rendered;
pub mod usage;
pub mod web_service;

pub use change::{
    Action, Change, ChangeSet, Downtime, ResourceForecast, Rollout, Step, StepAction, WorkloadKind,
};
pub use job::{
    JobFacts, JobObjects, JobPlan, JobPlanError, JobPlanWarning, JobReplicas, JobState, JobStatus,
    JobWorkload, LiveJobs, LoadOptions, LoadPlan, LoadProblem, MissedReason, MissedRuns, RecordedJob,
    RunNowError, RunOutcome, ScheduleProposal, ScheduledJobLoad, demand_of_current_runs, is_job,
    job_deletions, job_differences, job_name_of, job_status, manual_run, observe_job, plan_load, pods_of_job,
    restart_job, resume_job, runs_of_job, simulate_scheduled_jobs, stagger, suspend_job, trigger_job,
};
pub use namespace::{
    Documents, DocumentsError, Namespace, Platform, PublicScheme, PublicSchemeError, limit_range, limits,
    resource_quota,
};
pub use object::{
    Difference, FieldPath, HttpRoute, HttpRouteBackendRef, HttpRouteCondition, HttpRouteParentRef,
    HttpRouteParentStatus, HttpRouteRule, HttpRouteSpec, HttpRouteStatus, Object, ObjectId, ObjectKind,
    PathSegment, RouteAcceptance, UnknownKindError, differences, to_json_list, to_yaml,
};
pub use plan::Plan;
pub use pod::{
    Cause, ContainerRun, Evidence, LastTermination, LiveRollout, PodResources, RolloutObjects,
    RolloutProgress, container_runs, main_container, pod_demand,
};
pub use web_service::{
    HomeFiles, LiveWebService, LocalOptions, LocalUser, MissingRequirement, ObserveError, OrphanedShell,
    ParseShellOwnerError, PlanError, PlanOptions, PlanWarning, QuotaConsumer, ResolveError, ResolvedRequest,
    RouteStatus, Routing, ShellHost, ShellName, ShellOwner, ShellProcess, ShellProgress, StartTime,
    TypeSource, WebServiceFacts, WebServiceObservation, WebServicePlan, WebServiceSettings, WebServiceState,
    WebServiceStatus, check_requirements, default_type, is_web_service_pod, local_command, newest_ready_pod,
    observe_web_service, observe_web_service_request, orphaned_shells, quota_consumers, resolve_request,
    shell_command, shell_pod, shell_progress, shell_verdict, web_service_causes, web_service_changes,
    web_service_deletion, web_service_log_file, web_service_progress,
};

pub use k8s_openapi::jiff;
pub use {k8s_openapi, serde_json};
