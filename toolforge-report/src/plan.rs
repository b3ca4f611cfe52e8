use toolforge_model::{ToolName, Untrusted};

use crate::QuotaNote;
use crate::cron::{BlockedRun, CalendarConflict};
use crate::describe::{codes, structs};
use crate::quota::Verdict;
use crate::web_service::{Routing, WebServiceRequest};
use crate::workload::WorkloadType;

structs! {
    /// What `webservice start` would change: `webservice plan`.
    pub struct WebServicePlan {
        /// The request.
        pub request: WebServiceRequest,
        /// Image of the pods.
        pub image: String,
        /// Host name of the route.
        pub host: String,
        /// Kind of the route.
        pub routing: Routing,
        /// Whether it fits the quotas and limits; `null` if no quota is known, or one is not counted yet.
        pub fits: Option<bool>,
        /// Whether and when it fits, and if not, why.
        pub verdict: Verdict,
        /// The nearest sizes that fit, or, where it fits with downtime, that have none.
        pub adjustments: Vec<Adjustment>,
        /// How the pods are replaced; `null` if they are not.
        pub rollout: Option<Rollout>,
        /// When no pod serves requests; `null` if there is no downtime.
        pub downtime: Option<Downtime>,
        /// The objects, in the order in which they are applied.
        pub objects: Vec<ObjectChange>,
        /// The quotas.
        pub quotas: Vec<QuotaRow>,
        /// Limits that are exceeded.
        pub violations: Vec<Violation>,
        /// What a restart would do after the plan is applied; `null` if no pod of a web service runs or should run.
        pub restart: Option<RestartForecast>,
        /// Runs of scheduled jobs that exceed a quota together within 24 hours after the plan is applied, because of it.
        pub conflicts: Vec<CalendarConflict>,
    }

    /// What a restart of a running web service or continuous job would do.
    pub struct RestartForecast {
        /// Whether it fits the quotas and limits; if not, nothing would be changed. `null` if no quota is known, or one is not counted yet.
        pub fits: Option<bool>,
        /// Whether and when it fits, and if not, why.
        pub verdict: Verdict,
        /// The nearest sizes that fit, or, where it fits with downtime, that have none.
        pub adjustments: Vec<Adjustment>,
        /// How the pods would be replaced.
        pub rollout: Option<Rollout>,
        /// When no pod would run; `null` if there would be no downtime.
        pub downtime: Option<Downtime>,
        /// The quotas.
        pub quotas: Vec<QuotaRow>,
    }

    /// What happens to a Kubernetes object.
    pub struct ObjectChange {
        /// Action on the object.
        pub action: Action,
        /// Kind of the object.
        pub object_kind: String,
        /// Name of the object.
        pub name: String,
        /// The fields that differ.
        pub differences: Vec<Difference>,
    }

    /// What `jobs load` would change: `jobs plan`, `jobs load --dry-run`, `jobs run --dry-run`.
    pub struct LoadPlan {
        /// Whether it can be applied and fits the quotas and limits; `null` if no quota is known, or one is not counted yet.
        pub fits: Option<bool>,
        /// Whether and when it fits, and if not, why.
        pub verdict: Verdict,
        /// The nearest sizes of a single job that make everything fit, and the nearest schedules that make the runs of a job fit.
        pub adjustments: Vec<Adjustment>,
        /// The jobs, in the order in which they are applied.
        pub changes: Vec<JobChange>,
        /// The quotas.
        pub quotas: Vec<QuotaRow>,
        /// Limits that are exceeded.
        pub violations: Vec<Violation>,
        /// Why it cannot be applied.
        pub problems: Vec<PlanProblem>,
        /// Possible problems that do not prevent applying.
        pub warnings: Vec<PlanWarning>,
        /// Runs of scheduled jobs that exceed a quota together within 24 hours after the load, except those that cannot start.
        pub conflicts: Vec<CalendarConflict>,
        /// Scheduled jobs and CronJobs that can never start, because workloads that keep running use the quota.
        pub blocked_runs: Vec<BlockedRun>,
    }

    /// A possible problem of a job.
    pub struct PlanWarning {
        /// The code.
        pub code: PlanWarningCode,
        /// Type of the workload.
        pub r#type: WorkloadType,
        /// Kind of its object, like `Deployment`; `null` if there is none.
        pub object_kind: Option<Untrusted>,
        /// Name of the job or the object; of a web service, that of the tool.
        pub name: Untrusted,
        /// The code as a sentence, for people.
        pub message: String,
    }

    /// What happens to a job.
    pub struct JobChange {
        /// Action on the workload.
        pub action: Action,
        /// Type of the workload.
        pub r#type: WorkloadType,
        /// Kind of its object, like `Deployment`; `null` if there is none.
        pub object_kind: Option<Untrusted>,
        /// Name of the job or the object; of a web service, that of the tool.
        pub name: Untrusted,
        /// How the pods of a continuous job are replaced; `null` if they are not.
        pub rollout: Option<Rollout>,
        /// When no pod of a continuous job runs; `null` if there is no downtime.
        pub downtime: Option<Downtime>,
        /// What a restart would do instead; `null` unless a continuous job is kept, and in the output of a dry run.
        pub restart: Option<RestartForecast>,
        /// The fields that differ.
        pub differences: Vec<Difference>,
    }

    /// A field that differs.
    pub struct Difference {
        /// Key in a jobs file; `null` for a web service, and for a field without a key.
        pub key: Option<String>,
        /// JSON Pointer into the object.
        pub path: String,
        /// The current value; `null` if there is none.
        pub live: Option<Untrusted>,
        /// The planned value; `null` if there is none.
        pub wanted: Option<Untrusted>,
    }

    /// What a change uses of a resource of a quota, as Kubernetes quantities.
    pub struct QuotaRow {
        /// Name of the ResourceQuota.
        pub quota: String,
        /// Name of the resource.
        pub resource: String,
        /// The limit.
        pub hard: String,
        /// The usage now.
        pub used: String,
        /// The usage after the change.
        pub after: String,
        /// The highest usage during the change.
        pub peak: String,
        /// Whether it fits, also during the change.
        pub fits: bool,
        /// Why the numbers are not exact; `null` if they are.
        pub note: Option<QuotaNote>,
    }

    /// A smaller size or another rollout of one workload that makes everything fit, or another schedule that makes its runs
    /// fit. Each amount is the largest that fits, and each schedule the nearest. `null` fields do not change.
    pub struct Adjustment {
        /// Type of the workload.
        pub r#type: WorkloadType,
        /// Kind of its object, like `Deployment`; `null` if there is none.
        pub object_kind: Option<Untrusted>,
        /// Name of the job or the object; of a web service, that of the tool.
        pub name: Untrusted,
        /// Memory limit of each pod.
        pub memory: Option<String>,
        /// CPU limit of each pod.
        pub cpu: Option<String>,
        /// Memory request of each pod, where the one that is stated is above the limit or below the minimum.
        pub memory_request: Option<String>,
        /// CPU request of each pod, where the one that is stated is above the limit or below the minimum.
        pub cpu_request: Option<String>,
        /// Whose amounts these are; `null` for those of the only container.
        pub part: Option<PodPart>,
        /// Name of the container or init container; `null` for another part.
        pub container: Option<Untrusted>,
        /// Number of pods.
        pub replicas: Option<u64>,
        /// Number of pods at once of a Job, or of a run of a CronJob (`parallelism`).
        pub parallelism: Option<u64>,
        /// How its pods are replaced.
        pub rollout: Option<Rollout>,
        /// Schedule of the job, as a cron expression.
        pub schedule: Option<String>,
        /// When nothing runs with it; `null` if there is no downtime.
        pub downtime: Option<Downtime>,
        /// What else must change at the same time, mostly the same of other workloads; empty where this alone is enough.
        pub also: Vec<Adjustment>,
    }

    /// How large a workload may be: `quota-check what-if`.
    pub struct WhatIf {
        /// The tool.
        pub tool: ToolName,
        /// Type of the workload.
        pub r#type: WorkloadType,
        /// Kind of its object, like `Deployment`; `null` if there is none.
        pub object_kind: Option<Untrusted>,
        /// Name of the job or the object; of a web service, that of the tool.
        pub name: Untrusted,
        /// Whether it is a web service that does not exist yet.
        pub new: bool,
        /// Requested memory limit of each pod; otherwise the current one, or the default for a new web service.
        pub memory: String,
        /// Requested CPU limit of each pod; otherwise the current one, or the default for a new web service.
        pub cpu: String,
        /// Requested number of pods; otherwise the current one, or the default for a new web service.
        pub replicas: u64,
        /// The largest memory limit that allows the change and later restarts as usual; `null` if there is none, or if nothing
        /// bounds it.
        pub largest_memory: Option<String>,
        /// The largest CPU limit, likewise.
        pub largest_cpu: Option<String>,
        /// The largest number of pods, likewise; `null` also for a job that is not continuous.
        pub largest_replicas: Option<u64>,
        /// The largest memory limit that allows the change and later restarts if old pods may stop before new ones are ready; `null`
        /// in the same cases as `largestMemory`.
        pub largest_memory_with_downtime: Option<String>,
        /// The largest CPU limit, likewise.
        pub largest_cpu_with_downtime: Option<String>,
        /// The largest number of pods, likewise.
        pub largest_replicas_with_downtime: Option<u64>,
        /// The sizes that neither a quota nor a limit bounds.
        pub unlimited: Vec<SizePart>,
        /// What a change to the size would do.
        pub change: RestartForecast,
        /// What a restart, or a run of a scheduled job, would do afterwards; `null` for a one-off job.
        pub restart: Option<RestartForecast>,
    }

    /// What applying files would do, jobs files, templates and manifests: `quota-check FILE`.
    pub struct FilePlan {
        /// The tool.
        pub tool: ToolName,
        /// Whether all can be applied and fits the quotas and limits; `null` if no quota is known, or one is not counted yet.
        pub fits: Option<bool>,
        /// Whether and when it fits, and if not, why.
        pub verdict: Verdict,
        /// The jobs, objects and the web service of the files, in the order in which they would be applied.
        pub changes: Vec<FileChange>,
        /// The quotas.
        pub quotas: Vec<QuotaRow>,
        /// Limits that are exceeded.
        pub violations: Vec<Violation>,
        /// Why something cannot be applied.
        pub problems: Vec<PlanProblem>,
        /// The nearest sizes and rollouts that fit, or, where all fits with downtime, that have none; and the nearest schedules
        /// that make the runs of a job fit.
        pub adjustments: Vec<Adjustment>,
        /// Runs of scheduled jobs that exceed a quota together within 24 hours after the files are applied, except those that
        /// cannot start.
        pub conflicts: Vec<CalendarConflict>,
        /// Scheduled jobs and CronJobs that can never start, because workloads that keep running use the quota.
        pub blocked_runs: Vec<BlockedRun>,
    }

    /// What happens to a job, an object or the web service of a file.
    pub struct FileChange {
        /// Action on the workload.
        pub action: Action,
        /// Type of the workload.
        pub r#type: WorkloadType,
        /// Kind of its object, like `Deployment`; `null` if there is none.
        pub object_kind: Option<Untrusted>,
        /// Name of the job or the object; of a web service, that of the tool.
        pub name: Untrusted,
        /// How its pods are replaced; `null` if they are not.
        pub rollout: Option<Rollout>,
        /// When none of its pods runs; `null` if there is no downtime.
        pub downtime: Option<Downtime>,
    }

    /// Why something cannot be applied; what concerns several jobs is listed once for each.
    pub struct PlanProblem {
        /// The code.
        pub code: ProblemCode,
        /// Type of the workload.
        pub r#type: WorkloadType,
        /// Kind of its object, like `Deployment`; `null` if there is none.
        pub object_kind: Option<Untrusted>,
        /// Name of the job or the object; of a web service, that of the tool.
        pub name: Untrusted,
        /// The file; `null` if it is about no place in a file.
        pub file: Option<Untrusted>,
        /// The line in the file, from 1.
        pub line: Option<u64>,
        /// The column in the line, from 1.
        pub column: Option<u64>,
        /// The code as a sentence, for people.
        pub message: String,
    }

    /// A limit of a LimitRange that a container or a pod exceeds.
    pub struct Violation {
        /// The code.
        pub code: ViolationCode,
        /// What the container or the pod belongs to.
        pub r#type: Option<WorkloadType>,
        /// Kind of its object, like `Deployment`.
        pub object_kind: Option<Untrusted>,
        /// Name of the job or the object; of a web service, that of the tool.
        pub name: Option<Untrusted>,
        /// Name of the LimitRange; `null` if the container breaks its own limits, or lacks what a quota requires.
        pub limit_range: Option<String>,
        /// Name of the quota that requires an amount; else `null`.
        pub quota: Option<String>,
        /// Name of the resource, like `cpu` or `memory`.
        pub resource: String,
        /// The code as a sentence, for people.
        pub message: String,
    }
}

