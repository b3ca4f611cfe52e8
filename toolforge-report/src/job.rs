use std::collections::BTreeMap;

use toolforge_model::{JobName, Untrusted};

use crate::describe::{codes, structs};
use crate::image::ImageState;
use crate::web_service::{Cause, LastTermination, Mount};
use crate::workload::WorkloadType;

structs! {
    /// The jobs of a tool: `jobs list`.
    pub struct JobList {
        /// Continuous jobs, then scheduled jobs, then one-off jobs.
        pub jobs: Vec<Job>,
        /// Deployments, CronJobs, Jobs and pods that neither these programs nor the platform's tools manage.
        pub unmanaged: Vec<UnmanagedWorkload>,
    }

    /// A Deployment, CronJob, Job or pod that neither these programs nor the platform's tools manage, such as one of `kubectl
    /// apply`: `jobs list`, `jobs show`.
    pub struct UnmanagedWorkload {
        /// Whether these programs or the platform's tools manage it.
        pub managed: bool,
        /// Type of the workload, as of a job that does the same.
        pub r#type: WorkloadType,
        /// Kind of the object: `Deployment`, `CronJob`, `Job` or `Pod`.
        pub object_kind: String,
        /// Name of the object.
        pub name: String,
        /// The name for commands, like `deployment/bot`.
        pub reference: String,
        /// The owner's name for commands; `null` if there is none.
        pub owner: Option<String>,
        /// The program that created it, by its managed fields, like `kubectl-client-side-apply`; `null` if that is not known.
        pub created_by: Option<Untrusted>,
        /// Cron expression of a CronJob.
        pub schedule: Option<Untrusted>,
        /// Image of the first container.
        pub image: Option<Untrusted>,
        /// Command of the first container with its arguments; `null` if the image's own is run.
        pub command: Option<Untrusted>,
        /// Number of pods of a Deployment.
        pub replicas: Option<u64>,
        /// Names of its pods.
        pub pods: Vec<String>,
        /// What it uses of the quota now.
        pub usage: Vec<UsedResource>,
        /// The state.
        pub status: JobStatus,
    }

    /// An amount of a resource of a quota.
    pub struct UsedResource {
        /// Name of the resource.
        pub resource: String,
        /// The amount, as a Kubernetes quantity.
        pub used: String,
    }

    /// A job: `jobs show`; `null` for platform defaults and for fields of other types of jobs.
    pub struct Job {
        /// Whether these programs or the platform's tools manage it, as every job.
        pub managed: bool,
        /// Type of the job: `one-off`, `scheduled` or `continuous`.
        pub r#type: WorkloadType,
        /// Name of the job.
        pub name: JobName,
        /// Schedule as it was written, like `@daily`.
        pub schedule: Option<String>,
        /// Schedule as a cron expression, in UTC.
        pub cron_expression: Option<String>,
        /// Image type, or image of the build service.
        pub image: String,
        /// Whether the image should be used.
        pub image_state: ImageState,
        /// The command.
        pub command: String,
        /// CPU of each pod.
        pub cpu: Option<String>,
        /// Memory limit of each pod.
        pub memory: Option<String>,
        /// Number of pods of a continuous job.
        pub replicas: Option<u32>,
        /// Port with its protocol, like `8080/tcp`.
        pub port: Option<String>,
        /// URL outside the cluster.
        pub public_url: Option<String>,
        /// Shared storage.
        pub mount: Mount,
        /// When emails are sent: `none`, `all`, `onfinish` or `onfailure`.
        pub emails: String,
        /// How often a failed run is retried.
        pub retry: Option<u8>,
        /// Seconds after which a run is stopped.
        pub timeout: Option<u32>,
        /// The log files.
        pub file_log: FileLog,
        /// Environment variables.
        pub environment: BTreeMap<String, String>,
        /// The health check of a continuous job.
        pub health_check: Option<HealthCheck>,
        /// The state.
        pub status: JobStatus,
    }

    /// The files to which a job's output is appended.
    pub struct FileLog {
        /// Whether the output is written to files.
        pub enabled: bool,
        /// Path of the file for standard output.
        pub stdout: Option<String>,
        /// Path of the file for standard error.
        pub stderr: Option<String>,
    }

    /// A health check: a command or a page.
    pub struct HealthCheck {
        /// Command that exits with 0 while the job is healthy.
        pub script: Option<String>,
        /// Path of a page on the job's port.
        pub http: Option<String>,
    }

    /// The state of a job.
    pub struct JobStatus {
        /// The state.
        pub state: JobState,
        /// The state in the platform's words.
        pub short: ShortState,
        /// Time since which the job has this state, RFC 3339.
        pub since: Option<String>,
        /// Number of ready pods of a continuous job.
        pub ready: Option<u32>,
        /// Number of container restarts.
        pub restarts: u32,
        /// The last termination of a container.
        pub last_termination: Option<LastTermination>,
        /// Why it does not run, the most important cause first.
        pub causes: Vec<Cause>,
        /// Time of the previous run, RFC 3339.
        pub previous_run: Option<String>,
        /// Time of the next run, RFC 3339.
        pub next_run: Option<String>,
        /// Scheduled runs that did not start.
        pub missed: Option<MissedRuns>,
    }

    /// Scheduled runs that did not start.
    pub struct MissedRuns {
        /// How many, since the previous run.
        pub count: usize,
        /// Time of the last one, RFC 3339.
        pub last: String,
        /// Why it did not start.
        pub code: MissedReason,
        /// The code as a sentence, for people.
        pub message: String,
    }
}

codes! {
    /// The state of a job.
    pub enum JobState {
        /// All pods run.
        Running = "running",
        /// It runs while its pods are replaced.
        Updating = "updating",
        /// It runs with fewer pods than desired.
        Degraded = "degraded",
        /// No pod runs yet.
        Starting = "starting",
        /// The last try failed; the next one follows.
        Retrying = "retrying",
        /// It waits for the next time of its schedule.
        Waiting = "waiting",
        /// Its pods cannot start, or terminate again and again.
        Failing = "failing",
        /// The cluster refuses its pods.
        Blocked = "blocked",
        /// It finished.
        Succeeded = "succeeded",
        /// It failed.
        Failed = "failed",
        /// Its schedule is suspended.
        Suspended = "suspended",
        /// Its number of replicas is zero.
        ScaledToZero = "scaled-to-zero",
        /// It is being deleted.
        Stopping = "stopping",
    }

    /// The state of a job in the platform's words.
    pub enum ShortState {
        /// It runs.
        Running = "running",
        /// It does not run yet, or not now.
        Pending = "pending",
        /// It finished.
        Succeeded = "succeeded",
        /// It failed, or cannot run.
        Failed = "failed",
    }

    /// Why a scheduled run did not start.
    pub enum MissedReason {
        /// An earlier run was still running.
        StillRunning = "still-running",
        /// The quota was exceeded.
        QuotaExceeded = "quota-exceeded",
        /// The API server refused it.
        Refused = "refused",
        /// The cluster missed the time by more than 30 seconds.
        TooLate = "too-late",
        /// The reason is not known any more.
        Unknown = "unknown",
    }
}
