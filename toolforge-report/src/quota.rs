use toolforge_model::{ToolName, Untrusted};

use crate::describe::{codes, structs};
use crate::web_service::CauseCode;
use crate::workload::WorkloadType;

structs! {
    /// The quotas and limits of a tool's namespace, with their usage: `quota-check`, `jobs quota`.
    pub struct QuotaReport {
        /// The tool.
        pub tool: ToolName,
        /// The namespace's ResourceQuotas.
        pub quotas: Vec<Quota>,
        /// The namespace's LimitRanges.
        pub limits: Vec<LimitRange>,
        /// What the cluster does not let this user read: the kinds `ResourceQuota` and `LimitRange`, or the resource of other
        /// objects, like `pods`; else empty.
        pub unread: Vec<String>,
        /// The workloads whose pods use the quota, those with the largest share first; `null` if that is not known, as in
        /// `jobs quota`.
        pub workloads: Option<Vec<WorkloadUsage>>,
        /// The objects for which a quota or a limit has refused a pod or a Job within the last hour, those that are blocked now
        /// first; `null` if that is not known.
        pub blocked: Option<Vec<BlockedObject>>,
        /// The next run of each scheduled job, the soonest first; `null` if that is not known.
        pub runs: Option<Vec<UpcomingRun>>,
    }

    /// What the pods of a workload use of the quota.
    pub struct WorkloadUsage {
        /// Type of the workload.
        pub r#type: WorkloadType,
        /// Kind of its object, like `Deployment`; `null` if there is none.
        pub object_kind: Option<Untrusted>,
        /// Name of the job or the object; of a web service, that of the tool.
        pub name: Untrusted,
        /// Number of running pods.
        pub pods: u64,
        /// CPU limit of all its pods.
        pub cpu: String,
        /// Memory limit of all its pods.
        pub memory: String,
        /// The largest share of a quota's CPU, memory or pods that it uses, in percent; `null` if there is no quota.
        pub share: Option<u64>,
        /// The resource with this share.
        pub share_of: Option<String>,
        /// Measured use of CPU; `null` if there is no measurement.
        pub measured_cpu: Option<String>,
        /// Measured use of memory; `null` if there is no measurement.
        pub measured_memory: Option<String>,
    }

    /// An object for which a quota or a limit has refused a pod or a Job.
    pub struct BlockedObject {
        /// The code.
        pub code: CauseCode,
        /// Kind of the object.
        pub object_kind: Untrusted,
        /// Name of the object.
        pub name: Untrusted,
        /// The resources that were exceeded; empty if a limit of a container was.
        pub resources: Vec<Untrusted>,
        /// Message of the API server.
        pub message: Untrusted,
        /// Time of the first refusal that is still known, RFC 3339.
        pub since: Option<String>,
        /// Time of the last refusal, RFC 3339.
        pub last: Option<String>,
        /// Number of refusals; 0 if only the status of the object says that there are some.
        pub count: u64,
        /// Whether it is blocked now: it still tries, and is refused.
        pub current: bool,
    }

    /// The next run of a scheduled job.
    pub struct UpcomingRun {
        /// Name of the scheduled job, or of the CronJob.
        pub name: String,
        /// Time at which it is due, RFC 3339.
        pub due: String,
        /// CPU limit of its pod.
        pub cpu: String,
        /// Memory limit of its pod.
        pub memory: String,
        /// Whether it would fit in addition to current usage.
        pub verdict: Verdict,
    }

    /// A ResourceQuota.
    pub struct Quota {
        /// Name of the ResourceQuota.
        pub name: String,
        /// Which pods it counts, in words, like `Terminating`; empty if it counts all pods and objects.
        pub scopes: Vec<String>,
        /// The limited resources.
        pub resources: Vec<ResourceUsage>,
    }

    /// A resource that a quota limits.
    pub struct ResourceUsage {
        /// Name of the resource, like `pods` or `limits.memory`.
        pub resource: String,
        /// The limit, as a Kubernetes quantity, exactly as the cluster states it.
        pub hard: String,
        /// The usage, as a Kubernetes quantity, exactly as the cluster states it.
        pub used: String,
        /// How much of the limit is used.
        pub state: QuotaState,
        /// Why the numbers are not exact; `null` if they are.
        pub note: Option<QuotaNote>,
        /// Another limit that the quota controller has not applied yet.
        pub pending: Option<String>,
    }

    /// The limits of a LimitRange.
    pub struct LimitRange {
        /// Name of the LimitRange.
        pub name: String,
        /// The limits for each container.
        pub container: Vec<ContainerLimits>,
        /// The limits for the sums of each pod's containers.
        pub pod: Vec<ContainerLimits>,
        /// The limits for each PersistentVolumeClaim.
        pub claim: Vec<ContainerLimits>,
        /// The fields that are not quantities, like `max.cpu`.
        pub unreadable: Vec<String>,
    }

    /// The limits of each container, pod or claim for one resource, as Kubernetes quantities.
    pub struct ContainerLimits {
        /// Name of the resource, like `cpu` or `memory`.
        pub resource: String,
        /// Limit of a container that has none.
        pub default: Option<String>,
        /// Request of a container that has none.
        pub default_request: Option<String>,
        /// The minimum.
        pub min: Option<String>,
        /// The maximum.
        pub max: Option<String>,
        /// How many times its request a limit may be, like `1.5`.
        pub max_limit_request_ratio: Option<String>,
    }
}

codes! {
    /// How much of a quota's limit is used; the words are those of `FleetState`.
    pub enum QuotaState {
        /// Less than the threshold is used.
        Ok = "ok",
        /// At least the threshold is used: 80 percent, or that of `quota-check --all --threshold`.
        Near = "near",
        /// All of it is used: nothing more can be created of it.
        Blocked = "blocked",
        /// More than the limit is used, which is blocked, too.
        Over = "over",
        /// The limit is zero, and nothing is used.
        NotAllowed = "not-allowed",
        /// The usage is not known.
        Unknown = "unknown",
    }

    /// Why the numbers of a resource of a quota are not exact.
    pub enum QuotaNote {
        /// The limit is not a quantity, and nothing is checked against it.
        Unreadable = "unreadable",
        /// The quota is new, and its usage is not counted yet.
        NotCountedYet = "not-counted-yet",
        /// The quota controller has not applied a new limit yet.
        Pending = "pending",
        /// The cluster has nothing of that name to count.
        NotCounted = "not-counted",
        /// For the check, the limit is rounded down and the usage up.
        Rounded = "rounded",
    }
}

codes! {
    /// Whether a change fits the quotas and limits.
    pub enum Verdict {
        /// It fits at every moment.
        Fits = "fits",
        /// It fits, but some pods cannot be created before old ones have terminated.
        FitsAfterTermination = "fits-after-termination",
        /// It fits, but not all at once: some pods are created when pods of jobs have terminated.
        FitsOneAfterAnother = "fits-one-after-another",
        /// It fits as long as no pod of a Job fails: not all retries would fit.
        FitsWithoutRetries = "fits-without-retries",
        /// It is not known whether it fits: a quota has no status yet, and the cluster refuses pods until it has one.
        NotCounted = "not-counted",
        /// What is added fits, if anything is, but pods that are missing of existing workloads do not, and cannot be created.
        MissingPods = "missing-pods",
        /// It does not fit in addition to current usage.
        QuotaExceeded = "quota-exceeded",
        /// New pods would wait for old ones, which stop only when new ones are ready.
        Deadlock = "deadlock",
        /// It alone is more than a quota or a limit allows.
        Never = "never",
        /// No quota is known, so nothing was checked.
        NotChecked = "not-checked",
    }
}