codes! {
    /// What is done to an object or a job.
    pub enum Action {
        /// It is created.
        Create = "create",
        /// It is changed.
        Update = "update",
        /// It is deleted and created again.
        Recreate = "recreate",
        /// It is deleted.
        Delete = "delete",
        /// It stays as it is.
        Keep = "keep",
    }

    /// How pods are replaced.
    pub enum Rollout {
        /// A new pod starts before an old one stops.
        Surge = "surge",
        /// A quarter of the pods is replaced at a time, the default of Kubernetes.
        Rolling = "rolling",
        /// One old pod after the other stops before its new one starts.
        InPlace = "in-place",
        /// All old pods stop before the new ones start.
        Recreate = "recreate",
        /// As the strategy of a manifest says.
        Stated = "stated",
    }

    /// When nothing runs.
    pub enum Downtime {
        /// Until the new pods are ready, because the old ones stop first.
        BetweenPods = "between-pods",
        /// Until the deleted workload is created again.
        UntilRecreated = "until-recreated",
    }

    /// A part of the size of a workload.
    pub enum SizePart {
        /// The memory limit of each pod.
        Memory = "memory",
        /// The CPU limit of each pod.
        Cpu = "cpu",
        /// The number of pods.
        Replicas = "replicas",
    }

    /// A part of a pod that has amounts of its own.
    pub enum PodPart {
        /// A container.
        Container = "container",
        /// An init container.
        InitContainer = "init-container",
        /// The pod as a whole (`spec.resources`).
        Pod = "pod",
        /// Each container and init container: the amounts are the most that one may have, and those with less stay as they are.
        EachContainer = "each-container",
    }

    /// Why something cannot be applied.
    pub enum ProblemCode {
        /// The request cannot be planned, for example because its image does not exist.
        Plan = "plan",
        /// The platform's jobs service has recorded the job; `--adopt` takes it over.
        Recorded = "recorded",
        /// A one-off job of that name is running, and differs.
        Running = "running",
        /// Several jobs are published.
        SeveralPublished = "several-published",
        /// A run exceeds the whole quota.
        NeverFits = "never-fits",
        /// A second template, job or object of a name.
        Repeated = "repeated",
        /// A field would change that the API server does not let change; the object has to be deleted first.
        Immutable = "immutable",
    }

    /// A possible problem of a job.
    pub enum PlanWarningCode {
        /// The image is deprecated.
        DeprecatedImage = "deprecated-image",
        /// The command contains `$$`, which Kubernetes replaces.
        DoubledDollar = "doubled-dollar",
        /// The schedule skips months that are too short.
        ShortMonths = "short-months",
        /// The schedule runs only in leap years.
        LeapYears = "leap-years",
        /// The schedule never runs.
        NeverRuns = "never-runs",
        /// A step of the schedule is larger than the range of its field, and has no effect.
        LongStep = "long-step",
        /// The command contains curly quotes, which a shell does not read as quotes.
        CurlyQuotes = "curly-quotes",
        /// The command has shell syntax, and no shell runs it.
        ShellSyntax = "shell-syntax",
        /// The schedule is suspended and stays suspended.
        Suspended = "suspended",
    }

    /// How a container breaks a limit.
    pub enum ViolationCode {
        /// More than the maximum.
        AboveMax = "above-max",
        /// No limit, although there is a maximum.
        NoLimit = "no-limit",
        /// Less than the minimum.
        BelowMin = "below-min",
        /// No request, although there is a minimum.
        NoRequest = "no-request",
        /// A limit that is too many times the request.
        AboveRatio = "above-ratio",
        /// No limit or no request, although their ratio is limited.
        NoRatio = "no-ratio",
        /// A request above the limit.
        RequestAboveLimit = "request-above-limit",
        /// A request of devices or huge pages that is not the limit.
        RequestIsNotLimit = "request-is-not-limit",
        /// No request, although a quota requires one.
        QuotaNeedsRequest = "quota-needs-request",
        /// No limit, although a quota requires one.
        QuotaNeedsLimit = "quota-needs-limit",
    }
}
